"""What travels from the data to the network: N images with what belongs to them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Part:
    """Which images of each batch a process (a rank) of a run on several devices takes: every n-th."""

    rank: int = 0  # of `ranks`
    ranks: int = 1

    def of(self, n: int, *, is_training: bool) -> slice:
        """Of a batch of n images. To train without any is not possible: then the first, whose `weight` is 0."""
        is_idle = is_training and n <= self.rank
        return slice(0, 1) if is_idle else slice(self.rank, None, self.ranks)

    def weight(self, n: int) -> float:
        """What the mean over its images counts, so that the mean over all ranks is that over the n images."""
        return len(range(self.rank, n, self.ranks)) * self.ranks / n


WHOLE = Part()


@dataclass(kw_only=True)  # not frozen: Lightning's true half and double precisions convert it in place
class Batch:
    """N images with what belongs to them; Lightning moves the tensors to the device."""

    images: Tensor  # (N, 3, H, W) in [0, 255]: uint8 as read, float after a method has changed them
    labels: Tensor  # (N,) int64; of training images, those that they are given
    indices: np.ndarray  # (N,) int64, where they are in the image set
    is_training: bool = False  # whether the methods may change it
    sampled: list[Tensor] = field(default_factory=list)  # (N, ...) each, what the batch hooks draw
    targets: Tensor | None = None  # (N, K) probabilities, where a batch hook was called
    weight: float = 1.0  # of its mean loss, where other devices have the rest of it; 0: its images do not count

    @property
    def hard(self) -> Tensor:
        """The labels (N,); of mixed images, the heavier one."""
        return self.labels if self.targets is None else self.targets.argmax(dim=1)

    def part(self, part: Part) -> "Batch":
        """The images that a rank trains on."""
        n = len(self.labels)
        at = part.of(n, is_training=True)
        return replace(self._with(lambda tensor: tensor[at]), indices=self.indices[at], weight=part.weight(n))

    def to(self, device: torch.device) -> "Batch":
        """The same batch on `device`; to a GPU it is copied while the CPU goes on, where it lies in pinned memory."""
        beside = torch.device(device).type == "cuda"  # Lightning asks for this with tensors alone
        return self._with(lambda tensor: tensor.to(device, non_blocking=beside))

    def pin_memory(self) -> "Batch":
        """The same batch in memory from which a GPU can copy while the CPU goes on."""
        return self._with(Tensor.pin_memory)

    def _with(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        return Batch(
            images=change(self.images),
            labels=change(self.labels),
            indices=self.indices,
            is_training=self.is_training,
            sampled=[change(tensor) for tensor in self.sampled],
            targets=None if self.targets is None else change(self.targets),
            weight=self.weight,
        )
