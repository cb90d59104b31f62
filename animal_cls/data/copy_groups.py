"""Groups of images that belong in one split, found once for each data set."""

import hashlib
import json
import logging
from pathlib import Path

import numpy as np

from animal_cls.data.near_copies import SIDE, groups
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.listing import Listing
from animal_cls.files import atomic

FORMAT = 1  # raised when other groups would be found in the same images

log = logging.getLogger(__name__)

Groups = list[list[str]]  # of content hashes, those with near copies only


def group_identities(
    listing: Listing, hashes: np.ndarray, settings: DataSettings, *, show_progress: bool
) -> np.ndarray:
    """What near copies have in common: (N,) str, for each image of `listing` the smallest content hash of its group.

    The groups are a function of the contents alone: not of names, nor of their order, nor of data.image_size, for which
    small squares are decoded for the purpose. They are remembered in data.cache_dir/near_copies/, if
    decoded images are kept.

    Args:
        hashes: (N,) str, the SHA-256 of each file; "" of what cannot be read, which stays by itself.

    Raises:
        UserError: the cache cannot be written.
    """
    contents, rows = np.unique(hashes, return_index=True)
    if contents[0] == "":
        contents, rows = contents[1:], rows[1:]
    file = settings.cache_dir / "near_copies" / f"{_key(contents)}.json" if settings.cache else None
    found = _load(file, contents) if file else None
    if found is None:
        log.info("Comparing %s images with one another%s", f"{len(contents):,}", ", once" if file else "")
        squares = small_squares(listing, settings, show_progress=show_progress)
        found = _groups(contents, squares[rows])
        if file:
            _save(found, file)
    identity = {content: group[0] for group in found for content in group}
    return np.array([identity.get(content, content) for content in hashes.tolist()], dtype=hashes.dtype)


def small_squares(listing: Listing, settings: DataSettings, *, show_progress: bool) -> np.ndarray:
    """The images at the size at which they are compared: (N, SIDE, SIDE, 3) uint8; black where one is unreadable."""
    found = listing.decode(settings, image_size=SIDE, show_progress=show_progress)
    squares = np.zeros((len(listing.paths), SIDE, SIDE, 3), dtype=np.uint8)
    readable = found.hashes != ""
    squares[readable] = found.pixels.take(found.rows[readable])
    return squares


def _groups(contents: np.ndarray, pixels: np.ndarray) -> Groups:
    """The contents of each group, ascending."""
    members: dict[int, list[str]] = {}
    for content, first in zip(contents.tolist(), groups(pixels).tolist(), strict=True):
        members.setdefault(first, []).append(content)
    return [group for group in members.values() if len(group) > 1]


def _key(contents: np.ndarray) -> str:
    return hashlib.sha256("\n".join([str(FORMAT), *contents.tolist()]).encode()).hexdigest()[:32]


def _load(file: Path, contents: np.ndarray) -> Groups | None:
    """What was found before; None where nothing was, or it is damaged."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["groups"]
        members = [content for group in found for content in group]
        in_order = all(group == sorted(group) for group in found)
        if in_order and len(set(members)) == len(members) and set(members) <= set(contents.tolist()):
            return found
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        pass
    log.warning("%s is damaged: the images are compared again", file)
    return None


def _save(found: Groups, file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(file, json.dumps({"groups": found}) + "\n")
    except OSError as error:  # then the next run finds them again
        log.warning("%s cannot be written (%s): the next run compares the images again", file, error.strerror)
