"""The record of a search, in its folder: what is searched in search.json, its trials in Optuna's journal."""

import json
import os
import shlex
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from animal_cls.errors import UserError
from animal_cls.files import atomic, disk
from animal_cls.files.text import plural
from animal_cls.sweeps.search.space import Range

SEARCH, JOURNAL, NAME = "search.json", "journal.log", "search"
SEARCHED = "searched"  # attribute of the study in the journal
STARTUP = 5  # trials that are drawn at random, and that no trial is pruned before


@dataclass(frozen=True, kw_only=True)
class Search:
    """What is searched."""

    fixed: tuple[str, ...]  # overrides that all trials share
    ranges: tuple[Range, ...]
    trials: int
    epochs: int  # of a trial that is not pruned
    seed: int = 0  # of the sampler
    cwd: str  # the folder that it was started in, to which relative paths belong
    config_dirs: tuple[str, ...] = ()  # folders of option files beside our own
    usual: Mapping[str, Any] = field(
        default_factory=dict
    )  # the seed, and each key that is varied -> its value unsearched

    @property
    def sampler(self) -> str:
        return f"TPE, the first {STARTUP} trials at random"

    @property
    def pruner(self) -> str:
        after = f"{STARTUP} trials and {plural(self.warmup, 'epoch')}"
        return f"median of the earlier trials at the same epoch, after {after}"

    @property
    def warmup(self) -> int:
        """Epochs before which no trial is pruned."""
        return max(1, self.epochs // 4)


def require() -> None:
    """Raise `UserError` where Optuna is not installed."""
    from importlib.util import find_spec

    if find_spec("optuna") is None:
        raise UserError("search: needs the package optuna. Install it: python -m pip install 'animal-cls[search]'")


def write(search: Search, folder: Path) -> None:
    """Claim `folder` for a search.

    Raises:
        UserError: another search is there, meanwhile.
    """
    disk.make_folder(folder, "--dir")
    try:
        atomic.write_new(folder / SEARCH, json.dumps(asdict(search), indent=2) + "\n")
    except FileExistsError:
        require_same(search, folder)


def require_same(search: Search, folder: Path) -> Search:
    """The search in `folder`; raises `UserError` where it is another one than `search`."""
    there = read(folder)
    if searched(there) != searched(search):
        raise UserError(
            f"{folder}: holds another search ({searched(there)}). Choose another --dir, or go on with that one: "
            f"python -m animal_cls search {shlex.quote(str(folder))}"
        )
    return there


def read(folder: Path) -> Search:
    """What is searched in `folder`; raises `UserError` where nothing is, or its record is damaged."""
    path = folder / SEARCH
    try:
        raw = json.loads(path.read_bytes())
        ranges = tuple(Range(**one) for one in raw.pop("ranges"))
        words = {name: tuple(map(str, raw.pop(name))) for name in ("fixed", "config_dirs")}
        return Search(ranges=ranges, **words, **raw)
    except FileNotFoundError:
        raise UserError(f"{folder}: holds no search ({SEARCH}).") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: damaged ({error}). Start the search again in another folder.") from None


def opened(search: Search, folder: Path) -> Any:
    """Optuna's study in `folder`, which several processes can have open.

    Raises:
        UserError: a journal of something else.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = folder / JOURNAL
    try:
        drop_torn_end(path)
        is_new = not path.exists() or not path.stat().st_size
        storage = JournalStorage(JournalFileBackend(str(path)))
        names = optuna.get_all_study_names(storage)
        if other := set(names) - {NAME}:
            raise _foreign(path, f"of Optuna's study {sorted(other)[0]}")
        if not is_new and not names:
            raise ValueError("there is no study in it")
        pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=search.warmup)
        if is_new:
            optuna.create_study(storage=storage, study_name=NAME, direction="maximize", load_if_exists=True)
        study = optuna.load_study(storage=storage, study_name=NAME, pruner=pruner)
    except OSError as error:
        raise UserError(f"{path}: cannot be read and written ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise UserError(
            f"{path}: is no journal of a search, or damaged ({type(error).__name__}: {error}). Put back the one that "
            "belongs here, or search in another folder: --dir DIR."
        ) from None
    _require_same(study, search, path)
    return study


def drop_torn_end(path: Path) -> None:
    """Cut off the part of a line at the journal's end that a process has left whose disk was full, or who died."""
    from optuna.storages.journal import JournalFileSymlinkLock

    if not _is_torn(path):
        return
    lock = JournalFileSymlinkLock(str(path))  # whoever is writing the line has it
    lock.acquire()
    try:
        with path.open("r+b") as file:
            whole = file.read().rfind(b"\n") + 1
            if whole:  # else it may be anything
                file.truncate(whole)
    finally:
        lock.release()


def _is_torn(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.seek(0, os.SEEK_END) > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read() != b"\n"
    except FileNotFoundError:
        return False


def _require_same(study: Any, search: Search, path: Path) -> None:
    """Note in a new journal what is searched; raises `UserError` where an old one is of something else."""
    known = study.user_attrs.get(SEARCHED)
    if known is None and not study.get_trials(deepcopy=False):
        study.set_user_attr(SEARCHED, searched(search))
    elif known != searched(search):
        raise _foreign(path, f"it is of {known}" if known else "it does not say of which")


def _foreign(path: Path, why: str) -> UserError:
    return UserError(
        f"{path}: is of another search ({why}). Put back the one that belongs here, or search in another folder: "
        "--dir DIR."
    )


def searched(search: Search) -> str:
    """What is searched, as it is typed."""
    return " ".join([*search.fixed, *(one.word for one in search.ranges)])


def sampler(search: Search, number: int) -> Any:
    """What chooses the numbers of one trial.

    It is made anew for each, with random numbers of its own: then processes that work side by side draw different ones,
    and a search that was killed goes on as it would have gone on.
    """
    import numpy as np
    import optuna

    seed = int(np.random.SeedSequence([search.seed, number]).generate_state(1)[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # before optuna 5
        return optuna.samplers.TPESampler(n_startup_trials=STARTUP, multivariate=True, constant_liar=True, seed=seed)


def suggest(trial: Any, ranges: Sequence[Range]) -> dict[str, float]:
    """The numbers of a trial: those that it has, and for a new one the sampler's."""
    return {
        one.key: trial.suggest_int(one.key, int(one.low), int(one.high), log=one.log)
        if one.whole
        else trial.suggest_float(one.key, one.low, one.high, log=one.log)
        for one in ranges
    }
