"""The studio: sets one image up, from the empty backdrop to the last grain of noise."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageFilter

from animal_cls.data.sources.toy.breeds import draw_cat, draw_cow, draw_dog, draw_elephant, draw_horse, draw_sheep
from animal_cls.data.sources.toy.light import cast_shadow, lit, rounded
from animal_cls.data.sources.toy.pen import OVERSAMPLING, Pen
from animal_cls.data.sources.toy.scenery import backdrop
from animal_cls.data.sources.toy.small_animals import draw_butterfly, draw_chicken, draw_spider, draw_squirrel
from animal_cls.data.sources.toy.things import far_things, near_things

SIDES = (160, 321)  # pixels: both sides of an image lie in this range
SCALE = (0.8, 1.12)  # the animal's larger extent, in shorter sides of the image
OFF_CENTRE = 0.07  # how far the animal's middle strays from the image's, in sides
TILT = 9.0  # degrees
THINGS = (0, 5)  # distractors behind the animal
HIDDEN = 0.35  # share of animals that something stands before
LIGHT, GRAIN = 0.2, (2.0, 8.0)
RELIEF = (0.15, 0.4)


@dataclass(frozen=True, kw_only=True)
class Sitter:
    """How a species is drawn and where it is met."""

    draw: Callable[[Pen, Generator], None]
    extent: float  # the drawing's larger extent in its own measure, typically
    places: tuple[float, float, float, float] = (0.7, 0.1, 0.1, 0.1)  # odds of land, room, thicket, blur
    tilt: float = 1.0  # in TILTs
    shadow: bool = True


SITTERS: dict[str, Sitter] = {
    "farfalla": Sitter(draw=draw_butterfly, extent=2.0, places=(0.25, 0.15, 0.3, 0.3), tilt=5, shadow=False),
    "gatto": Sitter(draw=draw_cat, extent=1.75, places=(0.4, 0.4, 0.1, 0.1)),
    "gallina": Sitter(draw=draw_chicken, extent=1.9, places=(0.65, 0.15, 0.1, 0.1)),
    "mucca": Sitter(draw=draw_cow, extent=1.7),
    "cane": Sitter(draw=draw_dog, extent=1.75, places=(0.45, 0.35, 0.1, 0.1)),
    "elefante": Sitter(draw=draw_elephant, extent=1.9),
    "cavallo": Sitter(draw=draw_horse, extent=2.0),
    "pecora": Sitter(draw=draw_sheep, extent=1.7),
    "ragno": Sitter(draw=draw_spider, extent=2.1, places=(0.25, 0.25, 0.3, 0.2), tilt=12.8, shadow=False),
    "scoiattolo": Sitter(draw=draw_squirrel, extent=1.9, places=(0.5, 0.1, 0.25, 0.15)),
}


def compose(species: str, rng: Generator) -> Image.Image:
    """One image of the species, RGB, with sides of 160 to 320 pixels."""
    width, height = (int(side) for side in rng.integers(*SIDES, size=2))
    sitter, short = SITTERS[species], min(width, height)
    image = backdrop((width, height), rng, sitter.places)
    _overlay(image, short, lambda pen, span: far_things(pen, span, rng, int(rng.integers(*THINGS))))
    _seat(image, sitter, rng)
    if rng.random() < HIDDEN:
        _overlay(image, short, lambda pen, span: near_things(pen, span, rng))
    if rng.random() < 0.2:
        image = image.filter(ImageFilter.BoxBlur(1))
    return lit(image, rng, strength=LIGHT, grain=rng.uniform(*GRAIN))


def _overlay(image: Image.Image, short: int, draw: Callable[[Pen, tuple[float, float]], None]) -> None:
    """Let `draw` work on a layer over the whole image; one unit = the image's shorter side."""
    width, height = image.size
    layer = Image.new("RGBA", (width * OVERSAMPLING, height * OVERSAMPLING))
    pen = Pen(layer=layer, axes=np.eye(2) * short * OVERSAMPLING, origin=np.zeros(2))
    draw(pen, (width / short, height / short))
    things, corner = _shrunk(layer)
    image.paste(things, corner, things)


def _shrunk(layer: Image.Image) -> tuple[Image.Image, tuple[int, int]]:
    """What is drawn on the layer, at the image's own resolution, and its upper left corner there."""
    left, upper, right, lower = layer.getbbox() or (0, 0, OVERSAMPLING, OVERSAMPLING)
    left, upper = left // OVERSAMPLING * OVERSAMPLING, upper // OVERSAMPLING * OVERSAMPLING
    return layer.crop((left, upper, right, lower)).reduce(OVERSAMPLING), (left // OVERSAMPLING, upper // OVERSAMPLING)


def _seat(image: Image.Image, sitter: Sitter, rng: Generator) -> None:
    """Draw the animal and put it into the image."""
    width, height = image.size
    extent = rng.uniform(*SCALE) * min(width, height)
    animal = rounded(_cut_out(sitter, rng, extent), direction=int(rng.choice([-1, 1])), strength=rng.uniform(*RELIEF))
    x = width * (0.5 + rng.uniform(-OFF_CENTRE, OFF_CENTRE)) - animal.width / 2
    y = height * (0.54 + rng.uniform(-OFF_CENTRE, OFF_CENTRE)) - animal.height / 2
    corner = (round(x), round(y))
    if sitter.shadow:
        cast_shadow(image, animal, corner, depth=rng.uniform(0.2, 0.7))
    image.paste(animal, corner, animal)


def _cut_out(sitter: Sitter, rng: Generator, extent: float) -> Image.Image:
    """The animal alone, RGBA, cropped to what is drawn, its larger side about `extent` pixels."""
    side = round(extent * 1.7) * OVERSAMPLING
    layer = Image.new("RGBA", (side, side))
    size, mirrored = extent * OVERSAMPLING / sitter.extent, int(rng.choice([-1, 1]))
    canvas = Pen(
        layer=layer, axes=np.eye(2) * size, origin=np.full(2, side / 2), stroke=0.0075 * extent * OVERSAMPLING / 2
    )
    pen = canvas.at(0, 0, flat=mirrored).at(
        0, 0, turn=sitter.tilt * rng.uniform(-TILT, TILT), flat=rng.uniform(0.8, 1.08)
    )
    sitter.draw(pen, rng)
    return _shrunk(layer)[0]
