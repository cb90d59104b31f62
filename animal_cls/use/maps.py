"""Which parts of an image speak for a class: Grad-CAM, and occlusion, which knows nothing of a network's inside."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from animal_cls import statistics
from animal_cls.data.batches import channels_first
from animal_cls.errors import UserError
from animal_cls.files.naming import listed
from animal_cls.files.text import did_you_mean
from animal_cls.use.trained import Trained

CELLS = 8  # of a side, into which an image is parted where maps are compared; occlusion moves by one of them
WINDOW = 2  # cells of a side that occlusion covers at once
AT_ONCE = 64  # occluded images that go through a network together


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """The layer whose output Grad-CAM weighs."""

    name: str  # as of named_modules
    module: nn.Module
    side: tuple[int, int]  # height and width of its output


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seen:
    """One module that was called: what came out."""

    name: str
    module: nn.Module
    shape: tuple[int, ...]

    @property
    def is_map(self) -> bool:
        """Whether it is (N, C, H, W) with more than one place."""
        return len(self.shape) == 4 and self.shape[2] * self.shape[3] > 1


def find_layer(one: Trained, name: str | None = None) -> Layer:
    """The layer of that name; else the last convolution that leaves more than one place, with all that follows it.

    That is what is computed of it at the same size, as its normalisation, its activation and the sum with a shortcut:
    of a ResNet the whole last stage, as Grad-CAM is mostly shown. The order is that of the computation.

    Raises:
        UserError: no such layer, or one without a map; or there is no convolution, or its map does not lead to the
            classes but to the tokens of a transformer.
    """
    called = _called(one)
    if name is not None:
        return _named(one, called, name)
    where = [k for k, seen in enumerate(called) if isinstance(seen.module, nn.Conv2d) and seen.is_map]
    if not where:
        raise UserError(f"{_whose(one)} has no convolution that leaves more than one place. {WAYS_OUT}")
    last = called[where[-1]]
    at = max(k for k in range(where[-1], len(called)) if _follows(called, k, last))
    if _weights_of_tokens(called[at + 1 :]) > sum(p.numel() for p in one.classifier.network.parameters()) / 2:
        raise UserError(f"{_whose(one)} goes on with tokens after its last convolution, {last.name}. {WAYS_OUT}")
    return _layer(called[at])


WAYS_OUT = "--layer NAME takes another layer, --only occlusion needs none."


def _whose(one: Trained) -> str:
    return f"{one.folder}: {one.result.model}"


def _called(one: Trained) -> list[_Seen]:
    """The modules of the network in the order in which their outputs were there, as often as they were called."""
    found: list[_Seen] = []
    hooks = [
        module.register_forward_hook(_noting(name, found))
        for name, module in one.classifier.network.named_modules()
        if name
    ]
    try:
        with torch.no_grad():
            one.classifier(torch.zeros(2, 3, one.image_size, one.image_size, device=one.device))
    finally:
        for hook in hooks:
            hook.remove()
    return found


def _noting(name: str, found: list[_Seen]) -> Callable[..., None]:
    def note(module: nn.Module, _: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            found.append(_Seen(name=name, module=module, shape=tuple(output.shape)))

    return note


def _follows(called: list[_Seen], k: int, last: _Seen) -> bool:
    """Whether the k-th call gave a map as large as the last convolution's, and was its module's only one."""
    seen = called[k]
    return seen.is_map and seen.shape[2:] == last.shape[2:] and sum(other.name == seen.name for other in called) == 1


def _weights_of_tokens(called: list[_Seen]) -> int:
    """Weights of modules that compute with more than one place each image, but none of a map."""
    tokens = {seen.module for seen in called if len(seen.shape) > 2 and seen.shape[1] > 1 and not _is_pooled(seen)}
    return sum(p.numel() for module in tokens for p in module.parameters(recurse=False))


def _is_pooled(seen: _Seen) -> bool:
    return len(seen.shape) == 4 and not seen.is_map


def _named(one: Trained, called: list[_Seen], name: str) -> Layer:
    names = [module for module, _ in one.classifier.network.named_modules() if module]
    if name not in names:
        raise UserError(
            f"--layer {name}: {_whose(one)} has no such layer.{did_you_mean(name, names)} "
            f"Layers with a map: {listed([seen.name for seen in called if seen.is_map][::-1])}."
        )
    found = [seen for seen in called if seen.name == name]
    if len(found) != 1 or not found[0].is_map:
        given = " and ".join(str(seen.shape[1:]) for seen in found) or "nothing"
        raise UserError(f"--layer {name}: gives {given} of an image, and one map (C, H, W) of it is needed.")
    return _layer(found[0])


def _layer(seen: _Seen) -> Layer:
    return Layer(name=seen.name, module=seen.module, side=(seen.shape[2], seen.shape[3]))


def grad_cam(one: Trained, pixels: np.ndarray, target: np.ndarray, layer: Layer) -> np.ndarray:
    """What speaks for class `target` (N,) and, below 0, against it: (N, H, W) float32, of images (N, H, W, 3) uint8.

    Selvaraju et al. 2017 (https://arxiv.org/abs/1610.02391) without their last ReLU: the layer's maps, each weighted by
    the mean gradient of the logit in it, enlarged by bilinear interpolation.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    images = _images(one, pixels).requires_grad_()  # also where every weight before the layer is frozen
    classes = torch.from_numpy(target).to(one.device)
    found: Any = LayerGradCam(one.classifier, layer.module).attribute(images, target=classes)  # of one input, a tensor
    large = LayerAttribution.interpolate(found.detach(), pixels.shape[1:3], interpolate_mode="bilinear")
    return large[:, 0].float().cpu().numpy()


def occlusion(one: Trained, pixels: np.ndarray, target: np.ndarray) -> np.ndarray:
    """By how much the logit of class `target` (N,) falls where a place is hidden: (N, H, W) float32.

    A grey square (the mean of the network's normalisation) of `WINDOW` cells is moved by one cell of an eighth of the
    side (Zeiler & Fergus 2014, https://arxiv.org/abs/1311.2901); a pixel has the mean over the squares that hide it.
    """
    from captum.attr import Occlusion

    images = _images(one, pixels)
    step = max(1, one.image_size // CELLS)
    window = min(WINDOW * step, one.image_size)
    grey = (255 * one.classifier.mean.float()).expand(1, *images.shape[1:])
    with torch.no_grad():
        found = Occlusion(one.classifier).attribute(
            images,
            target=torch.from_numpy(target).to(one.device),
            sliding_window_shapes=(3, window, window),
            strides=(3, step, step),
            baselines=grey,
            perturbations_per_eval=max(1, AT_ONCE // len(images)),
        )
    return found[:, 0].float().cpu().numpy()


def _images(one: Trained, pixels: np.ndarray) -> Tensor:
    return channels_first(torch.from_numpy(pixels)).to(one.device).float()


def agreement(first: np.ndarray, second: np.ndarray) -> float | None:
    """Spearman's rank correlation of two maps (H, W) over `CELLS` x `CELLS` cells; None where one is flat."""
    rho = statistics.spearman(_cells(first), _cells(second)).rho
    return None if np.isnan(rho) else rho


def _cells(shown: np.ndarray) -> np.ndarray:
    side = min(CELLS, *shown.shape)
    return functional.adaptive_avg_pool2d(torch.from_numpy(shown)[None], side).numpy().ravel()


def positive(shown: np.ndarray) -> np.ndarray:
    """A map (H, W) as it is drawn: what speaks for the class, 1 at its strongest place; 0 where nothing does."""
    kept = np.maximum(shown, 0)
    return kept / top if (top := kept.max()) > 0 else kept
