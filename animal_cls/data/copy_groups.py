"""Groups of images that belong in one split, found once for each data set."""

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from animal_cls.data.near_copies import MIN_SIDE, SIDE, groups
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.listing import Listing
from animal_cls.files import atomic

FORMAT = 2  # raised when other groups would be found in the same images

log = logging.getLogger(__name__)

Groups = list[list[str]]  # of content hashes, those with near copies only

TOO_SMALL = f"images of less than {MIN_SIDE} pixels are not compared; only equal files among them stay together"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What comparing images has found."""

    groups: Groups
    too_small: int  # different images that were not compared


def group_identities(
    listing: Listing, hashes: np.ndarray, settings: DataSettings, *, show_progress: bool
) -> np.ndarray:
    """What near copies have in common: (N,) str, for each image of `listing` the smallest content hash of its group.

    The groups are a function of the contents alone: not of names, nor of their order, nor of data.image_size, for which
    small squares are decoded for the purpose. They are remembered in data.cache_dir/near_copies/, if
    decoded images are kept. Images that are too small to be told apart stay by themselves.

    Args:
        hashes: (N,) str, the SHA-256 of each file; "" of what cannot be read, which stays by itself.

    Raises:
        UserError: the cache cannot be written.
    """
    contents, rows = _contents(hashes)
    found = _remembered(contents, settings)
    if found is None:
        file = _file(contents, settings)
        log.info("Comparing %s images with one another%s", f"{len(contents):,}", ", once" if file else "")
        squares = small_squares(listing, settings, show_progress=show_progress)
        small = too_small(listing, hashes)[rows]
        found = Found(groups=_groups(contents, squares[rows], small), too_small=int(small.sum()))
        if file:
            _save(found, file)
    if found.too_small and settings.group_copies:
        log.warning("data.group_copies=true: %s %s", f"{found.too_small:,}", TOO_SMALL)
    return _identities(found.groups, hashes)


def known_identities(hashes: np.ndarray, settings: DataSettings) -> np.ndarray | None:
    """As `group_identities`, where `prepare` or a run has compared these images before; else None."""
    found = _remembered(_contents(hashes)[0], settings)
    return None if found is None else _identities(found.groups, hashes)


def too_small(listing: Listing, hashes: np.ndarray) -> np.ndarray:
    """Which images have too few pixels to be told apart: (N,) bool."""
    headers = listing.headers(skip=hashes == "")
    return np.array([found is not None and min(found.width, found.height) < MIN_SIDE for found in headers], dtype=bool)


def _contents(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The different contents, ascending, and the first image of each."""
    contents, rows = np.unique(hashes, return_index=True)
    readable = contents != ""
    return contents[readable], rows[readable]


def _file(contents: np.ndarray, settings: DataSettings) -> Path | None:
    return settings.cache_dir / "near_copies" / f"{_key(contents)}.json" if settings.cache else None


def _remembered(contents: np.ndarray, settings: DataSettings) -> Found | None:
    file = _file(contents, settings)
    return _load(file, contents) if file else None


def _identities(found: Groups, hashes: np.ndarray) -> np.ndarray:
    identity = {content: group[0] for group in found for content in group}
    return np.array([identity.get(content, content) for content in hashes.tolist()], dtype=hashes.dtype)


def small_squares(listing: Listing, settings: DataSettings, *, show_progress: bool) -> np.ndarray:
    """The images at the size at which they are compared: (N, SIDE, SIDE, 3) uint8; black where one is unreadable."""
    found = listing.decode(settings, image_size=SIDE, show_progress=show_progress)
    squares = np.zeros((len(listing.paths), SIDE, SIDE, 3), dtype=np.uint8)
    readable = found.hashes != ""
    squares[readable] = found.pixels.take(found.rows[readable])
    return squares


def _groups(contents: np.ndarray, pixels: np.ndarray, small: np.ndarray) -> Groups:
    """The contents of each group, ascending; those that are `small` (N,) are in none."""
    members: dict[int, list[str]] = {}
    for content, first in zip(contents[~small].tolist(), groups(pixels[~small]).tolist(), strict=True):
        members.setdefault(first, []).append(content)
    return [group for group in members.values() if len(group) > 1]


def _key(contents: np.ndarray) -> str:
    return hashlib.sha256("\n".join([str(FORMAT), *contents.tolist()]).encode()).hexdigest()[:32]


def _load(file: Path, contents: np.ndarray) -> Found | None:
    """What was found before; None where nothing was, or it is damaged."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        found, too_small = kept["groups"], int(kept["too_small"])
        members = [content for group in found for content in group]
        in_order = all(group == sorted(group) for group in found)
        if in_order and len(set(members)) == len(members) and set(members) <= set(contents.tolist()):
            return Found(groups=found, too_small=too_small)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        pass
    log.warning("%s is damaged: the images are compared again", file)
    return None


def _save(found: Found, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(file, json.dumps(asdict(found)) + "\n")
    except OSError as error:  # then the next run finds them again
        log.warning("%s cannot be written (%s): the next run compares the images again", file, error.strerror)
