"""How a report writes numbers, on its page, in its figures, in report.md and on the terminal: one spelling of each."""

from collections.abc import Iterable

from animal_cls.files.text import duration, percent, plural
from animal_cls.report.records import COMPARED_METRICS, ArmRow, Comparison, PlanRow
from animal_cls.results.arms.arm import Arm
from animal_cls.results.runs import FoldSeed, Repeat

NONE = "\N{EN DASH}"
OF_SPLITS = (
    "data.split_seed varies: each number is the mean over splits, in each of them over its seeds; arms are compared "
    "split by split. Intervals and p-values are of the corrected resampled t test (Nadeau & Bengio 2003): they speak "
    "of new splits of such images, with other training, validation and test images, and of new seeds."
)
FALSE_WORDS = (  # the number is that of docs/statistics.md
    "The chance that any gain or loss among the fair comparisons of one network by one metric on one split is wrong is "
    "at most 5 %; that any is wrong in the whole report of one network was 7 to 11 % in simulations without a "
    "difference."
)
OF_FOLDS = (
    "Of a cross-validation each number is the mean over its folds, in each of them over the seeds. Intervals and "
    "p-values are of the corrected resampled t test over folds (Nadeau & Bengio 2003), which knows that folds share "
    "training images."
)


def of_parts(arms: Iterable[Arm]) -> str:
    """What numbers over folds or splits are, where there are such arms; else nothing."""
    kinds = {arm.kind for arm in arms if len(arm.folds) > 1}
    return " ".join(
        text for text, some in ((OF_FOLDS, "fold"), (OF_SPLITS, "split")) if any(k[:4] == some[:4] for k in kinds)
    )


COVERED = {  # what an interval of a level speaks of
    "seeds and images": "for new seeds and new images",
    "images": "of an arm with one seed for new images alone",
    "seeds": "of an arm without predictions of each image for new seeds alone (t)",
    "folds": "of a cross-validation over its folds (corrected t)",
    "splits": "of several splits for new splits of these images (corrected t)",
}


SEEDS_ALONE = COVERED | {"seeds": "for new seeds alone (t)"}  # of numbers that no image has by itself


def covers(rows: Iterable[ArmRow]) -> str:
    """What the intervals of accuracies on val and test speak of, as the end of a sentence."""
    found = {row.over for row in rows if row.split in ("val", "test") and row.metric == "acc"}
    return "; ".join(words for over, words in COVERED.items() if over in found) or "not known here"


def covers_others(rows: Iterable[ArmRow]) -> str:
    """The same of all other intervals: of other splits, of other metrics."""
    found = {row.over for row in rows if row.split not in ("val", "test") or row.metric not in COMPARED_METRICS}
    told = "; ".join(words for over, words in SEEDS_ALONE.items() if over in found)
    return told or "not known here"


def each(arms: Iterable[Arm]) -> str:
    """What one finished run of these arms is called: of several folds or splits it is no further seed."""
    return "run" if any(len(arm.folds) > 1 for arm in arms) else "seed"


def number(value: float | None, digits: int = 3) -> str:
    """A number with so many digits behind the point, and commas at the thousands; what rounds to zero has no sign."""
    return NONE if value is None else f"{round(value, digits) + 0.0:,.{digits}f}"


def signed(value: float | None, unit: str = "points") -> str:
    """A difference with its sign: of points one digit, of nats three. What rounds to zero has no sign."""
    if value is None:
        return NONE
    digits = 1 if unit == "points" else 3
    rounded = round(value, digits)
    return f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"


def signed_interval(low: float | None, high: float | None, unit: str = "points") -> str:
    """An interval of a difference, or nothing."""
    return "" if low is None or high is None else f"[{signed(low, unit)}, {signed(high, unit)}]"


def metric_number(value: float | None, metric: str) -> str:
    """A metric of an arm as a person reads it: accuracies in percent, a gap in points, loss in nats, a time."""
    if value is None:
        return NONE
    if metric in ("acc", "acc_macro", "ece"):
        return percent(value)
    if metric == "gap":
        return signed(100 * value)
    if metric == "seconds":
        return duration(value)
    return number(value, {"loss": 3, "epochs": 1, "parameters": 0}.get(metric, 3))


def metric_interval(low: float | None, high: float | None, metric: str) -> str:
    """The interval of a metric of an arm, without its unit, or nothing where there is none or it has no width."""
    if low is None or high is None or low == high:
        return ""
    low, high = possible(low, high, metric)
    if metric == "gap":
        return signed_interval(100 * low, 100 * high)
    if metric == "seconds":
        return f"[{duration(low)}, {duration(high)}]"
    factor, digits = {"loss": (1.0, 3), "epochs": (1.0, 1), "parameters": (1.0, 0)}.get(metric, (100.0, 1))
    return f"[{number(factor * low, digits)}, {number(factor * high, digits)}]"


def possible(low: float, high: float, metric: str) -> tuple[float, float]:
    """The ends of an interval of a metric of an arm, where they are beyond what the metric can be moved there."""
    least, most = {"acc": (0.0, 1.0), "acc_macro": (0.0, 1.0), "ece": (0.0, 1.0), "gap": (-1.0, 1.0)}.get(
        metric, (0.0, float("inf"))
    )
    return max(low, least), min(high, most)


def format_p_value(p: float | None) -> str:
    """Three digits behind the point, and below that `< 0.001`."""
    if p is None:
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_equals(p: float | None) -> str:
    """`p = 0.012` or `p < 0.001`, as a sentence has it."""
    text = format_p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def difference(c: Comparison) -> str:
    """`+2.3 points (95 % interval -0.4 to +5.0)`, with what the interval speaks of if that is not everything."""
    if c.delta is None:
        return "no difference known"
    text, (low, high) = f"{signed(c.delta, c.unit)} {c.unit}", ends(c)
    if low is None or high is None:
        return text
    over = "" if c.over == "seeds and images" else f" over {c.over} only"
    over = f" by the corrected t test over {plural(len(c.folds), c.kind)}" if c.folds else over
    kind = "simultaneous " * (c.n_family > 1 and c.simultaneous_low is not None)
    return f"{text} ({kind}95 % interval {signed(low, c.unit)} to {signed(high, c.unit)}{over})"


def ends(c: Comparison) -> tuple[float | None, float | None]:
    """The interval that answer, figures and verdict go by: the simultaneous one; without a family, the single one."""
    return (c.ci_low, c.ci_high) if c.simultaneous_low is None else (c.simultaneous_low, c.simultaneous_high)


def failed_of(c: Comparison) -> str:
    """`2 of 5 failed against 0 of 5`, of the runs of either arm."""
    return f"{c.failed_arm} of {c.ended_arm} failed against {c.failed_baseline} of {c.ended_baseline}"


def seeds_of(c: Comparison) -> str:
    """`5 seeds`, or `3 seeds against 5`; on several splits `5 folds of 2 seeds`."""
    if c.folds:
        return f"{plural(len(c.folds), c.kind)} of {plural(c.n_seeds, 'seed')}"
    return plural(c.n_arm, "seed") if c.by_seed else f"{plural(c.n_arm, 'seed')} against {c.n_baseline}"


def behind(row: ArmRow) -> str:
    """What a mean is over: `5 seeds`, `5 folds`."""
    folds = row.n_folds or 0
    return plural(folds, row.kind) if folds > 1 else plural(row.n_seeds, "seed")


def evaluated(arm: Arm, split: str) -> list[Repeat]:
    """The repeats whose finished runs were evaluated on a split; all finished ones where it is ""."""
    return [repeat for repeat, run in arm.done.items() if not split or (run.result and split in run.result.splits)]


def repeats_of(arm: Arm, split: str = "") -> str:
    """How many finished runs stand behind its numbers on a split: `5`, or over folds `5 of 5 folds, 10 runs`."""
    found = evaluated(arm, split)
    n, folds = len(found), {repeat.fold for repeat in found if isinstance(repeat, FoldSeed)}
    if arm.kind.startswith("split"):
        return f"{plural(len(folds), arm.kind)}, {plural(n, 'run')}"
    return f"{len(folds)} of {plural(arm.n_folds, 'fold')}, {plural(n, 'run')}" if arm.n_folds else str(n)


def repeats_on(arm: Arm, splits: Iterable[str]) -> str:
    """`repeats_of` all splits; where not all runs were evaluated on one of these, `3 (test: 2)`."""
    whole = repeats_of(arm)
    fewer = [
        f"{split}: {told}" for split in splits if evaluated(arm, split) and (told := repeats_of(arm, split)) != whole
    ]
    return f"{whole} ({'; '.join(fewer)})" if fewer else whole


WHY_NOT = {  # why there is no number of seeds
    "more than cap": "more than 100",
    "too few images": "too few images",
    "unknown": "needs two seeds",
}


def seeds_or_why(seeds: int | None, why: str) -> str:
    """A number of seeds, or why there is none."""
    return str(seeds) if seeds is not None else WHY_NOT.get(why, why) or NONE


def needed_seeds(c: Comparison) -> str:
    """How many seeds would show a difference of the margin, or why there is no number."""
    if c.seeds_needed is None and not c.seeds_needed_why:
        reasons = ((c.no_effect, "no effect"), (not c.is_judged, "not judged"), (c.metric == "loss", "of a loss"))
        reasons = (*reasons, (c.folds, f"over {c.kind}s"), (c.n_seeds < 2, WHY_NOT["unknown"]))
        return next((words for holds, words in reasons if holds), "no predictions")
    return seeds_or_why(c.seeds_needed, c.seeds_needed_why)


def planned(row: PlanRow, points: float) -> str:
    """`12 seeds, 3 h 05 min`, or why there is no number."""
    hours = row.hours(points)
    text = seeds_or_why(*row.needed[points])
    return text if hours is None else f"{text} seeds, {duration(3600 * hours)}"
