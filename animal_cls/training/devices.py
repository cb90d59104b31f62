"""What a run asks of this machine's devices, refused where they are not there."""

import torch

from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.training import hardware


def check_accelerator(accelerator: str, *, key: str) -> None:
    """Raise `UserError`, which names the `key` it was given by, where this machine has no such device."""
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if not {"gpu": cuda or mps, "cuda": cuda, "mps": mps}.get(accelerator, True):
        raise UserError(
            f"{key}={accelerator}: this machine has none that torch {torch.__version__} can use. "
            f"Use {key}=auto or {key}=cpu."
        )


def check_devices(config: Config) -> None:
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


def check_compile(config: Config) -> None:
    device = hardware.device_type(config.trainer.accelerator)
    if config.trainer.compile and (lack := hardware.why_not_compile(device)):
        raise UserError(f"trainer.compile=true: {lack}, which this machine lacks. Use trainer.compile=false.")
