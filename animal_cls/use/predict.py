"""What networks say of images that they have never seen, one after the other, however many there are."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from animal_cls.data.sources.animals10 import FOLDERS
from animal_cls.use.images import Named, decoded
from animal_cls.use.trained import Trained


@dataclass(frozen=True, kw_only=True, eq=False)
class Said:
    """What the networks say of one image, on average; or why it could not be read."""

    image: Named
    probabilities: np.ndarray | None  # (K,) float32, calibrated; None where the image could not be read
    unreadable: str = ""

    @property
    def predicted(self) -> int:
        """The index of the most probable class."""
        assert self.probabilities is not None, self.unreadable
        return int(self.probabilities.argmax())

    @property
    def probability(self) -> float:
        """Of that class."""
        assert self.probabilities is not None, self.unreadable
        return float(self.probabilities.max())


def predict(
    networks: Sequence[Trained], named: Iterable[Named], *, tta: bool = False, batch_size: int | None = None
) -> Iterator[Said]:
    """What the networks say of each image, in order; those that cannot be read come at the end of their batch.

    Args:
        networks: of the same classes and image size; their probabilities are averaged.
        tta: images and their mirror images together.
        batch_size: images at a time; None: as the first run was evaluated.
    """
    size = batch_size or networks[0].batch_size
    most = max(one.max_pixels for one in networks)
    for batch in decoded(named, image_size=networks[0].image_size, batch_size=size, max_pixels=most):
        if batch.named:
            said = np.mean([one.probabilities(batch.pixels, tta=tta) for one in networks], axis=0)
            for image, row in zip(batch.named, said, strict=True):
                yield Said(image=image, probabilities=row)
        for path, why in batch.unreadable.items():
            yield Said(image=Named(path=path), probabilities=None, unreadable=why)


@dataclass(kw_only=True, eq=False)
class Tally:
    """What many predictions come to; its size does not depend on how many."""

    classes: Sequence[str]
    counts: np.ndarray = field(init=False)  # (K,) images that are taken for each class
    confusion: np.ndarray = field(init=False)  # (K, K) images in folders of classes; row = that, column = predicted
    unread: int = 0
    strange: dict[str, int] = field(default_factory=dict)  # folder, called like no class -> images in it and below
    first_unread: list[tuple[str, str]] = field(default_factory=list)  # path, why
    named: int = 5  # of them at most

    def __post_init__(self) -> None:
        k = len(self.classes)
        self.counts, self.confusion = np.zeros(k, dtype=np.int64), np.zeros((k, k), dtype=np.int64)
        self._index = {name: at for at, name in enumerate(self.classes)}
        of_kaggle = {folder: self._index[name] for folder, name in FOLDERS.items() if name in self._index}
        self._index = of_kaggle | self._index  # as the source of the training translates them

    @property
    def n(self) -> int:
        """Images that were read."""
        return int(self.counts.sum())

    @property
    def known(self) -> int:
        """Images whose folder is called like a class, or as Animals-10 has it of Kaggle."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float | None:
        """Of these; None where there are none."""
        return float(self.confusion.trace() / self.known) if self.known else None

    def add(self, said: Said) -> None:
        """Count one more."""
        if said.probabilities is None:
            self.unread += 1
            if len(self.first_unread) < self.named:
                self.first_unread.append((said.image.path, said.unreadable))
            return
        self.counts[said.predicted] += 1
        if (label := self.label(said.image)) is not None:
            self.confusion[label, said.predicted] += 1
        elif said.image.folders:
            first = said.image.folders[0]
            self.strange[first] = self.strange.get(first, 0) + 1

    def label(self, image: Named) -> int | None:
        """The class whose name the folder of an image has, or one above it; None where there is none."""
        return next((self._index[name] for name in reversed(image.folders) if name in self._index), None)
