"""What each arm is compared with: what is asked for, what its plan says, reg=none, or the first value of its axis."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from animal_cls.errors import UserError
from animal_cls.results.arms.groups import Group
from animal_cls.results.configs import AUGMENT, Flat, differences, regularizers_beside, shown, strengths, value_of

# In words, what arms are compared with.
ASKED = "what --baseline names"
PLANNED = "what its plan compares it with"
NONE = "the same config with reg=none"
PLAIN = "the same config with neither reg nor another regularizer"
FIRST = "the first value of its axis in the plan"
DRAWS = ("data.split_seed", "data.fold")  # other splits of the same images are no factor


@dataclass(frozen=True, kw_only=True, eq=False)
class Baseline:
    """What one arm is compared with."""

    group: Group | None = None
    rule: str = ""
    notes: tuple[str, ...] = ()  # why there is none, or why this one of several


def baselines(groups: Sequence[Group], asked: str | None = None) -> dict[str, Baseline]:
    """The baseline of each group, by the group's name.

    Args:
        asked: the name of an arm, or KEY=VALUE,... as the baselines have it.

    Raises:
        UserError: there is no such arm.
    """
    if asked is not None:
        offers = _asked_for(asked, groups)
        return {group.name: _asked(group, offers) for group in groups}
    found = {group.name: _planned(group, groups) or _usual(group, groups) for group in groups}
    if any(one.group or one.notes for one in found.values()):
        return found
    return {group.name: _first(group, groups) for group in groups}  # of other networks


def _asked(group: Group, offers: Sequence[Group]) -> Baseline:
    return Baseline() if group in offers else _nearest(group, offers, ASKED, _factors)


def _planned(group: Group, groups: Sequence[Group]) -> Baseline | None:
    """The arm of the run that a plan names for one of its runs."""
    wanted = {run.baseline for run in group.runs}
    others = (other for other in groups if other is not group)
    planned = next((o for o in others if any(run.folder.absolute() in wanted for run in o.runs)), None)
    return planned and Baseline(group=planned, rule=PLANNED, notes=_unfinished(planned))


def _usual(group: Group, groups: Sequence[Group]) -> Baseline:
    """The arm of this network without a regularizer; where all have the same ones, the first of its axis."""
    same = [other for other in groups if other.model == group.model]
    planned = [other for other in same if other is not group and other.sweeps & group.sweeps]
    if planned and all(strengths(other.config) == strengths(group.config) for other in same):
        return _first(group, planned)
    offers = [other for other in same if not strengths(other.config)]
    if not strengths(group.config):
        ours = regularizers_beside(group.config)
        plainer = [other for other in offers if regularizers_beside(other.config) < ours]
        return _nearest(group, plainer, PLAIN, _factors) if plainer else Baseline()
    if offers:
        return _nearest(group, offers, NONE, _factors_beside_strengths)
    return Baseline(notes=(f"no baseline: no run of {group.model} with reg=none is among these.",))


def _first(group: Group, groups: Sequence[Group]) -> Baseline:
    """Of the arms that stand before it in its plan the one that differs least, of these the first."""
    before = [other for other in groups if other.place < group.place and other.sweeps & group.sweeps]
    keys = [(other, {d.key for d in differences(group.key, other.key)}) for other in before]
    offers = [(len(found), other.place, other) for other, found in keys if not found & {*DRAWS}]
    if not offers:
        return Baseline()
    _, _, first = min(offers, key=lambda offer: offer[:2])
    return Baseline(group=first, rule=FIRST, notes=_unfinished(first))


def _nearest(group: Group, offers: Sequence[Group], rule: str, factors: Callable[[Group, Group], int]) -> Baseline:
    """The offer that differs in the fewest factors; then more common seeds win, then the name decides."""
    counts = {offer.name: factors(group, offer) for offer in offers}
    best = min(offers, key=lambda other: (counts[other.name], -_common_seeds(group, other), other.name))
    rivals = [name for name in counts if name != best.name and counts[name] == counts[best.name]]
    several = f"baseline: {best.name} is one of several that differ equally little; the others: {', '.join(rivals)}."
    return Baseline(group=best, rule=rule, notes=(*([several] if rivals else []), *_unfinished(best)))


def _factors(group: Group, other: Group) -> int:
    return len(differences(group.key, other.key))


def _factors_beside_strengths(group: Group, other: Group) -> int:
    return sum(d.key not in strengths(group.config) for d in differences(group.key, other.key))


def _common_seeds(group: Group, other: Group) -> int:
    ours, theirs = ({run.repeat for run in g.runs if run.status == "done"} for g in (group, other))
    return len(ours & theirs)


def _unfinished(group: Group) -> tuple[str, ...]:
    is_done = any(run.status == "done" for run in group.runs)
    return () if is_done else (f"its baseline {group.name} has no finished run.",)


def _asked_for(asked: str, groups: Sequence[Group]) -> list[Group]:
    """The arm of this name, or those with these values."""
    if named := [group for group in groups if group.name == asked]:
        return named
    left = list(groups)
    for word in re.split(r",(?![^\[]*\])", asked):  # not within brackets: reg=[dropout,mixup]
        key, equals, value = word.partition("=")
        if not equals:
            raise UserError(f"--baseline {asked}: no such arm. Arms: {', '.join(group.name for group in groups)}.")
        values = [group.reg if key == "reg" else _said(group.key, key) for group in left]
        left = [group for group, said in zip(left, values, strict=True) if _is(said, value)]
        if not left:
            raise UserError(
                f"--baseline {asked}: no arm has {word}. There is {key}={', '.join(dict.fromkeys(values))}."
            )
    return left


def _said(config: Flat, key: str) -> str:
    """The value of a key as it is typed: of a group its option, of data.augment its methods."""
    if f"{key}." == AUGMENT:
        return (
            "+".join(sorted({k.removeprefix(AUGMENT).partition(".")[0] for k in config if k.startswith(AUGMENT)}))
            or "none"
        )
    return shown(config[f"{key}.name"] if f"{key}.name" in config else value_of(config, key))


def _is(said: str, typed: str) -> bool:
    """Whether both are the same text, methods or number."""
    if sorted(said.split("+")) == sorted(typed.strip("[]").replace("+", ",").split(",")):
        return True
    try:
        return float(said) == float(typed)
    except ValueError:
        return False
