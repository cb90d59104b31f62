"""Whether a strength reaches a network: what two networks look like, but for their weights."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from animal_cls.training.instantiate import call

WEIGHTS = {"weights": None, "pretrained": False}  # arguments that have published weights read; they are not compared

CONTENTS = ("_parameters", "_buffers", "_modules")  # of a module; looked at by themselves
OF_WEIGHTS = ("normalization",)  # what comes with published weights, which the second network has none of


def looks(network: nn.Module) -> list[Any]:
    """All of a network that a method can change: its modules with their settings, and which weights are whose."""
    weights = [(name, id(value), value._version, value.requires_grad) for name, value in network.named_parameters()]
    buffers = [(name, id(value), value._version) for name, value in network.named_buffers()]
    return [*_modules(network, own=True), weights, buffers]


def is_same_without(network: nn.Module, written: Mapping[str, Any], keys: Sequence[str], *, num_classes: int) -> bool:
    """Whether the constructor call `written` makes a network like `network` with 0 at these keys, too.

    False where that cannot be told, as of a network that is built in another way for the second time.

    Args:
        keys: dotted, the section first: model.dropout.
    """
    names = [key.partition(".")[2] for key in keys]
    if not set(names) <= set(written):  # deeper within it
        return False
    other = {**written, **{name: off for name, off in WEIGHTS.items() if name in written}, **dict.fromkeys(names, 0.0)}
    for device in ("meta", "cpu"):  # without memory for weights, where the network bears that
        try:
            with torch.random.fork_rng(devices=[]), torch.device(device):
                second = call(other, "model", num_classes=num_classes)
            return _modules(network) == _modules(second)
        except Exception:  # whatever it does not bear: then nothing is said
            continue
    return False


def _modules(network: nn.Module, *, own: bool = False) -> list[Any]:
    """The modules with their settings; `own`: also which functions and hooks they have, which differ in a copy."""
    return [(name, type(module), _settings(module, own)) for name, module in network.named_modules()]


def _settings(module: nn.Module, own: bool) -> dict[str, Any]:
    values = {name: value for name, value in vars(module).items() if name not in (*CONTENTS, *OF_WEIGHTS)}
    plain = {name: value for name, value in values.items() if isinstance(value, int | float | str | tuple | None)}
    if not own:
        return plain
    hooks = {name: list(value) for name, value in values.items() if name.endswith("hooks") and isinstance(value, dict)}
    others = {name: id(value) for name, value in values.items() if name not in plain and name not in hooks}
    return {"id": id(module), **plain, **hooks, **others}
