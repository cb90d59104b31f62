"""Regularizers that are more than a number handed to a library: one file per method, named like its strength in `reg`.

A new one is a file here and a file in conf/reg/: `regularizers/mixup.py` with one subclass of `Regularizer`, and
`conf/reg/mixup.yaml` with `name: mixup` and `mixup: 0.2`.
"""

import importlib
from collections.abc import Mapping

from torch import Tensor, nn


class Regularizer:
    """One method at one strength > 0; override the hook that it needs.

    Raises:
        ValueError: the strength is out of the method's range.
    """

    def __init__(self, strength: float) -> None:
        self.strength = strength

    def change_batch(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Training images (N, 3, H, W) and target probabilities (N, K), as the network shall see them."""
        return images, targets

    def penalty(self, network: nn.Module) -> Tensor | float:
        """What is added to the training loss, nats."""
        return 0.0


def build(strengths: Mapping[str, float]) -> list[Regularizer]:
    """The methods whose strength is above 0, in the order given."""
    return [_method(name)(strength) for name, strength in strengths.items() if strength > 0]


def _method(name: str) -> type[Regularizer]:
    module = importlib.import_module(f"{__name__}.{name}")
    (method,) = (
        thing
        for thing in vars(module).values()
        if isinstance(thing, type) and issubclass(thing, Regularizer) and thing.__module__ == module.__name__
    )
    return method
