"""What TensorBoard shows of a run: curves, images, and a row of the HPARAMS table."""

import io
import shutil
import threading
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from PIL import Image
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[attr-defined]  # generated
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

RGB, RGBA = 3, 4  # as TensorBoard numbers colour spaces
LARGE = 500_000  # bytes; drawings of lines and letters have less

# Train and validation in one chart each (the CUSTOM SCALARS tab); the names are regular expressions.
CHARTS = {
    "learning": {
        "loss": ["Multiline", ["^train/loss$", "^val/loss$"]],
        "acc": ["Multiline", ["^train/acc$", "^val/acc$"]],
    }
}


class RunLogger(Logger):
    """Writes scalars against the epoch (from 1), not the step, so that runs with different batch sizes line up."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        self.logged: dict[int, dict[str, float]] = {}  # epoch -> metric -> value
        shutil.rmtree(folder, ignore_errors=True)  # what an earlier process wrote would be a second line
        self._writer: SummaryWriter | None = None

    @property
    def name(self) -> str:
        return "tensorboard"

    @property
    def version(self) -> str:
        return ""

    @property
    def writer(self) -> SummaryWriter:
        """Opened at the first word, so that a run that fails early leaves no empty file."""
        if self._writer is None:
            self._writer = SummaryWriter(str(self.folder))
            self._writer.add_custom_scalars(CHARTS)
        return self._writer

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        epoch = int(metrics.get("epoch", step or 0))
        known = self.logged.setdefault(epoch, {})
        for name, value in metrics.items():
            if name != "epoch" and name not in known:
                known[name] = float(value)
                self.writer.add_scalar(name, value, epoch + 1)  # counted from 1 where a person reads it

    def replay(self, logged: Mapping[int, Mapping[str, float]]) -> None:
        """Write what an earlier process of the run had written when it was ended."""
        for epoch, metrics in logged.items():
            self.log_metrics({**metrics, "epoch": epoch})

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Nothing: the row of the table is written once, with the metrics, by `log_outcome`."""

    def log_outcome(self, settings: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """The run's row of the HPARAMS table: what was chosen and what came out."""
        for summary in hparams(dict(settings), dict(metrics)):
            self._add(summary)
        for name, value in metrics.items():
            self.writer.add_scalar(name, value, 0)

    def log_image(self, name: str, file: Path, *, epoch: int) -> None:
        """A PNG file as an image: as it is, but photographs as JPEG, as TensorBoard sums up each byte in Python."""
        content, space = file.read_bytes(), RGBA
        with Image.open(file) as opened:
            width, height = opened.size
            if len(content) > LARGE:
                opened.convert("RGB").save(jpeg := io.BytesIO(), "JPEG", quality=90)
                content, space = jpeg.getvalue(), RGB
        shown = Summary.Image(width=width, height=height, colorspace=space, encoded_image_string=content)
        self._add(Summary(value=[Summary.Value(tag=name, image=shown)]), epoch + 1)

    def _add(self, summary: Summary, epoch: int | None = None) -> None:
        self.writer.file_writer.add_summary(summary, epoch)  # type: ignore[union-attr]  # open, since it is being written to

    def finalize(self, status: str) -> None:
        """Make sure that what was written is on disk; the writer stays open for the outcome."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """No more is to come."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.flush()  # raises what its thread could not write, which close does not
            writer.close()


@contextmanager
def silence_writer_errors() -> Iterator[None]:
    """Meanwhile TensorBoard's writing thread tells nobody of a full disk: the next word that is written raises it."""
    before = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if not isinstance(args.exc_value, OSError):
            before(args)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
