"""What the parts make of what was seen, by hand."""

from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.growth import Grown, _measurements, sizes
from benchmarks.measurements import of
from benchmarks.nine_runs import _published
from benchmarks.processes import Finished
from benchmarks.start_up import imported
from benchmarks.where_time_goes import LOOP, rows, step_of
from benchmarks.whole_run import Run, as_full, worker_counts
from benchmarks.workplace import Seen


def test_epochs_that_were_not_run_count_as_the_median_steady_one() -> None:
    starts = [100.0, 109.0, 111.0, 114.0, 118.0]  # epochs of 9, 2, 3 and 4 s
    fit = [{"start": a, "over": b} for a, b in pairwise(starts)]
    process = Finished(seconds=25.0, started=95.0, peak=0, anonymous=None, output="", errors="")
    seen = Seen(process=process, marks=[{"stage": "fit", "epochs": fit}], folder=Path())
    assert as_full(seen, 4) == Run(steady=[2.0, 3.0, 4.0], whole=25.0, start_and_end=7.0)
    assert as_full(seen, 30).whole == 25.0 + 26 * 3.0


@pytest.mark.parametrize(("cores", "counts"), [(1, [0, 1]), (2, [0, 1, 2]), (6, [0, 1, 2, 4, 6]), (8, [0, 1, 2, 4, 8])])
def test_numbers_of_workers_reach_from_none_to_all_cores(cores: int, counts: list[int]) -> None:
    assert worker_counts(cores) == counts


def test_the_modules_of_importtime() -> None:
    text = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       210 |        210 |   zipimport\n"
        "import time:      1100 |      31000 |     torch._C\n"
        "torch is not a line of it\n"
    )
    assert imported(text) == {"zipimport", "torch._C"}


@pytest.mark.parametrize(
    ("largest", "numbers"),
    [(250_000, [2500, 25_000, 250_000]), (5000, [2500, 5000]), (2500, [2500]), (100_000, [2500, 25_000, 100_000])],
)
def test_the_numbers_of_images_end_with_the_largest(largest: int, numbers: list[int]) -> None:
    assert sizes(largest) == numbers


def test_growth_is_the_cost_at_the_largest_in_terms_of_the_median_at_the_smallest() -> None:
    small = [_grown(cost=2.0, peak=1_000_000_000), _grown(cost=4.0, peak=1_200_000_000)]
    found = _measurements({2500: small, 250_000: [_grown(cost=4.5, peak=2_700_000_000)]})
    by_name = {(m.name, m.subject): m for m in found}
    growth = by_name["training pass: cost per image at 250,000 / at 2,500", ""]
    assert (growth.value, growth.reached) == (1.5, False)
    assert by_name["training pass", "2,500"].values == (2e6, 4e6)
    more = by_name["peak memory of a run, above that at 2,500", "250,000"]
    assert more.value == pytest.approx(1.7)
    assert not more.reached


def _grown(*, cost: float, peak: int) -> Grown:
    costs = {step: [cost] for step in ("building the cache", "training pass", "evaluation")}
    return Grown(costs=costs, start=1.0, end=1.0, peak=peak, building_peak=peak, anonymous=peak // 2)


def test_a_profile_accounts_for_all_of_the_time() -> None:
    actions = {
        "[_TrainingEpochLoop].train_dataloader_next": 1.0,
        "[Strategy]SingleDeviceStrategy.training_step": 3.0,
        "[Strategy]SingleDeviceStrategy.backward": 4.0,
        "validation [Strategy]SingleDeviceStrategy.validation_step": 0.5,
        "run_training_epoch": 0.25,
    }
    found = {"epochs": 2, "seconds": 10.0, "user": 18.0, "system": 1.0, "actions": actions}
    assert rows(found) == [
        ["backward", "2", "40.0 %"],
        ["forward, loss, metrics of the step", "1.5", "30.0 %"],
        [LOOP, "0.75", "15.0 %"],
        ["waiting for batches", "0.5", "10.0 %"],
        ["validation", "0.25", "5.0 %"],
        ["whole", "5", "100.0 %"],
        ["processor time: user, all cores", "9", "180.0 %"],
        ["processor time: system, all cores", "0.5", "10.0 %"],
    ]


def test_an_action_belongs_to_a_step() -> None:
    assert step_of("[Callback]ModelCheckpoint{'monitor': 'val/acc'}.on_train_epoch_end") == "checkpoints"
    assert step_of("[Callback]Stopwatch.on_train_batch_end") == "the benchmark itself"
    assert step_of("something new") == LOOP


def test_the_published_runs_take_as_long_as_their_images_and_epochs() -> None:
    """Three networks of which one run each was measured: each counts for three."""
    runs = [of("an epoch", "s", [seconds]) for seconds in (1.0, 10.0, 9.0)] + [of("GPU busy", "%", [95.0])]
    assert _published(runs, 2500).value == pytest.approx(20.0 * 3 * 50 * 25_139 / 2500 / 3600)
