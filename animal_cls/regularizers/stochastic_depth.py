"""Stochastic depth: residual branches are left out at random, for each image by itself."""

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.ops import StochasticDepth as Branch
from torchvision.ops import stochastic_depth

from animal_cls.regularizers import Card, Method, NoEffect


class StochasticDepth(Method):
    """Block l of L is left out with probability strength * l / L, for each image (https://arxiv.org/abs/1603.09382).

    What is kept is scaled by 1 / (1 - p), so that nothing changes in evaluation. It acts on torchvision's residual
    blocks and wherever a network has torchvision's `StochasticDepth` or timm's `DropPath`.
    """

    acts_on = "network"
    card = Card(
        does="Residual branches are left out at random, for each image, later blocks more often. Nothing changes "
        "in evaluation.",
        strength="probability that the last block is left out, in [0, 1); earlier ones linearly less",
        formula="y = x + f(x) * mask / (1 - p_l), p_l = strength * l / L",
        source="https://arxiv.org/abs/1603.09382",
        values=(0.1, 0.2, 0.5),
        values_from="0.5 the paper, with 110 layers; 0.1 Composer's card for ResNet50",
        cost="nothing that can be measured",
        needs="residual blocks: torchvision's, or timm's with DropPath",
        no_effect="the network has no residual blocks",
    )

    def __init__(self, strength: float) -> None:
        if strength >= 1:
            raise ValueError(f"reg.stochastic_depth={strength}: a probability in [0, 1) is needed.")
        super().__init__(strength)

    def network(self, network: nn.Module) -> nn.Module:
        places = [module for module in network.modules() if _is_branch(module)]
        if not places:
            raise NoEffect("the network has no residual blocks whose branches could be left out")
        for number, module in enumerate(places, start=1):
            _set(module, self.strength * number / len(places))
        return network


def _is_branch(module: nn.Module) -> bool:
    return isinstance(module, BasicBlock | Bottleneck | Branch) or type(module).__name__ == "DropPath"


def _set(module: nn.Module, p: float) -> None:
    if isinstance(module, Branch):
        module.p = p
    elif isinstance(module, BasicBlock | Bottleneck):
        last = module.bn3 if isinstance(module, Bottleneck) else module.bn2  # after it, the input is added

        def leave_out(norm: nn.Module, _: tuple[Tensor, ...], branch: Tensor) -> Tensor:
            return stochastic_depth(branch, p, "row", training=norm.training)

        last.register_forward_hook(leave_out)  # names of weights stay as they are
    else:
        module.drop_prob = p  # type: ignore[assignment]  # timm's DropPath
