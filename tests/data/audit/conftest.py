"""A folder of images in which there is one of everything that can be found."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from animal_cls.data.audit.audit import audit_images
from animal_cls.data.audit.record import Audit
from animal_cls.data.dataset import load
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.folder import scan
from animal_cls.errors import UserError

SCRIPT = "<img src=x onerror=document.title=1>.jpg"
HOSTILE = ("%s%n.jpg", "{0}.jpg", "{{ 7*7 }}.jpg", "new\nline \"q' \x1b[31m.jpg", "$(touch x) `y`.jpg", SCRIPT)


def scene(seed: int, side: int = 64) -> Image.Image:
    """Soft coloured noise; another seed is another image."""
    cells = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((side, side), Image.Resampling.BICUBIC)


@pytest.fixture(scope="session")
def hostile() -> tuple[str, ...]:
    return HOSTILE


@pytest.fixture(scope="session")
def draw() -> Callable[[int], Image.Image]:
    return scene


def audit(root: Path, cache_dir: Path | None, **changes: Any) -> Audit:
    """What `prepare` does between the command line and the terminal."""
    chosen = {"image_size": 32, "max_bad_share": 0.5, "val": 0.2, "test": 0.2, "split_seed": 0} | changes
    settings = DataSettings(cache_dir=cache_dir or root, cache=cache_dir is not None, **chosen)
    try:
        images = load(root, settings, show_progress=False)
    except UserError as error:
        images = error
    return audit_images(scan(root), images, settings)


@pytest.fixture(scope="session")
def audited() -> Callable[..., Audit]:
    return audit


@pytest.fixture(scope="session")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of 40 images of their own, in one of which all kinds of others lie."""
    root = tmp_path_factory.mktemp("everything") / "images"
    cat, dog = root / "cat", root / "dog"
    for number, folder in enumerate((cat, dog)):
        folder.mkdir(parents=True)
        for k in range(40):
            scene(100 * number + k).save(folder / f"{k}.png")
    (dog / "copy.png").write_bytes((dog / "0.png").read_bytes())
    (cat / "dog's.png").write_bytes((dog / "1.png").read_bytes())
    ImageOps.mirror(scene(2)).save(cat / "mirrored.jpg")
    scene(103).resize((70, 84)).save(cat / "like a dog.webp")
    Image.new("RGB", (64, 64), (250, 250, 249)).save(cat / "blank.png")
    scene(300, 12).save(cat / "tiny.bmp")
    scene(301, 20).save(cat / "small.png")
    Image.linear_gradient("L").resize((5100, 5000)).save(cat / "large.jpg", quality=20)
    scene(302).save(cat / "png.jpg", "PNG")
    scene(303).save(cat / "animated.png", save_all=True, append_images=[scene(304)])
    for name in HOSTILE:
        (cat / name).write_bytes(b"no image")
    (root.parent / "elsewhere.png").touch()
    (cat / "link.png").symlink_to(root.parent / "elsewhere.png")
    (cat / "notes.txt").touch()
    return root


@pytest.fixture(scope="session")
def found(everything: Path, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    return audit(everything, tmp_path_factory.mktemp("cache"))
