"""Pictures of images before and after a change: which are shown, and where."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from animal_cls.data.before_after import GAP, before_after

SIDE = 8


def module(images: torch.Tensor) -> Any:
    """Stands in for an ImageDataModule whose training images are these."""
    examples = lambda split, classes, each: SimpleNamespace(images=images)  # noqa: E731
    return SimpleNamespace(images=SimpleNamespace(classes=["a", "b"]), examples=examples)


def levels(values: list[int]) -> torch.Tensor:
    """An image of each grey."""
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1).expand(-1, 3, SIDE, SIDE)


@pytest.mark.parametrize(
    "changed",
    [
        [0, 40, 20, 30, 45],  # the second and the last differ
        [5, 11, 21, 31, 41],  # only the first does, by more than rounding
    ],
)
def test_those_that_differ_stand_above_what_became_of_them(changed: list[int]) -> None:
    before = [0, 10, 20, 30, 40]
    sheet = np.asarray(before_after(module(levels(before)), module(levels(changed))))
    differ = [(a, b) for a, b in zip(before, changed, strict=True) if abs(a - b) > 1]
    columns = sheet[:, :: SIDE + GAP, 0]
    assert columns.shape[1] == len(differ)
    assert [tuple(map(int, column[[0, SIDE + GAP]])) for column in columns.T] == differ
    assert sheet.shape == (2 * SIDE + GAP, len(differ) * (SIDE + GAP) - GAP, 3)
    assert (sheet[SIDE : SIDE + GAP] == 255).all()


def test_where_nothing_differs_the_first_images_are_shown_and_of_many_six_that_are_spread() -> None:
    same = levels(list(range(0, 100, 10)))
    assert before_after(module(same), module(same)).width == 6 * (SIDE + GAP) - GAP
    sheet = np.asarray(before_after(module(same), module(same + 5)))
    assert sheet[0, :: SIDE + GAP, 0].tolist() == [0, 20, 40, 50, 70, 90]
