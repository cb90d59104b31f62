"""How surely near copies are found among real photographs, and how seldom different ones are taken for them.

`python -m benchmarks.near_copies FOLDER [--every 4]` reads every image below FOLDER, changes every 4th of them in 17
ways, and prints of each way the share that is found, and how many changed images are taken for copies of another
one. 1,920 photographs take one core a minute. The figures in animal_cls/data/near_copies.py come from here.
"""

import argparse
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from animal_cls.data.decode import decode
from animal_cls.data.near_copies import SIDE, groups
from animal_cls.data.sources.contents import SUFFIXES
from benchmarks.harness.tables import table

Change = Callable[[Image.Image, np.random.Generator], Image.Image]


def cut(image: Image.Image, share: float, left: float = 0.5, top: float = 0.5) -> Image.Image:
    """Without `share` of its width and height; `left` and `top` say how much of that goes there."""
    width, height = image.width * share, image.height * share
    right, bottom = round(width * (1 - left)), round(height * (1 - top))
    return image.crop((round(width * left), round(height * top), image.width - right, image.height - bottom))


def with_text(image: Image.Image) -> Image.Image:
    """A white bar at the lower right, as a watermark."""
    right, bottom = image.size
    marked = image.copy()
    marked.paste((255, 255, 255), (int(0.6 * right), int(0.9 * bottom), int(0.95 * right), int(0.97 * bottom)))
    return marked


QUALITY = {"JPEG quality 50": 50, "JPEG quality 20": 20, "a third of the size, quality 50": 50}
CHANGES: dict[str, Change] = {
    "JPEG quality 50": lambda image, _: image,
    "JPEG quality 20": lambda image, _: image,
    "half of the size": lambda image, _: ImageOps.scale(image, 1 / 2),
    "a third of the size, quality 50": lambda image, _: ImageOps.scale(image, 1 / 3),
    "double size": lambda image, _: ImageOps.scale(image, 2),
    "20 % brighter": lambda image, _: ImageEnhance.Brightness(image).enhance(1.2),
    "20 % darker": lambda image, _: ImageEnhance.Brightness(image).enhance(0.8),
    "30 % more contrast": lambda image, _: ImageEnhance.Contrast(image).enhance(1.3),
    "grey": lambda image, _: image.convert("L"),
    "mirrored": lambda image, _: ImageOps.mirror(image),
    "2 % cut off": lambda image, _: cut(image, 0.02),
    "5 % cut off": lambda image, _: cut(image, 0.05),
    "5 % cut off anywhere": lambda image, rng: cut(image, 0.05, *rng.random(2)),
    "10 % cut off": lambda image, _: cut(image, 0.1),
    "turned by 2 degrees": lambda image, _: image.rotate(2, resample=Image.Resampling.BILINEAR),
    "white border of 2 %": lambda image, _: ImageOps.expand(image, max(1, image.width // 50), "white"),
    "a bar painted in": lambda image, _: with_text(image),
}


def changed(source: bytes, name: str, rng: np.random.Generator) -> np.ndarray:
    """The image changed, saved as a JPEG file and decoded: (SIDE, SIDE, 3) uint8."""
    file = io.BytesIO()
    with Image.open(io.BytesIO(source)) as image:
        CHANGES[name](image.convert("RGB"), rng).save(file, "JPEG", quality=QUALITY.get(name, 85))
    return decode(file.getvalue(), image_size=SIDE)


def measure(sources: Sequence[bytes], *, every: int) -> list[tuple[str, float, int]]:
    """Of each change: its name, the share of images that is found, and the changed ones that are found wrongly.

    Wrongly: in a group with an image that is in another group without the changed ones.
    """
    pixels = np.stack([decode(source, image_size=SIDE) for source in sources])
    own = groups(pixels)
    print(f"{len(sources):,} images, of which {len(sources) - len(set(own)):,} are near copies of another one")
    picked = np.arange(0, len(sources), every)
    rng = np.random.default_rng(0)
    rows = []
    for name in CHANGES:
        both = groups(np.concatenate([pixels, np.stack([changed(sources[k], name, rng) for k in picked.tolist()])]))
        found = both[len(pixels) :] == both[picked]
        wrong = sum(len(set(own[both[: len(pixels)] == group])) > 1 for group in both[len(pixels) :])
        rows.append((name, float(found.mean()), wrong))
    return rows


def main(words: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.near_copies")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=4, help="change every n-th image (default: 4)")
    chosen = parser.parse_args(words)
    files = sorted(path for path in chosen.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        parser.error(f"{chosen.folder}: no images below it")
    rows = measure([file.read_bytes() for file in files], every=chosen.every)
    cells = [(name, f"{100 * share:.1f} %", str(wrong)) for name, share, wrong in rows]
    print("\n".join(table(("change", "found", "taken for another"), cells)))


if __name__ == "__main__":
    main()
