"""What decides a published statement: two rows compared, and the parts of each of the report's sixteen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from animal_cls import statistics
from animal_cls.report.published import measured
from animal_cls.report.published.measured import Missing
from animal_cls.report.records import Arm

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
        self.asked[title] = arm
        return arm


Check = Callable[[Ours], tuple[bool, str]]  # whether a part of a statement is true, and the numbers that say so


def within(value: float, low: float, high: float, what: str, unit: str = "points") -> tuple[bool, str]:
    """Whether a number lies between two bounds or on one."""
    return low - NEAR <= value <= high + NEAR, f"{what} {value:.4g} {unit} (wanted: {low:g} to {high:g})"


def compare(value: float, sign: str, bound: float, what: str, unit: str = "points") -> tuple[bool, str]:
    """Whether a number is > or < a bound, and not on it, or >= a bound."""
    true = {">": value > bound + NEAR, "<": value < bound - NEAR, ">=": value >= bound - NEAR}[sign]
    return true, f"{what} {value:.4g} {unit} (wanted: {sign} {bound:.4g})"


def extreme(values: dict[str, float], name: str, what: str, *, lowest: bool, unit: str = "%") -> tuple[bool, str]:
    """Whether one class has the least value, or the greatest and above 0; ties are named and count."""
    best = min(values.values()) if lowest else max(values.values())
    own = measured.of(values, name)
    tied = [other for other, value in values.items() if abs(value - best) <= NEAR]
    true = abs(own - best) <= NEAR and (lowest or best > NEAR)
    which = " and ".join(tied) if len(tied) <= 3 else f"{len(tied)} classes equally"
    return true, f"{what} {which} ({best:.2f} {unit}; {name}: {own:.2f} {unit})"


def beats(title: str, other: str, *, above: float | None, within: float | None, split: str) -> Check:
    """Whether the accuracy of a run less another's is above a bound, or near 0, with its interval over seeds."""

    def check(ours: Ours) -> tuple[bool, str]:
        found = measured.difference(ours[title], ours[other], split)
        low, high = (above or 0.0, np.inf) if within is None else (-within, within)
        what = f"{split} accuracy {found.delta:+.2f} points"
        if np.isnan(found.low):  # of one seed there is no interval
            return low < found.delta < high, what
        what += f" ({found.low:+.2f} to {found.high:+.2f})"
        if any(found.low <= bound <= found.high for bound in (low, high)):
            raise Missing(f"more seeds, the interval of {what} holds a bound")
        return low < found.delta < high, what

    return check


def change(ours: Ours, title: str, base: str, column: str, low: float, high: float) -> tuple[bool, str]:
    value = measured.change(ours[title], ours[base], column)
    return within(value, low, high, f"{column} of the last epoch against the baseline")


def against_baseline(ours: Ours, column: str, sign: str) -> tuple[bool, str]:
    value = measured.change(ours[CNN_DROPOUT], ours[CNN], column)
    unit = "points" if column.endswith("acc") else "nats"
    return compare(value, sign, 0, f"{column} against the baseline", unit)


def every_class(ours: Ours, title: str, bound: float) -> tuple[bool, str]:
    values = measured.by_class(ours[title])
    name = min(values, key=lambda name: values[name])
    return compare(values[name], ">", bound, f"lowest class over all data: {name}", "%")


def falling(ours: Ours, title: str, base: str, bound: float) -> tuple[bool, str]:
    changes = measured.class_changes(ours[title], ours[base])
    falling = sum(value < -NEAR for value in changes.values())
    return falling > bound, f"{falling} of {len(changes)} classes fall (wanted: more than {bound:g})"


def val_changes(title: str, base: str, low: float, high: float, column: str = "val/acc") -> Check:
    return lambda ours: change(ours, title, base, column, low, high)


def settles(ours: Ours) -> tuple[bool, str]:
    value, epochs = measured.last_third(ours[CNN])
    return within(value, 55, 60, f"mean val/acc of the last {epochs} epoch{'s' * (epochs != 1)}", "%")


def sized(ours: Ours, *, small: bool) -> tuple[dict[str, float], str]:
    values, counts = measured.by_class(ours[CNN]), measured.counts(ours[CNN])
    found = {n: v for n, v in values.items() if (counts[n] < 2000 if small else counts[n] > 4000)}
    which = "under 2,000 images" if small else "over 4,000 images"
    if not found:
        raise Missing(f"a class {which}")
    return found, which


def small_classes(ours: Ours) -> tuple[bool, str]:
    found, which = sized(ours, small=True)
    name = max(found, key=lambda n: found[n])
    return compare(found[name], "<", 70, f"highest of {len(found)} classes {which}: {name}", "%")


def large_classes(ours: Ours) -> tuple[bool, str]:
    found, which = sized(ours, small=False)
    name = min(found, key=lambda n: found[n])
    return compare(found[name], ">", 85, f"lowest of {len(found)} classes {which}: {name}", "%")


def correlation(ours: Ours) -> tuple[bool, str]:
    values, counts = measured.by_class(ours[CNN]), measured.counts(ours[CNN])
    rho = statistics.spearman([counts[name] for name in values], list(values.values())).rho
    return True, f"rank correlation of count and accuracy {rho:.2f}" if np.isfinite(rho) else "no rank correlation"


def most_fall(ours: Ours) -> tuple[bool, str]:
    return falling(ours, CNN_L2, CNN, len(measured.class_changes(ours[CNN_L2], ours[CNN])) / 2)


def squirrel_falls_most(ours: Ours) -> tuple[bool, str]:
    changes = measured.class_changes(ours[CNN_L2], ours[CNN])
    true, text = extreme(changes, "squirrel", "falls most:", lowest=True, unit="points")
    return true and changes["squirrel"] < -NEAR, text


def squirrel_goes_to_dog(ours: Ours) -> tuple[bool, str]:
    after, before = (measured.taken_for(ours[name], "squirrel") for name in (CNN_L2, CNN))
    rises = {name: after[name] - before.get(name, 0.0) for name in after}
    return extreme(rises, "dog", "more squirrels are taken for", lowest=False, unit="points")


def to_dog(ours: Ours, title: str) -> tuple[bool, str]:
    after, before = (measured.of(measured.taken_for(ours[name], "cat"), "dog") for name in (title, CNN))
    return compare(after - before, ">", 0, "share of cats taken for dogs changes by")


def half_gain(ours: Ours) -> tuple[bool, str]:
    changes = measured.class_changes(ours[CNN_DROPOUT], ours[CNN])
    gaining = sum(value > NEAR for value in changes.values())
    return 4 <= gaining <= 6, f"{gaining} of {len(changes)} classes gain (wanted: 4 to 6)"


def faster(ours: Ours) -> tuple[bool, str]:
    epochs = {name: measured.epochs_to_reach(ours[name]) for name in (RESNET, CNN)}
    if np.isinf(list(epochs.values())).all():
        raise Missing("80 % train/acc: neither network reaches it")
    said = [f"{name} {'not in every seed' if np.isinf(n) else f'{n:.1f}'}" for name, n in epochs.items()]
    return epochs[RESNET] < epochs[CNN], f"epochs to reach 80 % train/acc: {', '.join(said)} (wanted: fewer)"


def more_even(ours: Ours) -> tuple[bool, str]:
    spread, other = (float(np.std(list(measured.by_class(ours[name]).values()))) for name in (RESNET, CNN))
    return (
        spread < other - NEAR,
        f"standard deviation over classes {spread:.2f} points (wanted: < the CNN's, {other:.2f})",
    )


def val_above(title: str, base: str, low: float, high: float, than: str) -> Check:
    what = f"val/acc of the last epoch against {than}"
    return lambda ours: within(measured.change(ours[title], ours[base], "val/acc"), low, high, what)


def hardly(ours: Ours) -> tuple[bool, str]:
    changes = measured.class_changes(ours[f"{PRETRAINED}, dropout"], ours[PRETRAINED])
    return compare(float(np.mean(np.abs(list(changes.values())))), "<", 3, "mean absolute change of the classes")


def uncured(title: str, base: str) -> Check:
    def check(ours: Ours) -> tuple[bool, str]:
        own, before = measured.gap(ours[title]), measured.gap(ours[base])
        gained = measured.change(ours[title], ours[base], "val/acc")
        cured = before > 0 and own < before / 2 - NEAR and gained >= -NEAR  # without a gap there is nothing to cure
        return not cured, f"{title}: train - val {own:.2f} points, baseline {before:.2f}, val/acc {gained:+.2f} points"

    return check


SPAN = f"from epoch {measured.EPOCH} to the last"
CHECKS: dict[str, list[Check]] = {
    "S1": [settles],
    "S2": [
        lambda ours: compare(measured.rise(ours[CNN], "train/acc"), ">=", 10, f"{SPAN} train/acc rises by"),
        lambda ours: compare(measured.rise(ours[CNN], "val/acc"), "<", 3, "val/acc by"),
    ],
    "S3": [
        lambda ours: extreme(measured.by_class(ours[CNN]), "cat", "lowest accuracy:", lowest=True),
        lambda ours: extreme(measured.taken_for(ours[CNN], "cat"), "dog", "cat is mostly taken for", lowest=False),
    ],
    "S4": [small_classes, large_classes, correlation],
    "S5": [val_changes(CNN_L2, CNN, -15, -5, column) for column in ("train/acc", "val/acc")],
    "S6": [
        lambda ours: compare(
            measured.of(measured.class_changes(ours[CNN_L2], ours[CNN]), "cat"), ">", 0, "cat changes by"
        ),
        lambda ours: to_dog(ours, CNN_L2),
        *(most_fall, squirrel_falls_most, squirrel_goes_to_dog),
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
        lambda ours: compare(measured.gap(ours[RESNET]), ">", 5, "train - val accuracy of the last epoch"),
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
