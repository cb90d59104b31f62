"""Breeds: the measures, coats and poses of the six species that share the four-legged body plan."""

from numpy.random import Generator

from animal_cls.data.sources.toy import coats
from animal_cls.data.sources.toy.head import Head
from animal_cls.data.sources.toy.palette import PINK, WHITE, darker, fur, jitter, lighter, mix
from animal_cls.data.sources.toy.pen import Pen
from animal_cls.data.sources.toy.quadruped import Build, Part, draw_quadruped


def draw_cat(pen: Pen, rng: Generator) -> None:
    """A cat: pointed ears, short muzzle, long thin tail, whiskers; often striped."""
    coat = fur(rng, "black", "grey", "ginger", "ginger", "cream", "white", "slate", "fawn", "chocolate")
    head = Head(
        coat=coat,
        face=lighter(coat, rng.uniform(0, 0.7)),
        nose=darker(PINK, rng.uniform(0, 0.7)),
        muzzle=rng.uniform(0.05, 0.4),
        muzzle_width=rng.uniform(0.8, 1.0),
        ear="pointed",
        ear_size=rng.uniform(0.6, 1.0),
        ear_spread=rng.uniform(-5, 30),
        whiskers=bool(rng.random() < 0.75),
        frontal=bool(rng.random() < 0.45),
    )
    tail = coats.plain_tail(
        coat,
        length=rng.uniform(0.65, 1.0),
        width=rng.uniform(0.07, 0.13),
        lift=rng.uniform(-0.4, 1.2),
        curl=rng.uniform(-1, 1),
    )
    _draw_pet(pen, rng, head, tail, leg=rng.uniform(0.4, 0.56), girth=rng.uniform(0.36, 0.46), striped=0.6)


def draw_dog(pen: Pen, rng: Generator) -> None:
    """A dog: floppy or pointed ears, mostly a longer muzzle and legs, any tail; sometimes patched."""
    coat = fur(rng, "black", "grey", "ginger", "fawn", "cream", "white", "chocolate", "chestnut", "fawn")
    pointed = bool(rng.random() < 0.4)
    head = Head(
        coat=coat,
        face=lighter(coat, rng.uniform(0, 0.7)),
        muzzle=rng.uniform(0.3, 1.0),
        muzzle_width=rng.uniform(0.7, 1.05),
        ear="pointed" if pointed else "floppy",
        ear_size=rng.uniform(0.65, 1.1) if pointed else rng.uniform(0.8, 1.5),
        ear_spread=rng.uniform(-5, 30),
        ear_colour=darker(coat, rng.uniform(0, 0.4)),
        frontal=bool(rng.random() < 0.35),
    )
    tail = coats.plain_tail(
        coat,
        length=rng.uniform(0.35, 0.75),
        width=rng.uniform(0.09, 0.18),
        lift=rng.uniform(-0.3, 1.2),
        curl=rng.uniform(0, 1),
    )
    _draw_pet(pen, rng, head, tail, leg=rng.uniform(0.42, 0.66), girth=rng.uniform(0.36, 0.5), striped=0.05)


def _draw_pet(pen: Pen, rng: Generator, head: Head, tail: Part, *, leg: float, girth: float, striped: float) -> None:
    """A cat or a dog, standing or sitting."""
    sits = bool(rng.random() < 0.35)
    mark = jitter(fur(rng, "black", "chocolate", "white", "chestnut", "grey"), rng, spread=12)
    stripes, patches = rng.random() < striped, rng.random() < 0.35
    marks = coats.stripes(darker(head.coat, 0.45), rng) if stripes else coats.patches(mark, rng, 3) if patches else None
    build = Build(
        girth=girth,
        leg=leg + (0.1 if sits else 0),
        leg_width=rng.uniform(0.1, 0.14),
        neck=rng.uniform(0.2, 0.34),
        neck_angle=rng.uniform(65, 90) if sits else rng.uniform(25, 70),
        neck_width=rng.uniform(0.2, 0.28),
        head=rng.uniform(0.21, 0.27),
        coat=head.coat,
        feet=lighter(head.coat, rng.uniform(0, 0.8)),
        draw_head=head.draw,
        draw_tail=tail,
        draw_marks=marks,
        pitch=rng.uniform(45, 60) if sits else rng.uniform(-3, 8),
        head_tilt=rng.uniform(-15, 15),
    )
    draw_quadruped(pen, build, rng)


def draw_cow(pen: Pen, rng: Generator) -> None:
    """A cow: a heavy box on short legs, patches, small horns, leaf ears, a pink muzzle, an udder, a tasselled tail."""
    coat = fur(rng, "white", "white", "cream", "chestnut", "chocolate", "black", "fawn")
    mark = fur(rng, "black", "black", "chocolate", "chestnut") if sum(coat) > 420 else WHITE
    patched = bool(rng.random() < 0.75)
    head = Head(
        coat=mark if patched and rng.random() < 0.5 else coat,
        face=jitter(PINK, rng, spread=25),
        nose=darker(PINK, 0.5),
        muzzle=rng.uniform(0.55, 0.9),
        muzzle_width=rng.uniform(1.0, 1.25),
        ear="leaf",
        ear_size=rng.uniform(0.7, 1.0),
        ear_spread=rng.uniform(40, 80),
        horns=rng.uniform(0.5, 1.1) * (rng.random() < 0.75),
        blaze=WHITE if rng.random() < 0.4 else None,
        frontal=bool(rng.random() < 0.3),
    )
    build = Build(
        girth=rng.uniform(0.5, 0.6),
        leg=rng.uniform(0.5, 0.62),
        leg_width=rng.uniform(0.1, 0.13),
        neck=rng.uniform(0.26, 0.4),
        neck_angle=_grazing(rng, rng.uniform(5, 45)),
        neck_width=rng.uniform(0.26, 0.34),
        head=rng.uniform(0.15, 0.19),
        coat=coat,
        feet=darker(coat, 0.7),
        draw_head=head.draw,
        draw_tail=coats.tassel_tail(coat, rng, 0.6),
        draw_marks=coats.patches(mark, rng, int(rng.integers(3, 6))) if patched else None,
        draw_over=coats.udder(rng),
        head_tilt=rng.uniform(0, 25),
    )
    draw_quadruped(pen, build, rng)


def draw_horse(pen: Pen, rng: Generator) -> None:
    """A horse: long legs, a long arched neck with a mane, a long head, a tail of long hair."""
    coat = fur(rng, "chestnut", "chestnut", "chocolate", "black", "grey", "white", "fawn", "ginger")
    hair = darker(coat, rng.uniform(0.3, 0.8)) if rng.random() < 0.7 else lighter(coat, 0.6)
    head = Head(
        coat=coat,
        face=darker(coat, rng.uniform(0, 0.4)),
        nose=darker(coat, 0.6),
        muzzle=rng.uniform(1.3, 1.8),
        muzzle_width=rng.uniform(0.8, 1.0),
        ear="leaf",
        ear_size=rng.uniform(0.6, 0.9),
        ear_spread=rng.uniform(0, 20),
        blaze=WHITE if rng.random() < 0.35 else None,
    )
    angle, length = _grazing(rng, rng.uniform(35, 65)), rng.uniform(0.5, 0.64)
    build = Build(
        girth=rng.uniform(0.38, 0.46),
        leg=rng.uniform(0.66, 0.8),
        leg_width=rng.uniform(0.08, 0.105),
        neck=length,
        neck_angle=angle,
        neck_width=rng.uniform(0.2, 0.25),
        head=rng.uniform(0.13, 0.155),
        coat=coat,
        feet=darker(coat, 0.65),
        draw_head=head.draw,
        draw_tail=coats.hair_tail(hair, rng),
        draw_over=coats.mane(hair, angle, length),
        draw_marks=coats.patches(WHITE, rng, 3) if rng.random() < 0.15 else None,
        pitch=rng.uniform(-4, 10),
        head_tilt=rng.uniform(5, 40),
    )
    draw_quadruped(pen, build, rng)


def draw_sheep(pen: Pen, rng: Generator) -> None:
    """A sheep: a cloud of wool on thin legs, a small dark or pale face, hanging ears."""
    wool = fur(rng, "white", "white", "cream", "cream", "grey", "fawn", "chocolate")
    face = fur(rng, "black", "chocolate", "slate") if rng.random() < 0.6 else lighter(wool, 0.2)
    head = Head(
        coat=face,
        face=lighter(face, rng.uniform(0, 0.2)),
        nose=darker(PINK, 0.5),
        muzzle=rng.uniform(0.45, 0.8),
        muzzle_width=rng.uniform(0.8, 1.0),
        ear="leaf",
        ear_size=rng.uniform(0.6, 1.0),
        ear_spread=rng.uniform(70, 120),
        frontal=bool(rng.random() < 0.35),
    )
    build = Build(
        girth=rng.uniform(0.58, 0.72),
        leg=rng.uniform(0.5, 0.6),
        leg_width=rng.uniform(0.075, 0.1),
        neck=rng.uniform(0.2, 0.32),
        neck_angle=_grazing(rng, rng.uniform(10, 50)),
        neck_width=rng.uniform(0.22, 0.28),
        head=rng.uniform(0.14, 0.18),
        coat=wool,
        feet=darker(face, 0.4),
        draw_head=coats.with_fringe(head, wool),
        draw_tail=coats.stub_tail(wool),
        draw_over=coats.wool(wool, rng),
        woolly=True,
        head_tilt=rng.uniform(0, 25),
    )
    draw_quadruped(pen, build, rng)


def draw_elephant(pen: Pen, rng: Generator) -> None:
    """An elephant: a grey bulk on pillar legs, sail ears, a trunk, mostly tusks."""
    coat = jitter(mix((128, 128, 134), (146, 120, 100), rng.random()), rng, spread=26)
    head = Head(
        coat=coat,
        face=coat,
        muzzle=rng.uniform(0.1, 0.3),
        muzzle_width=1.1,
        ear="sail",
        ear_size=rng.uniform(0.75, 1.15),
        trunk_curl=rng.uniform(-0.6, 1.2),
        tusks=bool(rng.random() < 0.6),
        frontal=bool(rng.random() < 0.25),
    )
    build = Build(
        girth=rng.uniform(0.64, 0.76),
        leg=rng.uniform(0.6, 0.7),
        leg_width=rng.uniform(0.19, 0.24),
        neck=rng.uniform(0.16, 0.26),
        neck_angle=rng.uniform(10, 45),
        neck_width=rng.uniform(0.36, 0.44),
        head=rng.uniform(0.24, 0.29),
        coat=coat,
        feet=lighter(coat, 0.25),
        draw_head=head.draw,
        draw_tail=coats.tassel_tail(coat, rng, 0.5),
        pitch=rng.uniform(-2, 5),
        head_tilt=rng.uniform(-8, 8),
    )
    draw_quadruped(pen, build, rng)


def _grazing(rng: Generator, neck_angle: float) -> float:
    """The angle of the neck, one time in four bent down to the grass."""
    return rng.uniform(-45, -20) if rng.random() < 0.25 else neck_angle
