"""What has to be known before the answer is believed: networks at chance, few images, a split of other data."""

from collections.abc import Iterator, Sequence

import numpy as np

from animal_cls.files.text import percent, plural
from animal_cls.report.analysis.classes import images_of, results_on
from animal_cls.report.analysis.headline import judged_split
from animal_cls.report.records import DataSet
from animal_cls.results import Result, SplitResult, flat
from animal_cls.results.arms.arm import Arm

FEW = 20  # images of a class: one of them is then 5 points of its accuracy, or more
NAMED = 3  # classes named in a sentence
MOST = 5  # arms at chance that get a sentence of their own


def cautions(arms: Sequence[Arm], split: str, data: Sequence[DataSet]) -> Iterator[str]:
    """Sentences that stand beside the answer."""
    yield from _skipped(arms)
    chance = [sentence for arm in arms for sentence in _at_chance(arm, split)]
    yield from chance[:MOST]
    if len(chance) > MOST:
        yield f"{len(chance) - MOST} more arms are at chance: the networks have not learned, whatever regularizes them."
    yield from _left_out(arms)
    yield from _few_images(arms, split)
    yield from _foreign_split(arms, data)
    yield from _wrong_labels(arms)


def _skipped(arms: Sequence[Arm]) -> Iterator[str]:
    """Of arms of which nothing was trained, as a method has no effect there or weights cannot be had."""
    for arm in arms:
        reasons = dict.fromkeys(run.reason or "" for run in arm.runs if run.status == "skipped")
        if reasons and not arm.done:
            yield f"{arm.name} was skipped: {'; '.join(reason.removesuffix('.') for reason in reasons)}."


def _left_out(arms: Sequence[Arm]) -> Iterator[str]:
    """Of arms with runs that were not evaluated on the images that decide for their network."""
    splits = {model: judged_split([a for a in arms if a.model == model]) for model in {arm.model for arm in arms}}
    for arm in arms:
        split, n = splits[arm.model], len(arm.done)
        lacking = n - len(results_on(arm, split))
        if lacking:
            which = f"{lacking} of its {n} runs {'have' if lacking > 1 else 'has'}" if n > 1 else "its run has"
            whose = "it is" if lacking == n else "these runs are" if lacking > 1 else "this run is"
            yield f"{arm.name}: {which} no {split} images, so {whose} in no verdict on {split}."


def _at_chance(arm: Arm, split: str) -> Iterator[str]:
    """Of an arm whose runs say one class of every image, or are right no more often than a die."""
    results = results_on(arm, split)
    single = [name for result in results if (name := _only_class(result, result.splits[split]))]
    if single:
        which = " or ".join(dict.fromkeys(single))
        yield (
            f"{arm.name}: {_of(single, results, 'take')} every image of {split} for {which}: they "
            "are at chance, so a comparison with them says nothing of a regularizer."
        )
    lost = [r for r in results if not _only_class(r, r.splits[split]) and _is_chance(r, r.splits[split])]
    if lost:
        yield (f"{arm.name}: {_of(lost, results, 'recognise')} the classes of {split} no more often than chance does.")


def _of(some: Sequence[object], results: Sequence[Result], verb: str) -> str:
    """`1 of 3 runs takes`, `2 of 3 runs take`."""
    return f"{len(some)} of {plural(len(results), 'run')} {verb}{'s' * (len(some) == 1)}"


def _only_class(result: Result, split: SplitResult) -> str:
    """The class for which all images are taken, or nothing where it is not one or nothing else is there to be told."""
    counts = split.matrix
    said = np.flatnonzero(counts.sum(axis=0))
    return result.classes[said[0]] if len(said) == 1 and (counts.sum(axis=1) > 0).sum() > 1 else ""


def _is_chance(result: Result, split: SplitResult) -> bool:
    present = int((split.matrix.sum(axis=1) > 0).sum())
    return present > 1 and split.acc_macro <= 1 / len(result.classes)


def _few_images(arms: Sequence[Arm], split: str) -> Iterator[str]:
    """Of the split that decides, where a class has so few images that one of them is points."""
    alike: dict[tuple[tuple[str, int], ...], str] = {}  # images of each class -> the first arm that has so many
    for arm in (arm for arm in arms if results_on(arm, split)):
        alike.setdefault(tuple(images_of(arm, split).items()), arm.name)
    for counts, arm_name in alike.items():
        few = sorted((n, name) for name, n in counts if 0 < n < FEW)
        if not few:
            continue
        whose = f"{arm_name}: " * (len(alike) > 1)
        named = ", ".join(f"{name} {n}" for n, name in few[:NAMED]) + (", ..." if len(few) > NAMED else "")
        yield (
            f"{whose}{len(few)} of {len(counts)} classes have fewer than {FEW} images in {split} ({named}): one image "
            f"more or less is {100 / few[0][0]:.0f} points of such a class."
        )


def _wrong_labels(arms: Sequence[Arm]) -> Iterator[str]:
    """Of training labels that are wrong on purpose: what numbers are by, and how many each arm has learnt by heart."""
    met = {arm.name: [r.label_noise for r in results_on(arm, "train") if r.label_noise is not None] for arm in arms}
    learnt = {name: [noise.repeated for noise in found if noise.repeated is not None] for name, found in met.items()}
    if any(met.values()):
        told = [f"{name} {percent(float(np.mean(shares)))}" for name, shares in learnt.items() if shares]
        yield (
            "data.label_noise: training labels are wrong on purpose. Accuracies are by the true ones, on train and all "
            "too; the gap and the curves of train are by those given. Of the wrong labels are repeated: "
            f"{', '.join(told) or 'none'}."
        )


def _foreign_split(arms: Sequence[Arm], data: Sequence[DataSet]) -> Iterator[str]:
    """Of the published report's split on images that are not the report's."""
    configs = [flat(run.result.config) for arm in arms for run in arm.done.values() if run.result is not None]
    keys = [key for key in ("data.val", "data.test") if any(config.get(key) == "published" for config in configs)]
    if keys and any(not found.is_animals10 for found in data):
        yield (
            f"{' and '.join(f'{key}=published' for key in keys)}: the published split was made for Animals-10, and "
            "these are other images; published figures and statements are a reading aid only."
        )
