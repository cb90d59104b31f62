"""Folders -> study: everything that a report says, in the order in which one part needs another."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from animal_cls.report.analysis.averages import arm_rows, reliabilities
from animal_cls.report.analysis.cautions import cautions
from animal_cls.report.analysis.classes import class_links, class_rows, confused, damages, images
from animal_cls.report.analysis.comparisons import compare_all
from animal_cls.report.analysis.confounding import overrides
from animal_cls.report.analysis.doses import dose_rows
from animal_cls.report.analysis.examples import examples
from animal_cls.report.analysis.headline import answers, best_of, judged_split
from animal_cls.report.analysis.memory import Memory
from animal_cls.report.analysis.networks import networks_rows
from animal_cls.report.analysis.planning import plan_rows
from animal_cls.report.analysis.ranks import rank_rows
from animal_cls.report.analysis.searches import cautions as search_cautions
from animal_cls.report.analysis.searches import set_apart
from animal_cls.report.analysis.suspects import suspects
from animal_cls.report.published import published, statements
from animal_cls.report.records import MARGIN, Answer, ArmRow, Command, Comparison, DataSet, ImageNote, Study
from animal_cls.results import SPLITS, Result, damage, flat
from animal_cls.results.arms.arm import Arm
from animal_cls.results.arms.arrange import arrange
from animal_cls.results.collect import collect
from animal_cls.results.configs import command, root_of
from animal_cls.results.runs import Run, unended


def build_study(
    sources: Sequence[Path],
    *,
    compare: Sequence[tuple[str, str]] = (),
    baseline: str | None = None,
    margin: float = MARGIN,
    memory: Memory | None = None,
    begun: Callable[[Study], object] | None = None,
) -> Study:
    """What all runs in `sources`, folders of runs or sweeps, show together.

    Args:
        compare: pairs of names of arms to be compared beside each arm with its baseline.
        baseline: the arm, or KEY=VALUE,... of the arms, that the others are compared with; None: as plans say.
        margin: points that a difference must have to matter.
        memory: of the reports that this process has made of the same.
        begun: is told what is known before anything is compared, which takes most of the time.

    Raises:
        UserError: no such folder, no run in any of them, or no arm of that name.
    """
    reader = (memory := memory or Memory()).reader
    reader.troubles.clear()
    found = collect(sources, reader)
    searched, trials = set_apart(found, sources)
    runs, arms = memory.same(*arrange(found.runs, baseline))
    study = _each_by_itself(sources, runs, arms, margin)
    if begun is not None:
        begun(study)
    study = _compared(study, compare_all(arms, compare, margin=margin, pending=_pending(runs)))
    told = (*search_cautions(searched), *study.cautions)
    warnings = (*found.warnings, *_warnings(runs, arms), *reader.troubles)
    return replace(study, runs=(*runs, *trials), searches=tuple(searched), cautions=told, warnings=warnings)


def _each_by_itself(sources: Sequence[Path], runs: Sequence[Run], arms: Sequence[Arm], margin: float) -> Study:
    """What runs and arms say without a comparison."""
    split, data = judged_split(arms), data_sets(_results(runs))
    return Study(
        runs=tuple(runs),
        arms=tuple(arms),
        evaluated_split=split,
        margin=margin,
        arm_rows=tuple(arm_rows(arms)),
        confused=tuple(confused(arms)),
        class_links=tuple(class_links(arms)),
        reliabilities=tuple(reliabilities(arms)),
        **_published(arms, data),
        **_means(sources, runs),
        provisional=_provisional(runs),
        cautions=tuple(cautions(arms, split, data)),
    )


def _compared(study: Study, comparisons: Sequence[Comparison]) -> Study:
    """With all that follows from the comparisons, or is not asked for before them."""
    runs, arms, rows, split = study.runs, study.arms, study.arm_rows, study.evaluated_split
    classes = class_rows(arms)
    return replace(
        study,
        answers=tuple(_with_damages(answers(arms, rows, comparisons), arms, damages(classes, comparisons))),
        comparisons=tuple(comparisons),
        class_rows=tuple(classes),
        doses=tuple(dose_rows(arms, pending=_pending(runs))),
        networks=tuple(networks_rows(arms, comparisons, pending=_pending(runs))),
        ranks=tuple(rank_rows(arms)),
        plan=tuple(plan_rows(arms, comparisons)),
        images=tuple(_images(arms, rows, split)),
        suspects=tuple(suspects(runs)),
    )


def _with_damages(
    found: Sequence[Answer], arms: Sequence[Arm], damaged: dict[tuple[str, str], str]
) -> Iterator[Answer]:
    """The answers with what the methods that help cost single classes."""
    for answer in found:
        names = [(arm.name, answer.split) for arm in arms if arm.model == answer.model]
        sentences = [damaged[name] for name in names if name in damaged]
        yield replace(answer, text=" ".join([answer.text, *sentences]))


def _published(arms: Sequence[Arm], data: Sequence[DataSet]) -> dict[str, Any]:
    """The images, and what published tables say of the same runs."""
    return {
        "data_sets": tuple(data),
        "published_note": published.note(arms, data),
        "published": tuple(published.rows(arms, data)),
        "statements": tuple(statements.all_of(arms, data)),
        "reading_aid": published.aids(arms, data),
    }


def _pending(runs: Sequence[Run]) -> list[str]:
    """The networks of planned runs that have not ended, once for each run."""
    return [run.pending for run in runs if run.pending is not None]


def _provisional(runs: Sequence[Run]) -> str:
    """How many planned runs have not ended, and what that makes of the verdicts; "" where all have."""
    told = unended(runs)
    return told and (
        f"{told} A verdict that is looked at after each of them, until it pleases, is wrong far more often than 5 % of "
        "the time: only the last one counts."
    )


def _means(sources: Sequence[Path], runs: Sequence[Run]) -> dict[str, Any]:
    """Where from and when; with what, and how long, the runs computed, what they warned of, how to repeat them."""
    results = _results(runs)
    return {
        "sources": tuple(sources),
        "made": datetime.now().astimezone().strftime("%Y-%m-%d %H:%M"),
        "commands": tuple(_commands(runs)),
        "run_warnings": _run_warnings(runs),
        "versions": _versions(results),
        "devices": dict(Counter(f"{result.device}, {result.precision}" for result in results)),
        "seconds": sum(result.seconds for result in results),
    }


def _results(runs: Sequence[Run]) -> list[Result]:
    """Those of the runs that are in the numbers."""
    return [run.result for run in runs if run.result is not None and run.status == "done" and run.used]


def data_sets(results: Sequence[Result]) -> list[DataSet]:
    """The images that finished runs saw, those of most runs first; other splits of them are other ones."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        counts = {name: images([result], name) for name in SPLITS if name in result.splits}
        split = counts if result.fold is None else "folds"  # of a cross-validation the first stands for all
        groups.setdefault(repr((result.data_fingerprint, split)), []).append(result)
    made = [_data_set(group) for group in groups.values()]
    return sorted(made, key=lambda data: -data.runs)


def _data_set(group: Sequence[Result]) -> DataSet:
    result = group[0]
    counts = {name: images([result], name) for name in SPLITS if name in result.splits}
    return DataSet(
        name=str(flat(result.config).get("data.name", "")),
        root=root_of(result),
        fingerprint=result.data_fingerprint,
        classes=tuple(result.classes),
        counts=counts,
        runs=len(group),
        is_animals10=published.REPORT.has_images(counts),
    )


def _images(arms: Sequence[Arm], rows: Sequence[ArmRow], split: str) -> list[ImageNote]:
    """Of the best arm of all, and of the best regularized arm of its network against its baseline."""
    best = next(iter(best_of(arms, rows, split)), None)
    if best is None:
        return []
    named = {arm.name: arm for arm in arms if arm.done}
    offers = [arm for arm in arms if arm.model == best.model and arm.baseline in named]
    regularized = next(iter(best_of(offers, rows, split)), None)
    baseline = None if regularized is None or regularized.baseline is None else named[regularized.baseline]
    return examples(best, baseline, regularized, split)


def _commands(runs: Sequence[Run]) -> list[Command]:
    lines = [(run.name, overrides(run)) for run in runs if run.overrides is not None or run.result is not None]
    return [Command(run=name, line=command(words)) for name, words in lines]


def _versions(results: Sequence[Result]) -> dict[str, tuple[str, ...]]:
    packages = dict.fromkeys(package for result in results for package in result.versions)
    found = {p: tuple(sorted({r.versions[p] for r in results if p in r.versions})) for p in packages}
    commits = sorted({_commit(result) for result in results if result.git})
    return {**found, **({"git commit": tuple(commits)} if commits else {})}


def _commit(result: Result) -> str:
    assert result.git is not None
    return f"{result.git.get('commit')}{' with changes' if result.git.get('changed') else ''}"


def _run_warnings(runs: Sequence[Run]) -> dict[str, tuple[str, ...]]:
    told: dict[str, list[str]] = {}
    for run in runs:
        for warning in run.result.warnings if run.result is not None else ():
            told.setdefault(warning, []).append(run.name)
    return {warning: tuple(names) for warning, names in told.items()}


def _warnings(runs: Sequence[Run], arms: Sequence[Arm]) -> list[str]:
    """What a reader must know of the runs before the numbers: how many are missing, which could not be read."""
    counts = Counter(run.status for run in runs)
    missing = [f"{counts[status]} {status}" for status in ("failed", "skipped", "unfinished") if counts[status]]
    told = [f"Of {len(runs)} runs {', '.join(missing)}: they are listed, but not in any mean."] if missing else []
    told += [f"{run.name}: {run.reason}" for run in runs if run.status == "unreadable"]
    return told + _damages(runs) + [f"{arm.name}: {note}" for arm in arms for note in arm.notes]


def _damages(runs: Sequence[Run]) -> list[str]:
    """What finished runs have lost since: one sentence for those that lost the same, as copies without weights do."""
    lost: dict[str, list[Path]] = {}
    for run in runs:
        if run.result is not None and (what := damage(run.folder, run.result)):
            lost.setdefault(what, []).append(run.folder)
    more = {what: f" and {len(folders) - 1} more" * (len(folders) > 1) for what, folders in lost.items()}
    return [f"{folders[0]}{more[what]}: damaged since done: {what}." for what, folders in lost.items()]
