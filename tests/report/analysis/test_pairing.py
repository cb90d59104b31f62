"""What two arms share: which images belong together."""

from collections.abc import Callable
from pathlib import Path

import pytest

from animal_cls.report.analysis.pairing import Paired, pair
from animal_cls.results.arms.arrange import arrange
from animal_cls.results.collect import collect
from animal_cls.results.reader import Reader

HITS = {"test": {"cat": [True, False, True], "dog": [True, True, False]}}


def paired(folder: Path) -> Paired:
    _, arms = arrange(collect([folder], Reader()).runs)
    baseline, arm = sorted(arms, key=lambda arm: not arm.is_baseline)
    found = pair(arm, baseline, "test")
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("arm", "baseline", "wanted"),
    [
        (None, None, None),
        ([0, 1, 2, 3, 4, 5], None, None),  # none that belong together
        ([0, 0, 2, 3, 4, 4], None, [0, 0, 2, 3, 4, 4]),
        ([0, 0, 2, 3, 4, 4], [0, 0, 2, 3, 4, 5], [0, 0, 2, 3, 4, 4]),  # of the run that knew of more
        ([0, 0, 2, 3, 4, 5], [0, 0, 2, 2, 4, 4], [0, 0, 2, 2, 4, 4]),
    ],
)
def test_groups_are_those_of_the_run_that_knew_of_most(
    tmp_path: Path,
    write_run: Callable[..., Path],
    arm: list[int] | None,
    baseline: list[int] | None,
    wanted: list[int] | None,
) -> None:
    for reg, groups in (("none", baseline), ("dropout", arm)):
        write_run(tmp_path / reg, HITS, reg=reg, groups=groups)
    found = paired(tmp_path).groups
    assert (found is None) == (wanted is None)
    if found is not None and wanted is not None:  # by whatever numbers
        assert [[a == b for b in found] for a in found] == [[a == b for b in wanted] for a in wanted]
