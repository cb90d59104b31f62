"""How many images there are of what class, split, size, shape and format."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from animal_cls.data.audit.facts import Facts
from animal_cls.data.sources import animals10
from animal_cls.data.sources.animals10 import Comparison
from animal_cls.data.sources.listing import Listing

SPLITS = ("train", "val", "test")
SHAPES = {  # below this width : height -> its name; no usual ratio (3:4, 1:1, 4:3, 3:2, 16:9) lies at an edge
    0.5: "below 1:2",
    0.7: "1:2 to 0.7",
    0.9: "0.7 to 0.9",
    1.1: "about square",
    1.4: "1.1 to 1.4",
    1.7: "1.4 to 1.7",
    2.0: "1.7 to 2:1",
    float("inf"): "above 2:1",
}
COLOURS = {  # Pillow's name -> ours
    "1": "black and white", "L": "grey", "I;16": "grey of 16 bits", "LA": "grey and transparency", "P": "palette",
    "PA": "palette and transparency", "RGBA": "RGB and transparency",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The smallest, the middle and the largest of some numbers."""

    min: int
    median: int
    max: int


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The readable images in numbers."""

    classes: dict[str, dict[str, int]]  # class -> "images", and each split where there is one -> how many
    width: Spread | None  # pixels, as shown; None where there is no image
    height: Spread | None
    bytes: Spread | None  # of the files
    shapes: dict[str, int]  # width : height -> images
    formats: dict[str, int]  # by contents, the most frequent first
    colours: dict[str, int]


def overview(facts: Facts) -> Overview:
    """The numbers of what can be read."""
    headers = [found for found in facts.headers if found]
    return Overview(
        classes={name: _counts(facts, label) for label, name in enumerate(facts.classes)},
        width=_spread([found.width for found in headers]),
        height=_spread([found.height for found in headers]),
        bytes=_spread([found.bytes for found in headers]),
        shapes=_shapes(np.array([found.width / found.height for found in headers])),
        formats=_by_number(found.format for found in headers),
        colours=_by_number(COLOURS.get(found.mode, found.mode) for found in headers),
    )


def beside_the_release(listing: Listing, facts: Facts) -> list[Comparison]:
    """Each class beside Animals-10; nothing where the classes are others, or there are no files."""
    if not listing.has_files or set(facts.classes) != set(animals10.RELEASE):
        return []
    return animals10.compare(listing, hashes=dict(zip(facts.paths, facts.contents.tolist(), strict=True)))


def _counts(facts: Facts, label: int) -> dict[str, int]:
    splits = facts.splits[facts.readable & (facts.labels == label)]
    in_splits = {split: int((splits == split).sum()) for split in SPLITS} if (facts.splits != "").any() else {}
    return {"images": len(splits), **in_splits}


def _spread(values: Sequence[int]) -> Spread | None:
    return Spread(min=min(values), median=int(np.median(values)), max=max(values)) if values else None


def _shapes(ratios: np.ndarray) -> dict[str, int]:
    counts = np.bincount(np.searchsorted(list(SHAPES), ratios, side="right"), minlength=len(SHAPES))
    return dict(zip(SHAPES.values(), counts.tolist(), strict=True))


def _by_number(names: Iterable[str]) -> dict[str, int]:
    return dict(Counter(names).most_common())
