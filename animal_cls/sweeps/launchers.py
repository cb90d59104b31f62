"""Hydra's launchers behind `launcher=`: what each is called there, its package, and how it shares out the machine."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from animal_cls.config.schema import LauncherConfig
from animal_cls.errors import UserError
from animal_cls.files.processors import cores

SERIAL, RAY = "serial", "ray"
PATIENCE = 10.0  # seconds for an answer of a cluster
AT_ONCE = 256  # jobs of an array of SLURM, as submitit has it


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A launcher of Hydra's."""

    name: str  # in hydra/launcher
    package: str
    extra: str  # of ours, that brings it
    here: bool  # whether its jobs run on this machine, where they are told; Ray: where it has no address


PLUGINS = {
    "parallel": Plugin(name="joblib", package="hydra_joblib_launcher", extra="joblib", here=True),
    "slurm": Plugin(name="submitit_slurm", package="hydra_submitit_launcher", extra="slurm", here=False),
    "submitit_local": Plugin(name="submitit_local", package="hydra_submitit_launcher", extra="slurm", here=True),
    "ray": Plugin(name="ray", package="hydra_ray_launcher", extra="ray", here=False),
}


@dataclass(frozen=True, kw_only=True)
class Share:
    """How the jobs of a sweep share the machine."""

    jobs: int  # at a time
    threads: int | None  # of each one's arithmetic; None: as its machine has it
    gpus: tuple[str, ...] = ()  # of this machine, in the order in which they are dealt; empty: CPU, or dealt elsewhere
    per_gpu: int = 1  # jobs on each


def trains_here(launcher: LauncherConfig) -> bool:
    """Whether this machine trains the jobs, so that what they need of it can be checked before the first."""
    return launcher.name == SERIAL or PLUGINS[launcher.name].here or _has_own_ray(launcher)


def _has_own_ray(launcher: LauncherConfig) -> bool:
    return launcher.name == RAY and launcher.address is None


def require(launcher: LauncherConfig) -> None:
    """Raise `UserError` where the package of a launcher is not installed, or nothing answers at its address."""
    if launcher.name == SERIAL:
        return
    plugin = PLUGINS[launcher.name]
    if find_spec("hydra_plugins") is None or find_spec(f"hydra_plugins.{plugin.package}") is None:
        raise UserError(
            f"launcher={launcher.name}: needs the package {plugin.package.replace('_', '-')}. Install it: "
            f"python -m pip install 'animal-cls[{plugin.extra}]'"
        )
    if launcher.address is not None:
        _require_answer(launcher.address)


def _require_answer(address: str) -> None:
    """Ray itself would wait for minutes for what is not there."""
    found = urlsplit(address if "//" in address else f"//{address}")
    if ":" not in found.netloc:  # auto
        return
    try:
        socket.create_connection((found.hostname, found.port), timeout=PATIENCE).close()
    except (OSError, ValueError) as error:
        raise UserError(
            f"launcher.address={address}: nothing answers there ({error}). On the machine that is to be the first of "
            "the cluster: ray start --head; for a Ray of its own leave launcher.address out."
        ) from None


def refuse_for_one_run(launcher: LauncherConfig) -> None:
    """Raise `UserError` where a single run is to be handed to a launcher."""
    if launcher.name != SERIAL:
        raise UserError(
            f"launcher={launcher.name}: starts the jobs of a sweep, and this is one run. For a sweep of one job: "
            "--multirun seed=0"
        )


def share_out(launcher: LauncherConfig, *, jobs: int, gpus: Sequence[str]) -> Share:
    """How `jobs` of a sweep share the machine: jobs at a time x threads <= cores, if nothing else is asked for.

    Args:
        gpus: of this machine that the jobs want; none: they train on its CPU.

    Raises:
        UserError: more than there is.
    """
    if not trains_here(launcher):
        return _of_cluster(launcher, jobs)
    used = _used(launcher, len(gpus))
    room = used * launcher.jobs_per_gpu
    if used and launcher.jobs is not None and launcher.jobs > room:
        raise UserError(
            f"launcher.jobs={launcher.jobs}: {used} GPU{'s' * (used > 1)} take {room} at a time. To let more share "
            f"one: launcher.jobs_per_gpu={-(-launcher.jobs // used)}"
        )
    at_once = jobs if launcher.name == "submitit_local" else launcher.jobs or room or _fitting(launcher)
    at_once = min(at_once, jobs)
    threads = launcher.threads or max(1, cores() // at_once)
    return Share(jobs=at_once, threads=threads, gpus=tuple(gpus[:used]), per_gpu=launcher.jobs_per_gpu)


def caution(launcher: LauncherConfig, share: Share) -> str | None:
    """What is to be said of a machine that is shared by more than it has cores for."""
    if share.threads is None or not trains_here(launcher) or share.jobs * share.threads <= cores():
        return None
    key = f"launcher.jobs={launcher.jobs}" if launcher.jobs else f"launcher={launcher.name}"
    threads = f"{share.threads} thread{'s' * (share.threads > 1)}"
    return f"{key}: {share.jobs} jobs at a time x {threads} on {cores()} cores: they will slow each other down."


def _of_cluster(launcher: LauncherConfig, jobs: int) -> Share:
    """What is asked for: there is as much as the cluster has."""
    if launcher.name != RAY:  # SLURM gives a job GPUs of its own
        return Share(jobs=min(launcher.jobs or AT_ONCE, jobs), threads=launcher.threads)
    if launcher.jobs is not None:
        raise UserError(
            f"launcher.jobs={launcher.jobs}: the Ray at launcher.address={launcher.address} runs as many at a time as "
            "it has room for. Say what a job takes: launcher.threads=4, launcher.gpus=1"
        )
    return Share(jobs=jobs, threads=launcher.threads, per_gpu=launcher.jobs_per_gpu)


def _used(launcher: LauncherConfig, gpus: int) -> int:
    """How many GPUs of this machine are used."""
    if launcher.gpus is not None and launcher.gpus > gpus:
        known = f"{gpus or 'no'} GPU{'s' * (gpus != 1)} of this machine"
        raise UserError(f"launcher.gpus={launcher.gpus}: the jobs can use {known}. Use launcher.gpus={gpus} or less.")
    return gpus if launcher.gpus is None else launcher.gpus


def _fitting(launcher: LauncherConfig) -> int:
    return max(1, cores() // (launcher.threads or 1))


def hydras_keys(launcher: LauncherConfig, share: Share) -> dict[str, Any]:
    """What Hydra's launcher is to be told, as keys of hydra.launcher."""
    if launcher.name == "parallel":
        return {"n_jobs": share.jobs, "pre_dispatch": str(share.jobs), "batch_size": "1"}
    if launcher.name == RAY:
        return {"ray": _rays_keys(launcher, share)}
    keys = {"timeout_min": launcher.minutes, "name": "animal_cls"}
    if launcher.name == "slurm":
        keys |= {"cpus_per_task": share.threads, "mem_gb": launcher.memory_gb, "partition": launcher.partition}
        keys |= {"gpus_per_node": launcher.gpus, "array_parallelism": share.jobs}
    return keys


def _rays_keys(launcher: LauncherConfig, share: Share) -> dict[str, Any]:
    """Arguments of `ray.init`, and of each job's `ray.remote`."""
    threads = share.threads or 1
    gpus = (launcher.gpus or 0) if launcher.address is not None else int(len(share.gpus) > 0)
    init: dict[str, Any] = {"address": launcher.address, "object_store_memory": None}  # Hydra's launcher: 75 MB
    if _has_own_ray(launcher):  # whatever else runs here, and the sweep's report is its dashboard
        init |= {"address": "local", "num_cpus": share.jobs * threads, "num_gpus": len(share.gpus)}
        init |= {"include_dashboard": False}
    return {"init": init, "remote": {"num_cpus": threads, "num_gpus": gpus / share.per_gpu}}
