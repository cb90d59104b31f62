"""How fast libraries mirror and crop cached batches: ours, torchvision v2, and kornia where it is installed.

`python -m benchmarks.augmentation [--repeats N] [--out DIR]` prints a table and writes it to DIR/augmentation.md.

The images are 64 at a time, uint8, 128 x 128, as they come out of the cache; the result is float.
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
from animal_cls.training.hardware import retain_freed_memory
from benchmarks import tables
from benchmarks.conditions import conditions, torch_says
from benchmarks.measurements import Measurement, of

BATCH, SIDE = 64, 128  # images, pixels
SECONDS = 0.5  # that a repeat takes at least
NOTE = (
    "Only what draws for each image from a key of its own does what training needs. One draw for a whole batch "
    "augments less; draws from a global generator depend on what was drawn before, so that a resumed run, or one with "
    "other workers, would see other images."
)

Method = Callable[[Tensor], Tensor]  # images (N, 3, H, W) uint8 -> float


def methods() -> dict[str, tuple[Method, str]]:
    """Name -> what does it, and how it draws."""
    keys = np.random.default_rng(0).integers(2**63, size=BATCH, dtype=np.uint64)
    crop = v2.RandomResizedCrop(SIDE, scale=AREA, ratio=RATIO, antialias=False)
    whole = v2.Compose([v2.RandomHorizontalFlip(), crop, v2.ToDtype(torch.float32)])

    def ours(images: Tensor) -> Tensor:
        return flip_crop(images, boxes(keys, seed=0, epoch=0))

    def one_by_one(images: Tensor) -> Tensor:
        return torch.stack([whole(image) for image in images])

    found: dict[str, tuple[Method, str]] = {
        "ours: grid_sample on the batch": (ours, "per image, keyed"),
        "torchvision v2, image by image": (one_by_one, "per image, global generator"),
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
        return lambda images: both(images.float())

    draws = "per image, global generator"
    return {f"kornia, cropping_mode={mode}": (made(mode), draws) for mode in ("resample", "slice")}


def speed(method: Method, images: Tensor) -> float:
    """Images per second, over at least `SECONDS`."""
    start, batches = time.perf_counter(), 0
    while (took := time.perf_counter() - start) < SECONDS or batches == 0:
        changed = method(images)
        batches += 1
    assert changed.shape == images.shape
    assert changed.dtype == torch.float32
    return batches * len(images) / took


def measure(repeats: int) -> list[Measurement]:
    """Every method in turns, after one call each to warm up."""
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (BATCH, SIDE, SIDE, 3), dtype=torch.uint8, generator=generator)
    images = pixels.permute(0, 3, 1, 2)  # channels-last in memory, as the cache has them
    every = methods()
    speeds: dict[str, list[float]] = {name: [] for name in every}
    for method, _ in every.values():
        method(images)
    for _ in range(repeats):
        for name, (method, _) in every.items():
            speeds[name].append(speed(method, images))
    return [of(name, "images/s", speeds[name], subject=draws) for name, (_, draws) in every.items()]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, save."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.augmentation", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("outputs/benchmarks"), help="folder for augmentation.md")
    args = parser.parse_args(arguments)
    said = [f"- {name}: {value}" for name, value in conditions(torch_says()).items()]
    with torch.inference_mode(), retain_freed_memory():  # as in a run
        cells = [tables.row(m)[:5] for m in measure(args.repeats)]
    rows = tables.table(("method", "draws", "median", "spread", "n"), cells)
    absent = [] if importlib.util.find_spec("kornia") else ["", "kornia is not installed here."]
    text = "\n".join([*said, "", *rows, "", NOTE, *absent]) + "\n"
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "augmentation.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
