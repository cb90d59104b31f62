"""The pen: draws smooth shapes, given in an animal's own measure, on a layer of pixels."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from animal_cls.data.sources.toy.palette import Colour, darker

OVERSAMPLING = 2  # layer pixels per image pixel and axis: layers are drawn twice as large and shrunk, for smooth edges
STEPS = 5  # straight pieces between two points of a smooth curve

Points = Sequence[tuple[float, float]] | np.ndarray  # (P, 2): x to the right, y down
Outline = np.ndarray  # (P, 2), closed, in layer pixels


@dataclass(frozen=True, kw_only=True)
class Pen:
    """A layer to draw on, and where on it the animal's own measure lies."""

    layer: Image.Image  # RGBA, changed in place
    axes: np.ndarray  # (2, 2): layer pixels = axes @ own + origin
    origin: np.ndarray  # (2,), layer pixels
    stroke: float = 2.0  # width of outlines, layer pixels

    def at(self, x: float, y: float, *, turn: float = 0.0, size: float = 1.0, flat: float = 1.0) -> "Pen":
        """A pen with origin (x, y), turned clockwise by `turn` degrees, `size` times as large, `flat` as wide."""
        a = math.radians(turn)
        turned = np.array([[math.cos(a) * flat, -math.sin(a)], [math.sin(a) * flat, math.cos(a)]]) * size
        return replace(self, axes=self.axes @ turned, origin=self.axes @ np.array([x, y]) + self.origin)

    def where(self, points: Points) -> np.ndarray:
        """The points in layer pixels, (P, 2)."""
        return np.asarray(points, dtype=float) @ self.axes.T + self.origin

    def blob(self, points: Points) -> Outline:
        """A smooth closed curve through the points."""
        return self.where(_closed_curve(np.asarray(points, dtype=float)))

    def angular(self, points: Points) -> Outline:
        """A polygon with straight sides."""
        return self.where(points)

    def disc(self, x: float, y: float, rx: float, ry: float | None = None, turn: float = 0.0) -> Outline:
        """An ellipse around (x, y) with half axes rx and ry, turned clockwise by `turn` degrees."""
        a, radii = math.radians(turn), np.array([rx, rx if ry is None else ry])
        turned = np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
        return self.where((_circle() * radii) @ turned + np.array([x, y]))

    def limb(self, points: Points, widths: Sequence[float]) -> list[Outline]:
        """A rounded stroke along the points, whose width runs through `widths`."""
        line, half = _open_curve(np.asarray(points, dtype=float)), _spread(widths, len(points)) / 2
        along = np.gradient(line, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-9)
        sides = np.concatenate([line + across * half[:, None], (line - across * half[:, None])[::-1]])
        ends = [self.disc(line[i, 0], line[i, 1], half[i]) for i in (0, -1)]
        return [self.where(sides), *ends]

    def paint(self, shapes: Outline | Sequence[Outline], colour: Colour, *, outline: bool = True) -> None:
        """Fill the shapes as one, with one dark line around them all."""
        canvas, filled = ImageDraw.Draw(self.layer), _pixels(shapes)
        if outline:
            for shape in filled:
                canvas.line(shape + shape[:2], fill=darker(colour, 0.55), width=round(2 * self.stroke))
        for shape in filled:
            canvas.polygon(shape, fill=colour)

    def line(self, points: Points, colour: Colour, width: float) -> None:
        """A thin open line; `width` in own measure, at least one layer pixel."""
        pixels = max(1, round(width * math.sqrt(abs(float(np.linalg.det(self.axes))))))
        [dots] = _pixels(self.where(_open_curve(np.asarray(points, dtype=float))))
        ImageDraw.Draw(self.layer).line(dots, fill=colour, width=pixels, joint="curve")

    def within(self, shapes: Outline | Sequence[Outline], marks: Callable[["Pen"], None]) -> None:
        """Let `marks` draw, and keep of it what lies within the shapes."""
        mask, copy = Image.new("L", self.layer.size), self.layer.copy()
        for shape in _pixels(shapes):
            ImageDraw.Draw(mask).polygon(shape, fill=255)
        marks(replace(self, layer=copy))
        self.layer.paste(copy, mask=mask)


def _pixels(shapes: Outline | Sequence[Outline]) -> list[list[int]]:
    """Each shape as [x, y, x, y, ...] in whole pixels, the same on every machine."""
    several = [shapes] if isinstance(shapes, np.ndarray) else shapes
    return [np.rint(shape).astype(int).ravel().tolist() for shape in several]


def _closed_curve(points: np.ndarray) -> np.ndarray:
    """Catmull-Rom through (P, 2) points and back to the first: (P * STEPS, 2)."""
    around = np.stack([np.roll(points, shift, axis=0) for shift in (1, 0, -1, -2)], axis=1)
    return (_basis() @ around).reshape(-1, 2)


def _open_curve(points: np.ndarray) -> np.ndarray:
    """Catmull-Rom through (P, 2) points from the first to the last: ((P - 1) * STEPS + 1, 2)."""
    ends = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    around = np.stack([ends[i : len(ends) - 3 + i] for i in range(4)], axis=1)
    return np.concatenate([(_basis() @ around).reshape(-1, 2), points[-1:]])


def _spread(widths: Sequence[float], points: int) -> np.ndarray:
    """The widths interpolated evenly over an open curve through `points` points."""
    steps = (points - 1) * STEPS + 1
    return np.interp(np.linspace(0, 1, steps), np.linspace(0, 1, len(widths)), np.asarray(widths, dtype=float))


@cache
def _basis() -> np.ndarray:
    """Catmull-Rom weights of four neighbouring points at STEPS places between the middle two, (STEPS, 4)."""
    t = np.arange(STEPS)[:, None] / STEPS
    cubic = np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]]) / 2
    return np.concatenate([t**0, t, t**2, t**3], axis=1) @ cubic


@cache
def _circle() -> np.ndarray:
    """20 points on the unit circle, (20, 2)."""
    a = np.arange(20) * (2 * math.pi / 20)
    return np.stack([np.cos(a), np.sin(a)], axis=1)
