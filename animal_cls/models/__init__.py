"""The networks: images (N, 3, H, W) -> logits (N, K). One file each; conf/model/ holds their constructor calls.

A network is any `torch.nn.Module` whose constructor takes `num_classes`, ours or another package's.
"""

from collections.abc import Mapping
from typing import Any

from torch import nn

from animal_cls.models.weights import IMAGENET, Normalization


def normalization_of(network: nn.Module) -> Normalization:
    """Mean and std per channel of images in [0, 1], as the network wants them.

    Its attribute `normalization`, or those of timm's `pretrained_cfg` (0.5 for many of its transformers); ImageNet's
    for a network that says nothing.
    """
    own: Any = getattr(network, "normalization", None)
    if own is not None:
        return own
    settings = getattr(network, "pretrained_cfg", None)
    if isinstance(settings, Mapping) and settings.get("mean") and settings.get("std"):
        return tuple(settings["mean"]), tuple(settings["std"])
    return IMAGENET
