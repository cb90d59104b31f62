"""One run: what it has measured, its figures, and what it says of other images."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from animal_cls import results
from animal_cls.api.predictions import predicted
from animal_cls.api.table import Table, table
from animal_cls.api.verbs import run_verb
from animal_cls.errors import UserError
from animal_cls.files.naming import escaped
from animal_cls.files.terminal import notebook
from animal_cls.files.text import percent
from animal_cls.results import METRIC_COLUMNS, Result
from animal_cls.sweeps.run_status import run_status
from animal_cls.use.winner import finished

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Run:
    """A run in its folder, by whomever it was started."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @property
    def status(self) -> str:
        """done, failed, skipped, running, unfinished, queued or unreadable, as its files say now."""
        return run_status(self.folder).status

    @cached_property
    def result(self) -> Result:
        """What result.json holds: accuracies are fractions, losses nats, times seconds.

        Raises:
            UserError: the run is not done.
        """
        return finished(self.folder)

    @property
    def metrics(self) -> Table:
        """A row per epoch, counted from 0: train/loss, train/acc, val/loss, val/acc, lr, seconds, and train/objective
        where something else than the plain cross-entropy is minimised. NaN where nothing was measured.

        Raises:
            UserError: no epoch has ended, or the file is damaged.
        """  # fmt: skip
        columns = self._columns()
        shown = [name for name in METRIC_COLUMNS if name in columns and not np.isnan(columns[name]).all()]
        return table({name: columns[name].astype(int) if name == "epoch" else columns[name] for name in shown})

    @property
    def predictions(self) -> Table:
        """What the run has said of its own images: path, split, label, predicted, and prob_CLASS, not calibrated.

        Raises:
            UserError: the run is not done, or the file is damaged.
        """
        said = self._read(results.read_predictions)
        names = np.array(said.classes, dtype=object)
        texts = (said.paths, said.splits.tolist(), names[said.labels].tolist(), names[said.predicted].tolist())
        probabilities = {f"prob_{name}": said.probabilities[:, k] for k, name in enumerate(said.classes)}
        return table({**dict(zip(results.COLUMNS, texts, strict=True)), **probabilities})

    @property
    def figures(self) -> "Figures":
        """Its figures, drawn when they are asked for."""
        return Figures(self)

    def predict(
        self,
        images: Any,
        *,
        tta: bool = False,
        calibrate: bool = True,
        batch_size: int | None = None,
        accelerator: str = "auto",
        allow: Sequence[str] = (),
    ) -> Table:
        """What the run says of images, as the verb `predict` does: the same preparation and temperature, bit for bit.

        Args:
            images: one or many, also mixed. A path of a file, a folder or a pattern; a Pillow image; an array
                (H, W, 3), (H, W) or (N, H, W, 3); a tensor (3, H, W), (1, H, W) or (N, 3, H, W). Numbers are uint8, or
                floats in [0, 1], of any height and width; they must not be normalised.
            tta: each image and its mirror image, averaged.
            calibrate: False leaves the probabilities as the network has them.
            batch_size: images at a time; None: as the run was evaluated.
            accelerator: auto, cpu, gpu, cuda or mps.
            allow: modules whose code the run may call, where it is somebody else's.

        Returns:
            A row per image: path (of an image in memory its number, [0]), predicted, probability in [0, 1], prob_CLASS
            of each class as float32, and unreadable: why a file could not be read, else "". A batch's unreadable files
            come behind its other images.

        Raises:
            UserError: the run is not done, its weights are gone, nothing is called so, or no image can be made of it.
        """
        return predicted(
            [self.folder], images, tta=tta, calibrate=calibrate, batch_size=batch_size, accelerator=accelerator,
            allow=allow,
        )  # fmt: skip

    def resume(self) -> "Run":
        """Go on with it where it stopped, as the verb `resume` does; a finished one is left alone.

        Raises:
            UserError: another process is training it, or it cannot go on; the message says how.
        """
        if run_verb("resume", [str(self.folder)]).code:
            found = run_status(self.folder)
            raise UserError(f"{self.folder}: {found.status}{f', {found.detail}' if found.detail else ''}.")
        return self

    def __repr__(self) -> str:
        found = run_status(self.folder)
        if found.status != "done" or found.result is None:
            return f"Run({str(self.folder)!r}, {found.status})"
        result = found.result
        split = next((name for name in ("val", "test", "all") if name in result.splits), None)
        reached = f", {percent(result.splits[split].acc)} right on {split}" if split else ""
        return f"Run({str(self.folder)!r}, {escaped(f'{result.model}, {result.reg}, {result.repeat}')}{reached})"

    def _columns(self) -> dict[str, np.ndarray]:
        return self._read(results.read_metrics)

    def _read(self, read: Any) -> Any:
        """What `read` makes of the folder; raises `UserError` where its file is not there, or damaged."""
        try:
            return read(self.folder)
        except FileNotFoundError:
            raise UserError(f"{self.folder}: the run is {self.status}, and has not written this yet.") from None
        except (OSError, ValueError, KeyError) as error:
            raise UserError(f"{self.folder}: cannot be read ({error}).") from None


class Figures:
    """The figures of a run as matplotlib figures; those in its folder figures/ are the same."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def curves(self) -> "Figure":
        """Loss (nats) and accuracy (percent) of train and val by epoch, also of a run that has not ended.

        Raises:
            UserError: no epoch has ended.
        """
        from animal_cls.training.figures import run_figures

        return _shown(run_figures.curves_of(run_status(self._run.folder).result, self._run._columns()))

    def per_class(self, split: str = "val") -> "Figure":
        """The accuracy of each class on a split, in percent.

        Raises:
            UserError: the run is not done, or was not evaluated on this split.
        """
        from animal_cls.training.figures import run_figures

        return _shown(run_figures.per_class_of(self._evaluated(split), split))

    def confusion(self, split: str = "val") -> "Figure":
        """Which class is taken for which on a split: rows are the true classes.

        Raises:
            UserError: the run is not done, or was not evaluated on this split.
        """
        from animal_cls.training.figures import run_figures

        return _shown(run_figures.confusion_of(self._evaluated(split), split))

    def _evaluated(self, split: str) -> Result:
        result = self._run.result
        if split not in result.splits:
            raise UserError(f"split={split}: the run was evaluated on {', '.join(result.splits)}.")
        return result


def _shown(figure: "Figure") -> "Figure":
    """The figure, which a notebook shows even where nobody has imported pyplot."""
    from matplotlib.figure import Figure

    if shell := notebook():
        png = shell.display_formatter.formatters["image/png"]
        if Figure not in png.type_printers:
            from IPython.core.pylabtools import select_figure_formats

            select_figure_formats(shell, {"png"})
    return figure
