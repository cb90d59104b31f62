"""The report's ResNet18: torchvision's, with a head of four linear layers."""

from collections.abc import Sequence

from torch import Tensor, nn
from torchvision.models import ResNet, ResNet18_Weights, resnet18

from animal_cls.errors import UserError
from animal_cls.files.text import did_you_mean
from animal_cls.models.weights import load_published, load_run, normalization, of_run, state_of

STEMS = {"imagenet": 7, "cifar": 3}  # side of the first convolution, px


class ResNet18(nn.Module):
    """Images (N, 3, H, W) -> logits (N, K); 11,509,290 parameters at K = 10 (https://arxiv.org/abs/1512.03385).

    torchvision's last layer becomes linear 512 -> 512, then the head follows: 512 -> 128 -> 32 -> K with ReLU after
    the second and the third linear layer. Between the first and the second there is no activation, as published.

    Args:
        num_classes: K.
        dropout: probability in [0, 1) of dropping an activation, before the second, third and fourth linear layer.
        stem: imagenet (a 7 x 7 convolution of stride 2 and a max-pool, which leave a quarter of the side) or cifar (a
            3 x 3 convolution of stride 1 and no pool, as https://github.com/kuangliu/pytorch-cifar has it).
        weights: name of torchvision weights (IMAGENET1K_V1) or a file of them; all but the last layer is taken over.
            Or a checkpoint of a run of ours: all is taken over, the head only where the classes are the same.
        class_names: the K names, where they are known.

    Raises:
        UserError: an unknown stem; weights of another stem, or such as cannot be had or do not fit.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        dropout: float = 0.0,
        stem: str = "imagenet",
        weights: str | None = None,
        class_names: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        self.backbone = resnet18(weights=None)
        _set_stem(self.backbone, stem)
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
            _check_stem(own.file, stem, own.state.get("backbone.conv1.weight"))
            load_run(self, own, head="head.", class_names=class_names)
        elif weights is not None:
            if weights in ResNet18_Weights.__members__ and stem != "imagenet":
                raise _other_stem(weights, stem, found="imagenet")
            state = state_of(weights, ResNet18_Weights)
            _check_stem(weights, stem, state.get("conv1.weight"))
            load_published(self.backbone, state, weights=weights, published=ResNet18_Weights, without="fc.")

    def forward(self, images: Tensor) -> Tensor:
        return self.head(self.backbone(images))


def _set_stem(backbone: ResNet, stem: str) -> None:
    if stem not in STEMS:
        raise UserError(f"model.stem={stem}: no such stem.{did_you_mean(stem, STEMS)} Stems: {', '.join(STEMS)}.")
    if stem == "cifar":
        backbone.conv1 = nn.Conv2d(3, backbone.conv1.out_channels, STEMS[stem], padding=1, bias=False)
        nn.init.kaiming_normal_(backbone.conv1.weight, mode="fan_out", nonlinearity="relu")  # as torchvision's
        backbone.maxpool = nn.Identity()  # type: ignore[assignment]
    else:  # the pool before the ReLU: the result and the gradients are exactly equal, for a quarter of the ReLU's work
        backbone.relu = nn.Identity()  # type: ignore[assignment]
        backbone.maxpool = nn.Sequential(backbone.maxpool, nn.ReLU(inplace=True))  # type: ignore[assignment]


def _check_stem(weights: str, stem: str, convolution: Tensor | None) -> None:
    """Refuse weights whose first convolution is that of another stem."""
    side = None if convolution is None or convolution.ndim != 4 else convolution.shape[-1]
    found = next((name for name, one in STEMS.items() if one == side), stem)
    if found != stem:
        raise _other_stem(weights, stem, found=found)


def _other_stem(weights: str, stem: str, *, found: str) -> UserError:
    return UserError(
        f"model.stem={stem} with model.weights={weights}: these weights are of stem={found}, whose first convolution "
        f"is {STEMS[found]} x {STEMS[found]} instead of {STEMS[stem]} x {STEMS[stem]}. "
        f"Use model.stem={found}, or other weights."
    )
