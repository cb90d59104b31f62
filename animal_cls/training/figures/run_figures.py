"""The figures of one run that a person wants to look at, for its folder `figures/`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from animal_cls.files import atomic
from animal_cls.report.figures.style import lay_out, save_png, theme
from animal_cls.results import Result
from animal_cls.training.figures.confusion import confusion
from animal_cls.training.figures.curves import curves
from animal_cls.training.figures.per_class import per_class
from animal_cls.training.figures.samples import samples

__all__ = ["confusion_of", "curves_of", "of_run", "per_class_of", "run_title", "samples", "save"]

FIGURES = "figures"


def of_run(result: Result, metrics: Mapping[str, np.ndarray] | None) -> dict[str, Figure]:
    """The figures there are numbers for (a failed run may lack some), each under the name of its file.

    The accuracies by class are those of val, or where a run has none, of test or of all images.
    """
    made = {} if metrics is None else {"curves": curves_of(result, metrics)}
    evaluated = [name for name in ("val", "test", "all") if name in result.splits]
    made |= {"per_class": per_class_of(result, evaluated[0])} if evaluated else {}
    return made | {f"confusion_{split}": confusion_of(result, split) for split in evaluated}


@theme()
def curves_of(result: Result | None, metrics: Mapping[str, np.ndarray]) -> Figure:
    """Loss and accuracy by epoch; without a `result`, of a run that goes on."""
    what = "Loss and accuracy by epoch"
    if result is None:
        return curves(metrics, best_epoch=None, title=f"{what}, train and val\nof a run that is not finished")
    title = run_title(what, result, split="train and val")
    mixed = any(method.mixes_images for method in result.methods)
    return curves(metrics, best_epoch=result.best_epoch, title=title, mixed=mixed)


@theme()
def per_class_of(result: Result, split: str) -> Figure:
    """The accuracy of each class."""
    return per_class(result, split=split, title=run_title("Accuracy by class", result, split=split))


@theme()
def confusion_of(result: Result, split: str) -> Figure:
    """Which class is taken for which."""
    title = run_title("Confusion matrix", result, split=split)
    return confusion(result.splits[split], result.classes, title=title)


def run_title(what: str, result: Result, *, split: str) -> str:
    """Two lines: what is shown of which split, and of which run."""
    parts = " + ".join(name for name in ("train", "val", "test") if name in result.splits)
    images = f" ({result.splits[split].n:,} images)" if split in result.splits else ""
    where = f"all images: {parts}" if split == "all" else split
    run = [result.model, f"reg={result.reg}", result.repeat]
    evaluated = result.evaluated_checkpoint if split in result.splits else None
    return f"{what}, {where}{images}\n" + ", ".join([*run, evaluated] if evaluated else run)


@theme()
def save(figure: Figure, path: Path) -> Path:
    """Write `figure` as a PNG file, whole or not at all; return `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path) as part:
        lay_out(figure)
        save_png(figure, part)
    return path
