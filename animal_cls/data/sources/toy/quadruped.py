"""Four-legged animals: one body plan of trunk, legs, neck, head and tail, that breeds fill with their own measures."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from numpy.random import Generator

from animal_cls.data.sources.toy.palette import Colour, darker
from animal_cls.data.sources.toy.pen import Outline, Pen

Part = Callable[[Pen], None]  # draws something at its pen's origin
Line = list[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Build:
    """The measures of one animal; lengths in units of its trunk's length, angles in degrees."""

    girth: float  # height of the trunk
    leg: float  # length of the legs below the trunk's middle
    leg_width: float
    neck: float  # length of the neck
    neck_angle: float  # above the horizontal; negative when grazing
    neck_width: float
    head: float  # radius of the skull
    coat: Colour
    feet: Colour
    draw_head: Part  # at the skull's middle, one unit = the skull's radius, facing right
    draw_tail: Part  # at the tail's root, one unit = the trunk's length, pointing left
    draw_marks: Part | None = None  # on the trunk, inside its outline
    draw_over: Part | None = None  # on the trunk, over its outline
    woolly: bool = False  # the trunk is a cloud of curls
    pitch: float = 0.0  # how far the chest is lifted
    head_tilt: float = 0.0  # clockwise

    @property
    def sits(self) -> bool:
        """Whether the animal sits on its hind legs."""
        return self.pitch > 20


def draw_quadruped(pen: Pen, build: Build, rng: Generator) -> None:
    """The whole animal, from its far legs to its head."""
    trunk = pen.at(0, 0, turn=-build.pitch)
    stride = 0.0 if build.sits else rng.uniform(-0.2, 0.2)
    far, near = _legs(build, stride=-stride, aside=0.09), _legs(build, stride=stride, aside=0.0)
    pen.paint(_flesh(pen, build, far), darker(build.coat, 0.28))
    _feet(pen, build, far, darker(build.feet, 0.28))
    build.draw_tail(trunk.at(-0.46, -build.girth * 0.24))
    body, crown = _trunk(trunk, build), _crown(build)
    pen.paint([*_flesh(pen, build, near), *_neck(trunk, build, crown), *body], build.coat)
    _feet(pen, build, near, build.feet)
    if build.draw_marks:
        trunk.within(body, build.draw_marks)
    if build.draw_over:
        build.draw_over(trunk)
    build.draw_head(trunk.at(*crown, turn=build.pitch + build.head_tilt, size=build.head))


def _crown(build: Build) -> tuple[float, float]:
    """Where the skull's middle is, on the trunk."""
    a = math.radians(build.neck_angle - build.pitch)
    return 0.42 + build.neck * math.cos(a), -build.girth * 0.22 - build.neck * math.sin(a)


def _neck(trunk: Pen, build: Build, crown: tuple[float, float]) -> list[Outline]:
    """From between the shoulders to the skull."""
    return trunk.limb([(0.34, -build.girth * 0.1), crown], [build.neck_width * 1.35, build.neck_width])


def _trunk(trunk: Pen, build: Build) -> list[Outline]:
    """The body between hips and shoulders."""
    h = build.girth / 2
    if build.woolly:
        return _curls(trunk, h)
    back = [(-0.52, -0.1 * h), (-0.42, -0.92 * h), (0.0, -0.86 * h), (0.36, -1.0 * h), (0.53, -0.2 * h)]
    return [trunk.blob([*back, (0.42, 0.9 * h), (0.0, 0.98 * h), (-0.34, 0.86 * h)])]


def _curls(trunk: Pen, h: float) -> list[Outline]:
    """A cloud: discs along the trunk's rim around one big one."""
    turns = [2 * math.pi * i / 15 for i in range(15)]
    rim = [trunk.disc(0.48 * math.cos(a), 0.86 * h * math.sin(a), 0.135 + 0.03 * math.sin(5 * a)) for a in turns]
    return [trunk.disc(0, 0, 0.5, 0.9 * h), *rim]


def _legs(build: Build, *, stride: float, aside: float) -> list[Line]:
    """The foreleg and the hind leg of one side, each from hip to foot, in the standing animal's measure."""
    (x0, y0), (x1, y1) = _on_trunk(build, 0.36), _on_trunk(build, -0.36)
    fore = _leg(x0 + aside, y0, x0 + aside + stride, build.leg, bend=0.02)
    if build.sits:
        return [
            fore,
            [(x1 + 0.02, build.leg - 0.25), (x1 + 0.2 + aside, build.leg - 0.2), (x1 + 0.34 + aside, build.leg)],
        ]
    return [fore, _leg(x1 + aside, y1, x1 + aside - stride, build.leg, bend=-0.07)]


def _on_trunk(build: Build, along: float) -> tuple[float, float]:
    """A place a little below the trunk's axis, in the standing animal's measure."""
    a = math.radians(build.pitch)
    return along * math.cos(a) + 0.04 * math.sin(a), -along * math.sin(a) + 0.04 * math.cos(a)


def _leg(x: float, y: float, foot_x: float, ground: float, *, bend: float) -> Line:
    """Hip, knee and foot."""
    return [(x, y), ((x + foot_x) / 2 + bend, y + (ground - y) * 0.55), (foot_x, ground)]


def _flesh(pen: Pen, build: Build, legs: list[Line]) -> list[Outline]:
    """The legs' shapes; a hind leg is thicker at the thigh, most of all when sitting."""
    w, thigh = build.leg_width, 0.42 if build.sits else build.leg_width * 1.75
    return [*pen.limb(legs[0], [w * 1.45, w, w * 0.95]), *pen.limb(legs[1], [thigh, max(thigh * 0.6, w), w])]


def _feet(pen: Pen, build: Build, legs: list[Line], colour: Colour) -> None:
    """A paw or hoof at the end of each leg."""
    for x, y in (leg[-1] for leg in legs):
        pen.paint(pen.limb([(x - 0.005, y), (x + 0.045, y + 0.01)], [build.leg_width * 1.08]), colour)
