"""Moving average of the weights: it is evaluated instead of them."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from animal_cls.regularizers import Card, Method

LONGEST = 1 / 3  # of the training, for a half-life: three of them leave an eighth of the first weights


class EMA(Method):
    """average = d * average + (1 - d) * weights after each step, with a half-life of `strength` epochs.

    d = 2^(-1 / (strength * steps per epoch)); at step t it is at most (1 + t) / (10 + t), so that the first weights are
    soon forgotten (https://www.tensorflow.org/api_docs/python/tf/train/ExponentialMovingAverage). Running statistics of
    normalisations are averaged, too; counters are taken over. Polyak & Juditsky, https://doi.org/10.1137/0330046.
    """

    acts_on = "evaluation"
    card = Card(
        does="A moving average of the weights is evaluated, not the weights themselves. Training goes on as "
        "without it.",
        strength="half-life, epochs",
        formula="average = d * average + (1 - d) * w, d = 2^(-1 / (strength * steps per epoch))",
        source="https://doi.org/10.1137/0330046",
        values=(1.0, 0.5, 3.0),
        values_from="ours: the half-life has to be short beside the training; Composer's card says 1000 steps",
        cost="little: one sum over the weights; a copy of them",
        no_effect="its half-life is much shorter than an epoch; longer than a third of the training, it lags behind",
        excludes={"swa": "both replace the weights that are evaluated; the later one alone would be seen"},
    )

    def __init__(self, strength: float) -> None:
        super().__init__(strength)
        self.steps = 0
        self.average: dict[str, Tensor] | None = None

    def weakness(self) -> str | None:
        if self.epochs is None or self.strength <= self.epochs * LONGEST:
            return None
        return (
            f"more than a third of trainer.max_epochs={self.epochs}: the average is still full of early weights. "
            f"Use {self.epochs * LONGEST:.2g} or less, or train longer"
        )

    @torch.no_grad()
    def weights(self, network: nn.Module) -> None:
        self.steps += 1
        state = network.state_dict()
        if self.average is None:
            self.average = {name: value.detach().clone() for name, value in state.items()}
            return
        decay = min(2 ** (-1 / (self.strength * self.steps_per_epoch)), (1 + self.steps) / (10 + self.steps))
        for name, value in state.items():
            kept = self.average[name] = self.average[name].to(value.device)  # from a checkpoint they come on the CPU
            kept.lerp_(value, 1 - decay) if kept.is_floating_point() else kept.copy_(value)

    def evaluated(self, network: nn.Module) -> Mapping[str, Tensor] | None:
        return self.average

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "average": self.average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.steps, self.average = state["steps"], state["average"]
