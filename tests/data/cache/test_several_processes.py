"""Threads and processes that want the same images at once, and builds that are killed."""

import logging
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from tests.data.cache.conftest import GREYS, SIZE, greys, run, stores


def test_threads_of_one_process_decode_once(root: Path, tmp_path: Path, decodings: list[int]) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: run(root, tmp_path), range(4)))
    assert len(decodings) == 9
    assert all(greys(images) == GREYS for images in results)


SLOW = """
import os, time
from pathlib import Path
from animal_cls.data.cache import decoding, pixels
decode_at = decoding.decode_at
def slow(source, **how):
    os.write(1, b"decoding\\n")
    time.sleep({seconds})
    return decode_at(source, **how)
decoding.decode_at, pixels.CHUNK_BYTES = slow, 1
pixels.cores = decoding.cores = lambda: 2
root = Path({root!r})
names = sorted((path.name for path in root.iterdir()), reverse=True)
pixels.decoded(root, names, image_size={size}, cache_dir=Path({cache!r}), show_progress=False)
"""


def in_another_process(root: Path, tmp_path: Path, *, seconds: float) -> subprocess.Popen[str]:
    """A process that decodes slowly, two images a chunk; returned when it has begun."""
    script = SLOW.format(root=str(root), cache=str(tmp_path / "cache"), size=SIZE, seconds=seconds)
    path = os.pathsep.join(filter(None, sys.path))
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "decoding\n"
    return process


def test_two_processes_decode_once(
    root: Path, tmp_path: Path, decodings: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with in_another_process(root, tmp_path, seconds=0.1) as other:
        images = run(root, tmp_path)
        assert other.wait(20) == 0
    assert decodings == []
    assert greys(images) == GREYS
    assert "Another process is decoding the same images; waiting for it" in caplog.text


@pytest.mark.slow
def test_a_build_that_is_killed_at_any_moment_goes_on_where_it_was(
    tmp_path: Path, decodings: list[int], image_folder: Callable[..., Path]
) -> None:
    """Chunks of two images, 0.02 s each: what is on the disk is not decoded again, and nothing else is believed."""
    root = tmp_path / "many"
    root.mkdir()
    for n in range(100):
        Image.new("L", (9, 9), n + 1).save(root / f"{n:02}.png")
    generator, rows = random.Random(0), 0
    for _ in range(6):
        with in_another_process(root, tmp_path, seconds=0.02) as other:
            time.sleep(generator.uniform(0, 0.12))
            other.kill()
        [folder] = stores(tmp_path)
        now = max((file.stat().st_size for file in folder.glob("rows.*")), default=0) // (SIZE * SIZE * 3)
        assert now >= rows, "nothing is lost"
        rows = now
    decodings.clear()
    assert greys(run(root, tmp_path)) == list(range(100, 0, -1))
    assert len(decodings) <= 100 - rows + 2
