"""Heads of four-legged animals: skull, muzzle, ears, horns, eyes, seen from the side or from the front."""

import math
from dataclasses import dataclass
from typing import Literal

from animal_cls.data.sources.toy.palette import INK, PINK, WHITE, Colour, darker, lighter
from animal_cls.data.sources.toy.pen import Pen


@dataclass(frozen=True, kw_only=True)
class Head:
    """The measures of a head; lengths in units of the skull's radius."""

    coat: Colour
    face: Colour  # of the muzzle
    nose: Colour = INK
    muzzle: float  # how far it sticks out
    muzzle_width: float = 0.9
    ear: Literal["pointed", "floppy", "leaf", "round", "sail"]
    ear_size: float  # length
    ear_spread: float = 0.0  # degrees by which the ears lean outwards or back
    ear_colour: Colour | None = None  # that of the coat unless told
    horns: float = 0.0  # length
    whiskers: bool = False
    blaze: Colour | None = None  # a stripe from the forehead to the nose
    trunk_curl: float | None = None  # an elephant's trunk: where its tip swings, -1 (back) to 1 (up in front)
    tusks: bool = False
    frontal: bool = False  # looks at us

    def draw(self, pen: Pen) -> None:
        """The head around the pen's origin; from the side it looks right."""
        (_frontal if self.frontal else _profile)(pen, self)


def _profile(pen: Pen, head: Head) -> None:
    """The head from the side: the far ear lies behind the skull, the near one before it."""
    back = -0.25 if head.ear in ("floppy", "sail") else -0.1
    if head.ear != "sail":
        _ear(pen.at(back + 0.35, -0.72, turn=head.ear_spread * 0.4), head, shade=0.25)
    _horn(pen.at(0.12, -0.8, turn=14), head)
    tip = (0.55 + head.muzzle, 0.38)
    skull = [pen.disc(0, 0, 1.0), *pen.limb([(0.25, 0.15), tip], [1.5, head.muzzle_width])]
    pen.paint(skull, head.coat)
    if head.blaze:
        pen.within(
            skull,
            lambda p: p.paint(
                p.limb([(0.5, -0.9), (tip[0] + 0.2, -0.05)], [0.35, 0.5]), head.blaze or INK, outline=False
            ),
        )
    pen.within(
        skull, lambda p: p.paint(p.disc(tip[0] + 0.12, tip[1], 0.62 * head.muzzle_width), head.face, outline=False)
    )
    _snout(pen, head, tip)
    _eye(pen.at(0.42, -0.2))
    _ear(pen.at(back - 0.2, -0.7 if head.ear != "sail" else -0.1, turn=-head.ear_spread), head, shade=0)


def _snout(pen: Pen, head: Head, tip: tuple[float, float]) -> None:
    """What the muzzle carries in profile: a trunk and tusks, or nose, mouth and whiskers."""
    x, y = tip
    if head.trunk_curl is not None:
        _trunk(pen.at(x - 0.15, y), head, head.trunk_curl)
        return
    half = head.muzzle_width / 2
    pen.paint(pen.disc(x + half * 0.72, y - half * 0.45, 0.2, 0.16), head.nose, outline=False)
    pen.line([(x + half * 0.75, y + half * 0.3), (x - 0.1, y + half * 0.5)], darker(head.coat, 0.6), 0.08)
    if head.whiskers:
        _whiskers(pen, x + 0.1, y + 0.05, 1)


def _frontal(pen: Pen, head: Head) -> None:
    """The head from the front: everything twice, left and right."""
    for side in (-1, 1):
        mirrored = pen.at(0, 0, flat=side)
        _horn(mirrored.at(0.5, -0.75, turn=24), head)
        _ear(_frontal_ear(mirrored, head), head, shade=0.05)
    long = 0.35 + 0.35 * head.muzzle
    skull = [pen.disc(0, 0, 1.08, 1.0), pen.disc(0, long, 0.55 + 0.35 * head.muzzle_width, 0.62)]
    pen.paint(skull, head.coat)
    if head.blaze:
        pen.within(
            skull, lambda p: p.paint(p.limb([(0, -1.1), (0, long)], [0.3, 0.5]), head.blaze or INK, outline=False)
        )
    pen.paint(pen.disc(0, long + 0.12, 0.62 * head.muzzle_width, 0.42), head.face, outline=False)
    for side in (-1, 1):
        _eye(pen.at(0.45 * side, -0.12))
    if head.trunk_curl is not None:
        _trunk(pen.at(0, long), head, head.trunk_curl * 0.3)
        return
    pen.paint(pen.disc(0, long - 0.08, 0.22, 0.16), head.nose, outline=False)
    for side in (-1, 1):
        pen.line(
            [(0, long + 0.08), (0.14 * side, long + 0.3), (0.34 * side, long + 0.22)], darker(head.coat, 0.6), 0.08
        )
        if head.whiskers:
            _whiskers(pen, 0.3 * side, long + 0.1, side)


def _frontal_ear(pen: Pen, head: Head) -> Pen:
    """The pen at the root of the right ear."""
    match head.ear:
        case "pointed":
            return pen.at(0.62, -0.66, turn=18 + head.ear_spread * 0.5)
        case "leaf":
            return pen.at(0.88, -0.45, turn=70 + head.ear_spread * 0.5)
        case "sail":
            return pen.at(0.75, -0.1, flat=-1)
        case _:
            return pen.at(0.8, -0.55, flat=-1)


def _ear(pen: Pen, head: Head, *, shade: float) -> None:
    """One ear, its root at the pen's origin: pointing up, or hanging to the left."""
    size, colour = head.ear_size, darker(head.ear_colour or head.coat, shade)
    match head.ear:
        case "pointed":
            pen.paint(pen.angular([(-0.48, 0.3), (-0.08, -size), (0.1, -size), (0.48, 0.3)]), colour)
            pen.paint(
                pen.angular([(-0.22, 0.15), (0.0, -size * 0.7), (0.24, 0.15)]), darker(PINK, shade), outline=False
            )
        case "leaf":
            pen.paint(
                pen.blob([(-0.16, 0.1), (-0.28, -size * 0.5), (0.0, -size), (0.28, -size * 0.5), (0.16, 0.1)]), colour
            )
            pen.paint(pen.disc(0, -size * 0.5, 0.13, size * 0.3), darker(PINK, 0.15 + shade), outline=False)
        case "floppy":
            hang = [(0.15, -0.15), (-0.35, -0.1), (-0.5, size * 0.6), (-0.3, size), (-0.02, size * 0.75)]
            pen.paint(pen.blob(hang), darker(colour, 0.12))
        case "round":
            pen.paint(pen.disc(0, -size * 0.4, size * 0.62), colour)
            pen.paint(pen.disc(0, -size * 0.35, size * 0.36), darker(PINK, shade), outline=False)
        case "sail":
            flap = [(0.3, -0.75), (-0.5, -0.95), (-1.2, -0.5), (-1.15, 0.35), (-0.6, 1.15), (-0.05, 0.85), (0.2, 0.2)]
            pen.paint(pen.blob([(x * size, y * size) for x, y in flap]), darker(colour, 0.1))
            pen.paint(
                pen.blob([(x * size * 0.7 - 0.05, y * size * 0.7) for x, y in flap]), darker(colour, 0.2), outline=False
            )


def _eye(pen: Pen) -> None:
    """A dark eye with a glint."""
    pen.paint(pen.disc(0, 0, 0.23, 0.26), WHITE, outline=False)
    pen.paint(pen.disc(0.03, 0, 0.18, 0.21), INK, outline=False)
    pen.paint(pen.disc(0.09, -0.08, 0.06), WHITE, outline=False)


def _whiskers(pen: Pen, x: float, y: float, side: int) -> None:
    """Three hairs that fan out to one side."""
    for turn in (-18, 0, 18):
        a = math.radians(turn)
        pen.line([(x, y), (x + 1.05 * side * math.cos(a), y + 0.9 * math.sin(a))], lighter(INK, 0.75), 0.035)


def _horn(pen: Pen, head: Head) -> None:
    """A horn that rises and bends outwards, if the head has any."""
    if head.horns > 0:
        h = head.horns
        pen.paint(pen.limb([(0, 0.2), (0.22 * h, -0.45 * h), (0.02, -h)], [0.34, 0.24, 0.06]), (226, 208, 170))


def _trunk(pen: Pen, head: Head, curl: float) -> None:
    """An elephant's trunk that hangs from the face and swings at its tip, with tusks beside it."""
    if head.tusks:
        pen.paint(pen.limb([(-0.1, 0.25), (0.35, 0.75), (0.95, 0.7)], [0.24, 0.2, 0.06]), WHITE)
    tip = [(0.35 + 0.45 * curl, 1.7), (0.5 + 1.1 * curl, 2.25 - 0.8 * max(curl, 0))]
    pen.paint(pen.limb([(0, 0), (0.32, 0.85), *tip], [0.85, 0.6, 0.42, 0.3]), head.coat)
    for share in (0.55, 0.9, 1.25):
        x = 0.16 + 0.2 * share + 0.12 * curl * share
        pen.line([(x - 0.2, share), (x + 0.16, share - 0.05)], darker(head.coat, 0.35), 0.05)
