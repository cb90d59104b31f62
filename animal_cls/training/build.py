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
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from animal_cls import regularizers
from animal_cls.config import trusted
from animal_cls.config.methods import MethodCall, active
from animal_cls.config.schema import Config
from animal_cls.data.module import ImageDataModule
from animal_cls.data.settings import DataSettings
from animal_cls.errors import UserError
from animal_cls.regularizers import Method, NoEffect, uses
from animal_cls.results import MethodRecord
from animal_cls.training import hardware, reach
from animal_cls.training.instantiate import call, check_source, checked, is_refusal, locate, resolve

STEPS = 100  # of a run that is only tried
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
    refuse_foreign_code(config)
    if here:
        check_accelerator(config.trainer.accelerator, key="trainer.accelerator")
        _check_devices(config)
        _check_compile(config)
    check_source(config.data)
    checked(config.model, "model", "num_classes")
    checked(config.optimizer, "optimizer", "params")
    if config.scheduler.get("_target_"):
        checked(config.scheduler, "scheduler", "optimizer", offered=["total_steps"])
    for name, written in (*_named(config.logger, "logger"), *_named(config.callbacks, "callbacks")):
        checked(written, name, offered=["save_dir"])
    made = methods(config)
    alone = [method for method in made if config.trainer.devices > 1 and method.one_device]
    if alone:
        raise UserError(
            f"trainer.devices={config.trainer.devices}: reg={regularizers.name_of(alone[0])} trains on one "
            f"device only, because {alone[0].one_device}. Use trainer.devices=1."
        )


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
    _check_logits(changed, config, num_classes, config.data.image_size)
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
    check_smallest_batch(config, made.network)
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


def check_smallest_batch(config: Config, network: nn.Module, *, images: int | None = None) -> None:
    """Refuse a network that cannot be trained on one image where a batch of an epoch holds no more.

    Of a lone image that has shrunk to one pixel, batch normalization has a single value of each channel.

    Args:
        images: to train on, where that is known.
    """
    if _smallest_part(config, images) > 1:
        return
    trouble = _trouble_in_training(network, torch.zeros(1, 3, config.data.image_size, config.data.image_size))
    if trouble is not None:
        devices = config.trainer.devices
        key = f"data.batch_size={config.data.batch_size}" if images != 1 else "data.root: one image to train on"
        key += f", the smallest batch on {devices} devices" * (devices > 1)
        way_out = f"Use data.batch_size={2 * devices} or more" if images != 1 else "Add images"
        raise UserError(
            f"{key}: model={config.model['name']} cannot be trained on one image of data.image_size="
            f"{config.data.image_size} at a time ({trouble}). {way_out}, or larger images: data.image_size=..."
        )


def _smallest_part(config: Config, images: int | None) -> int:
    """How many images a device has at least in a step."""
    size = config.data.batch_size
    last = size if images is None else images % size
    smallest = min(size, images or size) if last < 2 else last  # a lone last image joins the batch before it
    return max(1, smallest // config.trainer.devices)


def _trouble_in_training(network: nn.Module, images: Tensor) -> str | None:
    """Why `network` cannot take `images` while it is trained; neither it nor the random numbers are changed by that."""
    copies = {name: value.detach().clone() for name, value in (*network.named_parameters(), *network.named_buffers())}
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            functional_call(network, copies, (images,))
    except ValueError as error:
        if not is_refusal(error):
            raise
        return str(error).strip().splitlines()[0]
    return None


def has_idle_weights(network: nn.Module, image_size: int) -> bool:
    """Whether some weights do not reach the logits in training, as those of torchvision's auxiliary heads."""
    parameters = {name: value.detach().clone().requires_grad_() for name, value in network.named_parameters()}
    buffers = {name: value.detach().clone() for name, value in network.named_buffers()}
    with torch.random.fork_rng(devices=[]):
        images = torch.zeros(2, 3, image_size, image_size)
        logits = logits_of(functional_call(network, parameters | buffers, (images,)))
    gradients = torch.autograd.grad(logits.sum(), list(parameters.values()), allow_unused=True)
    return any(gradient is None for gradient in gradients)


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


def logits_of(output: Any) -> Any:
    """The main logits of a network with auxiliary ones (torchvision's googlenet and inception_v3), else `output`."""
    return getattr(output, "logits", output) if isinstance(output, tuple) else output


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


def _why_not(network: nn.Module, config: Config, num_classes: int, side: int) -> str | None:
    """Why `network` cannot take images of `side` px, or None."""
    try:
        _check_logits(network, config, num_classes, side)
    except UserError as error:
        return str(error).removesuffix(".")
    return None


def _check_logits(network: nn.Module, config: Config, num_classes: int, side: int) -> None:
    """Refuse a network that does not make logits (2, K) of two grey images."""
    modes = {module: module.training for module in network.modules()}  # a frozen part may be in another than the rest
    network.eval()
    try:
        with torch.inference_mode():
            output = logits_of(network(torch.zeros(2, 3, side, side)))
    except (RuntimeError, AssertionError, ValueError) as error:
        if isinstance(error, ValueError) and not is_refusal(error):
            raise
        lines = str(error).strip().splitlines()
        raise UserError(
            f"model={config.model['name']}: cannot take images of {_of_side(side, config)} "
            f"({lines[0] if lines else type(error).__name__})."
        ) from error
    finally:
        for module, is_training in modes.items():
            module.training = is_training
    shape = tuple(output.shape) if isinstance(output, Tensor) else None
    if shape != (2, num_classes):
        what = f"a tensor of shape {shape}" if shape is not None else f"a {type(output).__name__}"
        raise UserError(
            f"model={config.model['name']}: makes {what} of two images, where logits of shape (2, {num_classes}) are "
            "needed: images x classes."
        )


def _of_side(side: int, config: Config) -> str:
    return f"data.image_size={side}" if side == config.data.image_size else f"{side} px"


def check_accelerator(accelerator: str, *, key: str) -> None:
    """Raise `UserError`, which names the `key` it was given by, where this machine has no such device."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if not {"gpu": cuda or mps, "cuda": cuda, "mps": mps}.get(accelerator, True):
        raise UserError(
            f"{key}={accelerator}: this machine has none that torch {torch.__version__} can use. "
            f"Use {key}=auto or {key}=cpu."
        )


def _check_devices(config: Config) -> None:
    """Raise `UserError` where the machine has fewer devices than a run is to share, or cannot share them as asked."""
    wanted, device = config.trainer.devices, hardware.device_type(config.trainer.accelerator)
    there = hardware.count(device)
    if wanted > max(1, there):  # whether there is one at all has been looked at
        what = {"cuda": "GPU", "cpu": "core"}.get(device, device)
        raise UserError(
            f"trainer.devices={wanted}: this process has {there} {what}{'s' * (there != 1)}. "
            f"Use trainer.devices={there}."
        )
    if config.trainer.sync_batchnorm and device != "cuda":
        raise UserError(
            f"trainer.sync_batchnorm=true: torch can share batch norm among GPUs only, and this is {device}. "
            "Use trainer.sync_batchnorm=false: each process then has the mean and variance of its own part of a batch."
        )


def _check_compile(config: Config) -> None:
    device = hardware.device_type(config.trainer.accelerator)
    if config.trainer.compile and (lack := hardware.why_not_compile(device)):
        raise UserError(f"trainer.compile=true: {lack}, which this machine lacks. Use trainer.compile=false.")
