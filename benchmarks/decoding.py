"""(c) Building the cache, and what the decoder does at most on all cores.

    python -m benchmarks.decoding ROOT --work DIR --repeats 3 [--bare] [--keep]

prints one JSON object: the seconds of each repeat. The caches are deleted, but for the last one with `--keep`.
"""

import argparse
import json
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from animal_cls.data.dataset import load
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.folder import scan
from benchmarks.conditions import cores
from benchmarks.images import mean_bytes
from benchmarks.measurements import Measurement, at_least, of, ratio
from benchmarks.workplace import Seen, Workplace

TITLE = "Building the cache and the decoder's own speed on all cores"
IMAGES = (3200, 800)  # in a full and in a quick measurement
CACHE = "cache"
CHUNK = 32  # images that a worker gets at once


def measure(place: Workplace) -> tuple[list[Measurement], list[str]]:
    """Our builder and two pools of bare decoders in turns, in one process."""
    root = place.images(*IMAGES)
    output = start(place, root, "--bare", repeats=place.options.times(5, 3)).process.output
    seconds = times(output)
    n = len(list(root.glob("*/*")))
    fastest = min(("threads", "processes"), key=lambda pool: median(seconds[pool]))
    speeds = {name: [n / s for s in of_name] for name, of_name in seconds.items()}
    note = f"{n} images of {mean_bytes(root) / 1000:.0f} kB to 128 px"
    return [
        ratio(f"cache building / bare {fastest}", speeds["building"], speeds[fastest], target=at_least(0.8), note=note),
        of("cache building: scan, read, hash, decode, resize, write, split", "images/s", speeds["building"]),
        *(of(f"bare: read, decode, resize in {pool}", "images/s", speeds[pool]) for pool in ("threads", "processes")),
    ], [f"{cores()} threads or processes, started before; files in the page cache; the better of the two counts"]


def start(place: Workplace, root: Path, *flags: str, repeats: int, image_size: int = 128) -> Seen:
    """A process that builds the cache of `root` so many times; what `--keep` leaves is in the folder of the answer."""
    folder = place.new_folder("caches")
    words = ["-m", "benchmarks.decoding", str(root), "--work", str(folder), *flags]
    return place.look([*words, "--repeats", str(repeats), "--image-size", str(image_size)], folder=folder)


def times(output: str) -> dict[str, list[float]]:
    """The seconds that such a process printed."""
    return json.loads(output.splitlines()[-1])


def build(root: Path, work: Path, *, image_size: int) -> float:
    """Seconds until the images of `root` are decoded into `work`/cache, which is emptied before."""
    cache = work / CACHE
    shutil.rmtree(cache, ignore_errors=True)
    began = time.perf_counter()
    settings = DataSettings(image_size=image_size, cache_dir=cache, val=0.1, test=0.1, split_seed=0, max_bad_share=0.0)
    load(root, settings, show_progress=False)
    return time.perf_counter() - began


def decode_all(pool: Executor, files: Sequence[str], *, image_size: int) -> float:
    """Seconds that `pool` takes to decode `files`."""
    chunks = [files[i : i + CHUNK] for i in range(0, len(files), CHUNK)]
    began = time.perf_counter()
    done = sum(pool.map(partial(decode_files, image_size=image_size), chunks))
    assert done == len(files)
    return time.perf_counter() - began


def decode_files(files: Sequence[str], *, image_size: int) -> int:
    """Decode and resize, and keep nothing: the number of files."""
    for file in files:
        with Image.open(file) as image:
            image.draft("RGB", (2 * image_size, 2 * image_size))
            pixels = np.asarray(image.convert("RGB").resize((image_size, image_size), Image.Resampling.BILINEAR))
            assert pixels.shape == (image_size, image_size, 3)
    return len(files)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decoding", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("root", type=Path, help="a folder of class folders")
    parser.add_argument("--work", type=Path, required=True, help="for caches")
    parser.add_argument("--image-size", type=int, default=128, help="pixels")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bare", action="store_true", help="time the bare decoders, too")
    parser.add_argument("--keep", action="store_true", help="leave the last cache")
    args = parser.parse_args()
    steps: dict[str, Callable[[], float]] = {
        "building": partial(build, args.root, args.work, image_size=args.image_size)
    }
    folder = scan(args.root)
    files = [str(folder.root / path) for path in folder.paths]
    fresh = get_context("spawn")  # a fork would copy the other pool's threads
    with ThreadPoolExecutor(cores()) as threads, ProcessPoolExecutor(cores(), mp_context=fresh) as processes:
        if args.bare:
            for name, pool in (("threads", threads), ("processes", processes)):
                steps[name] = partial(decode_all, pool, files, image_size=args.image_size)
                steps[name]()  # starts the workers and fills the page cache
        seconds: dict[str, list[float]] = {name: [] for name in steps}
        for repeat in range(args.repeats):
            for name in list(steps)[:: 1 if repeat % 2 == 0 else -1]:
                seconds[name].append(steps[name]())
    if not args.keep:
        shutil.rmtree(args.work / CACHE)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
