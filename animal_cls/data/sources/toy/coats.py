"""Coats: tails, stripes, patches, manes and wool, to be drawn on a body."""

import math

from numpy.random import Generator

from animal_cls.data.sources.toy.head import Head
from animal_cls.data.sources.toy.palette import PINK, Colour, darker
from animal_cls.data.sources.toy.pen import Pen
from animal_cls.data.sources.toy.quadruped import Part


def plain_tail(coat: Colour, *, length: float, width: float, lift: float, curl: float) -> Part:
    """A tail of even thickness that leaves the body `lift` radians above the horizontal and bends by `curl` radians."""
    points, turn, x, y = [(0.05, 0.02)], lift, 0.0, 0.0
    for _ in range(4):
        x, y = x - length / 4 * math.cos(turn), y - length / 4 * math.sin(turn)
        points.append((x, y))
        turn += curl * 0.7
    return lambda pen: pen.paint(pen.limb(points, [width, width, width * 0.7]), coat)


def tassel_tail(coat: Colour, rng: Generator, length: float) -> Part:
    """A rope that hangs down and ends in a tuft."""
    swing = rng.uniform(-0.15, 0.2)

    def draw(pen: Pen) -> None:
        pen.paint(pen.limb([(0.04, 0), (-0.1, length * 0.4), (-0.08 - swing, length)], [0.06, 0.045]), coat)
        pen.paint(pen.disc(-0.08 - swing, length, 0.05, 0.09, turn=swing * 60), darker(coat, 0.6))

    return draw


def hair_tail(hair: Colour, rng: Generator) -> Part:
    """A sheaf of long hair, hanging or streaming."""
    back, down = rng.uniform(0.12, 0.4), rng.uniform(0.45, 0.7)
    line = [(0.06, 0), (-back * 0.7, down * 0.2), (-back, down * 0.6), (-back * 1.05, down)]
    return lambda pen: pen.paint(pen.limb(line, [0.07, 0.17, 0.16, 0.04]), hair)


def stub_tail(wool: Colour) -> Part:
    """A small tuft."""
    return lambda pen: pen.paint(pen.disc(-0.05, 0.08, 0.09, 0.13, turn=20), wool)


def stripes(mark: Colour, rng: Generator) -> Part:
    """Tabby stripes across the back."""
    places, lean = [(-0.4 + 0.14 * i + rng.uniform(-0.03, 0.03)) for i in range(6)], rng.uniform(-0.12, 0.12)

    def draw(pen: Pen) -> None:
        for x in places:
            pen.paint(
                pen.limb([(x, -0.3), (x + lean, -0.02), (x + lean / 2, 0.12)], [0.07, 0.05, 0.015]), mark, outline=False
            )

    return draw


def patches(mark: Colour, rng: Generator, number: int) -> Part:
    """Large irregular patches."""
    spots = [
        (rng.uniform(-0.5, 0.5), rng.uniform(-0.25, 0.2), rng.uniform(0.09, 0.22), rng.uniform(0.7, 1.3, size=7))
        for _ in range(number)
    ]

    def draw(pen: Pen) -> None:
        for x, y, radius, wobble in spots:
            rim = [
                (x + radius * w * math.cos(i * 0.9), y + radius * w * math.sin(i * 0.9)) for i, w in enumerate(wobble)
            ]
            pen.paint(pen.blob(rim), mark, outline=False)

    return draw


def udder(rng: Generator) -> Part:
    """A pink udder before the hind legs, mostly."""
    shown = rng.random() < 0.7
    return lambda pen: pen.paint(pen.disc(-0.2, 0.3, 0.1, 0.07), PINK) if shown else None


def mane(hair: Colour, neck_angle: float, length: float) -> Part:
    """Hair along the crest of the neck."""
    a = math.radians(neck_angle)
    tip = (0.38 + length * math.cos(a), -0.1 - length * math.sin(a))
    across = (-0.09 * math.sin(a), -0.09 * math.cos(a))
    line = [
        (0.26 + across[0], -0.12 + across[1]),
        ((0.3 + tip[0]) / 2 + across[0] * 1.5, (-0.12 + tip[1]) / 2 + across[1] * 1.5),
        (tip[0] + across[0], tip[1] + across[1]),
    ]
    return lambda pen: pen.paint(pen.limb(line, [0.05, 0.15, 0.1]), hair)


def with_fringe(head: Head, wool: Colour) -> Part:
    """The head with a tuft of wool on the forehead."""

    def draw(pen: Pen) -> None:
        head.draw(pen)
        middle = 0.0 if head.frontal else -0.3
        pen.paint([pen.disc(middle + x, -0.78 + abs(x) * 0.25, 0.38) for x in (-0.45, 0.0, 0.45)], wool)

    return draw


def wool(wool: Colour, rng: Generator) -> Part:
    """Curls on the fleece."""
    curls = [(rng.uniform(-0.42, 0.42), rng.uniform(-0.24, 0.24)) for _ in range(9)]

    def draw(pen: Pen) -> None:
        for x, y in curls:
            pen.line(
                [(x - 0.07, y), (x - 0.03, y + 0.06), (x + 0.04, y + 0.05), (x + 0.06, y - 0.01)],
                darker(wool, 0.25),
                0.018,
            )

    return draw
