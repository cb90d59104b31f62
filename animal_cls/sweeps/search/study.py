"""The record of a search, in its folder: what is searched in search.json, its trials in Optuna's journal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from animal_cls.errors import UserError
from animal_cls.files import atomic, disk
from animal_cls.sweeps.search.space import Range

SEARCH, JOURNAL, NAME = "search.json", "journal.log", "search"
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
    allowed: tuple[str, ...] = ()  # modules that the trials may call code of

    @property
    def sampler(self) -> str:
        return f"TPE, the first {STARTUP} trials at random"

    @property
    def pruner(self) -> str:
        return f"median of the earlier trials at the same epoch, after {STARTUP} trials and {self.warmup} epochs"

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
    """Claim `folder` for a search; one that searches the same there is gone on with.

    Raises:
        UserError: another search is there.
    """
    disk.make_folder(folder, "--dir")
    try:
        atomic.write_new(folder / SEARCH, json.dumps(asdict(search), indent=2) + "\n")
    except FileExistsError:
        there = read(folder)
        if (there.fixed, there.ranges) != (search.fixed, search.ranges):
            words = " ".join([*there.fixed, *(str(one).partition(" ")[0] for one in there.ranges)])
            raise UserError(
                f"{folder}: holds another search ({words}). Choose another --dir, or go on with that one: "
                f"python -m animal_cls search {folder}"
            ) from None


def read(folder: Path) -> Search:
    """What is searched in `folder`; raises `UserError` where nothing is, or its record is damaged."""
    path = folder / SEARCH
    try:
        raw = json.loads(path.read_bytes())
        ranges = tuple(Range(**one) for one in raw.pop("ranges"))
        named = {name: tuple(raw.pop(name)) for name in ("fixed", "allowed")}
        return Search(ranges=ranges, **named, **raw)
    except FileNotFoundError:
        raise UserError(f"{folder}: holds no search ({SEARCH}).") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: damaged ({error}). Start the search again in another folder.") from None


def opened(search: Search, folder: Path, *, offset: int = 0) -> Any:
    """Optuna's study in `folder`, which several processes can have open.

    Args:
        offset: tells the random numbers of this process from those of others.

    Raises:
        UserError: a journal of something else.
    """
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(
        n_startup_trials=STARTUP, multivariate=True, constant_liar=True, seed=search.seed + offset
    )
    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=search.warmup)
    try:
        storage = JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
        study = optuna.create_study(
            storage=storage,
            study_name=NAME,
            direction="maximize",
            sampler=sampler,
            pruner=pruner,
            load_if_exists=True,
        )
    except (ValueError, KeyError) as error:
        raise UserError(f"{folder / JOURNAL}: is no journal of a search, or damaged ({error}).") from None
    _require_same(study, search, folder)
    return study


def _require_same(study: Any, search: Search, folder: Path) -> None:
    keys = {one.key for one in search.ranges}
    if other := [trial for trial in study.get_trials(deepcopy=False) if trial.params and set(trial.params) != keys]:
        raise UserError(
            f"{folder / JOURNAL}: is of another search: it varies {', '.join(sorted(other[0].params))}, and "
            f"{SEARCH} {', '.join(sorted(keys))}. Put back the one that belongs here, or choose another --dir."
        )


def distributions(ranges: Sequence[Range]) -> Mapping[str, Any]:
    """The ranges in Optuna's form."""
    from optuna.distributions import FloatDistribution, IntDistribution

    return {
        one.key: IntDistribution(int(one.low), int(one.high), log=one.log)
        if one.whole
        else FloatDistribution(one.low, one.high, log=one.log)
        for one in ranges
    }
