"""CIFAR's ResNet-20: three groups of three residual blocks, with shortcuts that have no parameters."""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock

from animal_cls.models.weights import load_own

WIDTHS = (16, 32, 64)  # channels of the three groups
BLOCKS = 3  # of a group: 6 n + 2 layers with weights, n = 3


class ResNet20(nn.Module):
    """Images (N, 3, H, W) -> logits (N, K); 269,722 parameters at K = 10.

    Section 4.2 of https://arxiv.org/abs/1512.03385, which gives 0.27 million.
    A 3 x 3 convolution, the groups at the full, half and quarter side, the mean over what is left, one linear layer.
    Where a block halves the side, its shortcut takes every second pixel and channels of zeros are added (option A). The
    blocks are torchvision's, so that methods find them; weights begin as torchvision's ResNets have them, which is He's
    way (https://arxiv.org/abs/1502.01852).

    Args:
        num_classes: K.
        dropout: probability in [0, 1) of dropping a feature before the linear layer; the paper has none.
        weights: a checkpoint of a run of ours; its head is taken over only where the classes are the same.
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
        self.conv1 = nn.Conv2d(3, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = _group(WIDTHS[0], WIDTHS[0], stride=1)
        self.layer2 = _group(WIDTHS[0], WIDTHS[1], stride=2)
        self.layer3 = _group(WIDTHS[1], WIDTHS[2], stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(WIDTHS[2], num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.normalization = load_own(self, weights, head="fc.", class_names=class_names)

    def forward(self, images: Tensor) -> Tensor:
        maps = self.relu(self.bn1(self.conv1(images)))
        maps = self.layer3(self.layer2(self.layer1(maps)))
        return self.fc(self.dropout(self.avgpool(maps).flatten(1)))


class Shortcut(nn.Module):
    """(N, C, H, W) -> (N, channels, H / 2, W / 2): every second pixel, and zeros on both sides of the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, maps: Tensor) -> Tensor:
        missing = self.channels - maps.shape[1]
        return functional.pad(maps[:, :, ::2, ::2], (0, 0, 0, 0, missing // 2, missing - missing // 2))


def _group(before: int, width: int, *, stride: int) -> nn.Sequential:
    first = BasicBlock(before, width, stride, downsample=Shortcut(width) if stride > 1 else None)
    return nn.Sequential(first, *(BasicBlock(width, width) for _ in range(BLOCKS - 1)))
