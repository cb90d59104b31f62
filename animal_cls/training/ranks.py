"""The processes (ranks) of a run on several devices: rank 0 is the run's own, which starts the others and ends them.

Lightning would run the command line again for each of them, which would start a whole sweep anew and find the run's
folder taken. So they are started here, once its lock, plan and config exist: each gets the config and does what it is
given to do, which is to train on its part of every batch. They write nothing.
"""

import logging
import multiprocessing
import os
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import torch
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import find_free_network_port
from lightning.fabric.utilities.rank_zero import rank_zero_only
from lightning.pytorch.strategies import DDPStrategy
from torch import Tensor, distributed

from animal_cls.errors import UserError
from animal_cls.training.signals import NAMES, Stop, Stopped

PATIENCE = 20.0  # seconds that a process may take to end after its work, or to say what went wrong

LOST = 3  # exit code of a process that could not hear another one any more


@dataclass(frozen=True, kw_only=True)
class Ranks:
    """Which of the processes of a run this one is."""

    rank: int = 0
    n: int = 1
    port: int = 0  # on this machine, where they meet

    def strategy(self, has_idle_weights: Callable[[], bool]) -> Any:
        """How Lightning's Trainer brings their gradients together; weights that get none have to be looked for."""
        if self.n == 1:
            return "auto"
        return DDPStrategy(cluster_environment=Meeting(self), find_unused_parameters=has_idle_weights())

    def agree(self, *values: int) -> tuple[int, ...]:
        """What rank 0 gives, in all of them; by the CPU, so that no device has to be waited for."""
        if self.n == 1:
            return values
        told = torch.tensor(values, dtype=torch.int64)
        distributed.broadcast(told, src=0, group=_on_cpu())
        return tuple(told.tolist())

    def total(self, values: Tensor) -> Tensor:
        """The sum over the ranks of tensors of one shape, on their devices."""
        distributed.all_reduce(values)
        return values


ONE = Ranks()
_groups: dict[Any, Any] = {}  # the group of all ranks -> one of them that needs no GPU


def _on_cpu() -> Any:
    everyone = distributed.group.WORLD
    if distributed.get_backend() == "gloo":
        return everyone
    if everyone not in _groups:
        _groups.clear()
        _groups[everyone] = distributed.new_group(backend="gloo")
    return _groups[everyone]


class Meeting(ClusterEnvironment):
    """Tells Lightning that the processes are there already, and where they meet."""

    def __init__(self, ranks: Ranks) -> None:
        super().__init__()
        self.ranks = ranks

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        return "127.0.0.1"

    @property
    def main_port(self) -> int:
        return self.ranks.port

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return self.ranks.n

    def set_world_size(self, size: int) -> None:
        assert size == self.ranks.n

    def global_rank(self) -> int:
        return self.ranks.rank

    def set_global_rank(self, rank: int) -> None:
        rank_zero_only.rank = rank

    def local_rank(self) -> int:
        return self.ranks.rank

    def node_rank(self) -> int:
        return 0


class Quiet(Stop):
    """Leaves signals to rank 0, which says in which step all of them stop."""

    def install(self) -> dict[int, Any]:
        for name in NAMES:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        return {}


class Link:
    """What a further rank has of rank 0."""

    def __init__(self, ranks: Ranks, connection: Connection, threads: int) -> None:
        self.ranks, self.connection, self.threads = ranks, connection, threads

    def wait(self) -> Any:
        """What rank 0 says when the images and the checkpoint are ready."""
        return self.connection.recv()

    def ready(self) -> None:
        """Say that this rank can begin to train."""
        self.connection.send(None)


class Others:
    """The ranks but the first, as the first sees them."""

    def __init__(self, ranks: Ranks) -> None:
        self.ranks = ranks
        self.processes: list[Any] = []
        self.connections: list[Connection] = []

    def start(self, work: Callable[..., None], *arguments: Any, threads: int) -> None:
        """Start a process for each, which calls `work(link, *arguments)`."""
        context = multiprocessing.get_context("spawn")
        for rank in range(1, self.ranks.n):
            ours, theirs = context.Pipe()
            link = Link(Ranks(rank=rank, n=self.ranks.n, port=self.ranks.port), theirs, threads)
            process = context.Process(target=_follow, args=(work, link, arguments), name=f"rank {rank}", daemon=True)
            process.start()
            theirs.close()
            self.processes.append(process)
            self.connections.append(ours)

    def let(self, message: Any) -> None:
        """Tell them to make ready, and wait until they are; raises what went wrong with one of them."""
        for process, connection in zip(self.processes, self.connections, strict=True):
            with suppress(OSError):  # it has ended, which is heard below
                connection.send(message)
            if (failure := _heard(process, connection)) is not None:
                raise failure

    def failure(self) -> Exception | None:
        """What went wrong with one of them; None where each has only lost another."""
        pairs = zip(self.processes, self.connections, strict=True)
        found = [_heard(process, connection) for process, connection in pairs if connection.poll(PATIENCE)]
        return next((failure for failure in found if failure is not None), None)

    def end(self) -> None:
        """Leave the group, and see that no process stays."""
        _groups.clear()
        if distributed.is_initialized():
            distributed.destroy_process_group()
        for process in self.processes:
            process.join(PATIENCE)
            process.kill()
            process.join()


@contextmanager
def started(n: int, work: Callable[..., None], *arguments: Any, threads: int) -> Iterator[Others]:
    """Within it the further ranks of a run on n devices work: each calls `work(link, *arguments)`.

    Raises:
        UserError, RuntimeError: what went wrong with one of them, rather than that it could not be heard any more.
    """
    warnings.filterwarnings("ignore", message=".*sync_dist=True.*")  # what is logged is over all ranks already
    others = Others(Ranks(n=n, port=find_free_network_port() if n > 1 else 0))
    try:
        others.start(work, *arguments, threads=threads)
        yield others
    except BaseException as error:
        cause = others.failure() if isinstance(error, RuntimeError) and _is_lost(error) else None
        for process in others.processes:
            process.kill()
        if cause is None:
            raise
        raise cause from error
    finally:
        others.end()


def _is_lost(error: RuntimeError) -> bool:
    """Whether it is the group's: another rank could not be heard."""
    return isinstance(error, distributed.DistError) or any(word in str(error) for word in ("gloo", "NCCL", "peer"))


def _heard(process: Any, connection: Connection) -> Exception | None:
    """What a rank says next: None where it is ready or has only lost another, else what went wrong."""
    try:
        said = connection.recv()
    except (EOFError, OSError):
        process.join(PATIENCE)
        return (
            None
            if process.exitcode == LOST
            else RuntimeError(f"{process.name} of the run ended (exit code {process.exitcode})")
        )
    if said is None:
        return None
    is_mistake, text = said
    return UserError(text) if is_mistake else RuntimeError(f"{process.name} of the run failed:\n{text}")


def _follow(work: Callable[..., None], link: Link, arguments: Sequence[Any]) -> None:
    """The whole of a further rank's process."""
    Quiet().install()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    logging.disable()  # rank 0 says it
    warnings.simplefilter("ignore")
    try:
        work(link, *arguments)
    except Stopped:
        pass
    except Exception as error:
        if isinstance(error, RuntimeError) and _is_lost(error):
            raise SystemExit(LOST) from None
        is_mistake = isinstance(error, UserError)
        link.connection.send((is_mistake, str(error) if is_mistake else traceback.format_exc()))
        raise SystemExit(1) from None


def _end_with_parent() -> None:
    """End this process where rank 0 has ended, however it did: nobody else would end it."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
