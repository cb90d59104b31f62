"""Where the drawn images lie: the data source of `data=toy`, which draws them on first use."""

import logging
import os
import shutil
from pathlib import Path

from filelock import FileLock

from animal_cls.data.sources.toy import VERSION, draw
from animal_cls.errors import UserError

log = logging.getLogger(__name__)


def locate(*, root: str | None, cache_dir: Path, total: int = 2000, seed: int = 0) -> Path:
    """The folder of the drawn images: `root`, or one below `cache_dir` for each version, seed and total.

    It appears there whole or not at all, however many runs start at once.

    Raises:
        UserError: the cache folder cannot be written to.
    """
    if root is not None:
        return Path(root).expanduser()
    folder = cache_dir / "toy" / f"v{VERSION}-seed{seed}-{total}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if not folder.is_dir():
                _draw(folder, total=total, seed=seed)
    except OSError as error:
        raise UserError(
            f"data.cache_dir={cache_dir}: the images cannot be drawn there ({error}). "
            "Name another folder: data.cache_dir=..."
        ) from None
    return folder


def _draw(folder: Path, *, total: int, seed: int) -> None:
    unfinished = folder.with_name(f"{folder.name}.part")  # one name: what a killed run left is removed by the next
    shutil.rmtree(unfinished, ignore_errors=True)
    log.info("drawing %d images into %s", total, folder)
    draw(unfinished, seed=seed, total=total, workers=os.cpu_count())
    unfinished.rename(folder)
