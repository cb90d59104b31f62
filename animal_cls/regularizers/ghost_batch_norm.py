"""Ghost batch normalisation: a batch is normalised in parts, as if it were several small ones."""

from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

from animal_cls.regularizers import Card, Method, NoEffect


class GhostBatchNorm(Method):
    """Each part of about `strength` images of a batch has a mean and std of its own (https://arxiv.org/abs/1705.08741).

    A batch of N images has N // strength parts of equal size, or larger by one. Running statistics follow one part
    after the other, as in the paper; evaluation uses them as ever.
    """

    acts_on = "network"
    card = Card(
        does="Batch normalisation takes its statistics from parts of the batch. The smaller the parts, the noisier.",
        strength="images in a part, a whole number of at least 2",
        formula="(x - mean of the part) / std of the part",
        source="https://arxiv.org/abs/1705.08741",
        values=(32.0, 16.0, 64.0),
        values_from="16, 32 and 64 Composer's card, which says that they gain little",
        cost="as many normalisations as there are parts",
        needs="batch normalisation",
        no_effect="the network has none, or a batch has fewer than twice so many images",
    )

    def __init__(self, strength: float) -> None:
        if strength != int(strength) or strength < 2:
            raise ValueError(f"reg.ghost_batch_norm={strength}: a whole number of images, at least 2, is needed.")
        super().__init__(strength)

    def network(self, network: nn.Module) -> nn.Module:
        norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
        if not norms:
            raise NoEffect("the network has no batch normalisation")
        if self.batch_size is not None and self.batch_size < 2 * self.strength:
            raise NoEffect(f"a batch of {self.batch_size} images has no two parts of {self.strength:g}")
        for norm in norms:  # not by a module around it, which would rename its weights
            norm.forward = partial(_in_parts, norm, int(self.strength))  # type: ignore[method-assign]
        return network


def _in_parts(norm: _BatchNorm, size: int, images: Tensor) -> Tensor:
    parts = len(images) // size
    if not norm.training or parts < 2:
        return type(norm).forward(norm, images)
    if _is_usual(norm) and not torch.compiler.is_compiling():  # which joins the parts by itself
        return _Parts.apply(images, norm.weight, norm.bias, norm, parts)  # type: ignore[no-any-return]
    return torch.cat([type(norm).forward(norm, part) for part in images.tensor_split(parts)])


def _is_usual(norm: _BatchNorm) -> bool:
    """Whether it is torch's own (timm's activate, too) with weights, and its running mean has a momentum."""
    is_own = type(norm).forward is _BatchNorm.forward
    return is_own and norm.affine and norm.momentum is not None and norm.weight.dtype == torch.float32


class _Parts(torch.autograd.Function):
    """Batch normalisation of `images` (N, C, ...) part by part, each written to its place: no map is copied."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, bias: Tensor, norm: _BatchNorm, parts: int) -> Tensor:
        running = (norm.running_mean, norm.running_var) if norm.track_running_stats else (None, None)
        if norm.track_running_stats and norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(parts)
        assert norm.momentum is not None, "as `_is_usual` says"
        momentum, normalized, known = norm.momentum, torch.empty_like(images), []
        for part, place in zip(images.tensor_split(parts), normalized.tensor_split(parts), strict=True):
            known += [torch.empty_like(weight), torch.empty_like(weight)]  # mean and 1 / std of the part
            out = (place, *known[-2:])
            torch.native_batch_norm(part, weight, bias, *running, True, momentum, norm.eps, out=out)
        ctx.save_for_backward(images, weight, *known)
        ctx.parts, ctx.eps = parts, norm.eps
        return normalized

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        images, weight, *known = ctx.saved_tensors
        of_images, of_weight, of_bias = torch.empty_like(images), torch.zeros_like(weight), torch.zeros_like(weight)
        split = [x.tensor_split(ctx.parts) for x in (grad, images, of_images)]
        for *part, place, mean, scale in zip(*split, known[::2], known[1::2], strict=True):
            out = {"out0": place, "out1": torch.empty_like(weight), "out2": torch.empty_like(weight)}
            backward = torch.ops.aten.native_batch_norm_backward.out
            backward(*part, weight, None, None, mean, scale, True, ctx.eps, [True] * 3, **out)
            of_weight += out["out1"]
            of_bias += out["out2"]
        return of_images, of_weight, of_bias, None, None
