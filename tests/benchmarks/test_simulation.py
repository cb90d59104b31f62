"""The simulation makes what it says, and the intervals and verdicts hold in it where tests of one variance fail."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from animal_cls.statistics.crossed import Variances, expected_power, mean_squares, variances
from benchmarks.statistics import __main__ as command
from benchmarks.statistics import alternative_tests, simulated_runs
from benchmarks.statistics.simulated_runs import Scenario
from benchmarks.statistics.simulation import Outcome, outcomes

PLAIN = Scenario(name="plain", images=300, seed_sd=1.0)
FAMILIES = 150
ERROR = 100 * (0.05 * 0.95 / FAMILIES) ** 0.5  # percent: standard error of an exact 5 % of the families


def by_seeds(scenario: Scenario) -> dict[int, Outcome]:
    """The outcomes by number of seeds."""
    return {found.seeds: found for found in outcomes(scenario, FAMILIES)}


def test_the_made_up_runs_have_the_accuracies_and_the_spread_that_are_said_to_be_true() -> None:
    scenario = Scenario(name="", images=4000, seed_sd=1.5, difference=2.0, arm_sd=0.0)
    rng = np.random.default_rng(0)
    accuracies = np.concatenate([simulated_runs.runs(scenario, 5, rng)[0].mean(axis=3) for _ in range(20)])
    baseline, others = accuracies[:, 0], accuracies[:, 1:]
    assert baseline.mean() == pytest.approx(0.85, abs=0.003)
    assert others.mean() - baseline.mean() == pytest.approx(scenario.truth, abs=0.003)
    assert baseline.std(axis=1, ddof=1).mean() == pytest.approx(0.015, rel=0.1)  # points, the images' share is small


def test_two_runs_of_one_arm_disagree_as_networks_do() -> None:
    values, _ = simulated_runs.runs(replace(PLAIN, images=2000), 5, np.random.default_rng(0))
    assert 0.08 < np.mean(values[:, :, 0] != values[:, :, 1]) < 0.16


def test_collapsing_seeds_lose_ten_points() -> None:
    scenario = replace(PLAIN, images=20_000, seed_sd=0.0, collapse=0.5)
    accuracies = simulated_runs.runs(scenario, 4, np.random.default_rng(0))[0].mean(axis=3)
    assert accuracies[:, 1:].min() == pytest.approx(0.75, abs=0.02)
    assert accuracies[:, 0].min() == pytest.approx(0.85, abs=0.02)


def test_weights_of_the_classes_sum_to_1() -> None:
    _, weights = simulated_runs.runs(replace(PLAIN, metric="acc_macro"), 1, np.random.default_rng(0))
    assert weights is not None
    assert weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("metric", ["acc", "acc_macro", "loss"])
def test_without_a_difference_the_family_wise_error_and_the_coverage_are_as_promised(metric: str) -> None:
    found = by_seeds(replace(PLAIN, metric=metric))
    for seeds in (2, 3, 5, 10):
        assert max(found[seeds].family_wise_error.values()) < 5 + 3 * ERROR
        assert found[seeds].coverage > 93
    assert found[10].coverage < 98.5  # not by being endless
    assert set(found[1].family_wise_error.values()) == {0}


def test_a_test_blind_to_seeds_fails_and_ours_does_not() -> None:
    found = by_seeds(Scenario(name="", images=1000, seed_sd=2.0, arm_sd=0.0))[5]
    coverage, error = found.alternatives["images only"]
    assert coverage < 80 < 93 < found.coverage
    assert error > 30 > 5 + 3 * ERROR > found.family_wise_error[8]


def test_a_test_blind_to_images_fails_and_ours_does_not() -> None:
    found = by_seeds(Scenario(name="", images=300, seed_sd=0.1, arm_sd=2.0))[10]
    coverage, error = found.alternatives["seeds only"]
    assert coverage < 80 < 93 < found.coverage
    assert error > 30 > 5 + 3 * ERROR > found.family_wise_error[8]


def test_two_points_are_found_more_often_with_more_seeds_and_in_the_right_direction() -> None:
    found = by_seeds(Scenario(name="", images=2000, seed_sd=0.7, difference=2.0))
    assert found[3].power[1] < found[5].power[1] < found[10].power[1]
    assert found[10].power[1] > 80
    assert found[10].family_wise_error[1] - found[10].power[1] < 1  # no losses


def test_the_planned_power_is_the_simulated_one() -> None:
    """The variances are taken from some families, the power from others."""
    scenario = Scenario(name="", images=2000, seed_sd=1.0, difference=2.0)
    tables = np.concatenate(list(simulated_runs.simulate(scenario, 20, np.random.default_rng(1))))
    spreads = [variances(mean_squares(table)) for table in tables.reshape(-1, *tables.shape[2:])]
    truth = Variances(**{part: float(np.mean([getattr(v, part) for v in spreads])) for part in vars(spreads[0])})
    found = by_seeds(scenario)
    for seeds in (3, 5, 10):
        planned = expected_power(truth, seeds, 2000, difference=0.02, alpha=0.05)
        assert 100 * planned == pytest.approx(found[seeds].power[1], abs=8)  # four standard errors at most


def test_the_command_writes_tables_and_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = replace(PLAIN, name="other images", images=1000)
    monkeypatch.setattr(command, "no_difference", lambda: [scenario])
    monkeypatch.setattr(command, "two_points", lambda: [replace(scenario, name="two points", difference=2.0)])
    monkeypatch.setattr(command, "collapsing", lambda: [replace(scenario, name="collapsing", collapse=0.05)])
    monkeypatch.setattr(command, "measured", lambda scenarios, families: [(s, outcomes(s, 5)) for s in scenarios])
    monkeypatch.setattr(command, "pigeonhole", lambda scenario, families: [(95.0, 5.0)] * 4)
    command.main(["--quick", "--out", str(tmp_path)])
    text = (tmp_path / "simulation.md").read_text()
    assert "| other images | 1,000 | 1 |" in text
    assert "| 1 | pigeonhole bootstrap | 95.0 / 5.0 |" in text
    rows = json.loads((tmp_path / "simulation.json").read_text())
    assert [row["scenario"]["name"] for row in rows] == ["other images", "two points", "collapsing"]
    assert [row["seeds"] for row in rows[0]["outcomes"]] == [1, 2, 3, 5, 10]


def test_the_bootstrap_of_seeds_and_images_gives_two_shares_per_number_of_seeds() -> None:
    found = alternative_tests.pigeonhole(replace(PLAIN, images=100), 5, draws=200)
    assert len(found) == 4
    assert all(0 <= share <= 100 for pair in found for share in pair)
