"""DropBlock: squares of feature maps are left out at random."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import drop_block2d

from animal_cls.regularizers import Card, Method, NoEffect
from animal_cls.regularizers.spatial_dropout import feature_maps


class DropBlock(Method):
    """Squares of `size` pixels are set to 0, a share of `strength` in all (https://arxiv.org/abs/1810.12890).

    By torchvision's function, in the second half of the residual blocks (of a ResNet its groups 3 and 4, as in the
    paper), or of the convolutions of a plain network. Maps smaller than a square stay as they are.

    Args:
        strength: share of a feature map.
        size: side of a square, px of the feature map; odd.
        ramp: share of the training in which the strength grows from 0, linearly as in the paper; 0: it does not.
    """

    acts_on = "network"
    card = Card(
        does="Squares of the later feature maps are set to 0 at random while training, and the rest scaled up. The "
        "share grows during the training.",
        strength="share of a feature map that is dropped at the end, in (0, 1)",
        formula="h = h * mask / mean(mask), mask 0 in squares of size x size",
        source="https://arxiv.org/abs/1810.12890",
        values=(0.1, 0.05, 0.2),
        values_from="0.1 the paper, with squares of 7 px for images of 224 px; the others and the side of 3 px ours",
        cost="random numbers and a max-pool for each of the later feature maps",
        needs="residual blocks of torchvision or timm, or convolutions in one sequence",
        no_effect="the network has neither, or its later feature maps are smaller than a square",
    )

    def __init__(self, strength: float, size: int = 3, ramp: float = 1.0) -> None:
        if strength >= 1:
            raise ValueError(f"reg.dropblock={strength}: a share below 1 is needed: 1 would drop everything.")
        if size != int(size) or size < 1 or size % 2 == 0:
            raise ValueError(f"reg.dropblock.size={size}: an odd number of pixels is needed.")
        if not 0 <= ramp <= 1:
            raise ValueError(f"reg.dropblock.ramp={ramp}: a share of the training in [0, 1] is needed.")
        super().__init__(strength)
        self.size, self.ramp = int(size), ramp

    def network(self, network: nn.Module) -> nn.Module:
        maps = feature_maps(network)
        later = maps[len(maps) // 2 :]
        self._require_room(network, later)
        for module in later:
            module.register_forward_hook(self._left_out)  # names of weights stay as they are
        return network

    def _require_room(self, network: nn.Module, modules: Sequence[nn.Module]) -> None:
        """Raise `NoEffect` where no square fits into what any of `modules` puts out."""
        if self.image_size is None:
            return
        found = sides(network, modules, self.image_size)
        if found and (largest := max(found)) < self.size:
            raise NoEffect(f"its later feature maps have {largest} px at most, less than squares of {self.size} px")

    def _left_out(self, module: nn.Module, _: tuple[Tensor, ...], maps: Tensor) -> Tensor:
        if not module.training or min(maps.shape[-2:]) < self.size:
            return maps
        grown = min(self.progress / self.ramp, 1.0) if self.ramp else 1.0
        return drop_block2d(maps, self.strength * grown, self.size)


def sides(network: nn.Module, modules: Sequence[nn.Module], image_size: int) -> list[int]:
    """Of what each of `modules` puts out for an image of this side, height or width, whichever is less, px."""
    found: list[int] = []
    hooks = [module.register_forward_hook(lambda *given: found.append(min(given[2].shape[-2:]))) for module in modules]
    modes = {module: module.training for module in network.modules()}
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, 3, image_size, image_size))
    except (RuntimeError, ValueError, AssertionError):  # an image that does not fit: told where networks are tried
        return []
    finally:
        for hook in hooks:
            hook.remove()
        for module, is_training in modes.items():
            module.training = is_training
    return found
