"""The figures of a study draw the numbers of the study, worked out by hand here."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from animal_cls.report.figures.beside_published import beside_published
from animal_cls.report.figures.class_size import class_size, classes_differ
from animal_cls.report.figures.confusion import matrices
from animal_cls.report.figures.drawing import MANY, Drawing, Files, rendered, thinned
from animal_cls.report.figures.heatmap import EMPTY, changes, heatmap, hexed, ink_on, shade
from animal_cls.report.figures.intervals import comparisons_figure
from animal_cls.report.figures.learning import band, difference, generalization_gap, learning, series
from animal_cls.report.figures.reliability import reliability
from animal_cls.report.figures.study_figures import by_seeds
from animal_cls.report.figures.style import GREEN, GREY, INK, set_title, styles
from animal_cls.report.output.page.inline_svg import inline
from animal_cls.report.records import ClassLink, ClassRow, Comparison, PublishedRow, Reliability, SeedsTest


def class_row(arm: str, name: str, change: float | None, *, n_train: int = 80) -> ClassRow:
    """A class that changed by so many points, with an interval of two points around them."""
    ends = (None, None) if change is None else (change - 1, change + 1)
    return ClassRow(
        arm=arm, baseline="cnn/none", split="test", class_name=name, n_images=10, n_train=n_train, n_seeds=3,
        accuracy=0.5, ci_low=0.4, ci_high=0.6, change=change, change_low=ends[0], change_high=ends[1],
    )  # fmt: skip


def comparison(delta: float, low: float | None, high: float | None, verdict: Any, **fields: Any) -> Comparison:
    """A comparison of two seeds, one point below and one above `delta`."""
    seeds = SeedsTest(
        deltas={0: delta - 1, 1: delta + 1}, std=1.0, p_value=0.5, ci_low=low, ci_high=high,
    )  # fmt: skip
    known: dict[str, Any] = {"arm": f"cnn/{verdict}", "baseline": "cnn/none", "split": "test", "metric": "acc"}
    known |= {
        "seeds": (0, 1),
        "n_seeds": 2,
        "n_arm": 2,
        "n_baseline": 2,
        "p_value": 0.5,
        "p_adjusted": 0.5,
        "fair": True,
        "confounded": False,
    }
    known |= {"differs": (), "differences": (), "seeds_test": seeds}
    return Comparison(**(known | {"delta": delta, "ci_low": low, "ci_high": high, "verdict": verdict} | fields))


def metrics(train: Sequence[float], val: Sequence[float]) -> dict[str, np.ndarray]:
    """A metrics.csv with these accuracies."""
    numbers = {"train/acc": train, "val/acc": val, "train/loss": [1.0] * len(train), "val/loss": [2.0] * len(val)}
    return {"epoch": np.arange(len(train), dtype=float)} | {
        name: np.array(v, dtype=float) for name, v in numbers.items()
    }


def words(figure: Figure) -> list[str]:
    """All that the axes say, in the order in which it was written, the minus as on a keyboard."""
    return [text.get_text().replace("\N{MINUS SIGN}", "-") for axes in figure.axes for text in axes.texts]


def test_heatmap_has_the_studys_numbers_in_their_cells() -> None:
    rows = [class_row("cnn/l2", "cat", -3.25), class_row("cnn/l2", "dog", 12.0), class_row("cnn/drop", "cat", 0.04)]
    rows += [class_row("cnn/drop", "dog", None), class_row("cnn/none", "cat", None)]
    rows.append(ClassRow(**{**vars(rows[0]), "split": "val", "change": 99.0}))
    table = changes(rows, arms=["cnn/none", "cnn/drop", "cnn/l2"], split="test")
    assert (table.classes, table.arms) == (["cat", "dog"], ["cnn/drop", "cnn/l2"])
    np.testing.assert_array_equal(table.points, [[0.04, -3.25], [np.nan, 12.0]])
    figure = heatmap(table)
    assert words(figure) == ["0.0\n[-1.0, +1.0]", "-3.2\n[-4.2, -2.2]", "+12.0\n[+11.0, +13.0]"]
    [mesh] = [part for part in figure.axes[0].collections if isinstance(part, QuadMesh)]
    drawn = [to_hex(tuple(colour)) for colour in np.asarray(mesh.get_array()).reshape(-1, 3)]
    assert drawn == [hexed(shade(0.04)), hexed(shade(-3.25)), hexed(EMPTY), hexed(shade(12.0))]


def test_colours_of_changes_are_symmetric_full_at_twenty_points_and_readable() -> None:
    assert shade(0) == (247, 247, 247)
    better, worse = shade(15), shade(-15)
    assert better[2] > better[0]  # blue
    assert worse[0] > worse[2]  # orange
    assert shade(20) == shade(80) != shade(19)
    for change in np.linspace(-30, 30, 61):
        light, dark = sorted((luminance(ink_on(shade(change))), luminance(shade(change))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, change


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance, https://www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    parts = np.array(colour) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_band_is_mean_and_deviation_over_the_epochs_that_all_seeds_reached() -> None:
    epochs, mean, spread = band([{1: 10.0, 2: 20.0, 3: 90.0}, {2: 26.0, 1: 14.0}])
    assert epochs.tolist() == [1, 2]
    assert mean.tolist() == [12.0, 23.0]
    np.testing.assert_allclose(spread, [np.sqrt(8), np.sqrt(18)])  # n - 1 = 1
    assert band([{1: 10.0}])[2].tolist() == [0.0]
    assert [len(part) for part in band([])] == [0, 0, 0]


def test_series_counts_epochs_from_one_and_leaves_out_what_is_missing() -> None:
    twice = {"epoch": np.array([0.0, 1.0, 1.0, 2.0]), "val/acc": np.array([0.1, 0.2, 0.3, np.nan])}
    assert series(twice, "val/acc", 100.0) == pytest.approx({1: 10.0, 2: 30.0})


def test_learning_curve_is_the_mean_of_the_seeds() -> None:
    seeds = [metrics([0.5, 0.7], [0.4, 0.5]), metrics([0.7, 0.9], [0.6, 0.5])]
    figure = learning([("none", seeds), ("l2", seeds[:1])])
    above, below, single = figure.axes[0], figure.axes[1], figure.axes[2]
    means = {line.get_linestyle(): np.array(line.get_ydata()) for line in above.lines if line.get_linewidth() > 1}
    np.testing.assert_allclose(means["--"], [60, 80])  # train
    np.testing.assert_allclose(means["-"], [50, 50])  # val
    faint = [line for line in above.lines if line.get_linewidth() < 1]
    assert [np.isnan(np.array(line.get_ydata(), dtype=float)).sum() for line in faint] == [2, 2]  # two seeds each
    assert {tuple(np.array(line.get_ydata(), dtype=float).tolist()) for line in below.lines[1::2]} == {
        (1.0, 1.0),
        (2.0, 2.0),
    }
    assert above.get_ylim() == single.get_ylim()


def test_gap_is_train_minus_val() -> None:
    seeds = [metrics([0.5, 0.9], [0.4, 0.5]), metrics([0.7, 0.8], [0.5, np.nan])]
    assert difference(seeds[0]) == pytest.approx({1: 10.0, 2: 40.0})
    assert difference(seeds[1]) == pytest.approx({1: 20.0})
    figure = generalization_gap([("none", seeds[:1]), ("l2", seeds[:1])])
    np.testing.assert_allclose(np.array(figure.axes[0].lines[1].get_ydata(), dtype=float), [10, 40])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["none", "l2"]


def test_many_epochs_are_thinned_to_the_first_the_last_and_few_between() -> None:
    kept = thinned(5000)
    assert (kept[0], kept[-1]) == (0, 4999)
    assert len(kept) == MANY
    assert max(np.diff(kept)) <= 26
    assert thinned(3) == [0, 1, 2]


def test_reliability_shows_the_bins_that_hold_images() -> None:
    diagram = Reliability(
        arm="cnn/none", split="test", edges=(0.0, 0.5, 0.75, 1.0), counts=(0, 30, 10), confidence=(None, 0.6, 0.9),
        accuracy=(None, 0.5, 1.0), ece=0.1,
    )  # fmt: skip
    axes = reliability([("none", diagram)]).axes[0]
    [dots] = [part for part in axes.collections if isinstance(part, PathCollection)]
    np.testing.assert_allclose(np.asarray(dots.get_offsets()), [[60, 50], [90, 100]])
    large, small = np.asarray(dots.get_sizes())
    assert large - 6 == pytest.approx(3 * (small - 6)), "30 images against 10"
    assert words(reliability([("none", diagram)])) == ["ECE 10.0 %"]


def test_a_figure_speaks_with_the_interval_of_the_verdict_and_greys_what_is_provisional() -> None:
    known = {"family": "cnn: acc on test", "n_family": 8, "simultaneous_low": -0.4, "simultaneous_high": 4.4}
    found = [comparison(2.0, 0.4, 3.6, "not shown", **known), comparison(2.0, 0.4, 3.6, "gain", provisional=True)]
    found.append(comparison(0.1, -0.4, 0.6, "no difference beyond 2 points", arm="cnn/l2", failed_arm=1))
    figure = comparisons_figure(found)
    assert words(figure)[:3] == [
        "+2.0 [-0.4, +4.4]   not shown",
        "+2.0 [+0.4, +3.6]   gain (provisional)",
        "+0.1 [-0.4, +0.6]   no difference beyond 2 points",
    ]
    marks = [
        line for line in figure.axes[0].lines if line.get_marker() in ("o", "^", "s") and line.get_markersize() == 8
    ]
    assert [(line.get_marker(), line.get_markeredgecolor()) for line in marks] == [
        ("o", GREY),
        ("^", GREY),
        ("s", GREEN),
    ]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()][2] == "cnn/l2 (survivors)"


def segments(axes: Axes) -> list[list[list[float]]]:
    """The ends of the lines that are drawn together, in data coordinates."""
    found = [part for part in axes.collections if isinstance(part, LineCollection)]
    return [np.asarray(ends).tolist() for part in found for ends in part.get_segments()]


def test_comparisons_have_their_numbers_and_a_mark_per_verdict() -> None:
    shown = [comparison(5.0, 2.0, 8.0, "gain"), comparison(-4.0, -6.0, -2.0, "loss", confounded=True)]
    shown += [comparison(0.5, -1.0, 2.0, "not shown"), comparison(1.0, None, None, "too few seeds")]
    figure = comparisons_figure(shown)
    marks = [
        (line.get_marker(), *np.ravel(line.get_xdata()))
        for line in figure.axes[0].lines
        if len(np.ravel(line.get_xdata())) == 1
    ]
    assert marks == [("^", 5.0), ("v", -4.0), ("o", 0.5), ("X", 1.0)]
    assert segments(figure.axes[0]) == [[[2, 0], [8, 0]], [[-6, 1], [-2, 1]], [[-1, 2], [2, 2]]]
    assert words(figure)[0] == "+5.0 [+2.0, +8.0]   gain"
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert [name.endswith("(confounded)") for name in names] == [False, True, False, False]


def test_one_very_wide_interval_does_not_hide_the_others() -> None:
    figure = comparisons_figure([comparison(1.0, -80.0, 82.0, "not shown"), comparison(2.0, 1.0, 3.0, "gain")])
    low, high = figure.axes[0].get_xlim()
    assert -10 < low < 0 < 3 < high < 12
    arrows = [(line.get_marker(), *np.ravel(line.get_xdata())) for line in figure.axes[0].lines]
    assert [mark for mark in arrows if mark[0] in ("<", ">")] == [("<", low), (">", high)], (
        "of the first interval alone"
    )
    assert [text for text in words(figure) if text in ("-80.0", "+82.0")] == ["-80.0", "+82.0"]


def test_of_many_classes_those_that_change_most_are_drawn() -> None:
    rows = [class_row("cnn/l2", f"class {k}", float(k % 50) - 25) for k in range(500)]
    table = changes(rows, arms=["cnn/l2"], split="test")
    assert (len(table.classes), table.of) == (60, 500)
    assert np.abs(table.points).min() >= 22
    assert table.classes == sorted(table.classes, key=lambda name: int(name.split()[1])), "in their old order"


def test_captions_are_true_of_one_seed() -> None:
    arms: list[Any] = [SimpleNamespace(done=dict.fromkeys(range(n))) for n in (1, 3)]
    assert by_seeds(arms[1:], "Band: one std.", "No band.") == "Band: one std."
    assert by_seeds(arms[:1], "Band: one std.", "No band.") == "No band."
    assert by_seeds(arms, "Band: one std.", "No band.") == "Band: one std. No band."


def test_matrices_hold_the_percent_of_their_rows() -> None:
    counts = np.array([[30, 9, 1], [0, 0, 0], [0, 5, 15]])  # the second class has no image
    figure = matrices([("none", counts), ("l2", counts)], ["cat", "dog", "$x$"])
    assert [text for axes in figure.axes[:1] for text in words(figure)[: len(axes.texts)]] == ["75", "22", "25", "75"]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["cat", "dog", "$x$"]


def drawn(figure: Callable[..., Figure], *values: Any, title: str = "t") -> Files:
    """The files of a figure."""
    return rendered(Drawing(name="f", title=title, caption="c", alt="a", draw=partial(figure, *values)), png=True)


def test_a_hundred_classes_are_one_image_not_ten_thousand_paths() -> None:
    svg = drawn(matrices, [("none", np.eye(100, dtype=int))], [f"class {k}" for k in range(100)]).svg
    assert svg.count("<path") < 500
    assert "<image" in svg


def test_training_images_and_accuracy() -> None:
    rows = [class_row("cnn/none", name, None, n_train=n) for name, n in (("cat", 10), ("dog", 90), ("cow", 40))]
    link = ClassLink(arm="cnn/none", split="test", n_classes=3, rho=0.5, p_value=0.667)
    figure = class_size(["cnn/none"], rows, [link])
    assert np.array(figure.axes[0].lines[0].get_xdata()).tolist() == [10, 40, 90]
    assert figure.legends[0].get_texts()[0].get_text() == "cnn/none: rank correlation 0.50, p 0.667"
    assert classes_differ(["cnn/none"], rows)
    assert not classes_differ(["cnn/none"], [class_row("cnn/none", "cat", None)] * 2)


def test_ours_and_published_are_joined() -> None:
    rows = [PublishedRow(run="r", arm="a", class_name="cat", published=80.0, ours=70.0, difference=-10.0, split="x")]
    rows.append(PublishedRow(run="r", arm="a", class_name="dog", published=90.0, ours=None, difference=None, split="x"))
    axes = beside_published([("r", rows)]).axes[0]
    assert [np.array(line.get_xdata()).tolist() for line in axes.lines] == [[70.0], [80.0, 90.0]]
    assert segments(axes)[0] == [[80.0, 0.0], [70.0, 0.0]]


def test_styles_are_told_apart_without_colour() -> None:
    looks = styles(40)
    assert len({(str(look["linestyle"]), look["marker"]) for look in looks}) == 40
    assert len({(look["color"], str(look["linestyle"])) for look in looks[:7]}) == 7


def test_figure_becomes_a_part_of_a_page() -> None:
    name = '<script>alert(1)</script> "$x$" & d="1.23456" #1b1d21'
    files = drawn(comparisons_figure, [comparison(5.0, 2.0, 8.0, "gain", arm=name)], title=name)
    assert files.png is not None
    with Image.open(BytesIO(files.png)) as png:
        assert png.width > 800
    found = str(inline(files.svg, name="one", title="Title", alt='says "so"'))
    assert found.startswith("<svg viewBox=")
    assert 'aria-label="Title. says &#34;so&#34;"' in found
    assert "<script" not in found
    assert '&lt;script&gt;alert(1)&lt;/script&gt; "$x$" &amp; d="1.23456" #1b1d21' in found
    assert re.findall(r'(?<= )id="(?!one-)', found) == []
    ids, used = set(re.findall(r' id="([^"]+)"', found)), set(re.findall(r'(?:url\(|href=")#([^)"]+)', found))
    assert used == ids != set()
    assert "var(--ink)" in found
    assert not re.search(f'style="[^"]*{INK}', found, re.IGNORECASE)
    assert "<style" not in found
    assert "font-family" not in found


def inside(figure: Figure, *texts: Text) -> None:
    """Assert that all these are drawn in the figure."""
    for text in texts:
        box = text.get_window_extent()
        assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1, text.get_text()
        assert figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1, text.get_text()


@pytest.mark.parametrize("arms", [1, 3, 6, 16])
@pytest.mark.parametrize("name", ["resnet18_pretrained/dropout (reg.dropout=0.5)", "W" * 60, "x"])
def test_names_and_numbers_placed_by_hand_lie_within_the_figure(arms: int, name: str) -> None:
    names = [f"{name} {k}" for k in range(arms)]
    shown = [comparison(5.0, 2.0, 8.0, "no difference beyond 2 points", arm=name), comparison(1.0, 0.0, 2.0, "gain")]
    rows = [class_row(arm, class_name, 1.0) for arm in names for class_name in ("W" * 30, "cat")]
    for figure in (comparisons_figure(shown), heatmap(changes(rows, arms=names, split="test"))):
        figure.draw_without_rendering()
        [axes] = figure.axes
        inside(figure, *axes.texts, *axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label)


@pytest.mark.parametrize("name", ["dropout (reg.dropout=0.36)", "W" * 60, "x"])
def test_all_arms_of_a_gap_are_named_below_it(name: str) -> None:
    figure = generalization_gap([(f"{name} {k}", [metrics([0.5, 0.9], [0.4, 0.5])]) for k in range(8)])
    set_title(figure, "Generalization gap of " + 5 * "network_" + ": train minus val accuracy", x=0.01, ha="left")
    figure.draw_without_rendering()
    [legend] = figure.legends
    assert figure._suptitle is not None  # type: ignore[attr-defined]
    inside(figure, *legend.get_texts(), figure._suptitle)  # type: ignore[attr-defined]
    [axes] = figure.axes
    assert axes.get_window_extent().y1 < figure._suptitle.get_window_extent().y0  # type: ignore[attr-defined]
    assert legend.get_window_extent().y1 < axes.xaxis.label.get_window_extent().y0
