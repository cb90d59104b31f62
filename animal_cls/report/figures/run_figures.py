"""The images of one run that a person wants to look at, drawn into its folder `figures/`."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from animal_cls import results
from animal_cls.errors import UserError
from animal_cls.files import atomic
from animal_cls.report.figures.confusion import confusion
from animal_cls.report.figures.curves import curves
from animal_cls.report.figures.per_class import per_class
from animal_cls.report.figures.samples import samples
from animal_cls.report.summary import checkpoint
from animal_cls.results import Result

__all__ = ["confusion", "curves", "draw", "draw_run", "of_run", "per_class", "run_title", "samples", "save"]

FIGURES = "figures"
DPI = 150  # pixels per inch: a confusion matrix of ten classes is 1,500 pixels wide


def draw_run(folder: Path) -> list[Path]:
    """Draw the images of the run in `folder` from its result.json and metrics.csv; return the files written.

    Raises:
        UserError: the run is unfinished, or its result is damaged.
    """
    result = results.load(folder)
    if result is None:
        raise UserError(
            f"{folder}: has no {results.RESULT}, so its run is unfinished and there is nothing to draw. "
            "Finish the run first, or choose the folder of another one."
        )
    metrics = results.read_metrics(folder) if (folder / results.METRICS).exists() else None
    return draw(result, metrics, folder)


def draw(result: Result, metrics: Mapping[str, np.ndarray] | None, folder: Path) -> list[Path]:
    """Write the images of a run into `folder`/figures; return the files written."""
    return [save(figure, folder / FIGURES / f"{name}.png") for name, figure in of_run(result, metrics).items()]


def of_run(result: Result, metrics: Mapping[str, np.ndarray] | None) -> dict[str, Figure]:
    """The images there are numbers for (a failed run may lack some), each under the name of its file.

    The accuracies by class are those of val, or where a run has none, of test or of all images.
    """
    made = {}
    if metrics is not None:
        title = run_title("Loss and accuracy by epoch", result, split="train and val")
        made["curves"] = curves(metrics, best_epoch=result.best_epoch, title=title)
    for split in [name for name in ("val", "test", "all") if name in result.splits][:1]:
        made["per_class"] = per_class(result, split=split, title=run_title("Accuracy by class", result, split=split))
    for split in [name for name in ("val", "all") if name in result.splits]:
        title = run_title("Confusion matrix", result, split=split)
        made[f"confusion_{split}"] = confusion(result.splits[split], result.classes, title=title)
    return made


def run_title(what: str, result: Result, *, split: str) -> str:
    """Two lines: what is shown of which split, and of which run."""
    parts = " + ".join(name for name in ("train", "val", "test") if name in result.splits)
    images = f" ({result.splits[split].n:,} images)" if split in result.splits else ""
    where = f"all images: {parts}" if split == "all" else split
    run = [result.model, f"reg={result.reg}", f"seed {result.seed}"]
    evaluated = checkpoint(result) if split in result.splits else None
    return f"{what}, {where}{images}\n" + ", ".join([*run, evaluated] if evaluated else run)


def save(figure: Figure, path: Path) -> Path:
    """Write `figure` as a PNG file, whole or not at all; return `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.replacing(path) as part:
        figure.savefig(part, format="png", dpi=DPI)
    return path
