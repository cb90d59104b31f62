"""Random changes of training images, on whole batches, on the device of the batch.

Libraries either draw once for a whole batch (torchvision v2), which augments less, or from a global generator (v2 image
by image, kornia), so that a resumed run would see other images: here each image draws from a key of its own.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from animal_cls import rng

DRAWS = 5  # numbers per image and epoch: mirror, area, shape, left, top
AREA = (0.35, 1.0)  # share of the image that is cut out
RATIO = (3 / 4, 4 / 3)  # width / height of what is cut out, before it is squashed


def boxes(keys: np.ndarray, *, seed: int, epoch: int) -> Tensor:
    """What `flip_crop` does to each image in this epoch: affine maps (N, 2, 3) float32.

    Args:
        keys: (N,) uint64, one per image (`rng.image_keys`).
    """
    # Not the first column: it decides the order, so that the first half of each epoch would be mirrored and no other.
    return torch.from_numpy(crop_boxes(rng.uniform(keys, seed=seed, epoch=epoch, draws=1 + DRAWS)[:, 1:]))


def flip_crop(images: Tensor, boxes: Tensor) -> Tensor:
    """Images (N, 3, H, W) in [0, 255], each mirrored with probability 1/2 and a random part of it resized to H x W.

    The parts are those of torchvision's RandomResizedCrop with a larger smallest area; what is cut out is never
    larger than H x W, so bilinear interpolation needs no antialiasing.

    Args:
        boxes: (N, 2, 3), see `boxes`.
    """
    images = images if images.is_floating_point() else images.float()
    where = grid(boxes.to(images.dtype), height=images.shape[2], width=images.shape[3])
    changed = functional.grid_sample(images, where, mode="bilinear", padding_mode="border", align_corners=False)
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
