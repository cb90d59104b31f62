"""Which arms the figures show, where there are too many to show them all."""

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from animal_cls.report.records import Study
from animal_cls.results.arms.arm import Arm

MOST_ARMS = 8  # of one network in one figure with a colour or a column per arm
MOST_LINES = 60  # of a figure with a line per arm
MOST_PANELS = 12  # of all figures of one kind with a panel per arm, each of which takes a tenth of a second to draw

Item = TypeVar("Item")


def lines(study: Study) -> list[Arm]:
    """The arms of a figure with a line per arm: all but of very many, so that no loss is left out beside the gains."""
    return [arm for arms in chosen(study, each=MOST_LINES).values() for arm in arms]


def chosen(study: Study, most: int = MOST_LINES, *, each: int = MOST_ARMS) -> dict[str, list[Arm]]:
    """Network -> those of its arms that figures show: baselines and then the best on the evaluated split, in old order.

    About `most` of all networks together and `each` of one, but two of each: baseline and best.
    """
    done = [arm for arm in study.arms if arm.done]
    models = list(dict.fromkeys(arm.model for arm in done))
    few = min(each, max(2, most // max(len(models), 1)))
    return {model: best(study, [arm for arm in done if arm.model == model], few) for model in models[:most]}


def best(study: Study, arms: Sequence[Arm], most: int) -> list[Arm]:
    """At most so many of `arms`."""
    accuracy = {
        row.arm: row.mean for row in study.arm_rows if (row.split, row.metric) == (study.evaluated_split, "acc")
    }
    return foremost(arms, lambda arm: (not arm.is_baseline, -accuracy.get(arm.name, -1.0)), most)


def foremost(items: Sequence[Item], rank: Callable[[Item], Any], most: int) -> list[Item]:
    """All items, or of too many those of the lowest rank, in their old order."""
    kept = sorted(range(len(items)), key=lambda k: rank(items[k]))[:most]
    return [items[k] for k in sorted(kept)]


def left_out(study: Study, shown: Sequence[Arm]) -> str:
    """A sentence on the arms of the same networks that a figure does not show, or nothing."""
    models = {arm.model for arm in shown}
    others = sum(bool(arm.done) for arm in study.arms if arm.model in models) - len(shown)
    why = f"not among the best on {study.evaluated_split}, or not evaluated there"
    return f" Not shown: {others} more arm{'s' * (others > 1)}, {why}." if others else ""


def within(model: str, arm: str) -> str:
    """What an arm is called among those of its network: `resnet18/dropout` is `dropout`."""
    return arm.removeprefix(f"{model}/")


def file_name(*parts: str) -> str:
    """Parts of a name as a file and an anchor can have it."""
    return "-".join(re.sub(r"[^A-Za-z0-9_]+", "_", part).strip("_") or "x" for part in parts)
