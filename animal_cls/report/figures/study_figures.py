"""The figures of a study, in the order of the page."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from animal_cls.report.figures import alt_text
from animal_cls.report.figures.beside_published import beside_published, published_runs
from animal_cls.report.figures.choice import MOST_PANELS, chosen, file_name, left_out, lines, within
from animal_cls.report.figures.class_size import class_size, classes_differ
from animal_cls.report.figures.confusion import MOST, WRITTEN_CLASSES, matrices
from animal_cls.report.figures.drawing import Drawing
from animal_cls.report.figures.heatmap import changes, heatmap
from animal_cls.report.figures.intervals import arms_figure, comparisons_figure
from animal_cls.report.figures.learning import MIXED, NOTE, Metrics, generalization_gap, learning
from animal_cls.report.figures.reliability import reliability
from animal_cls.report.figures.search import of_searches
from animal_cls.report.figures.style import short
from animal_cls.report.format import covers, each, of_parts
from animal_cls.report.records import ALL_DATA, Study
from animal_cls.results.arms.arm import Arm

OVER = {  # what all intervals of a figure speak of
    frozenset({"seeds and images"}): "The bar accounts for both the images and the seeds. ",
    frozenset({"images"}): "One seed: the bar accounts for the images only, and speaks of these weights. ",
    frozenset({"seeds"}): "The bar accounts for the seeds only. ",
    frozenset({"splits"}): "Ring: one split; the bar is that of the corrected t test over splits. ",
    frozenset({"folds"}): "Ring: one fold; the bar is that of the corrected t test over folds. ",
}
SHARES = "; numbers: percent of the row, from 5 on"


def note_on(arms: Iterable[Arm]) -> str:
    """What the curves of these arms show."""
    return NOTE + MIXED * any(method.mixes_images for arm in arms for r in arm.results for method in r.methods)


def by_seeds(arms: Iterable[Arm], several: str, single: str) -> str:
    """What a caption says of these arms: of those with several seeds, of those with one, or of both."""
    counts = {len(arm.done) > 1 for arm in arms}
    return " ".join(text for known, text in ((True, several), (False, single)) if known in counts)


def drawings(study: Study) -> Iterator[Drawing]:
    """Every figure that there are numbers for, one after the other; anchors and file names are unique."""
    kinds = (of_arms, of_comparisons, of_changes, of_confusions, of_link, of_learning, of_gaps, of_reliability)
    taken: dict[str, int] = {}
    for kind in (*kinds, of_published, of_searches):
        for drawing in kind(study):
            taken[drawing.name.lower()] = n = taken.get(drawing.name.lower(), 0) + 1
            yield drawing if n == 1 else replace(drawing, name=f"{drawing.name}-{n}")


def of_arms(study: Study) -> Iterator[Drawing]:
    """How accurate each arm is on the evaluated split."""
    split = study.evaluated_split
    found = {row.arm: row for row in study.arm_rows if (row.split, row.metric) == (split, "acc")}
    shown = [arm for arm in lines(study) if arm.name in found]
    if shown:
        rows = [found[arm.name] for arm in shown]
        yield Drawing(
            name="arms",
            title=f"Accuracy of each arm, {split}",
            caption=by_seeds(
                shown,
                f"Rings: one {each(shown)} each. Diamond: their mean, with its 95 % interval, {covers(rows)}.",
                f"One seed: its ring lies behind its diamond; the bar is its 95 % interval, {covers(rows)}.",
            )
            + f" {of_parts(shown)}".rstrip()
            + left_out(study, shown),
            alt=alt_text.of_arms(rows),
            draw=partial(
                arms_figure, rows, [[r.splits[split].acc for r in arm.results if split in r.splits] for arm in shown]
            ),
        )


def of_comparisons(study: Study) -> Iterator[Drawing]:
    """How far each arm is from what it is compared with, on the evaluated split; of each network the best first."""
    networks = {arm.name: arm.model for arm in lines(study)}
    decides = {answer.model: answer.split for answer in study.answers}
    split_of = {arm.name: decides.get(arm.model, study.evaluated_split) for arm in study.arms}
    found = [c for c in study.comparisons if (c.split, c.metric) == (split_of[c.arm], "acc")]
    order = list(dict.fromkeys(networks.values()))
    shown = [c for c in found if c.delta is not None and c.arm in networks]
    shown.sort(key=lambda c: (order.index(networks[c.arm]), -(c.delta or 0)))
    if shown:
        yield Drawing(
            name="comparisons",
            title=f"Difference to the baseline, {' and '.join(dict.fromkeys(c.split for c in shown))} accuracy",
            caption="Triangle up: gain; triangle down: loss; square: no difference beyond the margin; circle: not "
            "shown; cross: too few seeds; dash: "
            "no effect reached the network. "
            + OVER.get(
                frozenset(c.over for c in shown), "What each bar accounts for stands in the table of comparisons. "
            )
            + "Confounded: more than one factor differs. Survivors: seeds failed. An arrow: the interval goes on to "
            "the number beside it."
            + (f" Not shown: {len(found) - len(shown)} more." if len(found) > len(shown) else ""),
            alt=alt_text.of_comparisons(shown),
            draw=partial(comparisons_figure, shown),
        )


def of_changes(study: Study) -> Iterator[Drawing]:
    """Which classes gain and which lose."""
    shown = [arm for arms in chosen(study).values() for arm in arms]
    table = changes(study.class_rows, arms=[arm.name for arm in shown], split=study.evaluated_split)
    if table.arms:
        yield Drawing(
            name="classes",
            title=f"Change of each class's accuracy against the baseline, {study.evaluated_split}",
            caption="Blue: better than the baseline; orange: worse."
            + f" The {len(table.classes)} classes that change most, of {table.of:,}." * (table.of > len(table.classes))
            + left_out(study, shown),
            alt=alt_text.of_changes(table),
            draw=partial(heatmap, table),
        )


def of_confusions(study: Study) -> Iterator[Drawing]:
    """Which classes are taken for which: on the evaluated split, and of published runs on train and val."""
    ours = {row.arm for row in study.published}
    ours |= {arm for statement in study.statements if statement.figure == "confusion" for arm in statement.arms}
    for split in dict.fromkeys([study.evaluated_split, ALL_DATA]):
        for model, every in chosen(study, MOST_PANELS).items():
            arms = [arm for arm in every if split == study.evaluated_split or arm.name in ours]
            tables = {arm.name: arm.confusion(split) for arm in arms if arm.classes == arms[0].classes}
            found = [(name, counts) for name, counts in tables.items() if counts is not None]
            if not found:
                continue
            count = len(arms[0].classes)
            shares = SHARES if count <= WRITTEN_CLASSES else ""
            yield Drawing(
                name=file_name("confusion", split, model),
                title=f"Confusion matrices of {model}, {split}",
                caption="Rows: true class; columns: predicted class; all seeds together. Blue: recognised; "
                f"orange: taken for another class{shares}."
                + f" The {MOST} classes that are confused most, of {count:,}." * (count > MOST)
                + left_out(study, every),
                alt=alt_text.of_confusions(found, arms[0].classes),
                draw=partial(matrices, [(within(model, name), counts) for name, counts in found], arms[0].classes),
            )


def of_link(study: Study) -> Iterator[Drawing]:
    """Accuracy of the classes against their numbers of training images."""
    shown = [arm for arms in chosen(study).values() for arm in arms[: max(2, 8 // len(chosen(study)))]]
    names = [arm.name for arm in shown]
    links = [link for link in study.class_links if link.split == study.evaluated_split]
    rows = [row for row in study.class_rows if row.split == study.evaluated_split]
    if classes_differ(names, rows):
        yield Drawing(
            name="class_link",
            title=f"Accuracy of each class and its training images, {study.evaluated_split}",
            caption="A point per class and arm; Spearman's rank correlation over the classes." + left_out(study, shown),
            alt=alt_text.of_link(names, links),
            draw=partial(class_size, names, rows, links),
        )


def of_learning(study: Study) -> Iterator[Drawing]:
    """How accuracy and loss went from epoch to epoch."""
    for model, arms in chosen(study, MOST_PANELS).items():
        curves = measured(arms)
        if curves:
            yield Drawing(
                name=file_name("learning", model),
                title=f"Accuracy and loss by epoch of {model}, train and val",
                caption=by_seeds(
                    arms,
                    f"Faint: one {each(arms)} each. Thick: their mean over the epochs that all reached. Band: one std.",
                    "An arm of one seed has one line and no band.",
                )
                + f" Train dashed, val solid; thin: what was minimised, if not the loss. {note_on(arms)}"
                + left_out(study, arms),
                alt=alt_text.of_curves(curves),
                draw=partial(learning, [(within(model, name), seeds) for name, seeds in curves]),
            )


def measured(arms: Sequence[Arm]) -> list[tuple[str, Sequence[Metrics]]]:
    """The arms with a metrics.csv, and what it holds for each of their finished runs."""
    found = [(arm.name, [run.metrics for run in arm.done.values() if run.metrics is not None]) for arm in arms]
    return [(name, seeds) for name, seeds in found if seeds]


def of_gaps(study: Study) -> Iterator[Drawing]:
    """How far train and val drift apart."""
    for model, arms in chosen(study).items():
        if curves := measured(arms):
            yield Drawing(
                name=file_name("gap", model),
                title=f"Generalization gap of {short(model, 40)}: train minus val accuracy",
                caption=by_seeds(arms, f"Mean over {each(arms)}s; band: one std.", "An arm of one seed has no band.")
                + f" {note_on(arms)}"
                + left_out(study, arms),
                alt=alt_text.of_gaps(curves),
                draw=partial(generalization_gap, [(within(model, name), seeds) for name, seeds in curves]),
            )


def of_reliability(study: Study) -> Iterator[Drawing]:
    """Whether the networks are right as often as they are sure."""
    for model, arms in chosen(study, MOST_PANELS).items():
        known = {r.arm: r for r in study.reliabilities if r.split == study.evaluated_split and sum(r.counts)}
        found = [(within(model, arm.name), known[arm.name]) for arm in arms if arm.name in known]
        if found:
            yield Drawing(
                name=file_name("reliability", model),
                title=f"Reliability of {short(model, 40)}: confidence and accuracy, {study.evaluated_split}",
                caption="A dot per bin of confidence, all seeds together, its area the share of the images in it. "
                "Below the dashed diagonal the network is surer than it is right. ECE: expected calibration error, "
                "mean over runs." + left_out(study, arms),
                alt=alt_text.of_reliability(found),
                draw=partial(reliability, found),
            )


def of_published(study: Study) -> Iterator[Drawing]:
    """Ours beside the published accuracies of the classes."""
    runs = {run: rows for run, rows in published_runs(study).items() if rows[0].split == ALL_DATA}
    found = [(run, rows) for run, rows in runs.items() if any(row.ours is not None for row in rows)]
    if found:
        yield Drawing(
            name="published",
            title=f"Ours beside the published accuracies, {ALL_DATA}",
            caption="Square: published; dot: ours (of several seeds, the mean); the line: the difference.",
            alt=alt_text.of_published(found),
            draw=partial(beside_published, found),
        )
