"""A run's network for other programs: ONNX, torch.export or bare weights, checked against what the run has said."""

import copy
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from animal_cls import results
from animal_cls.errors import UserError
from animal_cls.training.forward import logits_of
from animal_cls.use.extras import require
from animal_cls.use.images import Named, decoded
from animal_cls.use.trained import Trained

LARGEST = 1e-3  # difference of a probability that an export may have
TIE = 1e-6  # probabilities that differ by less have no order
METADATA = "animal_cls"  # the key under which an export says what it is
EXAMPLES = 2  # images that a network is traced with: of one, some exporters take the batch for a constant
TIMED = 5  # batches of `BATCH` images, of whose times the median counts
BATCH = 32
RESIZE = (
    "RGB, upright as EXIF says, transparent parts white, squashed to a square by Pillow's bilinear filter "
    "(antialiased; a JPEG may be decoded at 1/2, 1/4 or 1/8 that is at least 256 px and twice the side)"
)

Compute = Callable[[np.ndarray], np.ndarray]  # images (N, 3, H, W) float32 in [0, 255] to probabilities (N, K)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """How an export compares with the run."""

    n: int  # images of val
    largest: float  # difference of a probability
    of: str  # what it was compared with, in words


class Deployed(nn.Module):
    """Images (N, 3, H, W) float32 in [0, 255] to calibrated probabilities (N, K), all in one."""

    scale: Tensor
    shift: Tensor

    def __init__(self, one: Trained) -> None:
        super().__init__()
        self.network, self.methods = copy.deepcopy(one.classifier.network), one.classifier.methods
        mean, std = one.classifier.mean.float(), one.classifier.std.float()
        self.register_buffer("scale", 1 / (255 * std))
        self.register_buffer("shift", mean / std)
        self.temperature = one.temperature or 1.0

    def forward(self, images: Tensor) -> Tensor:
        forward: Callable[[Tensor], Tensor] = self._logits
        for method in self.methods:
            forward = method.predict(forward)
        return (forward(images) / self.temperature).softmax(dim=1)

    def _logits(self, images: Tensor) -> Tensor:
        return logits_of(self.network(images * self.scale - self.shift))


def description(one: Trained) -> dict[str, Any]:
    """What travels with an export: how to prepare an image, what comes out, and where it comes from."""
    result = one.result
    return {
        "input": f"images, float32 (N, 3, {one.image_size}, {one.image_size}) in [0, 255]",
        "resize": RESIZE,
        "output": f"probabilities, float32 (N, {len(result.classes)})",
        "classes": result.classes,
        "temperature": one.temperature,
        "model": result.model,
        "reg": result.reg,
        "seed": result.seed,
        "checkpoint": result.checkpoint,
        "val_acc": result.splits["val"].acc if "val" in result.splits else None,
        "data_fingerprint": result.data_fingerprint,
        "versions": {name: result.versions[name] for name in ("torch", "animal-cls") if name in result.versions},
        "commit": (result.git or {}).get("commit"),
    }


def write_onnx(one: Trained, file: Path) -> Compute:
    """Write `file`, opset as torch has it, the number of images free; returns what computes with it."""
    require("onnx", "onnxscript", "onnxruntime", extra="onnx")
    import onnxruntime

    images = _examples(one)
    dynamic = ({0: torch.export.Dim("batch", min=1)},)
    made = torch.onnx.export(
        _deployed(one),
        (images,),
        dynamo=True,
        dynamic_shapes=dynamic,
        verbose=False,
        input_names=["images"],
        output_names=["probabilities"],
    )
    assert made is not None, "of dynamo=True"
    made.model.metadata_props[METADATA] = json.dumps(description(one))
    made.save(file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file.read_bytes(), options, providers=["CPUExecutionProvider"])
    return lambda pixels: np.asarray(session.run(None, {"images": pixels})[0])


def write_torch(one: Trained, file: Path) -> Compute:
    """Write `file` as torch.export.load reads it; returns what computes with it, read again."""
    dynamic = ({0: torch.export.Dim("batch", min=1)},)
    made = torch.export.export(_deployed(one), (_examples(one),), dynamic_shapes=dynamic)
    with file.open("wb") as opened:
        torch.export.save(made, opened, extra_files={METADATA: json.dumps(description(one))})
    with file.open("rb") as opened:
        module = torch.export.load(opened).module()
    return lambda pixels: _without_gradients(module, pixels)


def write_weights(one: Trained, file: Path) -> Compute:
    """Write the network's tensors as safetensors; what computes with them is the network, given them again."""
    require("safetensors", extra="onnx")
    from safetensors.torch import load_file, save_file

    deployed = _deployed(one)
    tensors = {name: tensor.contiguous().clone() for name, tensor in deployed.network.state_dict().items()}
    save_file(tensors, file, metadata={METADATA: json.dumps(description(one))})
    deployed.network.load_state_dict(load_file(file))
    return lambda pixels: _without_gradients(deployed, pixels)


FORMATS: dict[str, Callable[[Trained, Path], Compute]] = {
    "onnx": write_onnx,
    "pt2": write_torch,
    "safetensors": write_weights,
}


def _deployed(one: Trained) -> Deployed:
    """A network of its own, with tensors as other programs expect them: contiguous, float32."""
    made = Deployed(one).float().cpu().eval()
    return made.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def _examples(one: Trained) -> Tensor:
    return torch.zeros(EXAMPLES, 3, one.image_size, one.image_size)


def _without_gradients(module: nn.Module, pixels: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return module(torch.from_numpy(pixels)).numpy()


# Whether an export says what the run has said.


def check(one: Trained, compute: Compute, root: Path) -> Checked:
    """Compare with the run on its val images, which lie in `root`.

    Raises:
        UserError: they do not lie there, an image has another class, or a probability differs by more than `LARGEST`.
    """
    paths, expected = _said(one)
    found, own, network = [], [], _deployed(one)
    for batch in decoded(
        (Named(path=str(root / path)) for path in paths),
        image_size=one.image_size,
        batch_size=BATCH,
        max_pixels=one.max_pixels,
    ):
        if batch.unreadable:
            path, why = next(iter(batch.unreadable.items()))
            raise UserError(f"{path}: an image of val, by which the export is checked, cannot be read ({why}). {PLACE}")
        found.append(compute(_prepared(batch.pixels)))
        if expected is None:
            own.append(_without_gradients(network, _prepared(batch.pixels)))
    given, wanted = np.concatenate(found), np.concatenate(own) if expected is None else expected
    of = "the network's in float32" if expected is None else "those of predictions.csv"
    return _compared(given, wanted, of)


PLACE = "--images FOLDER says where the images of the run lie now; --unchecked writes it all the same."


def _said(one: Trained) -> tuple[list[str], np.ndarray | None]:
    """The images of val and, if the run computed in float32, its calibrated probabilities (N, K) of them."""
    said = results.read_predictions(one.folder)
    rows = np.flatnonzero(said.splits == "val")
    if not len(rows):
        raise UserError(f"{one.folder}: has no val split by which an export could be checked. --unchecked writes it.")
    paths = [said.paths[row] for row in rows.tolist()]
    if one.result.precision != "32-true":
        return paths, None
    logits = torch.from_numpy(said.probabilities[rows]).double().log()
    return paths, (logits / (one.temperature or 1.0)).softmax(dim=1).numpy()


def _compared(given: np.ndarray, wanted: np.ndarray, of: str) -> Checked:
    largest = float(np.abs(given - wanted).max())
    rows = np.arange(len(given))
    behind = wanted.max(axis=1) - wanted[rows, given.argmax(axis=1)]
    unlike = int((behind > TIE).sum())
    if unlike or not largest <= LARGEST:
        raise UserError(
            f"The export does not agree with the run: {unlike} of {len(given):,} images of val have another class, and "
            f"probabilities differ by up to {largest:.2g} ({LARGEST:g} is allowed). It is not written."
        )
    return Checked(n=len(given), largest=largest, of=of)


def _prepared(pixels: np.ndarray) -> np.ndarray:
    """(N, H, W, 3) uint8 as an export takes it."""
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32)


def seconds_per_image(compute: Compute, image_size: int) -> float:
    """Of batches of `BATCH`, the median."""
    images = np.random.default_rng(0).uniform(0, 255, (BATCH, 3, image_size, image_size)).astype(np.float32)
    times: list[float] = []
    for _ in range(TIMED):
        began = time.perf_counter()
        compute(images)
        times.append(time.perf_counter() - began)
    return median(times) / BATCH


def root_of(one: Trained, named: Path | None) -> Path:
    """Where the run's images lie; raises `UserError` where that is nowhere."""
    root = named or Path(one.result.data_root or "nowhere")
    if not root.is_dir():
        raise UserError(f"{root}: the run's images do not lie there, so the export cannot be checked. {PLACE}")
    return root


def formats(words: Sequence[str]) -> list[str]:
    """The formats that are asked for, each once; raises `UserError` for another one."""
    for word in words:
        if word not in FORMATS:
            raise UserError(f"--to {word}: no such format. Formats: {', '.join(FORMATS)}.")
    return list(dict.fromkeys(words))
