"""Arms in numbers: each metric over its seeds or folds, and how sure the arm is against how often it is right."""

from collections.abc import Callable, Sequence

import numpy as np

from animal_cls import statistics
from animal_cls.report.analysis.folds import interval_over, of_split
from animal_cls.report.analysis.levels import ends_of, tables
from animal_cls.report.analysis.memory import remembered
from animal_cls.report.analysis.pairing import Paired, rows_of
from animal_cls.report.analysis.variances import number
from animal_cls.report.records import COMPARED_METRICS, RUN_METRICS, SPLIT_METRICS, ArmRow, Reliability
from animal_cls.results import SPLITS, Result
from animal_cls.results.arms.arm import Arm

CALIBRATED = ("val", "test")  # training images say nothing of how sure one may be of new ones


def arm_rows(arms: Sequence[Arm]) -> list[ArmRow]:
    """A row per arm, split and metric that at least one of its finished runs has."""
    return [row for arm in arms for row in _rows(arm)]


@remembered
def _rows(arm: Arm) -> list[ArmRow]:
    told = tables(arm)
    of_splits = [
        _row(arm, split, metric, of_split(split, metric), told.get(split) if metric in COMPARED_METRICS else None)
        for split in SPLITS
        for metric in SPLIT_METRICS
    ]
    of_runs = [_row(arm, "", metric, OF_RUN[metric]) for metric in RUN_METRICS]
    return [row for row in (*of_splits, *of_runs) if row is not None]


def _row(
    arm: Arm, split: str, metric: str, of: Callable[[Result], float | None], table: Paired | None = None
) -> ArmRow | None:
    """A number of each run, averaged; None where no run has it. `table`: what its seeds say of each image."""
    values = [value for run in arm.done.values() if run.result is not None and (value := of(run.result)) is not None]
    if not values:
        return None
    several = len(arm.folds) > 1
    over = interval_over(arm, of, split or "test") if several else statistics.mean_interval(values)
    ends = ends_of(arm, of, split, values, table, metric)
    return ArmRow(
        arm=arm.name,
        model=arm.model,
        reg=arm.reg,
        split=split,
        metric=metric,
        n_seeds=min(len(one.done) for one in arm.folds.values()) if several else over.n,
        n_folds=over.n if several else len(arm.folds) or None,
        kind=arm.kind,
        failed=len(arm.failed),
        mean=over.mean,
        ci_low=ends.low,
        ci_high=ends.high,
        std=number(over.std),
        over=ends.over,
    )


def gap(result: Result) -> float | None:
    """Training minus validation accuracy of the evaluated checkpoint, a fraction; by the labels that were given."""
    if not {"train", "val"} <= result.splits.keys():
        return None
    train = result.splits["train"].acc if result.label_noise is None else result.label_noise.acc
    return train - result.splits["val"].acc


OF_RUN: dict[str, Callable[[Result], float | None]] = {
    "gap": gap,
    "epochs": lambda result: result.epochs,
    "seconds": lambda result: result.seconds,
    "parameters": lambda result: result.parameters,
}


def mean_of(rows: Sequence[ArmRow], *, arm: str, split: str, metric: str) -> ArmRow | None:
    """The row of an arm, split and metric."""
    return next((row for row in rows if (row.arm, row.split, row.metric) == (arm, split, metric)), None)


def reliabilities(arms: Sequence[Arm]) -> list[Reliability]:
    """For val and test, the images of all of an arm's seeds in bins of confidence."""
    return [made for arm in arms for split in CALIBRATED if (made := _reliability(arm, split)) is not None]


def _reliability(arm: Arm, split: str) -> Reliability | None:
    evaluated = [run.predictions for run in arm.done.values() if run.predictions is not None]
    parts = [(said, rows_of(said.images, split)) for said in evaluated]
    if not sum(len(rows) for _, rows in parts):
        return None
    confidence = np.concatenate([said.confidence[rows] for said, rows in parts])
    right = np.concatenate([said.right[rows] for said, rows in parts])
    bins = statistics.expected_calibration(confidence, right)
    row = mean_of(_rows(arm), arm=arm.name, split=split, metric="ece")
    return Reliability(
        arm=arm.name,
        split=split,
        edges=tuple(bins.edges.tolist()),
        counts=tuple(bins.counts.astype(int).tolist()),
        confidence=tuple(map(number, bins.confidence.tolist())),
        accuracy=tuple(map(number, bins.accuracy.tolist())),
        ece=bins.ece if row is None else row.mean,
    )
