"""What a network makes of a few images before it is trained."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.training import hardware
from animal_cls.training.instantiate import is_refusal


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


def check_bfloat16(config: Config, network: nn.Module, sides: Sequence[int]) -> None:
    """Refuse to train in bfloat16 on a CPU where a convolution meets maps smaller than its stride or its padding.

    There its weights' gradient holds memory that nobody has written (torch 2.14, oneDNN on a processor with bfloat16):
    it differs from run to run, and may be no number at all.

    Args:
        sides: of the images, pixels; several where a method changes them.
    """
    device = hardware.device_type(config.trainer.accelerator)
    precision = hardware.precision(config.trainer.precision, device)
    if device != "cpu" or not precision.startswith("bf16"):
        return
    for side in sides:
        for name, size in _small_maps(network, side).items():
            chosen = "" if config.trainer.precision == precision else f", here {precision}"
            raise UserError(
                f"trainer.precision={config.trainer.precision}{chosen}: {name} of model={config.model['name']} meets "
                f"maps of {size[0]} x {size[1]} px from images of {_of_side(side, config)}, smaller than its stride or "
                "padding, and torch computes its gradient wrongly in bfloat16 on a CPU. Use trainer.precision=32-true, "
                "or larger images: data.image_size=..."
            )


def _small_maps(network: nn.Module, side: int) -> dict[str, tuple[int, int]]:
    """Name of a convolution -> what it gets, for those whose stride or padding is larger than that."""
    found: dict[str, tuple[int, int]] = {}

    def look(name: str, module: nn.Conv2d, inputs: tuple[Tensor, ...]) -> None:
        height, width = inputs[0].shape[-2:]
        padding = module.padding if isinstance(module.padding, tuple) else (0, 0)
        if any(
            n < max(both) for n, both in zip((height, width), zip(module.stride, padding, strict=True), strict=True)
        ):
            found[name] = height, width

    convolutions = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Conv2d)]
    hooks = [module.register_forward_pre_hook(partial(look, name)) for name, module in convolutions]
    with _evaluating(network), suppress(Exception), torch.inference_mode():  # what it cannot take is told elsewhere
        network(torch.zeros(2, 3, side, side))
    for hook in hooks:
        hook.remove()
    return found


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Within it the network is in eval mode; then each part is in its own again, as one may be frozen."""
    modes = {module: module.training for module in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for module, is_training in modes.items():
            module.training = is_training


def has_idle_weights(network: nn.Module, image_size: int) -> bool:
    """Whether some weights do not reach the logits in training, as those of torchvision's auxiliary heads."""
    parameters = {name: value.detach().clone().requires_grad_() for name, value in network.named_parameters()}
    buffers = {name: value.detach().clone() for name, value in network.named_buffers()}
    with torch.random.fork_rng(devices=[]):
        images = torch.zeros(2, 3, image_size, image_size)
        logits = logits_of(functional_call(network, parameters | buffers, (images,)))
    gradients = torch.autograd.grad(logits.sum(), list(parameters.values()), allow_unused=True)
    return any(gradient is None for gradient in gradients)


def logits_of(output: Any) -> Any:
    """The main logits of a network with auxiliary ones (torchvision's googlenet and inception_v3), else `output`."""
    return getattr(output, "logits", output) if isinstance(output, tuple) else output


def check_logits(network: nn.Module, config: Config, num_classes: int, side: int) -> None:
    """Refuse a network that does not make logits (2, K) of two grey images."""
    try:
        with _evaluating(network), torch.inference_mode():
            output = logits_of(network(torch.zeros(2, 3, side, side)))
    except (RuntimeError, AssertionError, ValueError) as error:
        if isinstance(error, ValueError) and not is_refusal(error):
            raise
        lines = str(error).strip().splitlines()
        raise UserError(
            f"model={config.model['name']}: cannot take images of {_of_side(side, config)} "
            f"({lines[0] if lines else type(error).__name__})."
        ) from error
    shape = tuple(output.shape) if isinstance(output, Tensor) else None
    if shape != (2, num_classes):
        what = f"a tensor of shape {shape}" if shape is not None else f"a {type(output).__name__}"
        raise UserError(
            f"model={config.model['name']}: makes {what} of two images, where logits of shape (2, {num_classes}) are "
            "needed: images x classes."
        )


def _of_side(side: int, config: Config) -> str:
    return f"data.image_size={side}" if side == config.data.image_size else f"{side} px"
