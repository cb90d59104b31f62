"""What decides a published statement: two rows compared, and the parts of each of the report's sixteen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from animal_cls import statistics
from animal_cls.files.text import plural
from animal_cls.report.published import measured
from animal_cls.report.published.measured import Measure, Missing, Undecided
from animal_cls.results.arms.arm import Arm

NEAR = 1e-9  # points; so that a bound that is met exactly is met, whatever floating point makes of it
CNN, RESNET, PRETRAINED = "simple CNN", "ResNet18", "ResNet18 pretrained"
CNN_L2, CNN_DROPOUT = f"{CNN}, L2", f"{CNN}, dropout"


@dataclass(kw_only=True, eq=False)
class Ours:
    """Our arms by the published runs; remembers whom it was asked for."""

    arms: dict[str, Arm | None]  # by the title of the published run
    asked: dict[str, Arm]

    def __getitem__(self, title: str) -> Arm:
        arm = self.arms[title]
        if arm is None:
            raise Missing(f"a finished run of {title}")
        if len(arm.folds) > 1:  # folds and splits are no seeds, which the intervals are over
            raise Missing(f"seeds of {title} on one split ({arm.name} has {plural(len(arm.folds), arm.kind)})")
        self.asked[title] = arm
        return arm


Check = Callable[[Ours], tuple[bool, str]]  # whether a part of a statement is true, and the numbers that say so


def within(found: Measure, low: float, high: float, what: str, unit: str = "points") -> tuple[bool, str]:
    """Whether a measure lies between two bounds or on one."""
    said = _said(found, what, unit, f"{low:g} to {high:g}")
    return _decided(found, said, low, high) and low - NEAR <= found.value <= high + NEAR, said


def compare(found: Measure, sign: str, bound: float, what: str, unit: str = "points") -> tuple[bool, str]:
    """Whether a measure is > or < a bound, and not on it, or >= a bound."""
    value, said = found.value, _said(found, what, unit, f"{sign} {bound:.4g}")
    true = {">": value > bound + NEAR, "<": value < bound - NEAR, ">=": value >= bound - NEAR}[sign]
    return _decided(found, said, bound) and true, said


def _said(found: Measure, what: str, unit: str, wanted: str) -> str:
    low, high = (max(found.low, 0.0), min(found.high, 100.0)) if unit == "%" else (found.low, found.high)
    interval = "" if np.isnan(found.low) else f" [{low:.4g}, {high:.4g}]"
    return f"{what} {found.value:.4g}{interval} {unit} (wanted: {wanted})"


def _decided(found: Measure, said: str, *bounds: float) -> bool:
    """True; raises `Undecided` where the interval spans one of the bounds. One seed has no interval."""
    if any(found.low < bound - NEAR and found.high > bound + NEAR for bound in bounds):
        raise Undecided(f"{said}, which its interval leaves open")
    return True


def extreme(values: dict[str, float], name: str, what: str, *, lowest: bool, unit: str = "%") -> tuple[bool, str]:
    """Whether one class has the least value, or the greatest and above 0; ties are named and count."""
    own = measured.of(values, name)  # or it raises what is missing
    best = min(values.values()) if lowest else max(values.values())
    tied = [other for other, value in values.items() if abs(value - best) <= NEAR]
    true = abs(own - best) <= NEAR and (lowest or best > NEAR)
    which = " and ".join(tied) if len(tied) <= 3 else f"{len(tied)} classes equally"
    return true, f"{what} {which} ({best:.2f} {unit}; {name}: {own:.2f} {unit})"


def beats(title: str, other: str, *, above: float | None, within: float | None, split: str) -> Check:
    """Whether the accuracy of a run less another's is above a bound, or near 0."""

    def check(ours: Ours) -> tuple[bool, str]:
        found = measured.difference(ours[title], ours[other], split)
        low, high = (above or 0.0, np.inf) if within is None else (-within, within)
        wanted = f"> {low:g}" if within is None else f"within {within:g}"
        said = _said(found, f"{split} accuracy", "points", wanted)
        return _decided(found, said, low, high) and low < found.value < high, said

    return check


def change(ours: Ours, title: str, base: str, column: str, low: float, high: float) -> tuple[bool, str]:
    found = measured.change(ours[title], ours[base], column)
    return within(found, low, high, f"{column} of the last epoch against the baseline")


def against_baseline(ours: Ours, column: str, sign: str) -> tuple[bool, str]:
    found = measured.change(ours[CNN_DROPOUT], ours[CNN], column)
    unit = "points" if column.endswith("acc") else "nats"
    return compare(found, sign, 0, f"{column} against the baseline", unit)


def _class_is(
    values: dict[str, list[float]], sign: str, bound: float, what: str, *, lowest: bool = True
) -> tuple[bool, str]:
    """Whether the lowest class, or the highest, is on the right side of a bound; `what` is said before its name."""
    levels = measured.means(values)
    name = (min if lowest else max)(levels, key=lambda name: levels[name])
    return compare(measured.over(values[name]), sign, bound, f"{what}: {name}", "%")


def every_class(ours: Ours, title: str, bound: float) -> tuple[bool, str]:
    return _class_is(measured.by_class(ours[title]), ">", bound, "lowest class over all data")


def changes_of(ours: Ours, title: str, base: str) -> dict[str, float]:
    found = measured.class_changes(ours[title], ours[base])
    return {name: measure.value for name, measure in found.items()}


def falling(ours: Ours, title: str, base: str, bound: float | None = None) -> tuple[bool, str]:
    """Whether more than so many classes fall, or more than half of them."""
    changes = changes_of(ours, title, base)
    falling, bound = sum(value < -NEAR for value in changes.values()), len(changes) / 2 if bound is None else bound
    return falling > bound, f"{falling} of {len(changes)} classes fall (wanted: more than {bound:g})"


def val_changes(title: str, base: str, low: float, high: float, column: str = "val/acc") -> Check:
    return lambda ours: change(ours, title, base, column, low, high)


def settles(ours: Ours) -> tuple[bool, str]:
    found, epochs = measured.last_third(ours[CNN])
    return within(found, 55, 60, f"mean val/acc of the last {epochs} epoch{'s' * (epochs != 1)}", "%")


def sized(ours: Ours, *, small: bool) -> tuple[dict[str, list[float]], str]:
    values, counts = measured.by_class(ours[CNN]), measured.counts(ours[CNN])
    found = {n: v for n, v in values.items() if (counts[n] < 2000 if small else counts[n] > 4000)}
    which = "under 2,000 images" if small else "over 4,000 images"
    if not found:
        raise Missing(f"a class {which}")
    return found, which


def small_classes(ours: Ours) -> tuple[bool, str]:
    found, which = sized(ours, small=True)
    return _class_is(found, "<", 70, f"highest of {len(found)} classes {which}", lowest=False)


def large_classes(ours: Ours) -> tuple[bool, str]:
    found, which = sized(ours, small=False)
    return _class_is(found, ">", 85, f"lowest of {len(found)} classes {which}")


def correlation(ours: Ours) -> tuple[bool, str]:
    values, counts = measured.means(measured.by_class(ours[CNN])), measured.counts(ours[CNN])
    rho = statistics.spearman([counts[name] for name in values], list(values.values())).rho
    return True, f"rank correlation of count and accuracy {rho:.2f}" if np.isfinite(rho) else "no rank correlation"


def squirrel_falls_most(ours: Ours) -> tuple[bool, str]:
    changes = changes_of(ours, CNN_L2, CNN)
    true, text = extreme(changes, "squirrel", "falls most:", lowest=True, unit="points")
    return true and changes["squirrel"] < -NEAR, text


def squirrel_goes_to_dog(ours: Ours) -> tuple[bool, str]:
    after, before = (measured.means(measured.taken_for(ours[name], "squirrel")) for name in (CNN_L2, CNN))
    rises = {name: after[name] - before.get(name, 0.0) for name in after}
    return extreme(rises, "dog", "more squirrels are taken for", lowest=False, unit="points")


def cat_goes_to_dog(ours: Ours) -> tuple[bool, str]:
    found = measured.means(measured.taken_for(ours[CNN], "cat"))
    return extreme(found, "dog", "cat is mostly taken for", lowest=False)


def to_dog(ours: Ours, title: str) -> tuple[bool, str]:
    after, before = (measured.of(measured.taken_for(ours[name], "cat"), "dog") for name in (title, CNN))
    return compare(measured.between(after, before), ">", 0, "share of cats taken for dogs changes by")


def half_gain(ours: Ours) -> tuple[bool, str]:
    changes = changes_of(ours, CNN_DROPOUT, CNN)
    gaining = sum(value > NEAR for value in changes.values())
    return 4 <= gaining <= 6, f"{gaining} of {len(changes)} classes gain (wanted: 4 to 6)"


def faster(ours: Ours) -> tuple[bool, str]:
    epochs = {name: measured.epochs_to_reach(ours[name]) for name in (RESNET, CNN)}
    means = {name: float(np.mean(found)) for name, found in epochs.items()}
    if np.isinf(list(means.values())).all():
        raise Missing("80 % train/acc: neither network reaches it")
    if np.isfinite(list(means.values())).all():
        what = f"epochs to reach 80 % train/acc, {RESNET} - {CNN}"
        return compare(measured.between(epochs[RESNET], epochs[CNN]), "<", 0, what, "epochs")
    said = [f"{name} {'not in every seed' if np.isinf(n) else f'{n:.1f}'}" for name, n in means.items()]
    return means[RESNET] < means[CNN], f"epochs to reach 80 % train/acc: {', '.join(said)} (wanted: fewer)"


def more_even(ours: Ours) -> tuple[bool, str]:
    spreads = [
        [float(np.std(levels)) for levels in zip(*measured.by_class(ours[name]).values(), strict=True)]
        for name in (RESNET, CNN)
    ]
    what = "standard deviation over classes, less the CNN's"
    return compare(measured.between(*spreads), "<", 0, what)


def overfits(ours: Ours) -> tuple[bool, str]:
    return compare(measured.over(measured.gaps(ours[RESNET])), ">", 5, "train - val accuracy, evaluated alike,")


def val_above(title: str, base: str, low: float, high: float, than: str) -> Check:
    what = f"val/acc of the last epoch against {than}"
    return lambda ours: within(measured.change(ours[title], ours[base], "val/acc"), low, high, what)


def hardly(ours: Ours) -> tuple[bool, str]:
    changes = list(changes_of(ours, f"{PRETRAINED}, dropout", PRETRAINED).values())
    return compare(Measure(value=float(np.mean(np.abs(changes)))), "<", 3, "mean absolute change of the classes")


def uncured(title: str, base: str) -> Check:
    """Whether a gap does not fall below half of its baseline's, or does so at the cost of val accuracy."""

    def check(ours: Ours) -> tuple[bool, str]:
        own, before = measured.gaps(ours[title]), measured.gaps(ours[base])
        less = measured.between(own, [value / 2 for value in before])  # < 0: more than halved
        gained = measured.difference(ours[title], ours[base], "val")
        said = f"{title}: train - val {np.mean(own):.2f} points, baseline {np.mean(before):.2f}, "
        said += _said(gained, "val accuracy", "points", "no fall")
        kept = np.mean(before) <= 0 or less.value >= -NEAR  # without a gap there is nothing to cure
        for holds, found in ((kept, less), (gained.value < -NEAR, gained)):
            if holds and (np.isnan(found.low) or not found.low < -NEAR < NEAR < found.high):
                return True, said
        _decided(less, said, 0)
        return not _decided(gained, said, 0), said

    return check


SPAN = f"from epoch {measured.EPOCH} to the last"
CHECKS: dict[str, list[Check]] = {
    "S1": [settles],
    "S2": [
        lambda ours: compare(measured.rise(ours[CNN], "train/acc"), ">=", 10, f"{SPAN} train/acc rises by"),
        lambda ours: compare(measured.rise(ours[CNN], "val/acc"), "<", 3, "val/acc by"),
    ],
    "S3": [
        lambda ours: extreme(measured.means(measured.by_class(ours[CNN])), "cat", "lowest accuracy:", lowest=True),
        cat_goes_to_dog,
    ],
    "S4": [small_classes, large_classes, correlation],
    "S5": [val_changes(CNN_L2, CNN, -15, -5, column) for column in ("train/acc", "val/acc")],
    "S6": [
        lambda ours: compare(
            measured.of(measured.class_changes(ours[CNN_L2], ours[CNN]), "cat"), ">", 0, "cat changes by"
        ),
        lambda ours: to_dog(ours, CNN_L2),
        lambda ours: falling(ours, CNN_L2, CNN),
        *(squirrel_falls_most, squirrel_goes_to_dog),
    ],
    "S7": [
        val_changes(CNN_DROPOUT, CNN, -3, 3),
        lambda ours: against_baseline(ours, "train/acc", "<"),
        lambda ours: against_baseline(ours, "train/loss", ">"),
        lambda ours: against_baseline(ours, "val/loss", ">"),
    ],
    "S8": [half_gain, lambda ours: to_dog(ours, CNN_DROPOUT)],
    "S9": [faster, val_above(RESNET, CNN, 5, 20, "the simple CNN")],
    "S10": [
        lambda ours: every_class(ours, RESNET, 88),
        more_even,
        overfits,
    ],
    "S11": [val_above(PRETRAINED, RESNET, 10, 15, "from-scratch"), lambda ours: every_class(ours, PRETRAINED, 90)],
    "S12": [val_changes(f"{RESNET}, L2", RESNET, -3, 3)],
    "S13": [
        val_changes(f"{PRETRAINED}, L2", PRETRAINED, -15, -5),
        lambda ours: falling(ours, f"{PRETRAINED}, L2", PRETRAINED, 5),
    ],
    "S14": [val_changes(f"{RESNET}, dropout", RESNET, -3, 3)],
    "S15": [val_changes(f"{PRETRAINED}, dropout", PRETRAINED, -15, -5), hardly],
    "S16": [uncured(f"{base}, {reg}", base) for base in (CNN, RESNET, PRETRAINED) for reg in ("L2", "dropout")],
}
