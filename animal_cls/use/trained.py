"""A finished run's network, as it was evaluated: from its folder, with its own preparation of images."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from animal_cls import results
from animal_cls.config import trusted
from animal_cls.config.parse import restore
from animal_cls.config.schema import Config
from animal_cls.data.batches import channels_first
from animal_cls.data.module import EVALUATION
from animal_cls.errors import UserError
from animal_cls.files import tensor_files
from animal_cls.regularizers.tta import TTA
from animal_cls.results import Result
from animal_cls.training import build, devices, evaluation, foreign, hardware
from animal_cls.training.checkpoints import BEST, LAST
from animal_cls.training.classifier import Classifier
from animal_cls.use.winner import finished

HALVES = {"16-mixed": torch.float16, "bf16-mixed": torch.bfloat16}  # what autocast computes in
WHOLE = {"16-true": torch.float16, "bf16-true": torch.bfloat16, "64-true": torch.float64}  # what the weights are in
UNKNOWN = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))  # a place for the mean and std that come with the weights


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """The network of one run."""

    folder: Path
    result: Result
    config: Config
    classifier: Classifier  # in evaluation, on its device
    temperature: float | None  # what the logits are divided by; None: nothing

    @property
    def is_calibrated(self) -> bool:
        return self.temperature is not None

    @property
    def image_size(self) -> int:
        """Pixels of a side."""
        return self.config.data.image_size

    @property
    def max_pixels(self) -> int:
        """Width times height of an image that the run still read."""
        return self.config.data.max_pixels

    @property
    def batch_size(self) -> int:
        """Images that the run was evaluated with at a time: with as many, the numbers are the same to the last bit."""
        return EVALUATION * self.config.data.batch_size

    @property
    def device(self) -> torch.device:
        return self.classifier.device

    def logits(self, pixels: np.ndarray, *, tta: bool = False) -> Tensor:
        """Logits (N, K) in float32 on the CPU of images (N, H, W, 3) uint8 of `image_size`, as `decode` makes them.

        Args:
            tta: images and their mirror images together, where the run does not do so anyway.
        """
        images = channels_first(torch.from_numpy(pixels)).to(self.device)
        with torch.inference_mode(), self.arithmetic():
            return self.forward(tta=tta)(images).cpu()

    def forward(self, *, tta: bool = False) -> Callable[[Tensor], Tensor]:
        """Images (N, 3, H, W) in [0, 255] to logits (N, K), as the run was evaluated."""
        has_views = any(isinstance(method, TTA) for method in self.classifier.methods)
        return TTA(1.0).predict(self.classifier.evaluate) if tta and not has_views else self.classifier.evaluate

    def probabilities(self, pixels: np.ndarray, *, tta: bool = False) -> np.ndarray:
        """Probabilities (N, K) float32, calibrated if it is, of images (N, H, W, 3) uint8."""
        logits = self.logits(pixels, tta=tta)
        return (logits if self.temperature is None else logits / self.temperature).softmax(dim=1).numpy()

    @contextmanager
    def arithmetic(self) -> Iterator[None]:
        """The precision of the run."""
        half = HALVES.get(self.result.precision or "")
        with torch.autocast(self.device.type, dtype=half, enabled=half is not None):
            yield


def load(folder: Path, *, allow: Sequence[str] = (), accelerator: str = "auto", calibrate: bool = True) -> Trained:
    """The network of the finished run in `folder`, with the weights that its result speaks of.

    Nothing is downloaded and no image is looked for; of the checkpoint tensors and plain values are read.

    Args:
        allow: modules whose code the run may call, where it is somebody else's.
        accelerator: auto, cpu, gpu, cuda or mps.
        calibrate: False leaves the logits as they are.

    Raises:
        UserError: no finished run, weights that are gone or damaged, or code that nobody has named.
    """
    result = finished(folder)
    config = _config(folder, result, allow)
    trusted.remember(folder, allow)
    devices.check_accelerator(accelerator, key="--accelerator")
    network, methods, _ = build.changed_network(
        config, num_classes=len(result.classes), class_names=result.classes, counts=_counts(result)
    )
    classifier = Classifier(network, classes=result.classes, normalization=UNKNOWN, methods=methods)
    _load_weights(classifier, folder, result)
    classifier.to(hardware.device_type(accelerator), WHOLE.get(result.precision or "")).eval()
    hardware.set_float32(result.precision or "")
    temperature = _temperature(folder, result) if calibrate else None
    return Trained(folder=folder, result=result, config=config, classifier=classifier, temperature=temperature)


def _config(folder: Path, result: Result, allow: Sequence[str]) -> Config:
    """The run's config, without the weights that its network began with: it gets those of its end."""
    model = {key: None if key == "weights" else value for key, value in result.config["model"].items()}
    config = restore({**result.config, "model": model, "derived": result.derived})
    config.allowed = (*trusted.named(), *allow, *trusted.remembered(folder))
    try:
        foreign.refuse_foreign_code(config)
    except UserError as error:
        raise UserError(f"{folder}: {error}") from None
    return config


def _counts(result: Result) -> list[int] | None:
    """Training images of each class."""
    return result.splits["train"].matrix.sum(axis=1).tolist() if "train" in result.splits else None


def _load_weights(classifier: Classifier, folder: Path, result: Result) -> None:
    file = folder / "checkpoints" / (LAST if result.checkpoint == "last" else BEST)
    try:
        evaluation.load_weights(classifier, file)
    except FileNotFoundError:
        raise UserError(f"{file}: is gone, so the run has no weights to use. Train it again.") from None
    except (tensor_files.Unreadable, RuntimeError, KeyError) as error:
        why = str(error).strip().splitlines()[0]
        raise UserError(f"{file}: its weights cannot be used ({why}). Train the run again.") from None


def _temperature(folder: Path, result: Result) -> float | None:
    """The run's own; of one that was trained before there was such a thing, fitted now to what it said of val."""
    if result.temperature is not None:
        return result.temperature
    try:
        return evaluation.temperature(results.read_predictions(folder))
    except (OSError, ValueError):
        return None


def same_size(trained: Sequence[Trained]) -> None:
    """Raise `UserError` where networks that are to be averaged take images of unlike sizes."""
    for one in trained[1:]:
        if one.image_size != trained[0].image_size:
            sizes = f"{trained[0].image_size} and {one.image_size}"
            raise UserError(f"{one.folder}: takes images of another size than {trained[0].folder} ({sizes} px).")
