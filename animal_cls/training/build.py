"""From the constructor calls of a config to the objects they make, each made once."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from torch import nn
from torch.optim import Optimizer

from animal_cls import regularizers
from animal_cls.config.methods import MethodCall, active
from animal_cls.config.schema import Config
from animal_cls.data.module import ImageDataModule
from animal_cls.data.settings import DataSettings
from animal_cls.errors import UserError
from animal_cls.regularizers import Method, NoEffect, uses
from animal_cls.results import MethodRecord
from animal_cls.training import devices, foreign, forward, reach
from animal_cls.training.instantiate import call, check_source, checked, locate

STEPS = 100  # of a run that is only tried


@dataclass(kw_only=True)
class Parts:
    """What a run trains with."""

    network: nn.Module
    methods: list[Method]
    records: list[MethodRecord]  # of the methods, whether they reach anything
    optimizer: Optimizer
    loggers: list[Logger] = field(default_factory=list)
    callbacks: list[Callback] = field(default_factory=list)


def check(config: Config, *, here: bool = True) -> None:
    """Look at all that can be seen before the images are looked for, making nothing that takes long.

    Args:
        here: whether this machine trains; else its devices say nothing.

    Raises:
        UserError: a device that is not there, a constructor that cannot be called as written, a method out of range,
            code that nobody asked for.
    """
    foreign.refuse_foreign_code(config)
    if here:
        devices.check_accelerator(config.trainer.accelerator, key="trainer.accelerator")
        devices.check_devices(config)
        devices.check_compile(config)
    check_source(config.data)
    checked(config.model, "model", "num_classes")
    checked(config.optimizer, "optimizer", "params")
    if config.scheduler.get("_target_"):
        checked(config.scheduler, "scheduler", "optimizer", offered=["total_steps"])
    made = methods(config)
    for name, written in (*_named(config.logger, "logger"), *_named(config.callbacks, "callbacks")):
        constructor, _ = checked(written, name, offered=["save_dir"])
        _refuse_averages(name, constructor, made)
    alone = [method for method in made if config.trainer.devices > 1 and method.one_device]
    if alone:
        raise UserError(
            f"trainer.devices={config.trainer.devices}: reg={regularizers.name_of(alone[0])} trains on one "
            f"device only, because {alone[0].one_device}. Use trainer.devices=1."
        )


def _refuse_averages(name: str, constructor: Any, methods: Sequence[Method]) -> None:
    """Refuse a callback of Lightning's that averages weights where a run with it would be another one."""
    kinds = {kind.__name__ for kind in getattr(constructor, "__mro__", ())}
    if "StochasticWeightAveraging" in kinds:
        raise UserError(
            f"{name}: with Lightning's StochasticWeightAveraging a run that goes on within an epoch has other rates "
            "than one that nobody interrupted. Use reg=swa."
        )
    own = [method for method in methods if uses(method, "evaluated")]
    if "WeightAveraging" in kinds and own:
        raise UserError(
            f"{name}: it and reg={regularizers.name_of(own[0])} both say which weights are evaluated. Leave one out."
        )


def parts(
    config: Config,
    *,
    num_classes: int,
    class_names: Sequence[str] | None = None,
    counts: Sequence[int] | None = None,
    folder: Path | None = None,
) -> Parts:
    """The network, methods, optimizer, loggers and callbacks of a run; the network has seen two images.

    Args:
        class_names: of the run's images, where they are known.
        counts: training images of each class, where they are known.
        folder: of the run, for the loggers; None leaves loggers and callbacks out.

    Raises:
        UserError: a network, method or optimizer that cannot be had as it is written, or a network that does not give
            logits.
    """
    changed, made, records = changed_network(config, num_classes=num_classes, class_names=class_names, counts=counts)
    forward.check_logits(changed, config, num_classes, config.data.image_size)
    return Parts(
        network=changed,
        methods=made,
        records=_with_sides(records, made, changed, config, num_classes),
        optimizer=optimizer(config, changed, made),
        loggers=[] if folder is None else _calls(config.logger, "logger", save_dir=str(folder / "loggers")),
        callbacks=[] if folder is None else _calls(config.callbacks, "callbacks"),
    )


def changed_network(
    config: Config,
    *,
    num_classes: int,
    class_names: Sequence[str] | None = None,
    counts: Sequence[int] | None = None,
) -> tuple[nn.Module, list[Method], list[MethodRecord]]:
    """The network as the methods have changed it, the methods, and what became of each; arguments as of `parts`."""
    made = methods(config)
    for method in made:
        method.epochs, method.class_counts = config.trainer.max_epochs, counts
        method.image_size, method.batch_size = config.data.image_size, config.data.batch_size // config.trainer.devices
    plain = network(config, num_classes=num_classes, class_names=class_names)
    changed, records = _changed(plain, made, config, num_classes)
    return changed.to(memory_format=torch.channels_last), made, records  # type: ignore[call-overload]


def probe(config: Config, *, here: bool = True) -> Parts:
    """The parts of a run on two classes, made to see whether they can be; a schedule is tried, too.

    Args:
        here: whether this machine is to train it.

    Raises:
        UserError: as `check` and `parts`.
    """
    check(config, here=here)
    made = parts(config, num_classes=2)
    forward.check_smallest_batch(config, made.network)
    if here:
        forward.check_bfloat16(config, made.network, sides(config, made.methods))
    scheduler(config, made.optimizer, total_steps=STEPS)
    return made


def images(config: Config, methods: Sequence[Method] = ()) -> ImageDataModule:
    """The images that `config` names, not looked for yet."""
    data, settings = config.data, DataSettings.of(config.data)
    return ImageDataModule(
        partial(locate, data, settings.cache_dir),
        settings,
        batch_size=data.batch_size,
        methods=methods,
        seed=config.seed,
        show_progress=sys.stderr.isatty(),
    )


def network(config: Config, *, num_classes: int, class_names: Sequence[str] | None = None) -> nn.Module:
    """The network that `config.model` calls for; the same seed gives the same initial weights in every arm.

    Args:
        class_names: for a network of ours that takes over a head of the same classes.
    """
    torch.manual_seed(config.seed)
    return call(config.model, "model", offered={"class_names": class_names}, num_classes=num_classes)


def methods(config: Config) -> list[Method]:
    """The methods of `data.augment` and `reg`, in the order in which they act."""
    return regularizers.build(_method_calls(config))


def _method_calls(config: Config) -> list[MethodCall]:
    shared, own = active(config.data.augment, "data.augment"), active(config.reg, "reg")
    return regularizers.ordered([*shared, *own])


def optimizer(config: Config, network: nn.Module, methods: Sequence[Method]) -> Optimizer:
    """The optimizer of the network's parameters, in the groups that the methods want."""
    groups: list[dict[str, Any]] = [{"params": list(network.parameters())}]
    for method in methods:
        groups = method.groups(groups, network)
    return call(config.optimizer, "optimizer", params=groups)


def scheduler(config: Config, optimizer: Optimizer, *, total_steps: int) -> Any:
    """What changes the learning rate, one of torch.optim.lr_scheduler's kind; None where nothing does."""
    if not config.scheduler.get("_target_"):
        return None
    return call(config.scheduler, "scheduler", optimizer=optimizer, offered={"total_steps": total_steps})


def _calls(section: Mapping[str, Any], name: str, **offered: Any) -> list[Any]:
    """The objects of a mapping of names to constructor calls."""
    return [call(written, called, offered=offered) for called, written in _named(section, name)]


def _named(section: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The dotted keys of a mapping of names to constructor calls, each with its call."""
    return [(f"{name}.{key}", written) for key, written in section.items()]


def _changed(
    network: nn.Module, methods: Sequence[Method], config: Config, num_classes: int
) -> tuple[nn.Module, list[MethodRecord]]:
    """The network after the methods' `network` hooks, and what became of each method."""
    calls = _method_calls(config)
    reasons = [_unheard(*pair, network, config, num_classes) for pair in zip(calls, methods, strict=True)]
    heard = [_is_heard(*pair, network, config, num_classes) for pair in zip(calls, methods, strict=True)]
    records = []
    for written, method, unheard, is_heard in zip(calls, methods, reasons, heard, strict=True):
        network, idle = _acted_on(network, method)
        records.append(_record(written, method, unheard or (None if is_heard else idle)))
    return network, records


def _acted_on(network: nn.Module, method: Method) -> tuple[nn.Module, str | None]:
    """The network after a method's `network` hook, and why that was nothing to it, if it was."""
    before = reach.looks(network) if method.acts_on == "network" else None
    try:
        network = method.network(network)
    except NoEffect as error:
        return network, str(error)
    return network, "it changed no module of the network" if reach.looks(network) == before else None


def _record(call: MethodCall, method: Method, reason: str | None) -> MethodRecord:
    return MethodRecord(
        key=call.key,
        strength=call.strength,
        options=dict(call.options),
        acted=reason is None,
        reason=reason,
        mixes_images=method.mixes_images,
    )


def _unheard(call: MethodCall, method: Method, network: nn.Module, config: Config, num_classes: int) -> str | None:
    """Why a strength that is handed on reaches nothing, or None."""
    if method.acts_on != "another key":
        return None
    followers = _followers(call, config)
    if not followers:
        return f"no key of the config follows it; an option file would say so by ${{{call.key}}}"
    is_models = all(key.startswith("model.") for key in followers)
    if is_models and reach.is_same_without(network, config.model, followers, num_classes=num_classes):
        return f"{' and '.join(followers)} follows it, but the network is the same without it"
    return None


def _is_heard(call: MethodCall, method: Method, network: nn.Module, config: Config, num_classes: int) -> bool:
    """Whether a method that acts on the network did so already, as its strength was handed on to the constructor."""
    followers = [key for key in _followers(call, config) if key.startswith("model.")]
    if method.acts_on != "network" or not followers:
        return False
    return not reach.is_same_without(network, config.model, followers, num_classes=num_classes)


def _followers(call: MethodCall, config: Config) -> list[str]:
    """The keys of the config that repeat a strength."""
    return [key for key, followed in config.derived.items() if followed == call.key]


def _with_sides(
    records: Sequence[MethodRecord], methods: Sequence[Method], network: nn.Module, config: Config, num_classes: int
) -> list[MethodRecord]:
    """The records, where those of methods that change the images' side know whether the network takes the first one."""
    side, found = config.data.image_size, []
    for record, method in zip(records, methods, strict=True):
        reason = None
        if uses(method, "side"):
            first = method.side(side)
            reason = _why_not(network, config, num_classes, first) if first != side else f"the side stays {side} px"
            side = first
        found.append(record if reason is None else replace(record, acted=False, reason=reason))
    return found


def sides(config: Config, methods: Sequence[Method]) -> list[int]:
    """Of the images, pixels: the full one, and those that methods begin with."""
    found = [config.data.image_size]
    for method in methods:
        if uses(method, "side") and method.side(found[-1]) != found[-1]:
            found.append(method.side(found[-1]))
    return found


def _why_not(network: nn.Module, config: Config, num_classes: int, side: int) -> str | None:
    """Why `network` cannot take images of `side` px, or None."""
    try:
        forward.check_logits(network, config, num_classes, side)
    except UserError as error:
        return str(error).removesuffix(".")
    return None
