"""How fast libraries mirror and crop cached batches: ours, torchvision v2, and kornia where it is installed.

`python -m benchmarks.augmentation [--repeats N] [--out DIR]` prints a table and writes it to DIR/augmentation.md.

The pictures are 64 at a time, uint8, 128 x 128, as they come out of the cache; the result is float.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import v2

from animal_cls.data.augment import AREA, RATIO, boxes, flip_crop
from animal_cls.training.hardware import kept_memory
from benchmarks import tables
from benchmarks.conditions import conditions, torch_says
from benchmarks.measurements import Measurement, of

BATCH, SIDE = 64, 128  # pictures, pixels
SECONDS = 0.5  # that a repeat takes at least
NOTE = (
    "Only what draws for each picture from a key of its own does what training needs. One draw for a whole batch "
    "augments less; draws from a global generator depend on what was drawn before, so that a resumed run, or one with "
    "other workers, would see other pictures."
)

Method = Callable[[Tensor], Tensor]  # pictures (N, 3, H, W) uint8 -> float


def methods() -> dict[str, tuple[Method, str]]:
    """Name -> what does it, and how it draws."""
    keys = np.random.default_rng(0).integers(2**63, size=BATCH, dtype=np.uint64)
    crop = v2.RandomResizedCrop(SIDE, scale=AREA, ratio=RATIO, antialias=False)
    whole = v2.Compose([v2.RandomHorizontalFlip(), crop, v2.ToDtype(torch.float32)])

    def ours(pictures: Tensor) -> Tensor:
        return flip_crop(pictures, boxes(keys, seed=0, epoch=0))

    def one_by_one(pictures: Tensor) -> Tensor:
        return torch.stack([whole(picture) for picture in pictures])

    found: dict[str, tuple[Method, str]] = {
        "ours: grid_sample on the batch": (ours, "per picture, keyed"),
        "torchvision v2, picture by picture": (one_by_one, "per picture, global generator"),
        "torchvision v2 on the batch": (whole, "one for the batch"),
    }
    return found | _kornia()


def _kornia() -> dict[str, tuple[Method, str]]:
    if importlib.util.find_spec("kornia") is None:
        return {}
    from kornia.augmentation import AugmentationSequential, RandomHorizontalFlip, RandomResizedCrop  # type: ignore

    def made(cropping: str) -> Method:
        crop = RandomResizedCrop((SIDE, SIDE), scale=AREA, ratio=RATIO, cropping_mode=cropping, p=1.0)
        both = AugmentationSequential(RandomHorizontalFlip(p=0.5), crop, data_keys=["input"])
        return lambda pictures: both(pictures.float())

    draws = "per picture, global generator"
    return {f"kornia, cropping_mode={mode}": (made(mode), draws) for mode in ("resample", "slice")}


def speed(method: Method, pictures: Tensor) -> float:
    """Pictures per second, over at least `SECONDS`."""
    start, batches = time.perf_counter(), 0
    while (took := time.perf_counter() - start) < SECONDS or batches == 0:
        changed = method(pictures)
        batches += 1
    assert changed.shape == pictures.shape
    assert changed.dtype == torch.float32
    return batches * len(pictures) / took


def measure(repeats: int) -> list[Measurement]:
    """Every method in turns, after one call each to warm up."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (BATCH, SIDE, SIDE, 3), dtype=torch.uint8, generator=generator)
    pictures = pixels.permute(0, 3, 1, 2)  # channels-last in memory, as the cache has them
    every = methods()
    speeds: dict[str, list[float]] = {name: [] for name in every}
    for method, _ in every.values():
        method(pictures)
    for _ in range(repeats):
        for name, (method, _) in every.items():
            speeds[name].append(speed(method, pictures))
    return [of(name, "pictures/s", speeds[name], subject=draws) for name, (_, draws) in every.items()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.augmentation", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("outputs/benchmarks"), help="folder for augmentation.md")
    args = parser.parse_args(arguments)
    said = [f"- {name}: {value}" for name, value in conditions(torch_says()).items()]
    with torch.inference_mode(), kept_memory():  # as in a run
        cells = [tables.row(m)[:5] for m in measure(args.repeats)]
    rows = tables.table(("method", "draws", "median", "spread", "n"), cells)
    absent = [] if importlib.util.find_spec("kornia") else ["", "kornia is not installed here."]
    text = "\n".join([*said, "", *rows, "", NOTE, *absent]) + "\n"
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "augmentation.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
