"""What travels from the data to the network: N images with what belongs to them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(kw_only=True)  # not frozen: Lightning's true half and double precisions convert it in place
class Batch:
    """N images with what belongs to them; Lightning moves the tensors to the device."""

    images: Tensor  # (N, 3, H, W) in [0, 255]: uint8 as read, float after an augmentation
    labels: Tensor  # (N,) int64
    indices: np.ndarray  # (N,) int64, their places in the image set
    boxes: Tensor | None = None  # (N, 2, 3) float32, the affine maps of their augmentation; None = leave them alone

    def to(self, device: torch.device, non_blocking: bool = False) -> "Batch":
        """The same batch on `device`."""
        return self._with(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> "Batch":
        """The same batch in memory from which a GPU can copy while the CPU goes on."""
        return self._with(Tensor.pin_memory)

    def _with(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        boxes = None if self.boxes is None else change(self.boxes)
        return Batch(images=change(self.images), labels=change(self.labels), indices=self.indices, boxes=boxes)
