"""From the constructor calls of a config to the objects they make."""

import sys
from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import nn
from torch.optim import Optimizer

from animal_cls import regularizers
from animal_cls.config.schema import Config, method_names
from animal_cls.data.module import ImageDataModule
from animal_cls.data.settings import DataSettings
from animal_cls.errors import UserError
from animal_cls.regularizers import Regularizer
from animal_cls.training import hardware
from animal_cls.training.instantiate import call, checked


def check(config: Config) -> nn.Module:
    """Make all that can be made before the images are looked at; returns the network, for two classes.

    Raises:
        UserError: a device, source, network, optimizer or regularizer that cannot be had as it is written.
    """
    _check_accelerator(config.trainer.accelerator)
    _check_compile(config)
    checked(config.data.source, "data.source", "root", "cache_dir")
    made = network(config, num_classes=2)
    optimizer(config)(made.parameters())
    methods(config)
    return made


def images(config: Config) -> ImageDataModule:
    """The images that `config` names, not looked for yet."""
    data, settings = config.data, DataSettings.of(config.data)
    return ImageDataModule(
        partial(call, data.source, "data.source", root=data.root, cache_dir=settings.cache_dir),
        settings,
        batch_size=data.batch_size,
        augment=data.augment,
        seed=config.seed,
        show_progress=sys.stderr.isatty(),
    )


def network(config: Config, *, num_classes: int) -> nn.Module:
    """The network that `config.model` calls for; the same seed gives the same initial weights in every arm."""
    torch.manual_seed(config.seed)
    return call(config.model, "model", num_classes=num_classes)


def optimizer(config: Config) -> Callable[[Iterable[nn.Parameter]], Optimizer]:
    """What makes the optimizer from the parameters."""
    return lambda params: call(config.optimizer, "optimizer", params=params)


def methods(config: Config) -> list[Regularizer]:
    """The methods in regularizers/ whose strength is above 0."""
    try:
        return regularizers.build({name: getattr(config.reg, name) for name in method_names()})
    except ValueError as error:
        raise UserError(str(error)) from None


def _check_accelerator(accelerator: str) -> None:
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if not {"gpu": cuda or mps, "cuda": cuda, "mps": mps}.get(accelerator, True):
        raise UserError(
            f"trainer.accelerator={accelerator}: this machine has none that torch {torch.__version__} can use. "
            "Use trainer.accelerator=auto or trainer.accelerator=cpu."
        )


def _check_compile(config: Config) -> None:
    device = hardware.device_type(config.trainer.accelerator)
    if config.trainer.compile and (lack := hardware.why_not_compile(device)):
        raise UserError(f"trainer.compile=true: {lack}, which this machine lacks. Use trainer.compile=false.")
