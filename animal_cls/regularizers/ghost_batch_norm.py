"""Ghost batch normalisation: a batch is normalised in parts, as if it were several small ones."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from animal_cls.regularizers import Card, Method, NoEffect


class GhostBatchNorm(Method):
    """Each part of about `strength` images of a batch has a mean and std of its own (https://arxiv.org/abs/1705.08741).

    A batch of N images has N // strength parts of equal size, or larger by one. Running statistics follow one part
    after the other, as in the paper; evaluation uses them as ever.
    """

    acts_on = "network"
    card = Card(
        does="Batch normalisation takes its statistics from parts of the batch. The smaller the parts, the noisier.",
        strength="images in a part, a whole number of at least 2",
        formula="(x - mean of the part) / std of the part",
        source="https://arxiv.org/abs/1705.08741",
        values=(32.0, 16.0, 64.0),
        values_from="16, 32 and 64 Composer's card, which says that they gain little",
        cost="as many normalisations as there are parts",
        needs="batch normalisation",
        no_effect="the network has none, or a batch has fewer than twice so many images",
    )

    def __init__(self, strength: float) -> None:
        if strength != int(strength) or strength < 2:
            raise ValueError(f"reg.ghost_batch_norm={strength}: a whole number of images, at least 2, is needed.")
        super().__init__(strength)

    def network(self, network: nn.Module) -> nn.Module:
        norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
        if not norms:
            raise NoEffect("the network has no batch normalisation")
        if self.batch_size is not None and self.batch_size < 2 * self.strength:
            raise NoEffect(f"a batch of {self.batch_size} images has no two parts of {self.strength:g}")
        for norm in norms:  # not by a module around it, which would rename its weights
            norm.forward = partial(_in_parts, norm, int(self.strength))  # type: ignore[method-assign]
        return network


def _in_parts(norm: nn.Module, size: int, images: Tensor) -> Tensor:
    forward, parts = type(norm).forward, len(images) // size
    if not norm.training or parts < 2:
        return forward(norm, images)
    return torch.cat([forward(norm, part) for part in images.tensor_split(parts)])
