"""Spatial dropout: whole channels of feature maps are left out at random."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from animal_cls.regularizers import Card, Method, NoEffect

BLOCKS = (
    "BasicBlock", "Bottleneck", "ResBottleneckBlock", "InvertedResidual", "MBConv", "FusedMBConv", "CNBlock",
    "ConvNeXtBlock",
)  # fmt: skip
NORMS = (nn.modules.batchnorm._BatchNorm, nn.GroupNorm)


class SpatialDropout(Method):
    """A channel of a feature map is set to 0 with probability `strength`, for each image (https://arxiv.org/abs/1411.4280).

    The others are scaled by 1 / (1 - p), so that nothing changes in evaluation. It acts on what each residual block
    puts out; in a network without known ones, on what each convolution of its longest sequence does.
    """

    acts_on = "network"
    card = Card(
        does="Whole channels of feature maps are set to 0 at random while training, and the others scaled up. Pixels "
        "beside each other are so alike that to drop single ones changes little.",
        strength="probability p in (0, 1) that a channel is dropped",
        formula="h_c = h_c * mask_c / (1 - p), mask_c ~ Bernoulli(1 - p)",
        source="https://arxiv.org/abs/1411.4280",
        values=(0.1, 0.2, 0.3),
        values_from="ours",
        cost="one product of the feature maps of each block",
        needs="residual blocks of torchvision or timm, or convolutions in one sequence",
        no_effect="the network has neither",
    )

    def __init__(self, strength: float) -> None:
        if strength >= 1:
            raise ValueError(
                f"reg.spatial_dropout={strength}: a probability below 1 is needed: 1 would drop everything."
            )
        super().__init__(strength)

    def network(self, network: nn.Module) -> nn.Module:
        def leave_out(module: nn.Module, _: tuple[Tensor, ...], maps: Tensor) -> Tensor:
            return functional.dropout2d(maps, self.strength, training=module.training)

        for module in feature_maps(network):
            module.register_forward_hook(leave_out)  # names of weights stay as they are
        return network


def feature_maps(network: nn.Module) -> list[nn.Module]:
    """The modules that put out the feature maps (N, C, H, W), in order; all of the network passes through each.

    They are its residual blocks; without known ones, the convolutions of the `nn.Sequential` that has most, or the
    norms directly after them.

    Raises:
        NoEffect: it has neither residual blocks nor two convolutions in one sequence.
    """
    blocks = [module for module in network.modules() if type(module).__name__ in BLOCKS]
    if blocks:
        return blocks
    sequences = [_convolved(module) for module in network.modules() if isinstance(module, nn.Sequential)]
    longest = max(sequences, key=len, default=[])
    if len(longest) < 2:
        raise NoEffect("the network has neither residual blocks that are known nor convolutions in one sequence")
    return longest


def _convolved(sequence: nn.Sequential) -> list[nn.Module]:
    followed = pairwise([*sequence, nn.Identity()])
    return [after if isinstance(after, NORMS) else one for one, after in followed if isinstance(one, nn.Conv2d)]
