"""Runs -> arms: all that differ in nothing but seed and fold, each with a name and with the arm it is compared with."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from animal_cls.report.analysis.collect import newest_first
from animal_cls.report.analysis.configs import Flat, differences, identity, root_of, shown, strengths, value_of
from animal_cls.report.analysis.folds import incomplete
from animal_cls.report.records import Arm, Repeat, Run

DATA = "data fingerprint"  # a key of no config: the same config on other images is another arm
ROOT = "data.root"


@dataclass(kw_only=True, eq=False)
class Group:
    """An arm in the making."""

    config: Flat
    fingerprint: str | None
    runs: list[Run] = field(default_factory=list)
    name: str = ""

    @property
    def model(self) -> str:
        return self.runs[0].result.model if self.runs[0].result else ""

    @property
    def reg(self) -> str:
        return self.runs[0].result.reg if self.runs[0].result else ""

    @property
    def root(self) -> str:
        """Where its first run found the images."""
        return shown(root_of(self.runs[0].result))

    @property
    def key(self) -> Flat:
        """What tells it from other arms, as a flat config."""
        return self.config if self.fingerprint is None else {**self.config, DATA: self.fingerprint}


def arrange(runs: Sequence[Run]) -> tuple[list[Run], list[Arm]]:
    """The runs with unique names and the name of their arm; and the arms, by model, baselines first."""
    groups = grouped(runs)
    name_all(groups)
    groups.sort(key=lambda group: (group.model, bool(strengths(group.config)), group.name))
    named = _name_runs(runs, groups)
    by_folder = {run.folder: run for run in named}
    for group in groups:
        group.runs = [by_folder[run.folder] for run in group.runs]
    return named, [_arm(group, groups) for group in groups]


def grouped(runs: Sequence[Run]) -> list[Group]:
    """Runs by their whole config without seed and fold, and by what images they saw."""
    groups: list[Group] = []
    known = sorted((run for run in runs if run.result), key=lambda run: run.result.data_fingerprint is None)  # type: ignore[union-attr]
    table: dict[str, list[Group]] = {}  # runs that failed before the images were read, last, join the others
    for run in known:
        assert run.result is not None
        config, fingerprint = identity(run.result), run.result.data_fingerprint
        config.pop(ROOT, None)  # where the same images lie changes no number, and others have another fingerprint
        alike = table.setdefault(repr(sorted(config.items(), key=lambda item: item[0])), [])
        group = next((g for g in alike if fingerprint in (g.fingerprint, None)), None)
        if group is None:
            group = Group(config=config, fingerprint=fingerprint)
            alike.append(group)
            groups.append(group)
        group.runs.append(run)
    return groups


def name_all(groups: Sequence[Group]) -> None:
    """Give each group a name that no other has: model/reg, and in brackets what else tells it apart."""
    plain: dict[str, list[Group]] = {}
    for group in groups:
        plain.setdefault(f"{group.model}/{group.reg}", []).append(group)
    for name, alike in plain.items():
        for group, words in _telling(alike, {}):
            group.name = f"{name} ({', '.join(words)})" if words else name
    counts = Counter[str]()
    for group in groups:  # values that differ but look the same, such as 1 and "1"
        counts[group.name] += 1
        group.name += f" #{counts[group.name]}" if counts[group.name] > 1 else ""


def _telling(groups: list[Group], used: dict[str, str]) -> list[tuple[Group, list[str]]]:
    """Each group with what tells it from the others: the first key that differs, then further ones as needed."""
    if len(groups) == 1 or (key := _first_difference(groups, used)) is None:
        return [(group, list(used.values())) for group in groups]
    parts: dict[str, list[Group]] = {}
    for group in groups:
        parts.setdefault(_shown(group, key), []).append(group)
    words = {value: f"{key}={value}" for value in parts} if key != DATA else _data_words(parts)
    return [pair for value, part in parts.items() for pair in _telling(part, {**used, key: words[value]})]


def _data_words(parts: dict[str, list[Group]]) -> dict[str, str]:
    """How a name tells images apart: by their folder, where that is another one for each, else by fingerprint."""
    roots = {value: {group.root for group in part} for value, part in parts.items()}
    if all(len(found) == 1 for found in roots.values()) and len(set.union(*roots.values())) == len(parts):
        return {value: f"{ROOT}={root}" for value, (root,) in roots.items()}
    return {value: f"data={value[:8]}" for value in parts}


def _first_difference(groups: list[Group], used: dict[str, str]) -> str | None:
    """A key whose values, as they are shown, are not the same in all of them; None where there is none."""
    found = [d.key for other in groups[1:] for d in differences(other.key, groups[0].key)]
    rest = [key for group in groups for key in group.key if key not in found]  # what only follows other keys
    for key in [*found, *rest]:
        if key not in used and len({_shown(group, key) for group in groups}) > 1:
            return key
    return None


def _shown(group: Group, key: str) -> str:
    return shown(value_of(group.key, key))


def _name_runs(runs: Sequence[Run], groups: Sequence[Group]) -> list[Run]:
    """The runs with their arm, whether they count, and a name that no other has."""
    arms = {run.folder: group.name for group in groups for run in group.runs}
    used = {run.folder for group in groups for run in _newest(group.runs).values()}
    names = {}
    for run in runs:
        arm = arms.get(run.folder)
        fold = "" if run.result is None or run.result.fold is None else f"fold={run.result.fold}/"
        names[run.folder] = run.name if arm is None else f"{arm}/{fold}seed={run.seed}"
    counts = Counter(names.values())
    named = []
    for run in runs:
        name = names[run.folder]
        unique = name if counts[name] == 1 else f"{name} ({run.folder})"
        counted = run.status != "done" or run.folder in used
        named.append(replace(run, name=unique, arm=arms.get(run.folder), used=counted))
    return named


def _newest(runs: Sequence[Run]) -> dict[Repeat, Run]:
    """The finished run that counts for each seed, or fold and seed."""
    newest: dict[Repeat, Run] = {}
    for run in newest_first(run for run in runs if run.status == "done"):
        if run.repeat is not None:
            newest.setdefault(run.repeat, run)
    return dict(sorted(newest.items()))


def _arm(group: Group, groups: Sequence[Group]) -> Arm:
    done = _newest(group.runs)
    baseline, notes = _baseline(group, groups)
    arm = Arm(
        name=group.name,
        model=group.model,
        reg=group.reg,
        config=group.config,
        runs=tuple(group.runs),
        done=done,
        baseline=None if baseline is None else baseline.name,
        is_baseline=not strengths(group.config),
        notes=(*notes, *_doubles(group, done)),
    )
    return replace(arm, notes=(*arm.notes, *incomplete(arm)))


def _baseline(group: Group, groups: Sequence[Group]) -> tuple[Group | None, list[str]]:
    """The arm of this model without a regularizer that differs least otherwise, and what to say of the choice."""
    own = strengths(group.config)
    if not own:
        return None, []
    offers = [other for other in groups if other.model == group.model and not strengths(other.config)]
    if not offers:
        return None, [f"no baseline: no run of {group.model} with reg=none is among these."]
    best = min(offers, key=lambda other: _distance(group, other))
    rivals = [
        other for other in offers if other is not best and _distance(group, other)[0] == _distance(group, best)[0]
    ]
    notes = []
    if rivals:
        names = ", ".join(other.name for other in rivals)
        notes.append(f"baseline: {best.name} is one of several that differ equally little; the others: {names}.")
    if not any(run.status == "done" for run in best.runs):
        notes.append(f"its baseline {best.name} has no finished run.")
    return best, notes


def _distance(group: Group, other: Group) -> tuple[int, int, str]:
    """Factors in which a baseline differs beside the strengths; then more common seeds win, then the name decides."""
    factors = [d for d in differences(group.key, other.key) if d.key not in strengths(group.config)]
    seeds = [{run.repeat for run in g.runs if run.status == "done"} for g in (group, other)]
    return len(factors), -len(seeds[0] & seeds[1]), other.name


def _doubles(group: Group, done: dict[Repeat, Run]) -> list[str]:
    counts = Counter(run.repeat for run in group.runs if run.status == "done")
    return [
        f"{run.result.repeat if run.result else repeat} is there {count} times; the newest counts: {run.folder}"
        for repeat, count in sorted(counts.items(), key=str)
        if repeat is not None and count > 1 and (run := done[repeat])
    ]
