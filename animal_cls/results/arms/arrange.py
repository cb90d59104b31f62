"""Runs -> arms: all that differ in nothing but seed and fold, each with a name and with the arm it is compared with."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from animal_cls.results.arms.arm import Arm
from animal_cls.results.arms.baselines import Baseline, baselines
from animal_cls.results.arms.folds import incomplete
from animal_cls.results.arms.groups import Group, by_splits, grouped, name_all
from animal_cls.results.collect import newest_first
from animal_cls.results.configs import strengths
from animal_cls.results.runs import FoldSeed, Repeat, Run


def arrange(runs: Sequence[Run], baseline: str | None = None) -> tuple[list[Run], list[Arm]]:
    """The runs with unique names and the name of their arm; and the arms, by model, baselines first.

    Args:
        baseline: what the others are compared with, the name of an arm or KEY=VALUE,...; None: as plans and rules say.

    Raises:
        UserError: there is no such arm.
    """
    runs = by_splits(runs)
    groups = grouped(runs)
    name_all(groups)
    found = baselines(groups, baseline)
    groups.sort(key=lambda g: (g.model, bool(strengths(g.config)), found[g.name].group is not None, g.name))
    named = _name_runs(runs, groups)
    by_folder = {run.folder: run for run in named}
    for group in groups:
        group.runs = [by_folder[run.folder] for run in group.runs]
    used = {one.group.name for one in found.values() if one.group is not None}
    return named, [_arm(group, found[group.name], is_used=group.name in used) for group in groups]


def _name_runs(runs: Sequence[Run], groups: Sequence[Group]) -> list[Run]:
    """The runs with their arm, whether they count, and a name that no other has."""
    arms = {run.folder: group.name for group in groups for run in group.runs}
    used = {run.folder for group in groups for run in _newest(group.runs).values()}
    names = {}
    for run in runs:
        arm = arms.get(run.folder)
        fold = f"{run.repeat.kind}={run.repeat.fold}/" if isinstance(run.repeat, FoldSeed) else ""
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


def _arm(group: Group, baseline: Baseline, *, is_used: bool) -> Arm:
    done = _newest(group.runs)
    arm = Arm(
        name=group.name,
        model=group.model,
        reg=group.reg,
        config=group.config,
        runs=tuple(group.runs),
        done=done,
        baseline=None if baseline.group is None else baseline.group.name,
        rule=baseline.rule,
        is_baseline=baseline.group is None and (is_used or not strengths(group.config)),
        notes=(*baseline.notes, *_doubles(group, done), *_added(done)),
    )
    return replace(arm, notes=(*arm.notes, *incomplete(arm)))


def _added(done: dict[Repeat, Run]) -> list[str]:
    """In words, where several sweeps have planned the runs of an arm: the later ones perhaps after a look."""
    sweeps: dict[str, list[str]] = {}
    for repeat, run in done.items():
        sweeps.setdefault("" if run.sweep is None else run.sweep.name, []).append(str(repeat))
    if len(sweeps) < 2 or "" in sweeps:
        return []
    told = "; ".join(f"{name}: {', '.join(repeats)}" for name, repeats in sweeps.items())
    return [
        f"its seeds come from {len(sweeps)} sweeps ({told}): if later ones were added after a look at the others, its "
        "p-values are too small."
    ]


def _doubles(group: Group, done: dict[Repeat, Run]) -> list[str]:
    counts = Counter(run.repeat for run in group.runs if run.status == "done")
    twice = [(repeat, n) for repeat, n in sorted(counts.items(), key=str) if repeat is not None and n > 1]
    names = {repeat: f"seed {repeat}" if isinstance(repeat, int) else str(repeat) for repeat, _ in twice}
    return [f"{names[repeat]} is there {n} times; the newest counts: {done[repeat].folder}" for repeat, n in twice]
