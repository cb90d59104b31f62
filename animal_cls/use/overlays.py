"""Maps as a person sees them: laid over the image, or beside each other as a difference."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

SIDE = 224  # pixels at least of what is shown: small images are enlarged by whole steps
STRENGTH = 0.75  # how much of the image the strongest place hides
# A map from 0 to 1: dark violet, vermillion, yellow; its lightness rises, so that it is read without colours too.
HEAT = np.array([(48, 18, 89), (213, 94, 0), (255, 224, 90)], dtype=np.float64)
LESS, SAME, MORE = (213, 94, 0), (247, 247, 247), (0, 90, 160)  # of a difference from -1 to 1, as in the report
QUALITY = 82  # of the JPEGs of a page


def overlay(pixels: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """An image (H, W, 3) uint8 under a map (H, W) in [0, 1], of which a strong place hides more of it."""
    ground = pixels.astype(np.float64).mean(axis=2, keepdims=True) * 0.5 + pixels * 0.5  # paler: colours are the map's
    cover = STRENGTH * shown[..., None]
    return _bytes(ground * (1 - cover) + _ramp(shown, np.linspace(0, 1, 3), HEAT) * cover)


def heat(shown: np.ndarray) -> np.ndarray:
    """A map (H, W) in [0, 1] alone, as (H, W, 3) uint8."""
    return _bytes(_ramp(shown, np.linspace(0, 1, 3), HEAT))


def difference(shown: np.ndarray) -> np.ndarray:
    """A difference (H, W) in [-1, 1] as (H, W, 3) uint8: blue where there is more, orange where there is less."""
    return _bytes(_ramp(shown, np.array([-1.0, 0.0, 1.0]), np.array([LESS, SAME, MORE], dtype=np.float64)))


def _ramp(values: np.ndarray, at: np.ndarray, colours: np.ndarray) -> np.ndarray:
    return np.stack([np.interp(values, at, colours[:, channel]) for channel in range(3)], axis=-1)


def _bytes(colours: np.ndarray) -> np.ndarray:
    return colours.round().clip(0, 255).astype(np.uint8)


def png(tiles: Sequence[Sequence[np.ndarray]]) -> bytes:
    """Tiles (H, W, 3) of one size in rows and columns, a white line between them, as a PNG file."""
    large = [[Image.fromarray(enlarged(tile)) for tile in row] for row in tiles]
    side, gap = large[0][0].width, 4
    columns = max(map(len, large))
    sheet = Image.new("RGB", (columns * (side + gap) - gap, len(large) * (side + gap) - gap), "white")
    for y, row in enumerate(large):
        for x, tile in enumerate(row):
            sheet.paste(tile, (x * (side + gap), y * (side + gap)))
    written = io.BytesIO()
    sheet.save(written, "PNG")
    return written.getvalue()


def address(tile: np.ndarray) -> str:
    """A tile as the `data:` address of a JPEG, for a page."""
    written = io.BytesIO()
    Image.fromarray(enlarged(tile)).save(written, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode()


def enlarged(tile: np.ndarray) -> np.ndarray:
    """A tile (H, H, 3) of which each pixel is as many as it takes to have a side of `SIDE`."""
    times = -(-SIDE // tile.shape[0])
    return tile.repeat(times, axis=0).repeat(times, axis=1)
