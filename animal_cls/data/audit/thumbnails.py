"""Small images for the page, made of what was decoded for the network, not of the files."""

import base64
import io

import numpy as np
from PIL import Image

from animal_cls.data.header import Header

SIDE = 112  # pixels of the longer side, at which they are shown
QUALITY = 80  # of JPEG: 2 to 6 KB each


def thumbnail(pixels: np.ndarray, header: Header | None) -> str:
    """The `data:` address of a small JPEG: (H, W, 3) uint8, squashed to a square, in its own proportions again."""
    width, height = (header.width, header.height) if header else (1, 1)
    scale = SIDE / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BICUBIC).save(
        file, "JPEG", quality=QUALITY
    )
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
