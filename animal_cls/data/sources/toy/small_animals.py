"""Butterfly, chicken, spider and squirrel: the four species with body plans of their own."""

import math

from numpy.random import Generator

from animal_cls.data.sources.toy.palette import INK, PINK, WHITE, Colour, darker, fur, jitter, lighter, mix, vivid
from animal_cls.data.sources.toy.pen import Pen


def draw_butterfly(pen: Pen, rng: Generator) -> None:
    """A butterfly from above, its wings more or less folded; or from the side with closed wings."""
    wing = vivid(rng) if rng.random() < 0.7 else fur(rng, "white", "cream", "chocolate", "ginger")
    rim, spot = darker(wing, rng.uniform(0.3, 0.9)), vivid(rng) if rng.random() < 0.5 else lighter(wing, 0.6)
    tall, wide, hind = rng.uniform(0.75, 1.05), rng.uniform(0.85, 1.1), rng.uniform(0.75, 1.05)
    spots = [(rng.uniform(0.35, 0.72), rng.uniform(-0.6, -0.1), rng.uniform(0.05, 0.13)) for _ in range(3)]
    closed = rng.random() < 0.2
    for side, fold in ((-1, rng.uniform(0.55, 1.0)), (1, rng.uniform(0.55, 1.0))):
        shown = pen.at(0, 0, flat=1.0, turn=-24) if closed else pen.at(0, 0, flat=side * fold)
        _wing(shown.at(0, 0, size=0.94 if closed and side < 0 else 1.0), wing, rim, spot, spots, (tall, wide, hind))
    body = jitter(INK, rng, spread=18)
    pen.paint(pen.limb([(0, -0.32), (0, 0.42)], [0.14, 0.15, 0.06]), body)
    pen.paint(pen.disc(0, -0.38, 0.085), body)
    for side in (-1, 1):
        pen.line([(0.02 * side, -0.44), (0.12 * side, -0.66), (0.26 * side, -0.78)], body, 0.025)
        pen.paint(pen.disc(0.26 * side, -0.78, 0.03), body, outline=False)


def _wing(
    pen: Pen,
    wing: Colour,
    rim: Colour,
    spot: Colour,
    spots: list[tuple[float, float, float]],
    size: tuple[float, float, float],
) -> None:
    """The right pair of wings, hind wing first: a rim, a coloured field, veins and spots."""
    tall, wide, hind = size
    lower = [
        (0.03, 0.0),
        (0.5 * wide, 0.02),
        (0.8 * wide, 0.35 * hind),
        (0.55 * wide, 0.8 * hind),
        (0.24, 0.62 * hind),
        (0.06, 0.3),
    ]
    upper = [
        (0.03, 0.05),
        (0.12, -0.35 * tall),
        (0.62 * wide, -0.85 * tall),
        (0.98 * wide, -0.8 * tall),
        (0.86 * wide, -0.3),
        (0.45 * wide, 0.08),
    ]
    for shape, shade in ((lower, 0.15), (upper, 0.0)):
        pen.paint(pen.blob(shape), rim)
        x0, y0 = sum(x for x, _ in shape) / 6, sum(y for _, y in shape) / 6
        pen.paint(
            pen.blob([(x0 + (x - x0) * 0.76, y0 + (y - y0) * 0.76) for x, y in shape]),
            darker(wing, shade),
            outline=False,
        )
    for x, y in ((0.85 * wide, -0.6 * tall), (0.75 * wide, -0.2), (0.6 * wide, 0.45 * hind)):
        pen.line([(0.05, 0), (x, y)], mix(wing, rim, 0.6), 0.015)
    for x, y, radius in spots:
        pen.paint(pen.disc(x * wide, y * tall, radius), spot, outline=False)
        pen.paint(pen.disc(x * 0.7 * wide, -y * 0.9 * hind, radius * 0.8), spot, outline=False)


def draw_chicken(pen: Pen, rng: Generator) -> None:
    """A hen or a cock: a round body, a fan of tail feathers, a red comb and wattle, two thin legs."""
    coat = fur(rng, "white", "white", "chestnut", "chestnut", "ginger", "black", "chocolate", "cream")
    cock, pecks = rng.random() < 0.35, rng.random() < 0.25
    plume = darker(vivid(rng), 0.6) if cock else darker(coat, rng.uniform(0.05, 0.35))
    legs, leg = jitter((222, 166, 62), rng, spread=20), rng.uniform(0.3, 0.46)
    for x, shade in ((0.1 + rng.uniform(0, 0.12), 0.3), (rng.uniform(-0.1, 0.04), 0.0)):
        _chicken_leg(pen.at(x, 0.42), darker(legs, shade), leg)
    spread = rng.uniform(0.5, 1.1) if cock else rng.uniform(0.2, 0.6)
    for i in range(6):
        a = math.radians(205 - 75 * (i / 5 - 0.2) * spread)
        length = rng.uniform(0.55, 0.72) * (1.25 if cock else 0.9)
        end = (-0.42 + length * math.cos(a), -0.08 + length * math.sin(a) + (0.16 if cock else 0))
        pen.paint(
            pen.limb(
                [(-0.35, 0), (-0.38 + length * 0.6 * math.cos(a), -0.1 + length * 0.75 * math.sin(a)), end],
                [0.2, 0.16, 0.08],
            ),
            plume,
        )
    head = (
        (rng.uniform(0.62, 0.74), rng.uniform(-0.02, 0.2))
        if pecks
        else (rng.uniform(0.42, 0.56), rng.uniform(-0.75, -0.55))
    )
    trunk = pen.blob(
        [(-0.55, -0.18), (-0.2, -0.3), (0.2, -0.34), (0.52, -0.1), (0.42, 0.3), (0.05, 0.48), (-0.35, 0.32)]
    )
    pen.paint([trunk, *pen.limb([(0.25, 0), head], [0.56, 0.3])], coat)
    _feathers(pen, rng, coat)
    _chicken_head(
        pen.at(*head, turn=rng.uniform(25, 60) if pecks else rng.uniform(-12, 15), size=0.17),
        coat,
        comb=rng.uniform(0.7, 1.1) * (1.3 if cock else 0.9),
    )


def _chicken_leg(pen: Pen, colour: Colour, length: float) -> None:
    """A leg from the body down, with three toes."""
    pen.paint(pen.limb([(0, -0.1), (0, length)], [0.07, 0.045]), colour)
    for x, y in ((0.16, 0.03), (0.1, 0.08), (-0.11, 0.03)):
        pen.paint(pen.limb([(0, length), (x, length + y)], [0.045, 0.03]), colour)


def _feathers(pen: Pen, rng: Generator, coat: Colour) -> None:
    """The folded wing, and flecks on the breast of some."""
    wing = darker(coat, rng.uniform(0.08, 0.3))
    pen.paint(pen.blob([(0.28, -0.12), (0.12, -0.24), (-0.2, -0.2), (-0.5, 0.06), (-0.2, 0.2), (0.16, 0.16)]), wing)
    for x in (-0.28, -0.14, 0.0):
        pen.line([(x, 0.12), (x + 0.14, 0.08), (x + 0.2, 0.0)], darker(wing, 0.3), 0.02)
    if rng.random() < 0.35:
        for _ in range(9):
            pen.paint(
                pen.disc(rng.uniform(-0.2, 0.44), rng.uniform(0.0, 0.34), 0.022), darker(coat, 0.5), outline=False
            )


def _chicken_head(pen: Pen, coat: Colour, *, comb: float) -> None:
    """Skull, comb, beak, wattle and eye; one unit = the skull's radius."""
    red = (206, 44, 40)
    pen.paint([pen.disc(0.55 - 0.42 * i, -0.95 - 0.12 * (i % 2), 0.34 * comb, 0.5 * comb) for i in range(4)], red)
    pen.paint(pen.disc(0.62, 0.95, 0.28, 0.5 * comb), red)
    pen.paint(pen.disc(0, 0, 1.0), coat)
    pen.paint(pen.angular([(0.72, -0.35), (1.75, 0.12), (0.72, 0.42)]), (236, 178, 66))
    pen.paint(pen.disc(0.35, -0.15, 0.3), WHITE, outline=False)
    pen.paint(pen.disc(0.4, -0.15, 0.2), INK, outline=False)


def draw_spider(pen: Pen, rng: Generator) -> None:
    """A spider from above: eight bent legs, a small front body, a large marked hind body; often on its web."""
    coat = fur(rng, "black", "black", "chocolate", "slate", "fawn", "chestnut", "grey", "ginger")
    if rng.random() < 0.45:
        _web(pen, rng)
    reach, width, legs = rng.uniform(0.75, 1.1), rng.uniform(0.05, 0.095), darker(coat, rng.uniform(0, 0.3))
    banded = rng.random() < 0.35
    for side in (-1, 1):
        for middle in (-62, -22, 20, 58):
            _spider_leg(
                pen.at(0, -0.12, flat=side),
                math.radians(middle + rng.uniform(-9, 9)),
                reach * rng.uniform(0.88, 1.1),
                width,
                legs,
                banded,
            )
    fat, long = rng.uniform(0.24, 0.38), rng.uniform(0.34, 0.46)
    hind = pen.disc(0, 0.16 + long * 0.75, fat, long)
    pen.paint(hind, coat)
    mark = vivid(rng) if rng.random() < 0.4 else lighter(coat, rng.uniform(0.2, 0.7))
    pattern = rng.integers(3)
    pen.within(hind, lambda p: _spider_marks(p.at(0, 0.16 + long * 0.75, size=long), mark, int(pattern)))
    pen.paint(pen.disc(0, -0.12, 0.19, 0.23), darker(coat, 0.15))
    for x, y, radius in ((-0.06, -0.27, 0.035), (0.06, -0.27, 0.035), (-0.12, -0.23, 0.022), (0.12, -0.23, 0.022)):
        pen.paint(pen.disc(x, y, radius), WHITE, outline=False)


def _spider_leg(pen: Pen, angle: float, reach: float, width: float, colour: Colour, banded: bool) -> None:
    """A leg to the right that rises to its knee and falls to its foot."""
    c, s = math.cos(angle), math.sin(angle)
    knee = (0.55 * reach * c + 0.06 * s, 0.55 * reach * s - 0.16 * c)
    foot = (reach * c, reach * s + 0.12 * math.copysign(1, s))
    pen.paint(pen.limb([(0.08 * c, 0.1 * s), knee, foot], [width, width * 0.9, width * 0.35]), colour)
    if banded:
        pen.paint(pen.disc(*knee, width * 0.55), lighter(colour, 0.55), outline=False)


def _spider_marks(pen: Pen, mark: Colour, pattern: int) -> None:
    """What the hind body shows: a cross, bars, or a leaf; one unit = its half length."""
    if pattern == 0:
        pen.paint(
            [*pen.limb([(0, -0.7), (0, 0.5)], [0.14]), *pen.limb([(-0.32, -0.3), (0.32, -0.3)], [0.13])],
            mark,
            outline=False,
        )
    elif pattern == 1:
        for y in (-0.45, -0.05, 0.35):
            pen.paint(pen.limb([(-0.8, y + 0.1), (0, y), (0.8, y + 0.1)], [0.16]), mark, outline=False)
    else:
        pen.paint(
            pen.blob([(0, -0.8), (0.35, -0.2), (0.12, 0.15), (0.2, 0.6), (-0.2, 0.6), (-0.12, 0.15), (-0.35, -0.2)]),
            mark,
            outline=False,
        )


def _web(pen: Pen, rng: Generator) -> None:
    """Threads from the middle outwards, and rings between them."""
    thread, spokes = jitter((222, 224, 228), rng, spread=20), int(rng.integers(9, 14))
    turns = [2 * math.pi * (i + rng.uniform(-0.2, 0.2)) / spokes for i in range(spokes)]
    for a in turns:
        pen.line([(0, 0), (1.9 * math.cos(a), 1.9 * math.sin(a))], thread, 0.008)
    for radius in (0.35, 0.62, 0.89, 1.16, 1.43):
        for a, b in zip(turns, [*turns[1:], turns[0] + 2 * math.pi], strict=True):
            sag = [
                (r * math.cos(t), r * math.sin(t)) for t, r in ((a, radius), ((a + b) / 2, radius * 0.91), (b, radius))
            ]
            pen.line([(x * radius / radius, y) for x, y in sag], thread, 0.008)


def draw_squirrel(pen: Pen, rng: Generator) -> None:
    """A squirrel: it sits up or runs, a great bushy tail behind it, tufted ears, a pale belly, often a nut."""
    coat = jitter(fur(rng, "chestnut", "chestnut", "ginger", "grey", "slate", "chocolate"), rng, spread=10)
    belly, brush = (
        lighter(coat, rng.uniform(0.45, 0.8)),
        mix(coat, fur(rng, "black", "chestnut", "cream"), rng.uniform(0, 0.35)),
    )
    runs = rng.random() < 0.3
    body = pen.at(0, 0, turn=rng.uniform(48, 66)) if runs else pen.at(0, 0, turn=rng.uniform(-6, 14))
    _brush(pen.at(-0.3, 0.3, turn=rng.uniform(-50, -25) if runs else rng.uniform(-14, 10)), brush, rng)
    body.paint(body.limb([(0.02, 0.3), (0.05, -0.35)], [0.62, 0.5, 0.36]), coat)
    body.paint(body.limb([(0.15, 0.25), (0.16, -0.2)], [0.3, 0.24]), belly, outline=False)
    pen.paint([pen.disc(-0.08, 0.36, 0.27, 0.23), *pen.limb([(0, 0.55), (0.34, 0.57)], [0.13])], coat)
    pen.paint(pen.limb([(0.12, 0.57), (0.36, 0.58)], [0.1]), darker(coat, 0.2), outline=False)
    nut = rng.random() < 0.6 and not runs
    for shade, lift in ((0.25, 0.0), (0.0, 0.05)):
        hand = (0.5, -0.12 + lift) if not runs else (0.36, -0.16 + lift * 4)
        body.paint(body.limb([(0.16, -0.2 + lift), (0.3, 0.02 + lift), hand], [0.14, 0.11, 0.08]), darker(coat, shade))
    if nut:
        body.paint(body.disc(0.52, -0.16, 0.09, 0.11), (150, 100, 52))
    _squirrel_head(
        body.at(0.12, -0.58, turn=(-50 if runs else 0) + rng.uniform(-14, 14), size=rng.uniform(0.23, 0.28)),
        coat,
        belly,
        rng,
    )


def _brush(pen: Pen, colour: Colour, rng: Generator) -> None:
    """The tail: up along the back and over in an S."""
    tall, over, thick = rng.uniform(0.85, 1.15), rng.uniform(-0.35, 0.35), rng.uniform(0.34, 0.5)
    line = [(0.1, 0.2), (-0.32, 0.05), (-0.42, -tall * 0.5), (-0.3, -tall), (-0.3 - over, -tall * 1.12)]
    pen.paint(pen.limb(line, [thick * 0.45, thick * 0.9, thick * 1.1, thick, thick * 0.35]), colour)
    inner = [(x * 0.98 + 0.02, y) for x, y in line[1:-1]]
    pen.paint(pen.limb(inner, [thick * 0.25, thick * 0.5, thick * 0.3]), lighter(colour, 0.22), outline=False)


def _squirrel_head(pen: Pen, coat: Colour, belly: Colour, rng: Generator) -> None:
    """A round head with a short snout and upright ears; one unit = its radius."""
    tuft = rng.uniform(0.7, 1.15)
    for x, shade in ((0.12, 0.25), (-0.38, 0.0)):
        pen.paint(
            pen.blob([(x - 0.26, -0.6), (x - 0.12, -0.9 - tuft * 0.5), (x, -0.85 - tuft * 0.8), (x + 0.2, -0.6)]),
            darker(coat, shade),
        )
    skull = [pen.disc(0, 0, 1.0, 0.92), *pen.limb([(0.3, 0.1), (0.95, 0.28)], [1.1, 0.55])]
    pen.paint(skull, coat)
    pen.within(skull, lambda p: p.paint(p.disc(0.55, 0.62, 0.65, 0.4), belly, outline=False))
    pen.paint(pen.disc(1.18, 0.16, 0.13), darker(PINK, 0.6), outline=False)
    pen.paint(pen.disc(0.4, -0.14, 0.22, 0.25), INK, outline=False)
    pen.paint(pen.disc(0.47, -0.22, 0.07), WHITE, outline=False)
