"""Code that a config names: what is neither known nor named by the user is refused, before it is called."""

import sys
from typing import Any

from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from animal_cls.config import trusted
from animal_cls.config.schema import Config
from animal_cls.regularizers import Method
from animal_cls.training.instantiate import resolve

# Section of the config -> what a class that it names has to be, where the user has not named it.
KINDS = {
    "model": nn.Module,
    "optimizer": Optimizer,
    "scheduler": LRScheduler,
    "reg": Method,
    "data.augment": Method,
    "logger": Logger,
    "callbacks": Callback,
}


SAME_PACKAGE = {"lightning": ("pytorch_lightning",)}  # where the classes of lightning.pytorch may come from


def refuse_foreign_code(config: Config) -> None:
    """Refuse what is neither known nor named by the user, by its name before it is imported and by what it is.

    Raises:
        UserError: code that nobody asked for.
    """
    trusted.refuse_unknown(config)
    for target in trusted.unnamed(config):
        if not _is_of_its_kind(resolve(target.name, target.section), target):
            raise trusted.refusal(target)


def _is_of_its_kind(found: Any, target: trusted.Target) -> bool:
    """Whether it is a class or function of the library that its name begins with, and of the kind of its section."""
    package = target.name.rpartition(".")[0].partition(".")[0]
    if str(found.__module__).partition(".")[0] not in (package, *SAME_PACKAGE.get(package, ())):
        return False
    if isinstance(found, type):
        return issubclass(found, KINDS.get(target.section, ()))
    if target.section == "model":
        return _is_builder(found.__name__, package)
    return target.section in ("data.source", "scheduler") and package == "animal_cls"


def _is_builder(name: str, package: str) -> bool:
    """Whether it is a registered network of torchvision or timm, or what makes one of its name."""
    if package == "torchvision":
        return name in sys.modules["torchvision.models"].list_models()
    return name == "create_model" or sys.modules["timm"].is_model(name)
