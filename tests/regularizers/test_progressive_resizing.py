"""The side of the images over the training, by hand, and a training that goes through all of them."""

import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from animal_cls.regularizers.progressive_resizing import ProgressiveResizing


def side(progress: float, full: int = 128, **options: float) -> int:
    method = ProgressiveResizing(0.5, **options)
    method.progress = progress
    return method.side(full)


@pytest.mark.parametrize(
    ("progress", "expected"), [(0, 64), (0.5, 64), (0.575, 80), (0.65, 96), (0.79, 124), (0.8, 128), (1, 128)]
)
def test_half_the_side_for_half_the_training_then_linearly_to_the_full_one(progress: float, expected: int) -> None:
    assert side(progress) == expected


def test_a_jump_where_nothing_lies_between() -> None:
    assert [side(progress, delay=0.5, finetune=0.5) for progress in (0.49, 0.5)] == [64, 128]


def test_the_full_side_need_not_be_a_multiple_of_four() -> None:
    assert [side(progress, full=33) for progress in (0, 1)] == [16, 33]


@pytest.mark.parametrize(
    ("strength", "options", "message"),
    [
        (1.0, {}, "reg.progressive_resizing=1.0: a share of the side below 1 is needed."),
        (0.5, {"delay": 0.9}, "shares of the training of at most 1 are needed, not delay=0.9, finetune=0.2."),
        (0.5, {"delay": -0.1}, "shares of the training of at most 1 are needed, not delay=-0.1, finetune=0.2."),
    ],
)
def test_what_cannot_be_a_share_is_refused(strength: float, options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"{re.escape(message)}$"):
        ProgressiveResizing(strength, **options)


def test_a_network_that_cannot_take_the_first_size_is_refused_before_anything_starts(
    program: Callable[..., CompletedProcess[str]], image_folder: Callable[..., Path], tmp_path: Path
) -> None:
    words = f"data=folder data.root={image_folder(tmp_path / 'images')} data.image_size=96 trainer.accelerator=cpu"
    ended = program(*words.split(), "reg=progressive_resizing", "reg.progressive_resizing.strength=0.7")
    assert ended.returncode != 0
    reason = "reg.progressive_resizing=0.7 has no effect: model=simple_cnn: cannot take images of 68 px ("
    assert reason in ended.stderr
    assert not list(tmp_path.glob("outputs/*/*/checkpoints/*"))
