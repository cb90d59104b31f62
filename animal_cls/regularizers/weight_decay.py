"""Weight decay: weights are drawn to 0; how, is the optimizer's affair."""

from typing import Any

from torch import nn

from animal_cls.regularizers import Card, Method


class WeightDecay(Method):
    """The coefficient that is handed to the optimizer's weight_decay argument.

    With Adam and SGD it is L2, a term in the gradient; with AdamW it is decoupled (https://arxiv.org/abs/1711.05101).
    It acts where a key of the config repeats it, such as `optimizer.weight_decay: ${reg.weight_decay}`.

    Args:
        strength: the coefficient.
        norms: whether weights of normalisations and all biases are drawn to 0, too; many recipes spare them
            (https://arxiv.org/abs/1812.01187, section 3.1).
    """

    acts_on = "another key"
    card = Card(
        does="Weights are drawn to 0 in proportion to their size. With adam and sgd by a term in the gradient (L2), "
        "with adamw directly.",
        strength="coefficient of the weights in the gradient (adamw: of the weights in lr * coefficient * w)",
        formula="g = g + strength * w (adamw: w = w - lr * strength * w)",
        source="https://arxiv.org/abs/1711.05101",
        values=(1e-5, 1e-4, 5e-4, 1e-2),
        values_from="1e-5 the first report; 5e-4 usual for SGD on CIFAR; 1e-2 AdamW's default in torch",
        cost="nothing",
        needs="an optimizer with an argument that repeats it, as optimizer.weight_decay: ${reg.weight_decay}",
        no_effect="the optimizer has no weight_decay",
    )

    def __init__(self, strength: float, norms: bool = True) -> None:
        if not isinstance(norms, bool):
            raise ValueError(f"reg.weight_decay.norms={norms}: true or false is needed.")
        super().__init__(strength)
        self.norms = norms

    def groups(self, groups: list[dict[str, Any]], network: nn.Module) -> list[dict[str, Any]]:
        return groups if self.norms else [part for group in groups for part in _spared(group)]


def _spared(group: dict[str, Any]) -> list[dict[str, Any]]:
    """The group without its vectors and scalars, and these without decay, as far as there are any."""
    matrices = [weight for weight in group["params"] if weight.ndim > 1]
    rest = [weight for weight in group["params"] if weight.ndim <= 1]
    parts = [{**group, "params": matrices}, {**group, "params": rest, "weight_decay": 0.0}]
    return [part for part in parts if part["params"]]
