"""The embedded images: ten drawn animals, the classes of Animals-10, made by this code with nothing downloaded."""

import os
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from numpy.random import PCG64, Generator, SeedSequence
from PIL import Image
from rich.console import Console
from rich.progress import track

VERSION = 2  # raised when an image changes; part of the cache key of whoever keeps the images
JPEG_QUALITY = 88
REPORT_COUNTS: dict[str, int] = {  # images per class that the report lists
    "farfalla": 2012,
    "gatto": 1528,
    "gallina": 2998,
    "mucca": 1766,
    "cane": 4763,
    "elefante": 1346,
    "cavallo": 2523,
    "pecora": 1720,
    "ragno": 4721,
    "scoiattolo": 1762,
}


def draw(root: Path, *, seed: int = 0, total: int = 2000, workers: int | None = None) -> None:
    """Draw about `total` images into root/raw-img/CLASS/NNNN.jpeg, in `workers` processes (all cores unless told)."""
    jobs = [(species, number) for species, n in counts(total).items() for number in range(n)]
    for species in REPORT_COUNTS:
        (root / "raw-img" / species).mkdir(parents=True, exist_ok=True)
    save = partial(_save, root / "raw-img", seed)
    workers = workers or os.cpu_count() or 1
    if workers == 1:
        _drain(map(save, jobs), len(jobs))
        return
    with ProcessPoolExecutor(workers) as pool:
        _drain(pool.map(save, jobs, chunksize=16), len(jobs))


def counts(total: int) -> dict[str, int]:
    """Images per class, in the proportions of the report; their sum is `total` to within rounding."""
    whole = sum(REPORT_COUNTS.values())
    return {species: max(1, round(total * n / whole)) for species, n in REPORT_COUNTS.items()}


def image(species: str, number: int, *, seed: int) -> Image.Image:
    """Image `number` of a class (its Italian name), RGB; a function of (seed, species, number) and nothing else."""
    from animal_cls.data.sources.toy.studio import compose

    key = SeedSequence([seed, list(REPORT_COUNTS).index(species), number])
    return compose(species, Generator(PCG64(key)))


def _save(folder: Path, seed: int, job: tuple[str, int]) -> None:
    """Draw one image and write it."""
    species, number = job
    image(species, number, seed=seed).save(folder / species / f"{number:04}.jpeg", quality=JPEG_QUALITY)


def _drain(done: Iterable[None], total: int) -> None:
    """Wait for all images; a progress bar shows on a terminal."""
    bar = track(
        done, "drawing the toy images", total=total, console=Console(stderr=True), disable=not sys.stderr.isatty()
    )
    for _ in bar:
        pass
