"""Without a cache: the same pixels, and none of a file that has changed."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from animal_cls.data.cache.on_the_fly import on_the_fly
from animal_cls.errors import UserError
from tests.data.cache.conftest import GREYS, greys, names, run


def test_without_a_cache_the_pixels_are_the_same_and_nothing_is_written(root: Path, tmp_path: Path) -> None:
    kept = run(root, tmp_path, size=5)
    shutil.rmtree(tmp_path / "cache")
    free = on_the_fly(root, names(root), image_size=5, show_progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
    assert greys(free) == greys(kept) == GREYS
    assert (free.hashes.tolist(), free.unreadable) == (kept.hashes.tolist(), kept.unreadable)
    (root / "3.png").unlink()
    with pytest.raises(UserError, match=r"3\.png: cannot be read any more \(.+\)\. Start the run again\.$"):
        free.pixels.take(free.rows[[6]])


def test_without_a_cache_a_changed_image_stops_the_run(root: Path) -> None:
    """Also one of the same size and time, and before its new pixels are used."""
    free = on_the_fly(root, names(root), image_size=5, show_progress=False)
    at, file = names(root).index("3.png"), root / "3.png"
    before = file.stat()
    Image.new("L", (20, 10), 200).save(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(UserError, match=r"3\.png: has changed since the run began\. Put it back as it was and go on"):
        free.pixels.take(free.rows[[at]])
    others = np.delete(free.rows[free.rows >= 0], np.flatnonzero(free.rows[free.rows >= 0] == free.rows[at]))
    assert len(free.pixels.take(others)) == len(others)
