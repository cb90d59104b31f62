"""Explanations as files: an image with its maps each, a table, and one page of all that was seen."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from animal_cls.errors import UserError
from animal_cls.files import atomic
from animal_cls.files.naming import path_safe
from animal_cls.files.text import percent
from animal_cls.use import overlays
from animal_cls.use.explain import Explained, Look, Means
from animal_cls.use.pages import render

SHOWN = 100  # images on the page
PAGE, TABLE = "index.html", "maps.csv"
COLUMNS = ("path", "arm", "predicted", "probability", "class", "agreement", "file")
TITLES = {"gradcam": "Grad-CAM", "occlusion": "occlusion"}


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One of the small images of a page."""

    address: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one arm sees in an image, or in a class on average."""

    arm: str
    says: str  # in words
    tiles: list[Tile]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An image, or a class, on the page."""

    title: str
    below: str
    lines: list[Line]
    image: str = ""


@dataclass(kw_only=True, eq=False)
class Shown:
    """The images that the page shows: the first ones."""

    classes: Sequence[str]
    arms: Sequence[str]
    entries: list[Entry] = field(default_factory=list)

    def add(self, one: Explained) -> None:
        """Keep it, if it is among them."""
        if one.pixels is None or len(self.entries) == SHOWN:
            return
        lines = [
            Line(arm=name, says=self._says(look), tiles=list(_tiles(one, look)))
            for name, look in zip(self.arms, one.looks, strict=True)
        ]
        title = f"What speaks for {self.classes[one.target]}"
        image = overlays.address(one.pixels)
        self.entries.append(Entry(title=title, below=one.image.path, lines=lines, image=image))

    def _says(self, look: Look) -> str:
        agrees = "" if look.agreement is None else f"; the two maps agree: {look.agreement:.2f}"
        return f"{self.classes[look.predicted]} {percent(float(look.probabilities.max()))}{agrees}"


def _tiles(one: Explained, look: Look) -> Iterator[Tile]:
    assert one.pixels is not None
    for method, shown in look.maps.items():
        yield Tile(address=overlays.address(overlays.overlay(one.pixels, shown)), caption=TITLES[method])


@contextmanager
def opened(out: Path, classes: Sequence[str], arms: Sequence[str]) -> Iterator[Callable[[Explained], None]]:
    """What writes the maps of one image after the other into the new folder `out`, and a row an arm into its table.

    Raises:
        UserError: there is something of that name, or it cannot be written to.
    """
    atomic.refuse_existing(out)
    try:
        out.mkdir(parents=True)
        with (out / TABLE).open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            numbers = iter(range(1, 1_000_000_000))
            yield lambda one: _write(one, out, writer, classes, arms, next(numbers))
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror}). Choose --out DIR.") from None


def _write(one: Explained, out: Path, writer: Any, classes: Sequence[str], arms: Sequence[str], number: int) -> None:
    if one.pixels is None:
        writer.writerow([one.image.path, *[""] * (len(COLUMNS) - 1)])
        return
    name = f"{number:05d}-{path_safe(Path(one.image.path).stem)}.png"
    rows = [[one.pixels, *(overlays.overlay(one.pixels, shown) for shown in look.maps.values())] for look in one.looks]
    atomic.write(out / name, overlays.png(rows))
    for arm, look in zip(arms, one.looks, strict=True):
        agrees = "" if look.agreement is None else f"{look.agreement:.4f}"
        said = classes[look.predicted], str(look.probabilities.max())
        writer.writerow([one.image.path, arm, *said, classes[one.target], agrees, name])


def write_page(out: Path, shown: Shown, means: Means, *, notes: Sequence[str]) -> None:
    """One page that needs nothing else: the mean maps of each class, and the first images."""
    text = render(
        "explained.html",
        title=f"What {' and '.join(means.arms)} look{'s' * (len(means.arms) == 1)} at",
        notes=notes,
        classes=list(_by_class(means)),
        entries=shown.entries,
        of=means.n,
    )
    atomic.write(out / PAGE, text)


def _by_class(means: Means) -> Iterator[Entry]:
    """The mean maps of each class, and where there are two arms how they differ."""
    methods = dict.fromkeys(method for _, _, method in means.sums)
    for target, n in sorted(means.counts.items()):
        lines = []
        for arm, name in enumerate(means.arms):
            tiles = [
                Tile(address=overlays.address(overlays.heat(means.mean(target, arm, m))), caption=TITLES[m])
                for m in methods
            ]
            lines.append(Line(arm=name, says="mean map", tiles=tiles))
        if len(means.arms) == 2:
            lines.append(_difference(means, target, list(methods)))
        yield Entry(title=means.classes[target], below=f"{n:,} image{'s' * (n != 1)}", lines=lines)


def _difference(means: Means, target: int, methods: Sequence[str]) -> Line:
    first, second = means.arms
    tiles = []
    for method in methods:
        change = means.mean(target, 0, method) - means.mean(target, 1, method)
        tiles.append(Tile(address=overlays.address(overlays.difference(change)), caption=TITLES[method]))
    return Line(arm=f"{first} less {second}", says="blue: more, orange: less, full at 1", tiles=tiles)
