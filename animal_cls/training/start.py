"""How a run began: start.json, with its config and what it computed with; where others went on with it is added."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from animal_cls.config.schema import Config
from animal_cls.config.text_keys import with_text_keys
from animal_cls.errors import UserError
from animal_cls.files import atomic
from animal_cls.results import METRICS, PREDICTIONS, START, Environment, flat, load, resume_command

WRITTEN = (METRICS, PREDICTIONS, "packages.txt", "figures", "tensorboard")  # in a run's folder, after START
WAY_OUT = "Choose another folder: hydra.run.dir=... or hydra.sweep.dir=..."
SHOWN = 5  # keys of a difference; more are only counted
# Of an environment, what decides the last bits of a number.
DECISIVE = ("python", "animal-cls", "torch", "torchvision", "lightning", "torchmetrics", "numpy", "pillow")


@dataclass(frozen=True, kw_only=True)
class Start:
    """What is certain of a run before its first checkpoint."""

    config: dict[str, Any]  # plain values
    derived: dict[str, str]  # key of `config` that only repeats another -> that key
    environments: list[Environment]  # the first process, and those that went on with something else
    data_fingerprint: str | None = None  # of its images; None until they were found


class OtherConfig(UserError):
    """What shall go on is not the run that began; nothing is recorded of it."""


def write(start: Start, folder: Path) -> None:
    """Write start.json with its checksum; one that was there is replaced."""
    record = _plain(asdict(start))
    atomic.write(folder / START, json.dumps({**record, "checksum": _checksum(record)}, indent=2) + "\n")


def read(folder: Path) -> Start | None:
    """What start.json says; None where no run has begun in `folder`.

    Raises:
        UserError: it is damaged or was edited.
        OSError: it cannot be read now.
    """
    path = folder / START
    try:
        record = json.loads(path.read_bytes())
        if record.pop("checksum") != _checksum(record):
            raise ValueError("its checksum does not fit")
        environments = [Environment(**one) for one in record["environments"]]
        return Start(**{**record, "environments": environments})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path}: damaged or edited ({error}). Put it back as it was; or move it away: then the run goes on with "
            "the config in its last checkpoint, or is started again in another folder if it has none."
        ) from None


def add(environment: Environment, folder: Path) -> list[Environment]:
    """All environments of the run in `folder`; that of this process is noted where it differs from the one before."""
    start = read(folder)
    if start is None:
        return [environment]
    if replace(environment, epoch=0) == replace(start.environments[-1], epoch=0):
        return start.environments
    start = replace(start, environments=[*start.environments, environment])
    write(start, folder)
    return start.environments


def note_images(fingerprint: str, folder: Path) -> None:
    """Write down which images the run in `folder` has found."""
    start = read(folder)
    if start is not None and start.data_fingerprint is None:
        write(replace(start, data_fingerprint=fingerprint), folder)


def refuse_begun(folder: Path) -> None:
    """Raise `UserError` where a run is unfinished in `folder`, or a user's own files would be written over.

    A run that failed before it learned anything may go.
    """
    result = load(folder)
    has_failed = result is not None and result.status != "done"
    if ((folder / START).exists() and not has_failed) or has_checkpoints(folder):
        raise unfinished(folder)
    if result is None:
        atomic.refuse_foreign(folder, WRITTEN, but="no run", way_out=WAY_OUT)


def refuse_among_images(config: Config, folder: Path) -> None:
    """Raise `UserError` where a run would lie in the folder of its images, as one of the classes."""
    root = None if config.data.root is None else Path(config.data.root).resolve()
    if root is not None and root in (folder.resolve(), *folder.resolve().parents):
        raise UserError(f"{folder}: lies in data.root={config.data.root}, whose folders are classes. {WAY_OUT}")


def unfinished(folder: Path) -> UserError:
    """What to say to whoever would begin a run where another one can go on."""
    return UserError(
        f"{folder}: holds an unfinished run, which is not written over. Go on with it: {resume_command(folder)} "
        "(or choose another folder: hydra.run.dir=... or hydra.sweep.dir=...)"
    )


def has_checkpoints(folder: Path) -> bool:
    """Whether a run has come so far that a file of its weights is there, damaged or not."""
    return any((folder / "checkpoints").glob("*.ckpt*"))


def require_same(config: Config, folder: Path) -> None:
    """Raise `OtherConfig` where the run in `folder` began with another config."""
    if (start := read(folder)) is not None and (found := differences(asdict(config), start.config)):
        raise OtherConfig(f"{folder}: {found}. A run goes on as it began ({START}); start another one elsewhere.")


def differences(config: Mapping[str, Any], began: Mapping[str, Any]) -> str:
    """The keys in which a config differs from the one that a run began with, in words; "" where it does not.

    A key that the older one does not have is of a later version and has its default.
    """
    now, then = flat(_plain(with_text_keys(config))), flat(_plain(with_text_keys(began)))
    keys = [key for key in then if key not in now or now[key] != then[key]]
    words = [f"{key} is {json.dumps(now.get(key))} and was {json.dumps(then[key])}" for key in keys[:SHOWN]]
    more = len(keys) - SHOWN
    return "; ".join(words) + (f"; and {more} more keys differ" if more > 0 else "")


def changes(environments: list[Environment]) -> list[str]:
    """In what the processes of a run differed so that its last bits may: `torch 2.14.1, then 2.15.0`."""
    decisive = [_decisive(one) for one in environments]
    found = []
    for name in dict.fromkeys(name for one in decisive for name in one):
        values = list(dict.fromkeys(str(one.get(name)) for one in decisive))
        if len(values) > 1:
            found.append(f"{name} {', then '.join(values)}")
    return found


def _decisive(environment: Environment) -> dict[str, Any]:
    versions = {name: environment.versions.get(name, "not installed") for name in DECISIVE}
    named = {"commit": environment.commit, "threads": environment.threads}
    return versions | named | {"device": environment.device, "precision": environment.precision}


def _plain(record: Any) -> Any:
    """As JSON brings it back."""
    return json.loads(json.dumps(record))


def _checksum(record: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
