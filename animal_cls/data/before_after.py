"""What methods do to images: some of a run's training images, before above after, as one picture."""

import numpy as np
import torch
from PIL import Image

from animal_cls.data.module import ImageDataModule

COLUMNS = 6  # images
GAP = 4  # px
EACH = 10  # images of a class to choose from: a method may change few of them


def before_after(plain: ImageDataModule, changed: ImageDataModule) -> Image.Image:
    """Images of the first epoch as `plain` has them, and below as `changed` does, spread over those that differ."""
    classes = len(plain.images.classes)
    rows = [module.examples("train", classes=classes, each=EACH).images.float() for module in (plain, changed)]
    differ = (rows[0] - rows[1]).abs().flatten(1).amax(dim=1) > 1
    at = torch.nonzero(differ)[:, 0] if differ.any() else torch.arange(len(differ))
    chosen = at[np.unique(np.linspace(0, len(at) - 1, num=min(COLUMNS, len(at))).round().astype(int))]
    return _sheet([row[chosen].round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy() for row in rows])


def _sheet(rows: list[np.ndarray]) -> Image.Image:
    """Rows of images (n, S, S, 3) on white."""
    step = rows[0].shape[1] + GAP
    sheet = np.full((len(rows) * step - GAP, len(rows[0]) * step - GAP, 3), 255, dtype=np.uint8)
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            sheet[y * step : y * step + step - GAP, x * step : x * step + step - GAP] = image
    return Image.fromarray(sheet)
