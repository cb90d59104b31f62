"""What differs between two arms, whether it had any effect, and which run would tell several factors apart."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from animal_cls.results import Result
from animal_cls.results.arms.arm import Arm
from animal_cls.results.configs import (
    Difference,
    command,
    differences,
    method_of,
    override,
    overrides_of,
    root_of,
    shown,
    strengths,
)
from animal_cls.results.reader import RunPredictions
from animal_cls.results.runs import Run

REPEATED = re.compile(r"(seed|data\.fold|data\.split_seed)=.*,")  # an override with several values
OTHER = "the images differ (data fingerprint)"


@dataclass(frozen=True, kw_only=True)
class Factors:
    """What a comparison speaks of: one factor alone if it is fair."""

    differences: tuple[Difference, ...]
    alike: bool  # the images, their splits and the precision
    separating: tuple[str, ...]
    no_effect: str  # why nothing that differs reached the network, in words; "" where something did
    notes: tuple[str, ...]

    @property
    def confounded(self) -> bool:
        """More than one factor differs."""
        return len(self.differences) > 1

    @property
    def fair(self) -> bool:
        """At most one factor differs, on the same images in one precision, and it reached the network."""
        return not self.confounded and self.alike and not self.no_effect


def factors(arm: Arm, baseline: Arm, arms: Sequence[Arm]) -> Factors:
    """What differs between the two; `arms` are all there are, among which a separating run may be."""
    data = data_notes(arm, baseline)
    found = (*differences(arm.config, baseline.config), *(_roots(arm, baseline) if data == [OTHER] else []))
    separating = _separating(arm, baseline, found, arms) if len(found) > 1 else ()
    idle = _idle(arm, found)
    all_idle = ", ".join(idle) if idle and len(idle) == len(found) else ""
    return Factors(
        differences=found,
        alike=not data and len({result.precision for side in (arm, baseline) for result in _results(side)}) <= 1,
        separating=separating,
        no_effect=all_idle or _identical(arm, baseline),
        notes=(*data, *idle, *_circumstances(arm, baseline)),
    )


def _idle(arm: Arm, found: Sequence[Difference]) -> list[str]:
    """In words: the methods among the factors that acted in no run of the arm."""
    records = [record for result in _results(arm) for record in result.methods]
    acted = {record.key for record in records if record.acted}
    why = {record.key: record.reason or "no reason given" for record in records if record.key not in acted}
    return [f"{d.key} did not act ({why[d.key]})" for d in found if d.key in why and d.key == method_of(d.key)]


def _identical(arm: Arm, baseline: Arm) -> str:
    """In words, where each seed that both have says the same of every image, bit for bit."""
    shared = [(run, baseline.done[seed]) for seed, run in arm.done.items() if seed in baseline.done]
    same = bool(shared) and all(_say_the_same(ours, theirs) for ours, theirs in shared)
    return f"all predictions are those of {baseline.name}, bit for bit" if same else ""


def twins(arms: Sequence[Arm]) -> dict[str, str]:
    """Arm -> the first one of which each seed says the same of every image, bit for bit: it may be the arm itself."""
    found: dict[str, str] = {}
    firsts: list[Arm] = []
    for arm in arms:
        first = next((other for other in firsts if _are_twins(arm, other)), arm)
        found[arm.name] = first.name
        firsts += [arm] if first is arm else []
    return found


def _are_twins(arm: Arm, other: Arm) -> bool:
    """Whether they have the same seeds, each of which says the same."""
    if not arm.done or arm.done.keys() != other.done.keys():
        return False
    return all(_say_the_same(run, other.done[seed]) for seed, run in arm.done.items())


def _say_the_same(ours: Run, theirs: Run) -> bool:
    """Whether both say the same of every image; the numbers at hand come first, as they take no reading."""
    if _counts(ours) != _counts(theirs):
        return False
    a, b = ours.predictions, theirs.predictions
    return a is not None and b is not None and _equal(a, b)


def _counts(run: Run) -> dict[str, object]:
    """Split -> images by true and predicted class, by result.json."""
    return {} if run.result is None else {name: split.confusion for name, split in run.result.splits.items()}


def _equal(a: RunPredictions, b: RunPredictions) -> bool:
    columns = ((a.predicted, b.predicted), (a.confidence, b.confidence), (a.p_true, b.p_true))
    losses = [] if a.loss is None or b.loss is None else [(a.loss, b.loss)]
    return a.images is b.images and all(np.array_equal(ours, theirs) for ours, theirs in (*columns, *losses))


def _results(arm: Arm) -> list[Result]:
    return [run.result for run in arm.done.values() if run.result is not None]


def _roots(arm: Arm, baseline: Arm) -> list[Difference]:
    """The folders of other images, if they are not the same; an arm's config does not hold them."""
    ours, theirs = (next(map(root_of, _results(side)), None) for side in (arm, baseline))
    return [Difference(key="data.root", value=ours, baseline=theirs)] if ours != theirs else []


def data_notes(arm: Arm, baseline: Arm) -> list[str]:
    """In words: other images, or the same in other splits; nothing where both are the same."""
    if common := arm.folds.keys() & baseline.folds.keys():
        pairs = [(arm.folds[fold], baseline.folds[fold]) for fold in sorted(common)]
        if len(arm.folds) > 1 or len(baseline.folds) > 1:  # each fold has another split, and is compared by itself
            return list(dict.fromkeys(note for pair in pairs for note in data_notes(*pair)))
    prints = [{result.data_fingerprint for result in _results(side)} for side in (arm, baseline)]
    if not all(prints):
        return []
    if prints[0] != prints[1]:
        return [OTHER]
    sizes = [_sizes(_results(side)) for side in (arm, baseline)]
    digests = [
        {run.predictions.images.digest for run in side.done.values() if run.predictions} for side in (arm, baseline)
    ]
    if len(sizes[0] | sizes[1]) > 1 or (all(digests) and len(digests[0] | digests[1]) > 1):
        return ["the same images lie in other splits"]
    return []


def _sizes(results: Sequence[Result]) -> set[tuple[tuple[str, int], ...]]:
    return {tuple(sorted((name, split.n) for name, split in result.splits.items())) for result in results}


def _circumstances(arm: Arm, baseline: Arm) -> list[str]:
    """In words: what the configs do not name and may matter all the same."""
    looked_at: dict[str, Callable[[Result], str | None]] = {
        "precision": lambda result: result.precision,
        "device": lambda result: result.device.partition(" (")[0] if result.device else None,
        "torch": lambda result: result.versions.get("torch"),
        "pillow, which decodes the images": lambda result: result.versions.get("pillow"),
        "code version (git commit)": commit_of,
        "code version (animal-cls)": lambda result: result.versions.get("animal-cls"),
        "evaluated checkpoint": lambda result: result.checkpoint,
    }
    changed = [result for side in (arm, baseline) for result in _results(side) if (result.git or {}).get("changed")]
    notes = ["code with changes that no commit has: what ran is not known"] if changed else []
    for what, of in looked_at.items():
        ours, theirs = ({of(result) for result in _results(side)} - {None} for side in (arm, baseline))
        if ours and theirs and len(ours | theirs) > 1:
            notes.append(
                f"{what}: {_list(ours)} against {_list(theirs)}" if ours != theirs else f"{what}: {_list(ours)}"
            )
    return notes


def commit_of(result: Result) -> str | None:
    """The commit whose code ran, short."""
    return str(result.git.get("commit"))[:12] if result.git else None


def _list(values: set[str | None]) -> str:
    return ", ".join(sorted(map(str, values)))


def _separating(arm: Arm, baseline: Arm, found: Sequence[Difference], arms: Sequence[Arm]) -> tuple[str, ...]:
    """A sentence for each run that would show one factor, or the strengths, alone."""
    own = [d for d in found if d.key in strengths({**arm.config, **baseline.config})]
    others = [d for d in found if d not in own]
    parts = [own] if own and others else []
    parts += [[d] for d in (own if len(own) > 1 else [] if own else others)]
    return tuple(_sentence(arm, baseline, part, found, arms) for part in parts)


def _sentence(
    arm: Arm, baseline: Arm, kept: Sequence[Difference], found: Sequence[Difference], arms: Sequence[Arm]
) -> str:
    """Which run differs from the baseline in `kept` alone: one that is there, or the command that makes it."""
    alone = f"{', '.join(d.key for d in kept)} alone"
    there = next((other for other in arms if _shows(other, baseline, kept)), None)
    if there is not None:
        return f"{there.name} differs from {baseline.name} by {alone}: compare with that one"
    reset = [d for d in found if d not in kept]
    words = _overrides(arm, baseline, reset)
    return f"to see {alone}, run: {command(words, several=any(REPEATED.match(word) for word in words))}"


def _shows(other: Arm, baseline: Arm, kept: Sequence[Difference]) -> bool:
    """Whether a finished arm on the same images differs from the baseline in just these values."""
    if other.model != baseline.model or not other.done or data_notes(other, baseline):
        return False
    wanted = {(d.key, shown(d.value)) for d in kept}
    return {(d.key, shown(d.value)) for d in differences(other.config, baseline.config)} == wanted


def _overrides(arm: Arm, baseline: Arm, reset: Sequence[Difference]) -> list[str]:
    """The arm's command line with some keys as in the baseline, over all seeds, folds and splits."""
    seeds = sorted({run.seed for run in arm.done.values() or arm.runs if run.seed is not None})
    splits = sorted({r.split_seed for r in arm.results if r.split_seed is not None}) if arm.kind[:5] == "split" else []
    replaced = {"seed", "data.fold", *(["data.split_seed"] if splits else []), *(_typed(d.key) for d in reset)}
    words = [word for word in overrides(arm.runs[0]) if key_of(word) not in replaced]
    for d in reset:
        key = _typed(d.key)
        always = d.key.startswith("reg.") or key != d.key or d.key == "data.root"  # keys that every config has
        if always or key in baseline.config:
            words.append(override(key, d.baseline, new=not always and key not in arm.config))
        else:
            words.append(f"~{key}")
    folds = range(baseline.n_folds or 0 if any(d.key == "data.folds" for d in reset) else arm.n_folds or 0)
    repeats = {"data.split_seed": splits, "data.fold": folds, "seed": seeds}
    return [*words, *(f"{key}={','.join(map(str, values))}" for key, values in repeats.items() if values)]


def _typed(key: str) -> str:
    """The key on the command line: an option is chosen by the name of its section."""
    return key.removesuffix(".name")


def overrides(run: Run) -> list[str]:
    """What to type to train this run again: as it was typed, else every key of its config."""
    if run.overrides is not None:
        return [word for word in run.overrides if key_of(word) != "sweep"]  # which would start the whole sweep
    return [] if run.result is None else overrides_of(run.result)


def key_of(word: str) -> str:
    """The key of an override."""
    return word.lstrip("+~").partition("=")[0]
