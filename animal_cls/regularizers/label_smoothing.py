"""Label smoothing: the true class gets a little less than 1, the others share the rest."""

from torch import Tensor

from animal_cls.regularizers import Card, Method


class LabelSmoothing(Method):
    """Targets become (1 - strength) * target + strength / K (https://arxiv.org/abs/1512.00567, section 7)."""

    acts_on = "targets"
    card = Card(
        does="The true class gets a little less than 1, the others share the rest. It keeps the network from "
        "being too sure.",
        strength="share e of the target that is spread over all K classes, in [0, 1)",
        formula="t = (1 - e) t + e / K",
        source="https://arxiv.org/abs/1512.00567",
        values=(0.1, 0.05, 0.2),
        values_from="0.1 the paper",
        cost="nothing",
        excludes={
            "confidence_penalty": "both pull the prediction towards the uniform one (https://arxiv.org/abs/1701.06548)"
        },
    )

    def __init__(self, strength: float) -> None:
        if strength >= 1:
            raise ValueError(f"reg.label_smoothing={strength}: a share in [0, 1) is needed.")
        super().__init__(strength)

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        return images, targets * (1 - self.strength) + self.strength / targets.shape[1]
