"""Sharpness-aware minimisation: the step is that of the worst weights nearby."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from animal_cls.regularizers import Card, Method


class SAM(Method):
    """The gradient is taken at w + strength * g / |g| and applied at w (https://arxiv.org/abs/2010.01412, equation 2).

    A step computes the gradient twice. Statistics of batch normalisation are those of the first pass.
    """

    acts_on = "step"
    card = Card(
        does="The gradient is taken at the worst weights nearby, and applied at the present ones. It looks for "
        "flat minima.",
        strength="rho: distance in the space of the weights",
        formula="w - lr * g(w + rho * g(w) / |g(w)|)",
        source="https://arxiv.org/abs/2010.01412",
        values=(0.05, 0.1, 0.2),
        values_from="0.05 the paper; 0.1 it chose for CIFAR-100",
        cost="twice a step, by nature; a copy of the weights",
        excludes={"gradient_noise": "it climbs along the noise, too"},
    )

    def step(self, network: nn.Module, closure: Callable[[], Any]) -> Callable[[], Any]:
        def climb_and_return() -> Any:
            loss = closure()
            weights, moves = self._moves(network)
            with torch.no_grad():
                before = [weight.clone() for weight in weights]
                for weight, move in zip(weights, moves, strict=True):
                    weight.add_(move)
            try:
                with frozen_statistics(network):
                    closure()
            finally:
                with torch.no_grad():
                    for weight, kept in zip(weights, before, strict=True):
                        weight.copy_(kept)  # to the bit, which subtracting the move is not
            return loss

        return climb_and_return

    def _moves(self, network: nn.Module) -> tuple[list[Tensor], list[Tensor]]:
        weights = [parameter for parameter in network.parameters() if parameter.grad is not None]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
        scale = self.strength / (norm + 1e-12)
        return [weight.detach() for weight in weights], [gradient * scale for gradient in gradients]


@contextmanager
def frozen_statistics(network: nn.Module) -> Iterator[None]:
    """Within it batch normalisation uses the batch's statistics as ever, but its running ones stay."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]
    kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
    for norm in norms:
        norm.momentum, norm.num_batches_tracked = 0.0, None
    try:
        yield
    finally:
        for norm, (momentum, count) in zip(norms, kept, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
