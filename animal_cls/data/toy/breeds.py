"""Breeds: the measures, coats and poses of the six species that share the four-legged body plan."""

import math

from numpy.random import Generator

from animal_cls.data.toy.head import Head
from animal_cls.data.toy.palette import PINK, WHITE, Colour, darker, fur, jitter, lighter, mix
from animal_cls.data.toy.pen import Pen
from animal_cls.data.toy.quadruped import Build, Part, draw_quadruped


def draw_cat(pen: Pen, rng: Generator) -> None:
    """A cat: pointed ears, short muzzle, long thin tail, whiskers; often striped."""
    coat = fur(rng, "black", "grey", "ginger", "ginger", "cream", "white", "slate", "fawn", "chocolate")
    head = Head(
        coat=coat, face=lighter(coat, rng.uniform(0, 0.7)), nose=darker(PINK, rng.uniform(0, 0.7)),
        muzzle=rng.uniform(0.05, 0.4), muzzle_width=rng.uniform(0.8, 1.0), ear="pointed", ear_size=rng.uniform(0.6, 1.0),
        ear_spread=rng.uniform(-5, 30), whiskers=bool(rng.random() < 0.75), frontal=bool(rng.random() < 0.45),
    )  # fmt: skip
    tail = _plain_tail(coat, length=rng.uniform(0.65, 1.0), width=rng.uniform(0.07, 0.13), lift=rng.uniform(-0.4, 1.2), curl=rng.uniform(-1, 1))
    _draw_pet(pen, rng, head, tail, leg=rng.uniform(0.4, 0.56), girth=rng.uniform(0.36, 0.46), striped=0.6)


def draw_dog(pen: Pen, rng: Generator) -> None:
    """A dog: floppy or pointed ears, mostly a longer muzzle and legs, any tail; sometimes patched."""
    coat = fur(rng, "black", "grey", "ginger", "fawn", "cream", "white", "chocolate", "chestnut", "fawn")
    pointed = bool(rng.random() < 0.4)
    head = Head(
        coat=coat, face=lighter(coat, rng.uniform(0, 0.7)),
        muzzle=rng.uniform(0.3, 1.0), muzzle_width=rng.uniform(0.7, 1.05), ear="pointed" if pointed else "floppy",
        ear_size=rng.uniform(0.65, 1.1) if pointed else rng.uniform(0.8, 1.5), ear_spread=rng.uniform(-5, 30),
        ear_colour=darker(coat, rng.uniform(0, 0.4)), frontal=bool(rng.random() < 0.35),
    )  # fmt: skip
    tail = _plain_tail(coat, length=rng.uniform(0.35, 0.75), width=rng.uniform(0.09, 0.18), lift=rng.uniform(-0.3, 1.2), curl=rng.uniform(0, 1))
    _draw_pet(pen, rng, head, tail, leg=rng.uniform(0.42, 0.66), girth=rng.uniform(0.36, 0.5), striped=0.05)


def _draw_pet(pen: Pen, rng: Generator, head: Head, tail: Part, *, leg: float, girth: float, striped: float) -> None:
    """A cat or a dog, standing or sitting."""
    sits = bool(rng.random() < 0.35)
    mark = jitter(fur(rng, "black", "chocolate", "white", "chestnut", "grey"), rng, spread=12)
    stripes, patches = rng.random() < striped, rng.random() < 0.35
    marks = _stripes(darker(head.coat, 0.45), rng) if stripes else _patches(mark, rng, 3) if patches else None
    build = Build(
        girth=girth, leg=leg + (0.1 if sits else 0), leg_width=rng.uniform(0.1, 0.14), neck=rng.uniform(0.2, 0.34),
        neck_angle=rng.uniform(65, 90) if sits else rng.uniform(25, 70), neck_width=rng.uniform(0.2, 0.28),
        head=rng.uniform(0.21, 0.27), coat=head.coat, feet=lighter(head.coat, rng.uniform(0, 0.8)), draw_head=head.draw,
        draw_tail=tail, draw_marks=marks, pitch=rng.uniform(45, 60) if sits else rng.uniform(-3, 8), head_tilt=rng.uniform(-15, 15),
    )  # fmt: skip
    draw_quadruped(pen, build, rng)


def draw_cow(pen: Pen, rng: Generator) -> None:
    """A cow: a heavy box on short legs, patches, small horns, leaf ears, a pink muzzle, an udder, a tasselled tail."""
    coat = fur(rng, "white", "white", "cream", "chestnut", "chocolate", "black", "fawn")
    mark = fur(rng, "black", "black", "chocolate", "chestnut") if sum(coat) > 420 else WHITE
    patched = bool(rng.random() < 0.75)
    head = Head(
        coat=mark if patched and rng.random() < 0.5 else coat, face=jitter(PINK, rng, spread=25), nose=darker(PINK, 0.5),
        muzzle=rng.uniform(0.55, 0.9), muzzle_width=rng.uniform(1.0, 1.25), ear="leaf", ear_size=rng.uniform(0.7, 1.0),
        ear_spread=rng.uniform(40, 80), horns=rng.uniform(0.5, 1.1) * (rng.random() < 0.75),
        blaze=WHITE if rng.random() < 0.4 else None, frontal=bool(rng.random() < 0.3),
    )  # fmt: skip
    build = Build(
        girth=rng.uniform(0.5, 0.6), leg=rng.uniform(0.5, 0.62), leg_width=rng.uniform(0.1, 0.13), neck=rng.uniform(0.26, 0.4),
        neck_angle=_grazing(rng, rng.uniform(5, 45)), neck_width=rng.uniform(0.26, 0.34), head=rng.uniform(0.15, 0.19), coat=coat,
        feet=darker(coat, 0.7), draw_head=head.draw, draw_tail=_tassel_tail(coat, rng, 0.6),
        draw_marks=_patches(mark, rng, int(rng.integers(3, 6))) if patched else None,
        draw_over=_udder(rng), head_tilt=rng.uniform(0, 25),
    )  # fmt: skip
    draw_quadruped(pen, build, rng)


def draw_horse(pen: Pen, rng: Generator) -> None:
    """A horse: long legs, a long arched neck with a mane, a long head, a tail of long hair."""
    coat = fur(rng, "chestnut", "chestnut", "chocolate", "black", "grey", "white", "fawn", "ginger")
    hair = darker(coat, rng.uniform(0.3, 0.8)) if rng.random() < 0.7 else lighter(coat, 0.6)
    head = Head(
        coat=coat, face=darker(coat, rng.uniform(0, 0.4)), nose=darker(coat, 0.6), muzzle=rng.uniform(1.3, 1.8), muzzle_width=rng.uniform(0.8, 1.0),
        ear="leaf", ear_size=rng.uniform(0.6, 0.9), ear_spread=rng.uniform(0, 20), blaze=WHITE if rng.random() < 0.35 else None,
    )  # fmt: skip
    angle, length = _grazing(rng, rng.uniform(35, 65)), rng.uniform(0.5, 0.64)
    build = Build(
        girth=rng.uniform(0.38, 0.46), leg=rng.uniform(0.66, 0.8), leg_width=rng.uniform(0.08, 0.105), neck=length, neck_angle=angle,
        neck_width=rng.uniform(0.2, 0.25), head=rng.uniform(0.13, 0.155), coat=coat, feet=darker(coat, 0.65), draw_head=head.draw,
        draw_tail=_hair_tail(hair, rng), draw_over=_mane(hair, angle, length),
        draw_marks=_patches(WHITE, rng, 3) if rng.random() < 0.15 else None, pitch=rng.uniform(-4, 10), head_tilt=rng.uniform(5, 40),
    )  # fmt: skip
    draw_quadruped(pen, build, rng)


def draw_sheep(pen: Pen, rng: Generator) -> None:
    """A sheep: a cloud of wool on thin legs, a small dark or pale face, hanging ears."""
    wool = fur(rng, "white", "white", "cream", "cream", "grey", "fawn", "chocolate")
    face = fur(rng, "black", "chocolate", "slate") if rng.random() < 0.6 else lighter(wool, 0.2)
    head = Head(
        coat=face, face=lighter(face, rng.uniform(0, 0.2)), nose=darker(PINK, 0.5), muzzle=rng.uniform(0.45, 0.8), muzzle_width=rng.uniform(0.8, 1.0),
        ear="leaf", ear_size=rng.uniform(0.6, 1.0), ear_spread=rng.uniform(70, 120), frontal=bool(rng.random() < 0.35),
    )  # fmt: skip
    build = Build(
        girth=rng.uniform(0.58, 0.72), leg=rng.uniform(0.5, 0.6), leg_width=rng.uniform(0.075, 0.1), neck=rng.uniform(0.2, 0.32),
        neck_angle=_grazing(rng, rng.uniform(10, 50)), neck_width=rng.uniform(0.22, 0.28), head=rng.uniform(0.14, 0.18), coat=wool,
        feet=darker(face, 0.4), draw_head=_with_fringe(head, wool), draw_tail=_stub_tail(wool), draw_over=_wool(wool, rng), woolly=True,
        head_tilt=rng.uniform(0, 25),
    )  # fmt: skip
    draw_quadruped(pen, build, rng)


def draw_elephant(pen: Pen, rng: Generator) -> None:
    """An elephant: a grey bulk on pillar legs, sail ears, a trunk, mostly tusks."""
    coat = jitter(mix((128, 128, 134), (146, 120, 100), rng.random()), rng, spread=26)
    head = Head(
        coat=coat, face=coat, muzzle=rng.uniform(0.1, 0.3), muzzle_width=1.1, ear="sail", ear_size=rng.uniform(0.75, 1.15),
        trunk_curl=rng.uniform(-0.6, 1.2), tusks=bool(rng.random() < 0.6), frontal=bool(rng.random() < 0.25),
    )  # fmt: skip
    build = Build(
        girth=rng.uniform(0.64, 0.76), leg=rng.uniform(0.6, 0.7), leg_width=rng.uniform(0.19, 0.24), neck=rng.uniform(0.16, 0.26),
        neck_angle=rng.uniform(10, 45), neck_width=rng.uniform(0.36, 0.44), head=rng.uniform(0.24, 0.29), coat=coat,
        feet=lighter(coat, 0.25), draw_head=head.draw, draw_tail=_tassel_tail(coat, rng, 0.5), pitch=rng.uniform(-2, 5),
        head_tilt=rng.uniform(-8, 8),
    )  # fmt: skip
    draw_quadruped(pen, build, rng)


def _grazing(rng: Generator, neck_angle: float) -> float:
    """The angle of the neck, one time in four bent down to the grass."""
    return rng.uniform(-45, -20) if rng.random() < 0.25 else neck_angle


def _plain_tail(coat: Colour, *, length: float, width: float, lift: float, curl: float) -> Part:
    """A tail of even thickness that leaves the body at `lift` radians above the horizontal and bends by `curl` radians."""
    points, turn, x, y = [(0.05, 0.02)], lift, 0.0, 0.0
    for _ in range(4):
        x, y = x - length / 4 * math.cos(turn), y - length / 4 * math.sin(turn)
        points.append((x, y))
        turn += curl * 0.7
    return lambda pen: pen.paint(pen.limb(points, [width, width, width * 0.7]), coat)


def _tassel_tail(coat: Colour, rng: Generator, length: float) -> Part:
    """A rope that hangs down and ends in a tuft."""
    swing = rng.uniform(-0.15, 0.2)

    def draw(pen: Pen) -> None:
        pen.paint(pen.limb([(0.04, 0), (-0.1, length * 0.4), (-0.08 - swing, length)], [0.06, 0.045]), coat)
        pen.paint(pen.disc(-0.08 - swing, length, 0.05, 0.09, turn=swing * 60), darker(coat, 0.6))

    return draw


def _hair_tail(hair: Colour, rng: Generator) -> Part:
    """A sheaf of long hair, hanging or streaming."""
    back, down = rng.uniform(0.12, 0.4), rng.uniform(0.45, 0.7)
    line = [(0.06, 0), (-back * 0.7, down * 0.2), (-back, down * 0.6), (-back * 1.05, down)]
    return lambda pen: pen.paint(pen.limb(line, [0.07, 0.17, 0.16, 0.04]), hair)


def _stub_tail(wool: Colour) -> Part:
    """A small tuft."""
    return lambda pen: pen.paint(pen.disc(-0.05, 0.08, 0.09, 0.13, turn=20), wool)


def _stripes(mark: Colour, rng: Generator) -> Part:
    """Tabby stripes across the back."""
    places, lean = [(-0.4 + 0.14 * i + rng.uniform(-0.03, 0.03)) for i in range(6)], rng.uniform(-0.12, 0.12)

    def draw(pen: Pen) -> None:
        for x in places:
            pen.paint(pen.limb([(x, -0.3), (x + lean, -0.02), (x + lean / 2, 0.12)], [0.07, 0.05, 0.015]), mark, outline=False)

    return draw


def _patches(mark: Colour, rng: Generator, number: int) -> Part:
    """Large irregular patches."""
    spots = [(rng.uniform(-0.5, 0.5), rng.uniform(-0.25, 0.2), rng.uniform(0.09, 0.22), rng.uniform(0.7, 1.3, size=7)) for _ in range(number)]

    def draw(pen: Pen) -> None:
        for x, y, radius, wobble in spots:
            rim = [(x + radius * w * math.cos(i * 0.9), y + radius * w * math.sin(i * 0.9)) for i, w in enumerate(wobble)]
            pen.paint(pen.blob(rim), mark, outline=False)

    return draw


def _udder(rng: Generator) -> Part:
    """A pink udder before the hind legs, mostly."""
    shown = rng.random() < 0.7
    return lambda pen: pen.paint(pen.disc(-0.2, 0.3, 0.1, 0.07), PINK) if shown else None


def _mane(hair: Colour, neck_angle: float, length: float) -> Part:
    """Hair along the crest of the neck."""
    a = math.radians(neck_angle)
    tip = (0.38 + length * math.cos(a), -0.1 - length * math.sin(a))
    across = (-0.09 * math.sin(a), -0.09 * math.cos(a))
    line = [(0.26 + across[0], -0.12 + across[1]), ((0.3 + tip[0]) / 2 + across[0] * 1.5, (-0.12 + tip[1]) / 2 + across[1] * 1.5), (tip[0] + across[0], tip[1] + across[1])]
    return lambda pen: pen.paint(pen.limb(line, [0.05, 0.15, 0.1]), hair)


def _with_fringe(head: Head, wool: Colour) -> Part:
    """The head with a tuft of wool on the forehead."""

    def draw(pen: Pen) -> None:
        head.draw(pen)
        middle = 0.0 if head.frontal else -0.3
        pen.paint([pen.disc(middle + x, -0.78 + abs(x) * 0.25, 0.38) for x in (-0.45, 0.0, 0.45)], wool)

    return draw


def _wool(wool: Colour, rng: Generator) -> Part:
    """Curls on the fleece."""
    curls = [(rng.uniform(-0.42, 0.42), rng.uniform(-0.24, 0.24)) for _ in range(9)]

    def draw(pen: Pen) -> None:
        for x, y in curls:
            pen.line([(x - 0.07, y), (x - 0.03, y + 0.06), (x + 0.04, y + 0.05), (x + 0.06, y - 0.01)], darker(wool, 0.25), 0.018)

    return draw
