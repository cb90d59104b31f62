"""Folders of runs, sweeps, searches and audits that nobody has named: one each, however many begin in one second."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from itertools import chain, count
from pathlib import Path

_made: ContextVar[tuple[Path, ...]] = ContextVar("made", default=())


def dated_folder(place: str | Path, now: datetime | None = None) -> Path:
    """`place`/DATE/TIME, made by this very call; with -2, -3, ... behind it where others were quicker.

    Where it cannot be made it is only named: whoever writes into it then says why.
    """
    wanted = Path(place, f"{now or datetime.now():%Y-%m-%d/%H-%M-%S}")
    with suppress(OSError):
        missing = [parent for parent in wanted.parents if not parent.exists()]
        wanted.parent.mkdir(parents=True, exist_ok=True)
        for folder in chain([wanted], (wanted.with_name(f"{wanted.name}-{number}") for number in count(2))):
            with suppress(FileExistsError):
                folder.mkdir()
                _made.set((*_made.get(), *reversed(missing), folder))
                return folder
    return wanted


@contextmanager
def unused_removed() -> Iterator[None]:
    """After it no folder is left that was made within it and is empty: what was to begin in it was refused."""
    before = _made.get()
    try:
        yield
    finally:
        for folder in reversed(_made.get()[len(before) :]):
            with suppress(OSError):
                folder.rmdir()
        _made.set(before)
