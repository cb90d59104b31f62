"""What made a result: versions, commit, machine, command line, and the warnings that were given meanwhile."""

import logging
import platform
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path
from typing import Any

import torch

from animal_cls.config.schema import Config
from animal_cls.files import atomic
from animal_cls.files.paths import PACKAGE
from animal_cls.results import Environment
from animal_cls.training import hardware

PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics", "hydra-core", "omegaconf", "numpy", "pillow")
INSTALLED = "packages.txt"  # every installed package with its version, beside the result


def origin() -> dict[str, Any]:
    """The fields of a result that say where it comes from."""
    return {"versions": _versions(), "git": _git(), "command": list(sys.argv), "host": socket.gethostname()}


def environment(config: Config, *, epoch: int = 0) -> Environment:
    """What this process computes with; `epoch` is how many were finished before."""
    device, git = hardware.device_type(config.trainer.accelerator), _git()
    return Environment(
        epoch=epoch,
        versions=_versions(),
        commit=git["commit"] if git else None,
        threads=torch.get_num_threads(),
        device=hardware.describe(device),
        precision=hardware.precision(config.trainer.precision, device),
        host=socket.gethostname(),
    )


def write_packages(folder: Path) -> None:
    """Write the names and versions of all that is installed, as pip's requirements are."""
    atomic.write(folder / INSTALLED, "\n".join(_installed()) + "\n")


@cache  # the jobs of a sweep need not read hundreds of files each
def _installed() -> list[str]:
    every = (each.metadata for each in distributions())
    return sorted({f"{each['Name']}=={each['Version']}" for each in every if each["Name"]}, key=str.lower)


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in ("animal-cls", *PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"  # ours, run from a checkout
    return found


def _git() -> dict[str, Any] | None:
    """The commit of the checkout that this code is, and whether it was changed; `None` for an installed wheel."""
    checkout = PACKAGE.parent
    if not (checkout / ".git").exists():
        return None
    try:
        commit, status = (
            subprocess.run(
                ["git", "-C", str(checkout), *words], capture_output=True, text=True, check=True, timeout=30
            ).stdout
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit.strip(), "changed": bool(status.strip())}


@contextmanager
def collected_warnings() -> Iterator[list[str]]:
    """The different warnings that are given meanwhile, Python's and the log's; they go to the log, too."""
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: told.append(record.getMessage())
    logger, keep = logging.getLogger("animal_cls"), logging.getLogger("animal_cls.file")
    logger.addHandler(handler)
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("ignore", message="Checkpoint directory .* not empty")  # that of a run that goes on
        warnings.filterwarnings("ignore", message=".*LeafSpec")  # Lightning 2.6 on torch 2.14, about its own code
        try:
            yield told
        finally:
            logger.removeHandler(handler)
            for warning in caught:
                if str(warning.message) not in told:
                    told.append(str(warning.message))
                    keep.warning("%s", warning.message)
