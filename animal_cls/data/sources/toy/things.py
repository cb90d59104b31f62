"""Things that stand behind and before the animals to draw the eye away: trees, fences, stones, balls, grass."""

import math

from numpy.random import Generator

from animal_cls.data.sources.toy.palette import WHITE, darker, fur, jitter, lighter, mix, vivid
from animal_cls.data.sources.toy.pen import Pen
from animal_cls.data.sources.toy.scenery import GREENS


def far_things(pen: Pen, span: tuple[float, float], rng: Generator, number: int) -> None:
    """Trees, stones, clouds, fences, balls and blobs; `span` = (width, height) of the image in the pen's measure."""
    draw = (_tree, _bush, _stone, _cloud, _fence, _ball, _blob, _post, _stool)
    for _ in range(number):
        x, y = rng.uniform(0, span[0]), rng.uniform(0.1, 0.95) * span[1]
        draw[rng.integers(len(draw))](pen.at(x, y, size=rng.uniform(0.1, 0.3), turn=rng.uniform(-6, 6)), rng)


def near_things(pen: Pen, span: tuple[float, float], rng: Generator) -> None:
    """What hides a part of the animal: grass, leaves, a rail, a trunk, or a stone, at the edge of the image."""
    width, height = span
    match rng.integers(5):
        case 0:
            _grass(pen.at(0, height), width, rng)
        case 1:
            left = rng.random() < 0.5
            _branch(pen.at(-0.02 if left else width + 0.02, rng.uniform(0, 0.5) * height, flat=1 if left else -1), rng)
        case 2:
            y, wood = height * rng.uniform(0.6, 0.92), fur(rng, "chocolate", "fawn", "grey")
            pen.paint(pen.limb([(-0.1, y), (width + 0.1, y + rng.uniform(-0.08, 0.08))], [0.05]), wood)
        case 3:
            x = rng.choice([rng.uniform(0, 0.15), width - rng.uniform(0, 0.15)])
            pen.paint(
                pen.limb([(x, -0.1), (x + rng.uniform(-0.08, 0.08), height + 0.1)], [0.08, 0.12]),
                fur(rng, "chocolate", "grey"),
            )
        case _:
            _stone(pen.at(rng.uniform(0, width), height, size=rng.uniform(0.15, 0.3)), rng)


def _tree(pen: Pen, rng: Generator) -> None:
    pen.paint(pen.limb([(0, -0.2), (0, 1.1)], [0.22, 0.3]), fur(rng, "chocolate", "grey"))
    green = jitter(GREENS[rng.integers(len(GREENS))], rng, spread=20)
    pen.paint(
        [pen.disc(rng.uniform(-0.4, 0.4), rng.uniform(-0.9, -0.2), rng.uniform(0.4, 0.65)) for _ in range(4)], green
    )


def _bush(pen: Pen, rng: Generator) -> None:
    green = jitter(GREENS[rng.integers(len(GREENS))], rng, spread=20)
    pen.paint(
        [pen.disc(rng.uniform(-0.7, 0.7), rng.uniform(-0.3, 0.2), rng.uniform(0.3, 0.5)) for _ in range(5)], green
    )
    for _ in range(int(rng.integers(0, 5))):
        pen.paint(pen.disc(rng.uniform(-0.7, 0.7), rng.uniform(-0.4, 0.3), 0.09), vivid(rng), outline=False)


def _stone(pen: Pen, rng: Generator) -> None:
    rim = [
        (rng.uniform(0.75, 1.1) * math.cos(i * 0.9), 0.65 * rng.uniform(0.75, 1.1) * math.sin(i * 0.9))
        for i in range(7)
    ]
    tone = fur(rng, "grey", "slate", "fawn", "white")
    pen.paint(pen.blob(rim), tone)
    pen.paint(pen.disc(-0.25, -0.22, 0.35, 0.16, turn=-15), lighter(tone, 0.25), outline=False)


def _cloud(pen: Pen, rng: Generator) -> None:
    tone = mix(WHITE, (170, 176, 188), rng.random())
    pen.paint(
        [pen.disc(0.4 * i - 0.8, rng.uniform(-0.15, 0.15), rng.uniform(0.25, 0.45)) for i in range(5)],
        tone,
        outline=False,
    )


def _fence(pen: Pen, rng: Generator) -> None:
    wood = fur(rng, "white", "fawn", "chocolate", "grey")
    for y in (-0.25, 0.25):
        pen.paint(pen.limb([(-1.5, y), (1.5, y)], [0.14]), wood)
    for i in range(4):
        pen.paint(pen.limb([(-1.35 + 0.9 * i, -0.6), (-1.35 + 0.9 * i, 0.65)], [0.18]), wood)


def _ball(pen: Pen, rng: Generator) -> None:
    tone = vivid(rng)
    pen.paint(pen.disc(0, 0, 0.5), tone)
    pen.paint(pen.disc(-0.15, -0.18, 0.14), lighter(tone, 0.6), outline=False)


def _blob(pen: Pen, rng: Generator) -> None:
    rim = [(rng.uniform(0.4, 1.1) * math.cos(i * 0.785), rng.uniform(0.4, 1.1) * math.sin(i * 0.785)) for i in range(8)]
    pen.paint(pen.blob(rim), fur(rng, "black", "chestnut", "ginger", "cream", "white", "grey", "chocolate"))


def _post(pen: Pen, rng: Generator) -> None:
    bend = rng.uniform(-0.4, 0.4)
    pen.paint(
        pen.limb([(0, 1.2), (bend * 0.6, 0.1), (bend, -1.2)], [0.22, 0.16]),
        fur(rng, "chocolate", "grey", "black", "fawn"),
    )


def _stool(pen: Pen, rng: Generator) -> None:
    tone = jitter(fur(rng, "chestnut", "white", "black", "fawn"), rng, spread=15)
    for x in (-0.5, 0.5):
        pen.paint(pen.limb([(x, -0.1), (x * 1.2, 0.9)], [0.14]), darker(tone, 0.15))
    pen.paint(pen.limb([(-0.7, -0.15), (0.7, -0.15)], [0.26]), tone)


def _grass(pen: Pen, width: float, rng: Generator) -> None:
    green = GREENS[rng.integers(len(GREENS))]
    for _ in range(int(rng.integers(12, 30))):
        x, tall, lean = rng.uniform(0, width), rng.uniform(0.08, 0.3), rng.uniform(-0.1, 0.1)
        blade = pen.limb([(x, 0.02), (x + lean * 0.3, -tall * 0.6), (x + lean, -tall)], [0.03, 0.02, 0.004])
        pen.paint(blade, jitter(green, rng, spread=22), outline=False)


def _branch(pen: Pen, rng: Generator) -> None:
    reach, sink, green = rng.uniform(0.25, 0.5), rng.uniform(-0.1, 0.2), GREENS[rng.integers(len(GREENS))]
    pen.paint(pen.limb([(0, 0), (reach * 0.5, sink * 0.3), (reach, sink)], [0.03, 0.012]), (92, 70, 50))
    for i in range(7):
        share = (i + 0.5) / 7
        leaf = pen.disc(
            share * reach, share * sink + (0.05 if i % 2 else -0.05), 0.065, 0.03, turn=40 if i % 2 else -40
        )
        pen.paint(leaf, jitter(green, rng, spread=22))
