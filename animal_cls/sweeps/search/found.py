"""What a search has found so far: the state of each trial, and which of the keys mattered."""

from pathlib import Path
from typing import Any

import numpy as np

from animal_cls import results
from animal_cls.results.searches import DONE, PRUNED, Axis, Found, Trial, ranked
from animal_cls.sweeps.run_status import run_status
from animal_cls.sweeps.search import confirmation, study
from animal_cls.sweeps.search.space import folder_of, tried
from animal_cls.sweeps.search.study import Search

ENOUGH = 2 * study.STARTUP  # done trials from which on importance is said
STATES = {"COMPLETE": DONE, "PRUNED": PRUNED, "FAIL": "failed"}  # Optuna's -> ours; the others are those of a run


def found(opened: Any, search: Search, folder: Path) -> Found:
    """What the study that is `opened` has found; `folder` is that of the search."""
    trials = [_trial(one, folder) for one in opened.get_trials(deepcopy=False)]
    best = next(iter(ranked(trials)), None)
    return Found(
        searched=study.searched(search),
        axes=[Axis(key=one.key, low=one.low, high=one.high, log=one.log) for one in search.ranges],
        asked=search.trials,
        sampler=search.sampler,
        pruner=search.pruner,
        trials=trials,
        importance=_importance(opened, search),
        confirm="" if best is None else confirmation.command(search, best.tried),
        note=confirmation.note(search),
    )


def _trial(one: Any, folder: Path) -> Trial:
    name = folder_of(one.params)
    status = run_status(folder / name)
    result = None if one.state.name in ("PRUNED", "FAIL") or status.status != "done" else status.result
    epochs, seconds, last = _epochs(folder / name)
    return Trial(
        number=one.number + 1,
        state=STATES.get(one.state.name, status.status),
        tried=tried(one.params),
        val_acc=None if result is None else result.splits["val"].acc,
        last_val_acc=last,
        epochs=epochs,
        seconds=seconds,
        reason=status.detail if result is None else "",
        folder=name,
    )


def _epochs(run: Path) -> tuple[int, float, float | None]:
    """How many epochs a run has trained, in how many seconds, and its accuracy on val after the last of them."""
    try:
        columns = results.read_metrics(run)
    except (OSError, ValueError, KeyError, TypeError):
        return 0, 0.0, None
    if not len(columns["epoch"]):
        return 0, 0.0, None
    last = float(columns["val/acc"][-1])
    seconds = round(float(np.nansum(columns["seconds"])), 3)
    return len(columns["epoch"]), seconds, last if np.isfinite(last) else None


def _importance(opened: Any, search: Search) -> dict[str, float]:
    """The share of each key in what tells better trials from worse; empty where too few are done, or there is one key.

    PED-ANOVA, of the trials that came to their end (https://arxiv.org/abs/2304.10255), by Optuna.
    """
    import optuna

    values = [one.value for one in opened.get_trials(deepcopy=False) if one.state.name == "COMPLETE"]
    if len(values) < ENOUGH or len(search.ranges) < 2 or len(set(values)) < 2:
        return {}
    evaluator = optuna.importance.PedAnovaImportanceEvaluator()
    shares = optuna.importance.get_param_importances(opened, evaluator=evaluator)
    return {key: float(share) for key, share in shares.items()}
