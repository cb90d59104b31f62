"""Sharpness-aware minimisation: the step is that of the worst weights nearby."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from animal_cls.regularizers import Card, Method

ETA = 0.01  # what ASAM adds to a weight's size, so that weights of 0 move, too; as https://github.com/SamsungLabs/ASAM


class SAM(Method):
    """The gradient is taken at w + strength * g / |g| and applied at w (https://arxiv.org/abs/2010.01412, equation 2).

    A step computes the gradient twice. Statistics of batch normalisation are those of the first pass.

    Args:
        strength: rho.
        adaptive: ASAM (https://arxiv.org/abs/2102.11600): w + strength * T^2 g / |T g|, where T is |w| + 0.01 for
            weights and 1 for biases, as in its authors' code; larger weights are moved farther.
        every: of so many steps, the first is computed twice, the others are made as without SAM.
    """

    acts_on = "step"
    card = Card(
        does="The gradient is taken at the worst weights nearby, and applied at the present ones. It looks for "
        "flat minima.",
        strength="rho: distance in the space of the weights",
        formula="w - lr * g(w + rho * g(w) / |g(w)|)",
        source="https://arxiv.org/abs/2010.01412",
        values=(0.05, 0.1, 0.2),
        values_from="0.05 the paper; 0.1 it chose for CIFAR-100; with adaptive 0.5 (its authors' code)",
        cost="twice a step, by nature, one step in `every`; a copy of the weights",
        excludes={"gradient_noise": "the noise blurs the direction for which a step is computed twice"},
    )

    def __init__(self, strength: float, adaptive: bool = False, every: int = 1) -> None:
        if not isinstance(adaptive, bool):
            raise ValueError(f"reg.sam.adaptive={adaptive}: true or false is needed.")
        if every < 1 or every != int(every):
            raise ValueError(f"reg.sam.every={every}: a whole number of steps from 1 is needed.")
        super().__init__(strength)
        self.adaptive, self.every = adaptive, every
        self.steps = 0  # that were begun

    def step(self, network: nn.Module, closure: Callable[[], Any]) -> Callable[[], Any]:
        self.steps += 1
        return closure if (self.steps - 1) % self.every else self._twice(network, closure)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps = state.get("steps", 0)  # of a run from before `every`

    def _twice(self, network: nn.Module, closure: Callable[[], Any]) -> Callable[[], Any]:
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
        """The weights that have a gradient, and how far each of them climbs."""
        named = [(name, weight) for name, weight in network.named_parameters() if weight.grad is not None]
        weights = [weight.detach() for _, weight in named]
        gradients = [weight.grad for _, weight in named if weight.grad is not None]
        if not self.adaptive:
            scale = self._scale(gradients)
            return weights, [gradient * scale for gradient in gradients]
        sizes = [w.detach().abs() + ETA if name.endswith("weight") else torch.ones_like(w) for name, w in named]
        relative = [size * gradient for size, gradient in zip(sizes, gradients, strict=True)]
        scale = self._scale(relative)
        return weights, [size * gradient * scale for size, gradient in zip(sizes, relative, strict=True)]

    def _scale(self, gradients: list[Tensor]) -> Tensor:
        """What makes `gradients`, taken together, `strength` long."""
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients]))
        return self.strength / (norm + 1e-12)


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
