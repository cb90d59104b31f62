"""Flip and crop: training images are mirrored, and a random part of them fills the whole."""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from animal_cls.regularizers import Card, Method

AREA = (0.35, 1.0)  # share of the image that is cut out
# Beyond the outermost pixel, where mps has no "border": half a pixel is asked for, in which the two are the same.
PADDING = {"mps": "reflection"}
RATIO = (3 / 4, 4 / 3)  # width / height of what is cut out, before it is squashed


class FlipCrop(Method):
    """Each image, with probability `strength` in (0, 1], is mirrored with probability 1/2 and cut; see `flip_crop`.

    As https://arxiv.org/abs/1409.4842, section 6, with larger parts. torchvision's own operations draw one set of
    numbers for a batch, and on whole batches none is quicker than this.
    """

    acts_on = "images"
    card = Card(
        does="An image is mirrored with probability 1/2, and a random part of it fills the whole. Every epoch anew.",
        strength="probability that an image is changed at all",
        formula="parts of 35 to 100 % of the area, width / height in [3/4, 4/3]",
        source="https://arxiv.org/abs/1409.4842",
        values=(1.0, 0.5),
        values_from="usual practice: every image; torchvision's smallest area is 8 %, meant for ImageNet",
        cost="little: one resampling of the batch",
    )
    draws = 7  # order of the epoch, mirror, area, shape, left, top, whether at all
    stream = ""  # that of the order, whose column is left alone: else the first half of an epoch would be mirrored

    def __init__(self, strength: float) -> None:
        if strength > 1:
            raise ValueError(f"reg.flip_crop={strength}: a probability in [0, 1] is needed.")
        super().__init__(strength)

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """Affine maps (N, 2, 3)."""
        boxes = crop_boxes(uniforms[:, 1:6])
        boxes[uniforms[:, 6] >= self.strength] = np.eye(2, 3, dtype=np.float32)
        return torch.from_numpy(boxes)

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        return flip_crop(images, sampled), targets


def flip_crop(images: Tensor, boxes: Tensor) -> Tensor:
    """Images (N, 3, H, W) in [0, 255], each mirrored with probability 1/2 and a random part of it resized to H x W.

    The parts are those of torchvision's RandomResizedCrop with a larger smallest area; what is cut out is never
    larger than H x W, so bilinear interpolation needs no antialiasing.

    Args:
        boxes: (N, 2, 3), see `crop_boxes`.
    """
    images = images if images.is_floating_point() else images.float()
    where = grid(boxes.to(images.dtype), height=images.shape[2], width=images.shape[3])
    padding = PADDING.get(images.device.type, "border")
    changed = functional.grid_sample(images, where, mode="bilinear", padding_mode=padding, align_corners=False)
    return changed.contiguous(memory_format=torch.channels_last)


def grid(boxes: Tensor, *, height: int, width: int) -> Tensor:
    """Where each pixel comes from: (N, H, W, 2), x and y in [-1, 1].

    As torch's affine_grid of maps that neither turn nor shear, in a tenth of its time: x depends on the column alone
    and y on the row.
    """
    columns, rows = ((2 * torch.arange(n, device=boxes.device, dtype=boxes.dtype) + 1) / n - 1 for n in (width, height))
    x = boxes[:, 0, 0, None] * columns + boxes[:, 0, 2, None]  # (N, W)
    y = boxes[:, 1, 1, None] * rows + boxes[:, 1, 2, None]  # (N, H)
    shape = (len(boxes), height, width)
    return torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], dim=-1)


def crop_boxes(draws: np.ndarray) -> np.ndarray:
    """Affine maps (N, 2, 3) float32 from output to input coordinates in [-1, 1], from draws (N, 5) in [0, 1)."""
    mirror, area, shape, left, top = draws.T
    area = AREA[0] + area * (AREA[1] - AREA[0])
    ratio = np.exp(np.log(RATIO[0]) + shape * math.log(RATIO[1] / RATIO[0]))
    width = np.minimum(np.sqrt(area * ratio), 1.0)
    height = np.minimum(np.sqrt(area / ratio), 1.0)
    boxes = np.zeros((len(draws), 2, 3), dtype=np.float32)
    boxes[:, 0, 0] = np.where(mirror < 0.5, -width, width)
    boxes[:, 1, 1] = height
    boxes[:, 0, 2] = (2 * left - 1) * (1 - width)
    boxes[:, 1, 2] = (2 * top - 1) * (1 - height)
    return boxes
