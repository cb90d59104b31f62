"""What was found for each network, in sentences that are made by rule from the numbers."""

from collections.abc import Mapping, Sequence

from animal_cls import statistics
from animal_cls.files.text import percent
from animal_cls.report.analysis.averages import mean_of
from animal_cls.report.analysis.comparisons import failures, of_arm
from animal_cls.report.analysis.confounding import twins
from animal_cls.report.analysis.variances import POINTS
from animal_cls.report.format import behind, difference, ends, p_equals, seeds_of, signed
from animal_cls.report.records import Answer, ArmRow, Comparison
from animal_cls.results.arms.arm import Arm
from animal_cls.results.configs import method_of, shown

TIES = 4  # arms with the highest accuracy, too, that are named
NEAR = 1e-9  # of a fraction: means that are equal but for floating point


def judged_split(arms: Sequence[Arm]) -> str:
    """The split that decides: test where most finished runs of these arms have one, else val, else all images."""
    results = [result for arm in arms for result in arm.results]
    for split in ("test", "val"):
        if 2 * sum(split in result.splits for result in results) > len(results):
            return split
    return "all" if results and not any("val" in result.splits for result in results) else "val"


def answers(arms: Sequence[Arm], rows: Sequence[ArmRow], comparisons: Sequence[Comparison]) -> list[Answer]:
    """One per network, on the split that most of its runs have."""
    models = dict.fromkeys(arm.model for arm in arms)
    splits = {model: judged_split([arm for arm in arms if arm.model == model]) for model in models}
    return [_answer(model, arms, rows, comparisons, split) for model, split in splits.items()]


def best_of(arms: Sequence[Arm], rows: Sequence[ArmRow], split: str) -> list[Arm]:
    """The arms with the highest mean accuracy on a split: several where they are equal, none without a number."""
    means = [(arm, row.mean) for arm in arms if (row := mean_of(rows, arm=arm.name, split=split, metric="acc"))]
    highest = max((mean for _, mean in means), default=0.0)
    return [arm for arm, mean in means if mean >= highest - NEAR]


def _answer(
    model: str, everything: Sequence[Arm], rows: Sequence[ArmRow], comparisons: Sequence[Comparison], split: str
) -> Answer:
    arms, regs = [arm for arm in everything if arm.model == model], {arm.name: arm.reg for arm in everything}
    others = [arm for arm in arms if not arm.is_baseline]
    found = {arm.name: c for arm in others if (c := of_arm(comparisons, arm=arm.name, split=split)) is not None}
    compared = [arm for arm in others if arm.name in found and found[arm.name].delta is not None]
    best = best_of(compared, rows, split)
    failed = [_failed(arm, found.get(arm.name)) for arm in arms if arm.failed]
    if not best:
        text = " ".join([f"{model}: {_nothing(arms, everything, rows, split)}", *failed])
        return Answer(model=model, split=split, text=text)
    comparison = found[best[0].name]
    equal = [arm.name for arm in best[1:]]
    is_plain = {name: regs[name] != "none" == regs[c.baseline] for name, c in found.items()}
    sentences = [
        f"{model}: {_headline(comparison, rows, equal, '' if all(is_plain.values()) else _change(comparison))}",
        _verdict(comparison, "the regularizer" if is_plain[best[0].name] else _change(comparison)),
        _choosing(comparison, compared, found, rows),
        _beats(comparison),
        *_caveats(comparison),
        *failed,
        *_further([c for name, c in found.items() if name != best[0].name]),
        _seeds(comparison),
    ]
    return Answer(
        model=model,
        split=split,
        text=" ".join(sentence for sentence in sentences if sentence),
        arm=best[0].name,
        baseline=comparison.baseline,
        comparison=comparison,
        confounded=comparison.confounded,
    )


def _failed(arm: Arm, c: Comparison | None) -> str:
    """How many seeds of an arm failed, and of its baseline, and what that means for its numbers."""
    against = ""
    if c is not None and c.failed_p is not None and c.ended_arm == arm.ended:  # not of the one fold that both have
        theirs = f"{c.failed_baseline} of {c.ended_baseline} of {c.baseline}"
        against = f", {theirs} (Fisher's exact test: {p_equals(c.failed_p)})"
    means = ": its numbers are those of the survivors, and no comparison with it is fair" if arm.done else ""
    return f"{failures(arm)}{against}{means}."


def _nothing(arms: Sequence[Arm], everything: Sequence[Arm], rows: Sequence[ArmRow], split: str) -> str:
    """Why there is nothing to compare these arms of one network with."""
    others, done = [arm for arm in arms if not arm.is_baseline], [arm for arm in arms if arm.done]
    if not done:
        return "no run is finished, so nothing can be said."
    means = [(arm.name, row) for arm in done if (row := mean_of(rows, arm=arm.name, split=split, metric="acc"))]
    levels = "; ".join(f"{name} {percent(row.mean)} ({behind(row)})" for name, row in means)
    told = f" Accuracy on {split}: {levels}." if levels else ""
    if any(arm.model != done[0].model and arm.baseline == done[0].name for arm in everything):
        return f"it is what other networks are compared with.{told}"
    if not any(arm.done for arm in others):
        return f"no arm but its baseline is finished, so nothing can be compared.{told}"
    if not any(arm.is_baseline for arm in arms):
        return f"there is no run of its baseline (reg=none), so nothing can be compared.{told}"
    if not any(arm.done for arm in arms if arm.is_baseline):
        return f"its baseline (reg=none) has no finished run, so nothing can be compared.{told}"
    return (
        f"the baselines that come nearest to its regularizers have no finished run on {split}, so nothing is compared; "
        f"--compare ARM ARM compares other ones.{told}"
    )


def _headline(c: Comparison, rows: Sequence[ArmRow], equal: Sequence[str], change: str) -> str:
    """Which arm is highest, and by how much over its baseline; by which change where arms are not just regularizers."""
    row = mean_of(rows, arm=c.arm, split=c.split, metric="acc")
    level = f" with {percent(row.mean)}" if row is not None else ""
    more = f" and {len(equal) - TIES} more" if len(equal) > TIES else ""
    ties = f" (equal: {', '.join(equal[:TIES])}{more})" if equal else ""
    whose, by = ("its arms that have a baseline", f" by {change}") if change else ("its regularizers", "")
    return (
        f"of {whose} {c.arm}{ties} has the highest accuracy on {c.split}{level}: "
        f"{difference(c)} against {c.baseline}{by} ({seeds_of(c)})."
    )


def _change(c: Comparison) -> str:
    """What was done to the baseline, in words."""
    if len(c.differences) != 1:
        return f"changing {' and '.join(c.differs)}" if c.differs else "what differs"
    (d,) = c.differences
    if d.key == method_of(d.key) and not (d.value and d.baseline):
        return f"leaving out {d.key}={shown(d.baseline)}" if d.baseline else f"adding {d.key}={shown(d.value)}"
    return f"{d.key.removesuffix('.name')}={shown(d.value)} instead of {shown(d.baseline)}"


def _verdict(c: Comparison, factor: str) -> str:
    """What that shows. Of several factors at once it is no single one's doing, and the sentence says so."""
    word = f"{'Provisional verdict' if c.provisional else 'Verdict'}: {c.verdict}"
    if c.no_effect:
        return f"{word}: {c.no_effect}."
    if not c.is_judged:
        return f"{word}: {c.caution}."
    if c.verdict == "too few seeds":
        return f"{word} ({seeds_of(c)}); it says nothing of other seeds."
    over = f", adjusted over {c.n_family} comparisons" * (c.n_family > 1)
    p = f" ({p_equals(c.p_adjusted)}{over})" if c.p_adjusted is not None else ""
    if c.verdict in ("gain", "loss"):
        small = f", of less than {c.margin:g} points" * bool(c.equivalent)
        return f"{word} by {'the factors together' if c.confounded else factor}{p}{small}."
    low, high = ends(c)
    if c.equivalent or low is None or high is None:
        return f"{word}{p}."
    return f"{word}{p}: it may still be anything from {signed(low, c.unit)} to {signed(high, c.unit)} {c.unit}."


def _choosing(
    best: Comparison, compared: Sequence[Arm], found: Mapping[str, Comparison], rows: Sequence[ArmRow]
) -> str:
    """How much of the difference of the best arm is that it was chosen for having the highest accuracy."""
    acted = [arm for arm in compared if not found[arm.name].no_effect]
    rivals = [found[name] for name in dict.fromkeys(twins(acted).values())]
    means = [mean_of(rows, arm=c.arm, split=c.split, metric="acc") for c in rivals]
    known = [
        (POINTS * m.mean, c.own_error) for c, m in zip(rivals, means, strict=True) if m and c.own_error is not None
    ]
    if best.no_effect or len(known) < max(2, len(rivals)):  # by how much is not known where one's error is not
        return ""
    bias = statistics.choosing_bias(*zip(*known, strict=True))
    if round(bias, 1) <= 0:
        return ""
    return f"Chosen as the highest of {len(known)}, it is expected to be {bias:.1f} points too high."


def _beats(c: Comparison) -> str:
    """How often one training of the arm beats one of its baseline."""
    if c.p_beats is None or c.p_beats_low is None or c.p_beats_high is None:
        return ""
    interval = f"95 % interval {percent(c.p_beats_low)} to {percent(c.p_beats_high)}"
    return f"One training of it beats one of {c.baseline} with a probability of {percent(c.p_beats)} ({interval})."


def _caveats(c: Comparison) -> list[str]:
    """Confounding first, then other images, then what val has seen."""
    told = []
    if c.confounded:
        told.append(f"Confounded: {' and '.join(c.differs)} differ at once, so the difference has no single cause.")
    if not (c.fair or c.confounded or c.no_effect or c.failed_arm or c.failed_baseline):
        told.append(f"Not fair: {c.notes[0]}." if c.notes else "Not fair.")
    return told + ([f"{c.caution[:1].upper()}{c.caution[1:]}."] if c.caution and c.is_judged else [])


def _further(others: Sequence[Comparison]) -> list[str]:
    """The other arms of this network of which something was shown, and those without effect."""
    told = []
    for verdict in ("gain", "loss"):
        named = [f"{c.arm}{_unfair(c)} {difference(c)}" for c in others if c.verdict == verdict]
        told += [f"Also shown, {verdict}: {'; '.join(named)}."] if named else []
    return told + [f"No effect of {c.arm} reached the network: {c.no_effect}." for c in others if c.no_effect]


def _unfair(c: Comparison) -> str:
    """What stands behind the name of an arm whose difference is not that of one factor alone."""
    survivors = "survivors of failed seeds" * bool(c.failed_arm or c.failed_baseline)
    words = list(filter(None, ["confounded" * c.confounded, survivors])) or ["not fair"] * (not c.fair)
    return f" ({', '.join(words)})" if words else ""


def _seeds(c: Comparison) -> str:
    """How many seeds would show a difference of the margin; nothing where one was shown, or that there is none."""
    if c.verdict in ("gain", "loss") or c.no_effect or c.folds or c.equivalent or not c.is_judged:
        return ""
    size = f"a difference of {c.margin:g} points"
    if c.seeds_needed is not None:
        seeds = f"these {c.n_seeds}" if c.seeds_needed <= c.n_seeds else str(c.seeds_needed)
        return f"With {seeds} seeds {size} would be shown with a probability of 80 %."
    if c.seeds_needed_why.startswith("more than"):
        return f"To show {size}, more than 100 seeds would be needed."
    if c.seeds_needed_why == "too few images":
        return f"No number of seeds would show {size} on so few images of {c.split}."
    return f"How many seeds would show {size} cannot be said from these; two are the least."
