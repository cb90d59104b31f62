"""The arithmetic on times that were noted, by hand."""

import pytest

from benchmarks.harness import epochs

EPOCH = {
    "start": 10.0,
    "first_step": 10.5,
    "steps": [(12.0, 64), (13.0, 64), (14.5, 32)],
    "over": 17.0,
}


def test_an_epoch_lasts_until_the_next_one_begins() -> None:
    assert epochs.training_pass(EPOCH) == 4.5
    assert epochs.whole(EPOCH) == 7.0
    assert epochs.images(EPOCH) == 160


def test_the_cost_of_an_image_starts_after_the_batches_that_are_skipped() -> None:
    assert epochs.cost_per_image(EPOCH["steps"], skip=1, pieces=1) == [2.5 / 96]
    assert epochs.cost_per_image(EPOCH["steps"], skip=2, pieces=1) == [1.5 / 32]


def test_stretches_share_out_all_batches() -> None:
    ends = [(float(t), 10) for t in (5, 6, 8, 11, 15, 20, 26)]  # a second more per batch
    assert epochs.cost_per_image(ends, skip=1, pieces=3) == [0.15, 0.35, 0.55]
    assert epochs.cost_per_image(ends, skip=1, pieces=4) == pytest.approx([0.1, 0.25, 0.4, 0.55])
    assert len(epochs.cost_per_image(ends, skip=1, pieces=50)) == 6
