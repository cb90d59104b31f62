"""What the parts make of what was seen, by hand."""

from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.harness.processes import Finished
from benchmarks.harness.workspace import Trace
from benchmarks.speed.growth import UNITS, measurements, sizes
from benchmarks.speed.start_up import imported
from benchmarks.speed.whole_run import as_full


def test_epochs_that_were_not_run_count_as_the_median_steady_one() -> None:
    starts = [100.0, 109.0, 111.0, 114.0, 118.0]  # epochs of 9, 2, 3 and 4 s
    epochs = [{"start": a, "over": b} for a, b in pairwise(starts)]
    process = Finished(seconds=25.0, peak=0, output="", errors="")
    trace = Trace(process=process, recorded=[{"event": "fit", "epochs": epochs}], folder=Path())
    assert as_full(trace, 4) == (3.0, 25.0, 7.0)
    assert as_full(trace, 30) == (3.0, 25.0 + 26 * 3.0, 7.0)


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
    small = [{key: [2.0] for key in UNITS} | {"peak memory of a run": [1.0]}, {key: [4.0] for key in UNITS}]
    large = {key: [4.5] for key in UNITS} | {"peak memory of a run": [2.7]}
    by_name = {(m.name, m.subject): m for m in measurements({250_000: [large], 2500: small})}
    growth = by_name["training pass: cost per image at 250,000 / at 2,500", ""]
    assert (growth.value, growth.reached) == (1.5, False)
    assert by_name["training pass", "2,500"].values == (2.0, 4.0)
    more = by_name["peak memory of a run, above that at 2,500", "250,000"]
    assert more.value == pytest.approx(1.7)
    assert not more.reached


def test_of_one_number_of_images_there_is_no_growth() -> None:
    assert [m.subject for m in measurements({2500: [{key: [1.0] for key in UNITS}]})] == ["2,500"] * len(UNITS)
