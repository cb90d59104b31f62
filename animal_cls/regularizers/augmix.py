"""AugMix: a training image is blended with several chains of operations on it."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from animal_cls.regularizers import Card, Method
from animal_cls.regularizers.trivialaugment import OPERATIONS, Ranges, operate_

SEVEREST, STEPS = 10, 9  # severity; levels are whole steps of a ninth of the range
WIDEST, DEEPEST = 4, 3  # chains; operations in one
DRAWS = 1 + WIDEST * (2 + 3 * DEEPEST)  # m; of each chain weight and depth, and operation, level, sign of each step
RANGES = Ranges(shear=0.3, translate_share=1 / 3, rotate_degrees=30, enhance=0.9, bits=(4, 0))


class AugMix(Method):
    """`width` chains of one to three operations, blended at random, and then with the image itself.

    https://arxiv.org/abs/1912.02781; operations, ranges and levels are those of torchvision's AugMix with alpha 1,
    whose images are of whole numbers between operations. With `jsd` above 0 the network is trained on the image
    itself, and drawn to say the same of two blends: by jsd x the Jensen-Shannon divergence of the three.

    Args:
        strength: severity, 1 to 10: levels are below it.
        width: chains for each image, 1 to 4.
        jsd: coefficient of the divergence, nats; 0: the blend takes the place of the image.

    Raises:
        ValueError: `reg.augmix=...:` or `reg.augmix.OPTION=...:` a number out of range.
    """

    acts_on = "images"
    card = Card(
        does="Copies of an image go through random operations and are blended with it. The outcome stays near it.",
        strength="severity, in [1, 10]: operations are drawn below it",
        formula="x = m x + (1 - m) sum of w_i chain_i(x), m ~ U(0, 1), w ~ Dirichlet(1, ..., 1); "
        "loss + jsd * JSD(p, p_1, p_2)",
        source="https://arxiv.org/abs/1912.02781",
        values=(3.0, 1.0, 5.0),
        values_from="3 torchvision's and Composer's default, with width 3; 1 and 5 ours; jsd 12 the paper",
        cost="twice width operations on the batch on average, in parts; three copies of the batch; with jsd, by "
        "nature, two further passes and as many blends",
        needs="with jsd, methods that mix pairs to be off: the blends are of single images",
        excludes={
            "trivialaugment": "both draw from the same operations",
            "randaugment": "both draw from the same operations",
        },
    )
    draws = DRAWS

    def __init__(self, strength: float, width: int = 3, jsd: float = 0.0) -> None:
        if not 1 <= strength <= SEVEREST:
            raise ValueError(f"reg.augmix={strength}: a severity from 1 to {SEVEREST} is needed.")
        if width not in range(1, WIDEST + 1):
            raise ValueError(f"reg.augmix.width={width}: a number of chains from 1 to {WIDEST} is needed.")
        if not 0 <= jsd < np.inf:
            raise ValueError(f"reg.augmix.jsd={jsd}: a coefficient from 0 is needed.")
        super().__init__(strength)
        self.width, self.jsd = width, jsd
        self.one_device = "with jsd it keeps blends of whole batches" if jsd else None
        self.draws = DRAWS * self.n_blends  # type: ignore[misc]  # of an image
        self.blends: list[Tensor] = []  # (N, C, H, W) each, of the present batch, beside the images themselves

    @property
    def n_blends(self) -> int:
        """How many blends are made of an image."""
        return 2 if self.jsd else 1

    def sample(self, uniforms: np.ndarray) -> Tensor:
        """(N, blends, width, 1 + 2 * DEEPEST): weight of each chain; numbers and levels of its operations."""
        return torch.stack([self._chains(part) for part in np.split(uniforms, self.n_blends, axis=1)], dim=1)

    def _chains(self, uniforms: np.ndarray) -> Tensor:
        chains = uniforms[:, 1:].reshape(len(uniforms), WIDEST, -1)[:, : self.width]
        operation, level, sign = np.split(chains[..., 2:], 3, axis=2)
        is_done = np.arange(DEEPEST) < 1 + np.floor(chains[..., 1:2] * DEEPEST)
        numbers = (1 + np.floor(operation * (len(OPERATIONS) - 1))) * is_done  # 0, the identity, is not drawn
        levels = np.floor(level * self.strength) / STEPS * np.where(sign < 0.5, -1, 1)
        exponential = -np.log1p(-chains[..., :1])  # divided by their sum, they are Dirichlet's
        weights = (1 - uniforms[:, :1, None]) * exponential / exponential.sum(axis=1, keepdims=True)
        return torch.from_numpy(np.concatenate([weights, numbers, levels], axis=2).astype(np.float32))

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        blends = [self._blended(images, chains) for chains in sampled.unbind(dim=1)]
        if not self.jsd:
            return blends[0], targets
        self.blends = blends
        return images, targets

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        if not self.jsd:
            return loss
        output = network(self.normalize(torch.cat(self.blends)))
        others = getattr(output, "logits", output)  # torchvision's with auxiliary logits
        return loss + self.jsd * divergence([logits, *others.chunk(2)])

    def _blended(self, images: Tensor, sampled: Tensor) -> Tensor:
        """The images (N, C, H, W) by chains (N, width, 1 + 2 * DEEPEST)."""
        weights = sampled[:, :, 0].to(images.dtype)
        planes = images.contiguous()
        chains = planes.repeat(self.width, 1, 1, 1)
        steps = sampled[:, :, 1:].unflatten(2, (2, DEEPEST)).permute(3, 2, 1, 0).flatten(2)
        for numbers, levels in steps:  # (width * N,) each
            operate_(chains, numbers, levels, RANGES)
        mixed = planes * (1 - weights.sum(dim=1)).view(-1, 1, 1, 1)
        for k, chain in enumerate(chains.chunk(self.width)):
            mixed.addcmul_(chain, weights[:, k].view(-1, 1, 1, 1))
        return mixed.contiguous(memory_format=torch.channels_last)


def divergence(logits: Sequence[Tensor]) -> Tensor:
    """The Jensen-Shannon divergence of what some logits (N, K) each say: the mean over images, nats."""
    said = torch.stack([one.float().log_softmax(dim=1) for one in logits])  # (M, N, K)
    mixture = said.logsumexp(dim=0) - math.log(len(logits))
    return (said.exp() * (said - mixture)).sum(dim=2).mean()
