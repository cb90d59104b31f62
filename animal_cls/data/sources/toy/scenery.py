"""Scenery: the grounds, skies and rooms that the animals stand in."""

import numpy as np
from numpy.random import Generator
from PIL import Image

from animal_cls.data.sources.toy.palette import Colour, darker, fur, jitter, lighter, mix, vivid
from animal_cls.data.sources.toy.pen import Pen

SKIES: tuple[tuple[Colour, Colour], ...] = (  # (top, horizon)
    ((96, 156, 214), (198, 222, 236)),
    ((150, 166, 180), (214, 218, 220)),
    ((86, 112, 168), (244, 196, 150)),
    ((58, 74, 112), (150, 152, 176)),
)
GROUNDS: dict[str, tuple[Colour, ...]] = {
    "meadow": ((104, 152, 68), (132, 164, 82), (82, 124, 62)),
    "dry": ((202, 172, 112), (184, 144, 92), (160, 132, 92)),
    "snow": ((226, 230, 236), (206, 214, 226)),
    "yard": ((150, 128, 104), (128, 120, 112), (170, 160, 146)),
}
GREENS: tuple[Colour, ...] = ((62, 104, 52), (88, 130, 60), (112, 146, 74), (130, 124, 58), (56, 92, 74))
ROUGHNESS = 1.0  # strength of textures
LANDS, PLACES = tuple(GROUNDS), ("land", "room", "thicket", "blur")


def backdrop(size: tuple[int, int], rng: Generator, odds: tuple[float, ...]) -> Image.Image:
    """An empty place of `size` = (width, height) pixels; `odds` are those of the PLACES."""
    match PLACES[int(np.searchsorted(np.cumsum(odds), rng.random() * sum(odds)))]:
        case "land":
            return _land(size, rng, LANDS[rng.integers(len(LANDS))] if rng.random() < 0.5 else "meadow")
        case "room":
            return _room(size, rng)
        case "thicket":
            return _thicket(size, rng)
        case _:
            return _blur(size, rng)


def _land(size: tuple[int, int], rng: Generator, ground: str) -> Image.Image:
    """Sky, hills and ground; the horizon lies anywhere from the top to the middle."""
    width, height = size
    horizon = int(height * rng.uniform(0.05, 0.62))
    top, low = SKIES[rng.integers(len(SKIES))]
    tones = GROUNDS[ground]
    near = jitter(tones[rng.integers(len(tones))], rng, spread=22)
    sky = _fade(jitter(top, rng, spread=20), jitter(low, rng, spread=20), (width, horizon))
    soil = _fade(mix(near, low, 0.35), near, (width, height - horizon))
    soil = _textured(soil, rng, cells=(width // 5, (height - horizon) // 14 + 2), strength=rng.uniform(0.08, 0.3))
    image = Image.fromarray(np.concatenate([_textured(sky, rng, cells=(4, 3), strength=0.08), soil]))
    if rng.random() < 0.6:
        _hills(image, rng, horizon, mix(near, low, 0.45))
    return image


def _hills(image: Image.Image, rng: Generator, horizon: int, colour: Colour) -> None:
    """A row of hills or a distant wood before the sky."""
    width, height = image.size
    rise, bumps = rng.uniform(0.03, 0.16) * height, rng.uniform(1, 6)
    xs, phase = np.arange(0, width + 12, 12), rng.uniform(0, 6)
    ys = horizon - rise * (0.6 + 0.4 * np.sin(xs / width * bumps * 6 + phase))
    pen = Pen(layer=image, axes=np.eye(2), origin=np.zeros(2))
    outline = [
        (0.0, float(horizon + 2)),
        *zip(xs.tolist(), ys.tolist(), strict=True),
        (float(width + 12), float(horizon + 2)),
    ]
    pen.paint(
        pen.angular(outline), jitter(mix(colour, GREENS[rng.integers(len(GREENS))], 0.5), rng, spread=15), outline=False
    )


def _room(size: tuple[int, int], rng: Generator) -> Image.Image:
    """A wall, plain, striped or dotted, and a floor."""
    width, height = size
    edge = int(height * rng.uniform(0.5, 0.85))
    wall = mix(vivid(rng), fur(rng, "white", "cream", "grey", "slate", "fawn"), rng.uniform(0.45, 0.95))
    floor = jitter(fur(rng, "chestnut", "fawn", "grey", "chocolate", "cream"), rng, spread=25)
    upper = _textured(_fade(wall, darker(wall, 0.15), (width, edge)), rng, cells=(5, 4), strength=0.1)
    lower = _fade(darker(floor, 0.2), floor, (width, height - edge))
    lower = _textured(lower, rng, cells=(6, (height - edge) // 5 + 2), strength=rng.uniform(0.05, 0.25))
    image = Image.fromarray(np.concatenate([upper, lower]))
    pen, pattern = Pen(layer=image, axes=np.eye(2), origin=np.zeros(2)), rng.integers(4)
    ink, gap = mix(wall, vivid(rng), rng.uniform(0.15, 0.5)), int(rng.integers(18, 46))
    for x in range(int(rng.integers(0, gap)), width, gap):
        if pattern == 0:
            pen.paint(pen.angular([(x, 0), (x + gap * 0.4, 0), (x + gap * 0.4, edge), (x, edge)]), ink, outline=False)
        if pattern == 1:
            for y in range(gap // 2, edge - gap // 3, gap):
                pen.paint(pen.disc(x, y, gap * 0.2), ink, outline=False)
    return image


def _thicket(size: tuple[int, int], rng: Generator) -> Image.Image:
    """Leaves, bark or soil close by: two colours in coarse and fine mottles."""
    tones = (*GREENS, *GREENS, (116, 90, 64), (146, 122, 96), (104, 100, 96))
    a, b = (jitter(tones[rng.integers(len(tones))], rng, spread=24) for _ in range(2))
    coarse = int(rng.integers(5, 14))
    mottled = _marbled(size, rng, a, b, cells=(coarse, coarse))
    return Image.fromarray(_textured(mottled, rng, cells=(size[0] // 7, size[1] // 7), strength=rng.uniform(0.15, 0.5)))


def _blur(size: tuple[int, int], rng: Generator) -> Image.Image:
    """A place out of focus: two or three soft colours and round lights."""
    a, b = (mix(vivid(rng), GREENS[rng.integers(len(GREENS))], rng.uniform(0.3, 1.0)) for _ in range(2))
    soft = _marbled(size, rng, lighter(a, rng.uniform(0, 0.3)), darker(b, rng.uniform(0, 0.5)), cells=(4, 4))
    image = Image.fromarray(soft.astype(np.uint8))
    lights = image.copy()
    pen = Pen(layer=lights, axes=np.eye(2), origin=np.zeros(2))
    for _ in range(int(rng.integers(0, 12))):
        x, y, radius = rng.uniform(0, size[0]), rng.uniform(0, size[1]), rng.uniform(6, 26)
        pen.paint(pen.disc(x, y, radius), lighter(mix(a, vivid(rng), 0.5), rng.uniform(0.1, 0.6)), outline=False)
    return Image.blend(image, lights, rng.uniform(0.2, 0.6))


def _fade(top: Colour, low: Colour, size: tuple[int, int]) -> np.ndarray:
    """A vertical gradient as (height, width, 3) numbers from 0 to 255."""
    width, height = size
    share = np.linspace(0, 1, max(height, 1), dtype=np.float32)[:height, None, None]
    column = np.array(top, dtype=np.float32) * (1 - share) + np.array(low, dtype=np.float32) * share
    return np.repeat(column, width, axis=1)


def _marbled(size: tuple[int, int], rng: Generator, a: Colour, b: Colour, *, cells: tuple[int, int]) -> np.ndarray:
    """Two colours that run into each other, (height, width, 3)."""
    share = _noise(size, rng, cells)[..., None] / np.float32(255)
    return np.array(a, dtype=np.float32) * (1 - share) + np.array(b, dtype=np.float32) * share


def _textured(area: np.ndarray, rng: Generator, *, cells: tuple[int, int], strength: float) -> np.ndarray:
    """The area (height, width, 3) with its light varied by up to `strength`, as bytes."""
    height, width = area.shape[:2]
    if not height:
        return area.astype(np.uint8)
    light = 1 + np.float32(strength * ROUGHNESS) * (_noise((width, height), rng, cells) / np.float32(127.5) - 1)
    return np.clip(area * light[..., None], 0, 255).astype(np.uint8)


def _noise(size: tuple[int, int], rng: Generator, cells: tuple[int, int]) -> np.ndarray:
    """Smooth noise from 0 to 255 with `cells` = (across, down) random knots, (height, width)."""
    knots = rng.integers(0, 256, size=(max(cells[1], 2), max(cells[0], 2)), dtype=np.uint8)
    return np.asarray(Image.fromarray(knots).resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
