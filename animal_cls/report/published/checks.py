"""What decides each of the sixteen published statements: the parts of each, with the numbers of our arms."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from animal_cls import statistics
from animal_cls.report.published import measured
from animal_cls.report.published.measured import Missing
from animal_cls.report.records import Arm

NEAR = 1e-9  # points; so that a bound that is met exactly is met, whatever floating point makes of it
CNN, RESNET, PRETRAINED = "simple CNN", "ResNet18", "ResNet18 pretrained"

Check = Callable[[], tuple[bool, str]]  # whether a part of a statement is true, and the numbers that say so


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


def within(value: float, low: float, high: float, what: str) -> tuple[bool, str]:
    """Whether a number lies between two bounds or on one."""
    return low - NEAR <= value <= high + NEAR, f"{what} {value:.4g} (wanted: {low:g} to {high:g})"


def compare(value: float, sign: str, bound: float, what: str) -> tuple[bool, str]:
    """Whether a number is > or < a bound, and not on it, or >= a bound."""
    true = {">": value > bound + NEAR, "<": value < bound - NEAR, ">=": value >= bound - NEAR}[sign]
    return true, f"{what} {value:.4g} (wanted: {sign} {bound:.4g})"


def extreme(values: dict[str, float], name: str, what: str, *, lowest: bool) -> tuple[bool, str]:
    """Whether one class has the least value, or the greatest and above 0; ties are named and count."""
    best = min(values.values()) if lowest else max(values.values())
    own = measured.of(values, name)
    tied = [other for other, value in values.items() if abs(value - best) <= NEAR]
    true = abs(own - best) <= NEAR and (lowest or best > NEAR)
    which = " and ".join(tied) if len(tied) <= 3 else f"{len(tied)} classes equally"
    return true, f"{what} {which} ({best:.2f}; {name}: {own:.2f})"


def change(ours: Ours, title: str, base: str, column: str, low: float, high: float) -> tuple[bool, str]:
    value = measured.change(ours[title], ours[base], column)
    return within(value, low, high, f"{column} of the last epoch against the baseline")


def lower(ours: Ours, title: str, base: str, column: str) -> tuple[bool, str]:
    return compare(measured.change(ours[title], ours[base], column), "<", 0, f"{column} against the baseline")


def higher(ours: Ours, title: str, base: str, column: str) -> tuple[bool, str]:
    return compare(measured.change(ours[title], ours[base], column), ">", 0, f"{column} against the baseline")


def every_class(ours: Ours, title: str, bound: float) -> tuple[bool, str]:
    values = measured.by_class(ours[title])
    name = min(values, key=lambda name: values[name])
    return compare(values[name], ">", bound, f"lowest class over all data: {name}")


def falling(ours: Ours, title: str, base: str, bound: float) -> tuple[bool, str]:
    changes = measured.class_changes(ours[title], ours[base])
    falling = sum(value < -NEAR for value in changes.values())
    return falling > bound, f"{falling} of {len(changes)} classes fall (wanted: more than {bound:g})"


def s1(ours: Ours) -> list[Check]:
    def settles() -> tuple[bool, str]:
        value, epochs = measured.last_third(ours[CNN])
        return within(value, 55, 60, f"mean val/acc of the last {epochs} epoch{'s' * (epochs != 1)}")

    return [settles]


def s2(ours: Ours) -> list[Check]:
    span = f"from epoch {measured.EPOCH} to the last"
    return [
        lambda: compare(measured.rise(ours[CNN], "train/acc"), ">=", 10, f"{span} train/acc rises by"),
        lambda: compare(measured.rise(ours[CNN], "val/acc"), "<", 3, "val/acc by"),
    ]


def s3(ours: Ours) -> list[Check]:
    return [
        lambda: extreme(measured.by_class(ours[CNN]), "cat", "lowest accuracy:", lowest=True),
        lambda: extreme(measured.taken_for(ours[CNN], "cat"), "dog", "cat is mostly taken for", lowest=False),
    ]


def s4(ours: Ours) -> list[Check]:
    def sized(*, small: bool) -> tuple[dict[str, float], str]:
        values, counts = measured.by_class(ours[CNN]), measured.counts(ours[CNN])
        found = {n: v for n, v in values.items() if (counts[n] < 2000 if small else counts[n] > 4000)}
        which = "under 2,000 images" if small else "over 4,000 images"
        if not found:
            raise Missing(f"a class {which}")
        return found, which

    def below() -> tuple[bool, str]:
        found, which = sized(small=True)
        name = max(found, key=lambda n: found[n])
        return compare(found[name], "<", 70, f"highest of {len(found)} classes {which}: {name}")

    def above() -> tuple[bool, str]:
        found, which = sized(small=False)
        name = min(found, key=lambda n: found[n])
        return compare(found[name], ">", 85, f"lowest of {len(found)} classes {which}: {name}")

    def correlation() -> tuple[bool, str]:
        values, counts = measured.by_class(ours[CNN]), measured.counts(ours[CNN])
        rho = statistics.spearman([counts[name] for name in values], list(values.values())).rho
        return True, f"rank correlation of count and accuracy {rho:.2f}" if np.isfinite(rho) else "no rank correlation"

    return [below, above, correlation]


def s5(ours: Ours) -> list[Check]:
    return [lambda c=c: change(ours, f"{CNN}, L2", CNN, c, -15, -5) for c in ("train/acc", "val/acc")]


def s6(ours: Ours) -> list[Check]:
    title = f"{CNN}, L2"

    def most_fall() -> tuple[bool, str]:
        return falling(ours, title, CNN, len(measured.class_changes(ours[title], ours[CNN])) / 2)

    def falls_most() -> tuple[bool, str]:
        changes = measured.class_changes(ours[title], ours[CNN])
        true, text = extreme(changes, "squirrel", "falls most:", lowest=True)
        return true and changes["squirrel"] < -NEAR, text

    def goes_to_dog() -> tuple[bool, str]:
        after, before = (measured.taken_for(ours[name], "squirrel") for name in (title, CNN))
        rises = {name: after[name] - before.get(name, 0.0) for name in after}
        return extreme(rises, "dog", "more squirrels are taken for", lowest=False)

    return [
        lambda: compare(measured.of(measured.class_changes(ours[title], ours[CNN]), "cat"), ">", 0, "cat changes by"),
        lambda: to_dog(ours, title),
        most_fall,
        falls_most,
        goes_to_dog,
    ]


def to_dog(ours: Ours, title: str) -> tuple[bool, str]:
    after, before = (measured.of(measured.taken_for(ours[name], "cat"), "dog") for name in (title, CNN))
    return compare(after - before, ">", 0, "share of cats taken for dogs changes by")


def s7(ours: Ours) -> list[Check]:
    title = f"{CNN}, dropout"
    return [
        lambda: change(ours, title, CNN, "val/acc", -3, 3),
        lambda: lower(ours, title, CNN, "train/acc"),
        lambda: higher(ours, title, CNN, "train/loss"),
        lambda: higher(ours, title, CNN, "val/loss"),
    ]


def s8(ours: Ours) -> list[Check]:
    def gains() -> tuple[bool, str]:
        changes = measured.class_changes(ours[f"{CNN}, dropout"], ours[CNN])
        gaining = sum(value > NEAR for value in changes.values())
        return 4 <= gaining <= 6, f"{gaining} of {len(changes)} classes gain (wanted: 4 to 6)"

    return [gains, lambda: to_dog(ours, f"{CNN}, dropout")]


def s9(ours: Ours) -> list[Check]:
    def faster() -> tuple[bool, str]:
        epochs = {name: measured.epochs_to_reach(ours[name]) for name in (RESNET, CNN)}
        if np.isinf(list(epochs.values())).all():
            raise Missing("80 % train/acc: neither network reaches it")
        said = [f"{name} {'not in every seed' if np.isinf(n) else f'{n:.1f}'}" for name, n in epochs.items()]
        return epochs[RESNET] < epochs[CNN], f"epochs to reach 80 % train/acc: {', '.join(said)} (wanted: fewer)"

    def higher() -> tuple[bool, str]:
        value = measured.change(ours[RESNET], ours[CNN], "val/acc")
        return within(value, 5, 20, "val/acc of the last epoch against the simple CNN")

    return [faster, higher]


def s10(ours: Ours) -> list[Check]:
    def even() -> tuple[bool, str]:
        spread, other = (float(np.std(list(measured.by_class(ours[name]).values()))) for name in (RESNET, CNN))
        return spread < other - NEAR, f"standard deviation over classes {spread:.2f} (wanted: < the CNN's, {other:.2f})"

    return [
        lambda: every_class(ours, RESNET, 88),
        even,
        lambda: compare(measured.gap(ours[RESNET]), ">", 5, "train - val accuracy of the last epoch"),
    ]


def s11(ours: Ours) -> list[Check]:
    def above() -> tuple[bool, str]:
        value = measured.change(ours[PRETRAINED], ours[RESNET], "val/acc")
        return within(value, 10, 15, "val/acc of the last epoch against from-scratch")

    return [above, lambda: every_class(ours, PRETRAINED, 90)]


def s12(ours: Ours) -> list[Check]:
    return [lambda: change(ours, f"{RESNET}, L2", RESNET, "val/acc", -3, 3)]


def s13(ours: Ours) -> list[Check]:
    title = f"{PRETRAINED}, L2"
    return [
        lambda: change(ours, title, PRETRAINED, "val/acc", -15, -5),
        lambda: falling(ours, title, PRETRAINED, 5),
    ]


def s14(ours: Ours) -> list[Check]:
    return [lambda: change(ours, f"{RESNET}, dropout", RESNET, "val/acc", -3, 3)]


def s15(ours: Ours) -> list[Check]:
    title = f"{PRETRAINED}, dropout"

    def hardly() -> tuple[bool, str]:
        changes = measured.class_changes(ours[title], ours[PRETRAINED])
        return compare(float(np.mean(np.abs(list(changes.values())))), "<", 3, "mean absolute change of the classes")

    return [lambda: change(ours, title, PRETRAINED, "val/acc", -15, -5), hardly]


def s16(ours: Ours) -> list[Check]:
    def uncured(title: str, base: str) -> tuple[bool, str]:
        own, before = measured.gap(ours[title]), measured.gap(ours[base])
        gained = measured.change(ours[title], ours[base], "val/acc")
        cured = before > 0 and own < before / 2 - NEAR and gained >= -NEAR  # without a gap there is nothing to cure
        return not cured, f"{title}: train - val {own:.2f}, baseline {before:.2f}, val/acc {gained:+.2f}"

    bases = (CNN, RESNET, PRETRAINED)
    return [lambda t=f"{base}, {reg}", b=base: uncured(t, b) for base in bases for reg in ("L2", "dropout")]


CHECKS: dict[str, Callable[[Ours], list[Check]]] = {
    f"S{k}": check
    for k, check in enumerate((s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15, s16), start=1)
}
