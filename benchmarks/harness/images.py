"""The images that are measured with: drawn ones of 300 pixels, somebody's own, or small ones in any number."""

import shutil
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from animal_cls.data.settings import default_cache_dir
from animal_cls.data.sources.folder import scan
from animal_cls.data.sources.toy.source import locate
from benchmarks.harness.conditions import cores

SIDE = 300  # pixels of the longer side, as in Animals-10
DRAWN = 2000  # images that the embedded set has at least: those that are there for other runs, too
GENERATED_SIDE = 64  # pixels
CLASSES = 10


def folder_of(n: int, folder: Path, *, data: Path | None) -> Path:
    """Put `n` images into `folder`/CLASS/, evenly over the classes' own proportions; returns `folder`.

    Args:
        data: a folder of class folders to copy from (all of it where it has fewer); None: the embedded images,
            written anew as JPEG files whose longer side has 300 pixels.
    """
    source = scan(data or locate(root=None, cache_dir=default_cache_dir(), total=max(DRAWN, n)))
    chosen = np.unique(np.linspace(0, len(source.paths) - 1, num=min(n, len(source.paths))).round().astype(int))
    jobs = [(source.root / source.paths[i], folder / source.classes[source.labels[i]] / f"{i:06}") for i in chosen]
    for parent in {target.parent for _, target in jobs}:
        parent.mkdir(parents=True)
    with ProcessPoolExecutor(cores()) as pool:
        list(pool.map(_copy if data else _written_large, jobs, chunksize=32))
    return folder


def _copy(job: tuple[Path, Path]) -> None:
    source, target = job
    shutil.copyfile(source, target.with_suffix(source.suffix))


def _written_large(job: tuple[Path, Path]) -> None:
    source, target = job
    with Image.open(source) as image:
        scale = SIDE / max(image.size)
        size = (round(image.width * scale), round(image.height * scale))
        image.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(target.with_suffix(".jpg"), quality=90)


def generated(n: int, folder: Path) -> Path:
    """Put `n` JPEG files of 64 x 64 pixels into `folder`/CLASS/, a class colour with smooth noise; returns `folder`."""
    for k in range(CLASSES):
        (folder / f"class_{k}").mkdir(parents=True)
    chunks = np.array_split(np.arange(n), max(1, n // 500))
    with ProcessPoolExecutor(cores()) as pool:
        list(pool.map(partial(_generate, folder), chunks))
    return folder


def _generate(folder: Path, numbers: Sequence[int]) -> None:
    for i in numbers:
        rng = np.random.default_rng(i)
        k = int(i) % CLASSES
        colour = 60 + 130 * np.array([k & 1, k >> 1 & 1, k >> 2 & 1]) - 30 * (k >> 3)
        grid = np.clip(colour + rng.normal(0, 40, (5, 5, 3)), 0, 255).astype(np.uint8)
        image = Image.fromarray(grid).resize((GENERATED_SIDE, GENERATED_SIDE), Image.Resampling.BICUBIC)
        image.save(folder / f"class_{k}" / f"{i:07}.jpg", quality=80)


def mean_bytes(folder: Path) -> float:
    """The mean size of the files in `folder`'s class folders."""
    return float(np.mean([path.stat().st_size for path in folder.glob("*/*")]))
