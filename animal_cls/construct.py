"""From the constructor calls of a config to the objects they make."""

import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from animal_cls import regularizers
from animal_cls.config import Config, method_names
from animal_cls.data.cache import default_cache_dir
from animal_cls.data.module import PictureDataModule
from animal_cls.errors import UserError
from animal_cls.regularizers import Regularizer


def check(config: Config) -> None:
    """Raise `UserError` for what can be seen before the pictures are: device, network, optimizer, regularizers."""
    _check_accelerator(config.trainer.accelerator)
    optimizer(config)(network(config, num_classes=2).parameters())
    methods(config)


def pictures(config: Config) -> PictureDataModule:
    """The pictures that `config` names, not looked for yet."""
    data = config.data
    cache_dir = Path(data.cache_dir).expanduser() if data.cache_dir else default_cache_dir()
    return PictureDataModule(
        partial(_make, data.source, "data.source", root=data.root, cache_dir=cache_dir),
        image_size=data.image_size,
        batch_size=data.batch_size,
        val=data.val,
        test=data.test,
        split_seed=data.split_seed,
        augment=data.augment,
        max_bad_share=data.max_bad_share,
        cache_dir=cache_dir,
        seed=config.seed,
        show_progress=sys.stderr.isatty(),
    )


def network(config: Config, *, num_classes: int) -> nn.Module:
    """The network that `config.model` calls for; the same seed gives the same initial weights in every arm."""
    torch.manual_seed(config.seed)
    return _make(config.model, "model", num_classes=num_classes)


def optimizer(config: Config) -> Callable[[Iterable[nn.Parameter]], Optimizer]:
    """What makes the optimizer from the parameters."""
    return lambda params: _make(config.optimizer, "optimizer", params=params)


def methods(config: Config) -> list[Regularizer]:
    """The methods in regularizers/ whose strength is above 0."""
    try:
        return regularizers.build({name: getattr(config.reg, name) for name in method_names()})
    except ValueError as error:
        raise UserError(str(error)) from None


def _make(call: Mapping[str, Any], section: str, **given: Any) -> Any:
    """What a constructor call in conf/ makes: `_target_`, its arguments, and those that only the run can give."""
    arguments = {key: value for key, value in call.items() if key not in ("_target_", "name")}
    constructor = _resolve(call.get("_target_"), section)
    signature = inspect.signature(constructor)
    try:
        signature.bind(**given, **arguments)
    except TypeError as error:
        accepted = ", ".join(name for name in signature.parameters if name not in given)
        raise UserError(
            f"{section}: {call['_target_']} cannot be called: {error}. Its arguments: {accepted}."
        ) from None
    try:
        return constructor(**given, **arguments)
    except (ValueError, TypeError) as error:
        message = str(error)
        raise UserError(
            message if message.startswith(("data.", "model.", "reg.")) else f"{section}: {message}"
        ) from None


def _resolve(target: Any, section: str) -> Callable[..., Any]:
    try:
        return pkgutil.resolve_name(str(target))
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"{section}._target_={target}: cannot be imported ({error}).") from None


def _check_accelerator(accelerator: str) -> None:
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if not {"gpu": cuda or mps, "cuda": cuda, "mps": mps}.get(accelerator, True):
        raise UserError(
            f"trainer.accelerator={accelerator}: this machine has none that torch {torch.__version__} can use. "
            "Use trainer.accelerator=auto or trainer.accelerator=cpu."
        )
