"""The images that somebody names: files, folders, patterns or a list, decoded as for training, a batch at a time."""

import glob
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from animal_cls.config.values import MAX_PIXELS
from animal_cls.data.decode import UnreadableImage, decode, read
from animal_cls.data.sources.contents import SUFFIXES, suffix
from animal_cls.errors import UserError
from animal_cls.files.processors import cores

LIST = "-"  # stands for the paths on standard input, one a line
AHEAD = 4  # batches that are decoded before they are asked for


@dataclass(frozen=True, kw_only=True)
class Named:
    """One file that may be an image, or one image in memory."""

    path: str  # as it is said in what comes out
    folders: tuple[str, ...] = ()  # those that lead to it from the folder that was named, its own last
    square: Callable[..., np.ndarray] | None = None  # of an image in memory: image_size -> (side, side, 3) uint8


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Images that could be decoded, and those that could not."""

    named: list[Named]  # N
    pixels: np.ndarray  # (N, H, W, 3) uint8
    unreadable: dict[str, str]  # path -> why


def find(words: Iterable[str], listed: Iterable[str] = ()) -> Iterator[Named]:
    """The images that `words` name, in order, one after the other: a million paths take no memory.

    Args:
        words: files of whatever name, folders (of which the files that are called as images, and those below), patterns
            such as `photos/*.jpg`, or `-` for `listed`.
        listed: the lines of standard input.

    Raises:
        UserError: there is nothing of that name.
    """
    for word in words:
        if word == LIST:
            yield from (Named(path=line.rstrip("\r\n")) for line in listed if line.strip())
        elif Path(word).is_dir():
            yield from _in_folder(word)
        elif Path(word).exists():
            yield Named(path=word)
        elif glob.has_magic(word):
            yield from _matching(word)
        else:
            require_named([word])


def require_named(words: Iterable[str]) -> None:
    """Raise `UserError` where there is nothing of that name; what a pattern matches is seen when it is asked for."""
    for word in words:
        if word != LIST and not glob.has_magic(word) and not Path(word).exists():
            raise UserError(f"{word}: no such file or folder. Name images, folders of them, or patterns.")


def _matching(pattern: str) -> Iterator[Named]:
    found = False
    for path in glob.iglob(pattern, recursive=True):  # noqa: PTH207  # Path.glob takes no absolute pattern
        found = True
        yield from _in_folder(path) if Path(path).is_dir() else [Named(path=path)]
    if not found:
        raise UserError(f"{pattern}: nothing is called so.")


def _in_folder(root: str) -> Iterator[Named]:
    """The images in a folder and below, folder by folder, by name; hidden ones are passed over."""
    for place, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(place).relative_to(root).parts
        for name in sorted(files):
            if suffix(name) in SUFFIXES and not name.startswith("."):
                yield Named(path=str(Path(place, name)), folders=inside)


def decoded(
    named: Iterable[Named], *, image_size: int, batch_size: int, max_pixels: int = MAX_PIXELS
) -> Iterator[Batch]:
    """The images in batches of `batch_size` files, decoded by all processors, some batches ahead of their use.

    One of more than `max_pixels` counts as unreadable, as in training.
    """
    files = iter(named)
    coming: deque[tuple[list[Named], list[Future[np.ndarray | str]]]] = deque()
    with ThreadPoolExecutor(cores(), "decoding") as threads:
        while batch := list(islice(files, batch_size)):
            coming.append((batch, [threads.submit(_decoded, one, image_size, max_pixels) for one in batch]))
            if len(coming) > AHEAD:
                yield _batch(*coming.popleft(), image_size)
        while coming:
            yield _batch(*coming.popleft(), image_size)


def _decoded(one: Named, image_size: int, max_pixels: int) -> np.ndarray | str:
    """The pixels, or why there are none."""
    try:
        if one.square is not None:
            return one.square(image_size=image_size)
        return decode(read(Path(one.path), max_pixels=max_pixels), image_size=image_size, max_pixels=max_pixels)
    except UnreadableImage as error:
        return str(error)
    except (OSError, ValueError) as error:  # ValueError: a name with a zero in it
        return getattr(error, "strerror", None) or str(error)


def _batch(named: Sequence[Named], futures: Sequence[Future[np.ndarray | str]], image_size: int) -> Batch:
    pairs = [(one, future.result()) for one, future in zip(named, futures, strict=True)]
    good = [(one, pixels) for one, pixels in pairs if not isinstance(pixels, str)]
    stacked = [pixels for _, pixels in good] or [np.empty((0, image_size, image_size, 3), dtype=np.uint8)]
    return Batch(
        named=[one for one, _ in good],
        pixels=np.stack(stacked) if good else stacked[0],
        unreadable={one.path: why for one, why in pairs if isinstance(why, str)},
    )
