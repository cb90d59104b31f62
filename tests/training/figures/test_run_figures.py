"""The images of a run land in its folder, whole, titled, and whatever its classes are called."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from animal_cls.results import MethodRecord, Result
from animal_cls.training.figures import run_figures

MakeMetrics = Callable[[int], dict[str, np.ndarray]]
MakeClasses = Callable[[int], tuple[list[str], list[list[int]]]]

pytestmark = pytest.mark.filterwarnings("error")  # a missing glyph or a layout that does not fit is a warning
CLASSES = ["cat", "dog"]
MATRICES = {"train": [[9, 1], [0, 10]], "val": [[4, 1], [2, 3]], "all": [[13, 2], [2, 13]]}


def test_a_run_gets_its_four_images(
    tmp_path: Path, make_result: Callable[..., Result], make_metrics: MakeMetrics
) -> None:
    made = run_figures.of_run(make_result(CLASSES, MATRICES), make_metrics(4))
    assert list(made) == ["curves", "per_class", "confusion_val", "confusion_all"]
    paths = [run_figures.save(figure, tmp_path / "figures" / f"{name}.png") for name, figure in made.items()]
    assert sorted((tmp_path / "figures").iterdir()) == sorted(paths)  # nothing temporary is left
    assert all(image.imread(path).shape[1] >= 1000 for path in paths)  # pixels wide


def test_every_title_says_run_and_split(make_result: Callable[..., Result], make_metrics: MakeMetrics) -> None:
    made = run_figures.of_run(make_result(CLASSES, MATRICES), make_metrics(4))
    run, evaluated = "simple_cnn, reg=dropout, seed 3", "best checkpoint (epoch 2 of 4)"
    assert {name: figure.get_suptitle() for name, figure in made.items()} == {
        "curves": f"Loss and accuracy by epoch, train and val\n{run}",
        "per_class": f"Accuracy by class, val (10 images)\n{run}, {evaluated}",
        "confusion_val": f"Confusion matrix, val (10 images)\n{run}, {evaluated}",
        "confusion_all": f"Confusion matrix, all images: train + val (30 images)\n{run}, {evaluated}",
    }


def test_each_matrix_is_that_of_its_split(make_result: Callable[..., Result]) -> None:
    made = run_figures.of_run(make_result(CLASSES, MATRICES), None)
    first = {name: made[name].axes[0].texts[0].get_text() for name in ("confusion_val", "confusion_all")}
    assert first == {"confusion_val": "4\n80.0 %", "confusion_all": "13\n86.7 %"}


def is_drawn(figure: Figure) -> bool:
    """Whether a figure, drawn pixel by pixel, shows something on its paper."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return len(np.unique(np.asarray(canvas.buffer_rgba()).view(np.uint32))) > 10


@pytest.mark.parametrize("size", [1, 9, 27])
def test_hostile_class_names_are_drawn(hostile: list[str], size: int, make_result: Callable[..., Result]) -> None:
    classes = [f"{name}{k // 9 or ''}" for k, name in enumerate((hostile * 3)[:size])]
    counts = (np.arange(size * size).reshape(size, size) + 1).tolist()
    made = run_figures.of_run(make_result(classes, {"val": counts}), None)
    made["samples"] = run_figures.samples(
        np.zeros((size, 4, 4, 3), np.uint8), classes, classes[::-1], title="$\\nosuch{$ $"
    )
    assert [name for name, figure in made.items() if not is_drawn(figure)] == []


def test_dollars_are_drawn_as_dollars(hostile: list[str], make_result: Callable[..., Result]) -> None:
    made = run_figures.of_run(make_result(hostile[:2], {"val": [[1, 2], [3, 4]]}), None)
    labels = [label.get_text() for label in made["per_class"].axes[0].get_yticklabels()]
    assert labels == [r"$\nosuch{_$ $x$", "<script>alert(1…/script>"]


def test_a_run_of_one_epoch_and_an_empty_class(make_result: Callable[..., Result], make_metrics: MakeMetrics) -> None:
    result = make_result(CLASSES, {"val": [[4, 1], [0, 0]], "all": [[9, 1], [0, 0]]}, best_epoch=0, epochs=1)
    made = run_figures.of_run(result, make_metrics(1))
    assert len(made) == 4
    for figure in made.values():
        figure.draw_without_rendering()


def test_hundred_classes(make_result: Callable[..., Result], make_classes: MakeClasses) -> None:
    classes, counts = make_classes(100)
    made = run_figures.of_run(make_result(classes, {"val": counts}), None)
    assert [name for name, figure in made.items() if not is_drawn(figure)] == []


def test_a_failed_run_gets_the_curves_it_has(make_result: Callable[..., Result], make_metrics: MakeMetrics) -> None:
    result = make_result([], {}, status="failed", reason="loss is NaN", checkpoint=None, best_epoch=None)
    assert list(run_figures.of_run(result, make_metrics(4))) == ["curves"]
    assert run_figures.of_run(result, None) == {}


def test_of_mixed_images_the_curves_say_how_they_were_counted(
    make_result: Callable[..., Result], make_metrics: MakeMetrics
) -> None:
    for mixes in (True, False):
        method = MethodRecord(key="reg.mixup", strength=0.2, mixes_images=mixes)
        figure = run_figures.of_run(make_result(CLASSES, MATRICES, methods=[method]), make_metrics(4))["curves"]
        said = figure.legends[0].get_title().get_text().replace("\n", " ")
        assert ("Of mixed images, train accuracy is counted on the heavier label." in said) is mixes


def test_a_save_that_fails_leaves_the_old_image(tmp_path: Path) -> None:
    path = run_figures.save(Figure(figsize=(1, 1)), tmp_path / "figures" / "x.png")
    before = path.read_bytes()
    broken = Figure(figsize=(1, 1))
    broken.text(0, 0, r"$\nosuch$")  # raises when it is drawn
    with pytest.raises(ValueError, match="nosuch"):
        run_figures.save(broken, path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_drawing_needs_no_display_and_no_heavy_library() -> None:
    code = (
        "import sys, animal_cls.training.figures.run_figures\n"
        "print(sorted({'matplotlib.pyplot', 'torch', 'hydra', 'omegaconf', 'lightning'} & sys.modules.keys()))\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert out.stdout.strip() == "[]", out.stderr


def test_a_test_split_has_its_confusion_matrix(make_result: Callable[..., Result]) -> None:
    matrix = [[4, 1], [2, 3]]
    made = run_figures.of_run(make_result(["cat", "dog"], dict.fromkeys(("train", "val", "test", "all"), matrix)), None)
    assert [name for name in made if name.startswith("confusion")] == [
        "confusion_val",
        "confusion_test",
        "confusion_all",
    ]
