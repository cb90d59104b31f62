"""What travels from the data to the network: N pictures with what belongs to them."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(kw_only=True)  # not frozen: Lightning's true half and double precisions convert it in place
class Batch:
    """N pictures with what belongs to them; Lightning moves the tensors to the device."""

    pictures: Tensor  # (N, 3, H, W): uint8 from the loader, float in [0, 255] after the augmentation
    labels: Tensor  # (N,) int64
    indices: np.ndarray  # (N,) int64, their places in the picture set
    epoch: int  # whose augmentation they get

    def to(self, device: torch.device, non_blocking: bool = False) -> "Batch":
        """The same batch on `device`."""
        return Batch(
            pictures=self.pictures.to(device, non_blocking=non_blocking),
            labels=self.labels.to(device, non_blocking=non_blocking),
            indices=self.indices,
            epoch=self.epoch,
        )
