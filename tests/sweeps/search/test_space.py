"""Which words of a command line are ranges, and what is refused."""

from collections.abc import Sequence

import pytest

from animal_cls.errors import UserError
from animal_cls.regularizers import own_class
from animal_cls.sweeps.search.space import Range, split


def test_ranges_are_told_from_what_all_trials_share() -> None:
    fixed, ranges = split(["reg=mixup", "reg.mixup=0.05..2", "optimizer.lr=1e-4..1e-2", "data.batch_size=16..64"])
    assert fixed == ["reg=mixup"]
    assert ranges == [
        Range(key="reg.mixup", low=0.05, high=2),
        Range(key="optimizer.lr", low=1e-4, high=1e-2),
        Range(key="data.batch_size", low=16, high=64, whole=True),
    ]


@pytest.mark.parametrize(
    ("low", "high", "log"), [(0.05, 2, True), (1, 10, True), (1, 9, False), (0, 0.5, False), (-1, 1, False)]
)
def test_a_range_over_a_decade_is_logarithmic(low: float, high: float, log: bool) -> None:
    assert Range(key="k", low=low, high=high).log == log


def test_without_a_range_a_method_has_that_of_its_card() -> None:
    _, ranges = split(["reg=[mixup,ema]", "reg.ema=0.5..1"])
    card = own_class("mixup").card
    assert card is not None
    (of_mixup,) = [one for one in ranges if one.key.startswith("reg.mixup")]
    assert (of_mixup.low, of_mixup.high) == (min(card.values), max(card.values))
    assert [(one.low, one.high) for one in ranges if one is not of_mixup] == [(0.5, 1)]


@pytest.mark.parametrize("word", ["reg.mixup=0.1", "reg.mixup.strength=0.1", "reg.mixup={strength:0.1,p:0.5}"])
def test_a_strength_that_is_given_is_not_searched_for(word: str) -> None:
    fixed, ranges = split(["reg=mixup", word, "optimizer.lr=1e-4..1e-2"])
    assert (fixed, [one.key for one in ranges]) == (["reg=mixup", word], ["optimizer.lr"])
    _, ranges = split(["reg=mixup", "reg.mixup={p:0.5}"])
    assert [one.key.partition(".strength")[0] for one in ranges] == ["reg.mixup"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["reg.mixup=0.05.."], "reg.mixup=0.05..: a range needs two ends that are numbers, e.g. reg.mixup=0.05..2."),
        (["reg.mixup=..2"], "reg.mixup=..2: a range needs two ends that are numbers"),
        (["reg.mixup=a..2"], "reg.mixup=a..2: a range needs two ends that are numbers"),
        (["reg.mixup=2..1"], "reg.mixup=2..1: a range goes from a smaller number to a larger one"),
        (["reg.mixup=1..inf"], "reg.mixup=1..inf: a range goes from a smaller number to a larger one"),
        (["reg.mixup=0..1", "reg.mixup=0..2"], "reg.mixup: has two ranges. Give it one."),
        (["reg=mixup", "seed=0,1"], "seed=0,1: a search tries numbers between two ends"),
        (["model=resnet18"], "search: nothing to vary. Give a key two ends"),
        (
            ["reg=[mixpu]"],
            "search: nothing to vary. Give a key two ends, e.g. reg.mixup=0.05..2, or name a method: reg=mixup. "
            "reg=mixpu is none. Did you mean mixup?",
        ),
    ],
)
def test_what_is_no_range_is_refused(words: Sequence[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        split(words)
    assert str(error.value).startswith(message)
