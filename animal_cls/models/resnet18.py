"""The report's ResNet18: torchvision's, with a head of four linear layers."""

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models import ResNet18_Weights, resnet18

from animal_cls.models.weights import load_backbone, load_run, normalization, of_run


class ResNet18(nn.Module):
    """Images (N, 3, H, W) -> logits (N, K); 11,509,290 parameters at K = 10 (https://arxiv.org/abs/1512.03385).

    torchvision's last layer becomes linear 512 -> 512, then the head follows: 512 -> 128 -> 32 -> K with ReLU after
    the second and the third linear layer. Between the first and the second there is no activation, as published.

    Args:
        num_classes: K.
        dropout: probability in [0, 1) of dropping an activation, before the second, third and fourth linear layer.
        weights: name of torchvision weights (IMAGENET1K_V1) or a file of them; all but the last layer is taken over.
            Or a checkpoint of a run of ours: all is taken over, the head only where the classes are the same.
        class_names: the K names, where they are known.

    Raises:
        UserError: the weights cannot be had or do not fit.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        dropout: float = 0.0,
        weights: str | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.backbone = resnet18(weights=None)
        # The pool before the ReLU: the result and the gradients are exactly equal, for a quarter of the ReLU's work.
        self.backbone.relu = nn.Identity()  # type: ignore[assignment]
        self.backbone.maxpool = nn.Sequential(self.backbone.maxpool, nn.ReLU(inplace=True))  # type: ignore[assignment]
        self.backbone.fc = nn.Linear(self.backbone.fc.in_features, 512)
        self.head = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(512, 128),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(128, 32),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(32, num_classes),
        )
        own = of_run(weights)
        self.normalization = own.normalization if own else normalization(weights, ResNet18_Weights)
        if own is not None:
            load_run(self, own, head="head.", class_names=class_names)
        elif weights is not None:
            load_backbone(self.backbone, weights, published=ResNet18_Weights, without=("fc.weight", "fc.bias"))

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))
