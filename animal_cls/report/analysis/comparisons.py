"""Each arm against its baseline: the difference, its intervals, and what each by itself tells; see `families`."""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from animal_cls import statistics
from animal_cls.errors import UserError
from animal_cls.files.text import plural
from animal_cls.report.analysis.confounding import Factors, factors, twins
from animal_cls.report.analysis.families import Draft, family_of, settled
from animal_cls.report.analysis.folds import Folds, of_split, over_folds, over_of, shared
from animal_cls.report.analysis.levels import NEW
from animal_cls.report.analysis.memory import remembered
from animal_cls.report.analysis.pairing import Paired, evaluated_seeds, pair, values
from animal_cls.report.analysis.variances import images_test, in_units, number, scale_of, seeds_test
from animal_cls.report.format import p_equals
from animal_cls.report.records import COMPARED_METRICS, COMPARED_SPLITS, MARGIN, Comparison
from animal_cls.results.arms.arm import Arm
from animal_cls.results.runs import Repeat
from animal_cls.statistics import CrossedTest

NOT_EXACT = "predictions.csv rounds some probabilities to 0, whose loss is in no table"
CHOSEN_ON_VAL = (
    "val chose the checkpoint (checkpoint=best), which flatters an arm that varies more from epoch to epoch: in "
    "simulations with 200 images, smoother arms, as regularized ones mostly are, came out 0.9 to 1.2 points too low"
)  # the numbers are those of docs/statistics.md


def compare_all(
    arms: Sequence[Arm],
    asked: Sequence[tuple[str, str]] = (),
    *,
    margin: float = MARGIN,
    pending: Collection[str | None] = (),
) -> list[Comparison]:
    """Every arm against its baseline, then the pairs asked for, on every split that one of both was evaluated on.

    Args:
        margin: points that a difference must have to matter.
        pending: networks of which planned runs have not ended; "" stands for any.

    Raises:
        UserError: a pair names an arm that is not there.
    """
    named, first = {arm.name: arm for arm in arms}, twins(arms)
    pairs = [(arm, named[arm.baseline]) for arm in arms if arm.baseline is not None]
    wanted = [(_find(a, named), _find(b, named)) for a, b in asked]
    extra = [pair for pair in wanted if pair not in pairs]

    def drafts(sides: Sequence[tuple[Arm, Arm]], *, requested: bool) -> list[Draft]:
        found = [(draft, arm, other) for arm, other in sides for draft in _drafts(arm, other, arms)]
        return [
            replace(
                draft,
                key=(first[arm.name], first[other.name]),
                comparison=replace(
                    draft.comparison,
                    requested=requested,
                    provisional="" in pending or bool({arm.model, other.model} & {*pending}),
                ),
            )
            for draft, arm, other in found
        ]

    return settled(drafts(pairs, requested=False), drafts(extra, requested=True), margin=margin)


def _find(name: str, named: dict[str, Arm]) -> Arm:
    if name not in named:
        raise UserError(f"--compare {name}: no such arm. Arms: {', '.join(named)}.")
    return named[name]


def _drafts(arm: Arm, baseline: Arm, arms: Sequence[Arm]) -> list[Draft]:
    if not (arm.done and baseline.done):
        return []  # the arm's notes say so
    found, folds = factors(arm, baseline, arms), shared(arm, baseline)
    if folds is not None and len(folds.pairs) != 1:
        return [_of_folds(arm, baseline, folds, split, metric, found) for split, metric in _asked(arm, baseline)]
    if folds is not None:  # on the images of the one fold that both have, as without folds
        (arm, baseline), found = folds.pairs[0], replace(found, notes=(*folds.notes, *found.notes))
    measured = _measured(arm, baseline).items()
    return [_draft(arm, baseline, split, metric, found, numbers) for (split, metric), numbers in measured]


def _asked(arm: Arm, baseline: Arm) -> Iterator[tuple[str, str]]:
    """Splits and metrics of a comparison over folds: not all, of which each run has trained on another part."""
    results = [run.result for side in (arm, baseline) for run in side.done.values() if run.result is not None]
    for split in COMPARED_SPLITS[:-1]:
        if any(split in result.splits for result in results):
            yield from ((split, metric) for metric in COMPARED_METRICS)


def _of_folds(arm: Arm, baseline: Arm, folds: Folds, split: str, metric: str, found: Factors) -> Draft:
    """Fold by fold, with the corrected t test over them; nothing where they have no fold in common."""
    blank = _blank(arm, baseline, split, metric, found, ((), ()))
    blank = replace(blank, notes=(*survivors(arm, baseline), *folds.notes, *found.notes), by_seed=True)
    differences, seeds, ratio = over_folds(folds, split, of_split(split, metric))
    if not differences:
        return Draft(comparison=blank)
    zeros = [0.0] * len(differences)

    def over(level: float) -> statistics.SeedTest:
        return statistics.paired_folds(list(differences.values()), zeros, ratio=ratio, level=level)

    known = replace(
        blank,
        n_seeds=seeds,
        n_arm=seeds,
        n_baseline=seeds,
        **in_units(over(0.95), metric),
        over=over_of(arm),
        kind=arm.kind,
        folds={fold: delta * scale_of(metric) for fold, delta in differences.items()},
    )
    return Draft(comparison=known, interval=lambda alpha: ((of := over(1 - alpha)).low, of.high))


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """What the numbers of two arms tell on one split by one metric."""

    seeds: tuple[tuple[Repeat, ...], tuple[Repeat, ...]]  # of either side, those that count
    known: dict[str, Any] = field(default_factory=dict)  # fields of a `Comparison`
    test: CrossedTest | None = None  # over seeds and images
    notes: tuple[str, ...] = ()


def _draft(arm: Arm, baseline: Arm, split: str, metric: str, found: Factors, measured: Measured) -> Draft:
    blank, test = _blank(arm, baseline, split, metric, found, measured.seeds), measured.test
    known = replace(blank, **measured.known, notes=(*blank.notes, *measured.notes))
    return Draft(comparison=known, interval=None if test is None else test.interval, test=test)


@remembered
def _measured(arm: Arm, baseline: Arm) -> dict[tuple[str, str], Measured]:
    """Split and metric -> what is measured, for every split that one of both was evaluated on."""
    found: dict[tuple[str, str], Measured] = {}
    results = [run.result for side in (arm, baseline) for run in side.done.values()]
    for split in COMPARED_SPLITS:
        if any(split in result.splits for result in results if result is not None):
            paired = pair(arm, baseline, split)
            found |= {(split, metric): _measure(arm, baseline, split, metric, paired) for metric in COMPARED_METRICS}
    return found


def _measure(arm: Arm, baseline: Arm, split: str, metric: str, paired: Paired | None) -> Measured:
    seeds = (paired.arm.seeds, paired.baseline.seeds) if paired else _seeds(arm, baseline, split)
    notes = *(paired.notes if paired else ()), *_other_seeds(*seeds)
    if not all(seeds):
        return Measured(seeds=seeds, notes=notes)
    if paired is not None and (numbers := values(paired, metric)) is not None:
        return replace(_by_images(paired, metric, numbers, new=split in NEW), notes=notes)
    why = "no image can be paired" if paired is None else NOT_EXACT
    told = f"{why}: the interval speaks of the seeds alone, nothing is shown"
    return Measured(seeds=seeds, known=_by_results(arm, baseline, split, metric), notes=(*notes, told))


def _blank(
    arm: Arm,
    baseline: Arm,
    split: str,
    metric: str,
    found: Factors,
    seeds: tuple[tuple[Repeat, ...], tuple[Repeat, ...]],
) -> Comparison:
    """What is known before the numbers; `seeds` are those of either side that count."""
    fair = found.fair and not (arm.failed or baseline.failed)
    return Comparison(
        arm=arm.name,
        baseline=baseline.name,
        split=split,
        metric=metric,
        seeds=tuple(seed for seed in seeds[0] if seed in seeds[1]),
        n_seeds=min(map(len, seeds)),
        n_arm=len(seeds[0]),
        n_baseline=len(seeds[1]),
        by_seed=seeds[0] == seeds[1],
        failed_arm=len(arm.failed),
        failed_baseline=len(baseline.failed),
        ended_arm=arm.ended,
        ended_baseline=baseline.ended,
        failed_p=_failed_p(arm, baseline),
        family=family_of(arm, baseline, split=split, metric=metric, fair=fair),
        caution=_caution(arm, baseline, split),
        fair=fair,
        confounded=found.confounded,
        differs=tuple(d.key for d in found.differences),
        differences=found.differences,
        separating=found.separating,
        no_effect=found.no_effect,
        notes=(*survivors(arm, baseline), *found.notes),
    )


def _by_images(
    paired: Paired, metric: str, numbers: tuple[np.ndarray, np.ndarray, np.ndarray | None], *, new: bool
) -> Measured:
    """With a number of each seed and image: both sources of variance at once, and each by itself."""
    (a, b, weights), is_loss = numbers, metric == "loss"
    test = statistics.compare(a, b, weights=weights, groups=paired.groups, shares=not is_loss)
    means = [side.mean(axis=1) if weights is None else side @ weights for side in (a, b)]
    by_seed = [dict(zip(s.seeds, m, strict=True)) for s, m in zip((paired.arm, paired.baseline), means, strict=True)]
    known = {
        **in_units(test, metric),
        "over": test.over,
        "own_error": number(test.own_error, scale_of(metric)),
        "images_test": None if is_loss else images_test(paired, a, b, weights, new=new),
        "seeds_test": seeds_test(by_seed[0], by_seed[1], metric),
    }
    seeds = paired.arm.seeds, paired.baseline.seeds
    return Measured(seeds=seeds, known=known | _beats(by_seed, metric), test=test)


def _beats(sides: Sequence[Mapping[Repeat, float]], metric: str) -> dict[str, Any]:
    """How probably one training of the arm beats one of the other, from a number by seed of both."""
    found = statistics.p_beats(*(list(side.values()) for side in sides), lower_is_better=metric == "loss")
    share = found.share if math.isfinite(found.low) else math.nan
    return {"p_beats": number(share), "p_beats_low": number(found.low), "p_beats_high": number(found.high)}


def _by_results(arm: Arm, baseline: Arm, split: str, metric: str) -> dict[str, Any]:
    """Without numbers of each image: over seeds alone, by the numbers of result.json.

    That leaves out the variance of the images, so there is a test over seeds, but no p-value for a verdict.
    """
    sides: list[dict[Repeat, float]] = []
    for side, seeds in zip((arm, baseline), _seeds(arm, baseline, split), strict=True):
        found = {seed: side.done[seed].result for seed in seeds}
        sides.append({seed: getattr(r.splits[split], metric) for seed, r in found.items() if r is not None})
    test = seeds_test(sides[0], sides[1], metric)
    means = [float(np.mean(list(side.values()))) for side in sides]
    known = {
        "delta": (means[0] - means[1]) * scale_of(metric),
        "ci_low": test.ci_low,
        "ci_high": test.ci_high,
        "over": "seeds",
    }
    return known | _beats(sides, metric) | {"seeds_test": test}


def _seeds(arm: Arm, baseline: Arm, split: str) -> tuple[tuple[Repeat, ...], tuple[Repeat, ...]]:
    return evaluated_seeds(arm, split), evaluated_seeds(baseline, split)


def survivors(arm: Arm, baseline: Arm) -> list[str]:
    """In words, of whom runs failed, how likely that is by chance, and whose numbers are left."""
    told = [failures(side) for side in (arm, baseline) if side.failed]
    p = _failed_p(arm, baseline)
    chance = "" if p is None else f" (Fisher's exact test of how often both arms fail: {p_equals(p)})"
    return [f"{' and '.join(told)}: what is compared are the survivors{chance}"] if told else []


def _failed_p(arm: Arm, baseline: Arm) -> float | None:
    """Fisher's exact p-value that both arms fail equally often; None where none failed, or one has no run."""
    sides = [(len(side.failed), len(side.done.keys() - set(side.failed))) for side in (arm, baseline)]
    if not (arm.failed or baseline.failed) or not all(map(sum, sides)):
        return None
    return statistics.fisher(*sides)


def _caution(arm: Arm, baseline: Arm, split: str) -> str:
    """What weighs against a verdict on this split, whatever the numbers: val has chosen, or was trained on."""
    if split == "all":
        return "all holds the training images, so it says nothing of new ones"
    chosen = any(result.checkpoint == "best" for side in (arm, baseline) for result in side.results)
    return CHOSEN_ON_VAL if split == "val" and chosen else ""


def failures(arm: Arm) -> str:
    """`2 of 5 seeds of cnn/dropout failed (1, 3)`; of a cross-validation, runs."""
    planned = plural(arm.ended, "run" if arm.kind else "seed")
    return f"{len(arm.failed)} of {planned} of {arm.name} failed ({', '.join(map(str, arm.failed))})"


def _other_seeds(ours: Sequence[Repeat], theirs: Sequence[Repeat]) -> list[str]:
    """In words, which seeds of either are compared, where they are not the same."""
    if not ours or not theirs or ours == theirs:
        return []
    lists = [", ".join(map(str, seeds)) for seeds in (ours, theirs)]
    return [f"other seeds: {lists[0]} against {lists[1]}"]


def of_arm(comparisons: Iterable[Comparison], *, arm: str, split: str, metric: str = "acc") -> Comparison | None:
    """The comparison of an arm with its baseline."""
    wanted = (arm, split, metric, False)
    return next((c for c in comparisons if (c.arm, c.split, c.metric, c.requested) == wanted), None)
