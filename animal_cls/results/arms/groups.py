"""Runs -> groups: those whose configs differ in nothing but the seed, each with a name that no other has."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from animal_cls.results import Result
from animal_cls.results.configs import Flat, differences, identity, root_of, shown, strengths, value_of
from animal_cls.results.runs import Run

DATA = "data fingerprint"  # a key of no config: the same config on other images is another arm
ROOT = "data.root"


@dataclass(kw_only=True, eq=False)
class Group:
    """An arm in the making."""

    config: Flat
    fingerprint: str | None
    runs: list[Run] = field(default_factory=list)
    name: str = ""
    place: int = 0  # of its first run among all, in the order of plans

    @property
    def model(self) -> str:
        return self.runs[0].result.model if self.runs[0].result else ""

    @property
    def reg(self) -> str:
        return self.runs[0].result.reg if self.runs[0].result and strengths(self.config) else "none"

    @property
    def root(self) -> str:
        """Where its first run found the images."""
        return shown(root_of(self.runs[0].result))

    @property
    def sweeps(self) -> set[Path]:
        """Those that have planned its runs."""
        return {run.sweep for run in self.runs if run.sweep is not None}

    @property
    def key(self) -> Flat:
        """What tells it from other arms, as a flat config."""
        return self.config if self.fingerprint is None else {**self.config, DATA: self.fingerprint}


SPLIT = "data.split_seed"


def by_splits(runs: Sequence[Run]) -> list[Run]:
    """The runs, marked where their data.split_seed is no factor.

    Where some runs differ in nothing else (but the seed and the fold), splits were drawn several times: no arm is made
    of each, but all runs of this network on these images are repeated, as by folds, and compared split by split.
    """
    drawn: dict[tuple[str, str | None, str], set[int | None]] = {}
    for result in (run.result for run in runs if run.result is not None):
        config = {key: value for key, value in identity(result).items() if key not in (SPLIT, ROOT)}
        like = repr(sorted(config.items(), key=lambda item: item[0]))
        drawn.setdefault((result.model, result.data_fingerprint, like), set()).add(result.split_seed)
    varied = {(model, images) for (model, images, _), splits in drawn.items() if len(splits - {None}) > 1}
    varied |= {(model, None) for model, _ in varied}  # runs that failed before the images were read
    return [replace(r, by_split=True) if r.result and _study(r.result) in varied else r for r in runs]


def _study(result: Result) -> tuple[str, str | None]:
    return result.model, result.data_fingerprint


def grouped(runs: Sequence[Run]) -> list[Group]:
    """Runs by their whole config without seed and fold, and by what images they saw."""
    groups: list[Group] = []
    known = sorted((run for run in runs if run.result), key=lambda run: run.result.data_fingerprint is None)  # type: ignore[union-attr]
    table: dict[str, list[Group]] = {}  # runs that failed before the images were read, last, join the others
    places = {run.folder: place for place, run in enumerate(runs)}
    for run in known:
        assert run.result is not None
        config, fingerprint = identity(run.result), run.result.data_fingerprint
        if run.by_split:
            config.pop(SPLIT, None)
        config.pop(ROOT, None)  # where the same images lie changes no number, and others have another fingerprint
        alike = table.setdefault(repr(sorted(config.items(), key=lambda item: item[0])), [])
        group = next((g for g in alike if fingerprint in (g.fingerprint, None)), None)
        if group is None:
            group = Group(config=config, fingerprint=fingerprint, place=places[run.folder])
            alike.append(group)
            groups.append(group)
        group.runs.append(run)
        group.place = min(group.place, places[run.folder])
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
