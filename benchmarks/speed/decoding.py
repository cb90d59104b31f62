"""(c) Building the cache, and what the decoder does at most on all cores.

`python -m benchmarks.speed.decoding '{"root": "DIR", "work": "DIR", "repeats": 3}'` measures it in a process of its own
and leaves the last cache in the folder `work`.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from animal_cls.data.dataset import load
from animal_cls.data.settings import DataSettings
from benchmarks.harness.conditions import cores
from benchmarks.harness.images import mean_bytes
from benchmarks.harness.instrumentation import record
from benchmarks.harness.measurements import Measurement, of, ratio
from benchmarks.harness.workspace import Trace, Workspace

TITLE = "Building the cache and the decoder's own speed on all cores"
IMAGES = (3200, 800)  # in a full and in a quick measurement
CACHE = "cache"
CHUNK = 32  # images that a worker gets at once
POOLS = ("threads", "processes")


def measure(workspace: Workspace) -> tuple[list[Measurement], list[str]]:
    """Our builder and two pools of bare decoders in turns, in one process."""
    root = workspace.images(*IMAGES)
    (event,) = start(workspace, root, repeats=workspace.times(5, 3), bare=True).events("decoding")
    n = len(list(root.glob("*/*")))
    speeds = {name: [n / s for s in of_name] for name, of_name in event["seconds"].items()}
    fastest = max(POOLS, key=lambda pool: median(speeds[pool]))
    note = f"{n} images of {mean_bytes(root) / 1000:.0f} kB to 128 px"
    return [
        ratio(f"cache building / bare {fastest}", speeds["building"], speeds[fastest], at_least=0.8, note=note),
        of("cache building: scan, read, hash, decode, resize, write, split", "images/s", speeds["building"]),
        *(of(f"bare: read, decode, resize in {pool}", "images/s", speeds[pool]) for pool in POOLS),
    ], [f"{cores()} threads or processes, started before; files in the page cache; the better of the two counts"]


def start(workspace: Workspace, root: Path, **settings: Any) -> Trace:
    """A process that builds the cache of `root`, see `timed`; the last cache is in the folder of the answer.

    It records an event "decoding" with the `seconds` of each repeat, by name.
    """
    folder = workspace.new_folder("caches")
    words = json.dumps({"root": str(root), "work": str(folder), **settings})
    return workspace.trace(["-m", "benchmarks.speed.decoding", words], folder=folder)


def timed(root: Path, work: Path, *, repeats: int, image_size: int = 128, bare: bool = False) -> dict[str, list[float]]:
    """The seconds of each repeat of building the cache and, if `bare`, of each pool of decoders; in turns."""
    steps: dict[str, Callable[[], float]] = {"building": partial(build, root, work, image_size=image_size)}
    files = sorted(root.glob("*/*"))
    fresh = get_context("spawn")  # a fork would copy the other pool's threads
    with ThreadPoolExecutor(cores()) as threads, ProcessPoolExecutor(cores(), mp_context=fresh) as processes:
        for name, pool in zip(POOLS, (threads, processes), strict=True) if bare else ():
            steps[name] = partial(decode_all, pool, files, image_size=image_size)
            steps[name]()  # starts the workers and fills the page cache
        seconds: dict[str, list[float]] = {name: [] for name in steps}
        for repeat in range(repeats):
            for name in list(steps)[:: 1 if repeat % 2 == 0 else -1]:
                seconds[name].append(steps[name]())
    return seconds


def build(root: Path, work: Path, *, image_size: int) -> float:
    """Seconds until the images of `root` are decoded into `work`/cache, which is emptied before."""
    shutil.rmtree(work / CACHE, ignore_errors=True)
    splits = {"val": 0.1, "test": 0.1, "split_seed": 0}
    settings = DataSettings(image_size=image_size, cache_dir=work / CACHE, max_bad_share=0.0, **splits)
    began = time.perf_counter()
    load(root, settings, show_progress=False)
    return time.perf_counter() - began


def decode_all(pool: Executor, files: Sequence[Path], *, image_size: int) -> float:
    """Seconds that `pool` takes to decode `files`."""
    chunks = [files[i : i + CHUNK] for i in range(0, len(files), CHUNK)]
    began = time.perf_counter()
    done = sum(pool.map(partial(decode_files, image_size=image_size), chunks))
    assert done == len(files)
    return time.perf_counter() - began


def decode_files(files: Sequence[Path], *, image_size: int) -> int:
    """Decode and resize, and keep nothing: the number of files."""
    for file in files:
        with Image.open(file) as image:
            image.draft("RGB", (2 * image_size, 2 * image_size))
            pixels = np.asarray(image.convert("RGB").resize((image_size, image_size), Image.Resampling.BILINEAR))
            assert pixels.shape == (image_size, image_size, 3)
    return len(files)


if __name__ == "__main__":
    settings = json.loads(sys.argv[1])
    record("decoding", seconds=timed(Path(settings.pop("root")), Path(settings.pop("work")), **settings))
