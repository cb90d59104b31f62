"""What arms look at when they see images: maps of each image and arm, and what they come to on average."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from animal_cls.errors import UserError
from animal_cls.files.text import did_you_mean
from animal_cls.use import maps
from animal_cls.use.images import Named, decoded
from animal_cls.use.maps import Layer
from animal_cls.use.trained import Trained

METHODS = ("gradcam", "occlusion")
BATCH = 16  # images at a time: their gradients are in memory together


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """The networks of one arm, and the layer of each that Grad-CAM weighs."""

    name: str
    networks: Sequence[Trained]
    layers: Sequence[Layer | None]  # None: without Grad-CAM


@dataclass(frozen=True, kw_only=True, eq=False)
class Look:
    """What one arm sees in one image: means over its networks."""

    probabilities: np.ndarray  # (K,) calibrated
    maps: dict[str, np.ndarray]  # method -> (H, W) in [0, 1], what speaks for the class
    agreement: float | None  # rank correlation of the two methods; None where there is none

    @property
    def predicted(self) -> int:
        """The index of the most probable class."""
        return int(self.probabilities.argmax())


@dataclass(frozen=True, kw_only=True, eq=False)
class Explained:
    """One image as the arms see it; or why it could not be read."""

    image: Named
    pixels: np.ndarray | None = None  # (H, W, 3) uint8, as the networks see it
    target: int = 0  # the class that the maps are of
    looks: list[Look] = field(default_factory=list)  # of each arm
    unreadable: str = ""


def sides(arms: Sequence[tuple[str, Sequence[Trained]]], *, methods: Sequence[str], layer: str | None) -> list[Side]:
    """The arms with their layers; raises `UserError` where one has none (`maps.find_layer`)."""
    made = []
    for name, networks in arms:
        layers = [maps.find_layer(one, layer) if "gradcam" in methods else None for one in networks]
        made.append(Side(name=name, networks=networks, layers=layers))
    return made


def class_index(name: str, classes: Sequence[str]) -> int:
    """Of a class; raises `UserError` where there is none of that name."""
    if name not in classes:
        raise UserError(f"--class {name}: no such class.{did_you_mean(name, classes)} Classes: {', '.join(classes)}.")
    return list(classes).index(name)


def explain(
    arms: Sequence[Side],
    named: Iterable[Named],
    *,
    methods: Sequence[str] = METHODS,
    target: int | None = None,
    batch_size: int = BATCH,
) -> Iterator[Explained]:
    """What the arms see in each image, in order; those that cannot be read come at the end of their batch.

    Args:
        arms: of the same classes and image size.
        methods: which maps.
        target: the class that they are of; None: of each image the one that the first arm predicts.
    """
    networks = [one for arm in arms for one in arm.networks]
    most = max(one.max_pixels for one in networks)
    for batch in decoded(named, image_size=networks[0].image_size, batch_size=batch_size, max_pixels=most):
        if batch.named:
            yield from _of_batch(arms, batch.named, batch.pixels, methods, target)
        for path, why in batch.unreadable.items():
            yield Explained(image=Named(path=path), unreadable=why)


def _of_batch(
    arms: Sequence[Side], named: Sequence[Named], pixels: np.ndarray, methods: Sequence[str], target: int | None
) -> Iterator[Explained]:
    said = [np.mean([one.probabilities(pixels) for one in arm.networks], axis=0) for arm in arms]
    targets = said[0].argmax(axis=1) if target is None else np.full(len(pixels), target)
    looks = [list(_looks(arm, pixels, targets, methods, rows)) for arm, rows in zip(arms, said, strict=True)]
    for k, image in enumerate(named):
        mine = [of_arm[k] for of_arm in looks]
        yield Explained(image=image, pixels=pixels[k], target=int(targets[k]), looks=mine)


def _looks(
    arm: Side, pixels: np.ndarray, targets: np.ndarray, methods: Sequence[str], said: np.ndarray
) -> Iterator[Look]:
    """Of one arm, image by image."""
    found = [
        {method: _map(method, one, pixels, targets, layer) for method in methods}
        for one, layer in zip(arm.networks, arm.layers, strict=True)
    ]
    for k, row in enumerate(said):
        shown = {m: np.mean([maps.positive(of_one[m][k]) for of_one in found], axis=0) for m in methods}
        yield Look(probabilities=row, maps=shown, agreement=_agreement([{m: f[m][k] for m in methods} for f in found]))


def _map(method: str, one: Trained, pixels: np.ndarray, targets: np.ndarray, layer: Layer | None) -> np.ndarray:
    if method == "occlusion":
        return maps.occlusion(one, pixels, targets)
    assert layer is not None, "sides() has found one"
    return maps.grad_cam(one, pixels, targets, layer)


def _agreement(found: Sequence[dict[str, np.ndarray]]) -> float | None:
    """Of the two methods, the mean over networks; each network's maps with what speaks against the class, too."""
    pairs = [maps.agreement(*of_one.values()) for of_one in found if len(of_one) == len(METHODS)]
    known = [rho for rho in pairs if rho is not None]
    return float(np.mean(known)) if known else None


@dataclass(kw_only=True, eq=False)
class Means:
    """What many images come to; its size does not depend on how many."""

    classes: Sequence[str]
    arms: Sequence[str]
    n: int = 0
    unread: int = 0
    counts: dict[int, int] = field(default_factory=dict)  # class that maps are of -> images
    sums: dict[tuple[int, int, str], np.ndarray] = field(default_factory=dict)  # class, arm, method -> (H, W)
    agreements: dict[int, tuple[float, int]] = field(default_factory=dict)  # arm -> sum, images that have one

    def add(self, one: Explained) -> None:
        """Count one more."""
        if one.pixels is None:
            self.unread += 1
            return
        self.n += 1
        self.counts[one.target] = self.counts.get(one.target, 0) + 1
        for arm, look in enumerate(one.looks):
            for method, shown in look.maps.items():
                key = one.target, arm, method
                self.sums[key] = self.sums[key] + shown if key in self.sums else shown.astype(np.float64)
            if look.agreement is not None:
                total, n = self.agreements.get(arm, (0.0, 0))
                self.agreements[arm] = (total + look.agreement, n + 1)

    def mean(self, target: int, arm: int, method: str) -> np.ndarray:
        """The mean map (H, W) of a class by one arm."""
        return self.sums[target, arm, method] / self.counts[target]

    def agreement(self, arm: int) -> float | None:
        """The mean over the images that have one."""
        total, n = self.agreements.get(arm, (0.0, 0))
        return total / n if n else None
