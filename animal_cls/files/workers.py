"""Work shared with other processes of this machine, or where there are none, done by this one alone."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import TypeVar

from animal_cls.files.processors import cores

MOST = 4  # processes together: a report is five seconds of work for two of them

Item = TypeVar("Item")
Done = TypeVar("Done")


@dataclass(kw_only=True, eq=False)
class Workers:
    """Processes that take a share of long work; they start with the first of it."""

    count: int  # beside this process
    pool: ProcessPoolExecutor | None = None
    helpers: set[BaseProcess] = field(default_factory=set)  # those that have been started

    def warm(self, up: Callable[[], object]) -> None:
        """Start the processes, which do `up` first, such as an import, while this one has other work."""
        self.begin(_call, [up] * max(2, self.count))

    def share(self, work: Callable[[Item], Done], items: Sequence[Item]) -> list[Done]:
        """`work` done to each item, in order: the workers begin at the front, this process at the back.

        `work` and the items have to travel to another process, and what comes of it back.
        """
        return self.finish(work, items, self.begin(work, items))

    def finish(
        self, work: Callable[[Item], Done], items: Sequence[Item], begun: "Sequence[Future[Done] | None]"
    ) -> list[Done]:
        """As `share`, of items that the workers have begun with in part: of each what they were given, or None."""
        given = begun or [None] * len(items)
        own = {k: work(items[k]) for k in reversed(range(len(items))) if (one := given[k]) is None or one.cancel()}
        return [own[k] if one is None or k in own else _result(one, work, items[k]) for k, one in enumerate(given)]

    def begin(self, work: Callable[[Item], Done], items: Sequence[Item]) -> "list[Future[Done]]":
        """What the workers were given; nothing where there are none, or the system has none to give."""
        if self.count < 1 or len(items) < 2:
            return []
        try:
            # Not forked: the threads of numpy would not survive that, nor can every system do it.
            self.pool = self.pool or ProcessPoolExecutor(
                self.count, mp_context=get_context("spawn"), initializer=_end_with_parent
            )
            before = {*active_children()}
            try:
                with _out_of_reach_of_interrupts():
                    return [self.pool.submit(work, item) for item in items]
            finally:
                self.helpers |= {*active_children()} - before
        except (OSError, ImportError, BrokenExecutor):  # no semaphores, no memory, or one was killed before
            self.count = 0
            return []

    def end(self) -> None:
        """No more work is to come.

        Where one helper was killed, Python's pool may leave the others waiting (its thread stumbles over work that was
        taken back), and would itself wait for them when this process ends.
        """
        if self.pool is not None:
            self.pool.shutdown(cancel_futures=True)
        for helper in self.helpers & {*active_children()}:
            helper.kill()


def _end_with_parent() -> None:
    """Of a process that was killed, no helper stays: each would wait for its work forever."""
    parent = parent_process()
    assert parent is not None, "a helper"

    def watch() -> None:
        parent.join()
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _call(up: Callable[[], object]) -> None:
    up()


def _result(begun: "Future[Done]", work: Callable[[Item], Done], item: Item) -> Done:
    """What a helper did, or if it was killed, the same done here."""
    try:
        return begun.result()
    except BrokenExecutor:
        return work(item)


@contextmanager
def _out_of_reach_of_interrupts() -> Iterator[None]:
    """Processes that start within it do not get a Ctrl-C: it is for this one, which ends them."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the new processes keep the mask
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def gathered(processes: int | None = None) -> Iterator[Workers]:
    """So many processes at work, this one counted; by default as many as it may use cores, but not many."""
    made = Workers(count=min(MOST, cores() if processes is None else processes) - 1)
    try:
        yield made
    finally:
        made.end()
