"""lr_find from its command line to its files and messages."""

import csv
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from PIL import Image

from animal_cls.training import range_test
from animal_cls.training.range_test import Curve

Program = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def falling(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training whose loss falls from step 20 on and diverges in step 90."""

    def made(config: object, rates: list[float]) -> Curve:
        losses = [2.0 - 0.02 * max(0, min(k - 20, 40)) for k in range(90)]
        return Curve(rates=tuple(rates[:90]), losses=tuple(losses), ended="diverged")

    monkeypatch.setattr(range_test, "range_test", made)


@pytest.mark.usefixtures("falling")
def test_the_curve_and_the_command_that_uses_it(program: Program, tmp_path: Path) -> None:
    done = program("lr_find", "reg=mixup", "data=toy", "optimizer.lr=1e-6..1", "--out", "found")
    assert (done.returncode, done.stderr) == (0, "")
    assert "90 steps from 1e-06, ended at 0.248: the loss diverged" in done.stdout
    assert "https://arxiv.org/abs/1506.01186" in done.stdout
    with Path("found", "curve.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows[:22:20]] == [2.0, 2.0]
    rate = float(done.stdout.rpartition("optimizer.lr=")[2])
    steps = [k for k, row in enumerate(rows) if float(row["rate"]) <= rate * 1.05]
    assert 20 <= steps[-1] <= 60  # where it falls
    assert f"python -m animal_cls reg=mixup data=toy optimizer.lr={rate:.2g}" in done.stdout
    with Image.open(tmp_path / "found" / "curve.png") as curve:
        assert curve.size[0] > 500


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        ([0.693] * 60, "the loss falls by no more than its noise (0.693 at first, 0.693 at its lowest)"),
        ([2.0, 3.0, 9.0], "the loss diverged after 3 steps"),
    ],
)
def test_a_curve_that_suggests_nothing_can_be_looked_at_all_the_same(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, losses: list[float], message: str
) -> None:
    monkeypatch.setattr(
        range_test,
        "range_test",
        lambda config, rates: Curve(rates=tuple(rates[: len(losses)]), losses=tuple(losses), ended="the range"),
    )
    done = program("lr_find", "--out", "found")
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.endswith(f"The curve: {tmp_path / 'found' / 'curve.png'}\n")
    with Path("found", "curve.csv").open(encoding="utf-8") as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == losses
    with Image.open(tmp_path / "found" / "curve.png") as curve:
        assert curve.size[0] > 500


@pytest.mark.usefixtures("falling")
def test_nothing_is_written_over(program: Program) -> None:
    program("lr_find", "--out", "found")
    done = program("lr_find", "--out", "found")
    assert done.returncode == 1
    assert "curve.png: is there already, and is not written over" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["optimizer.lr=1e-6.."], "optimizer.lr=1e-6..: a range needs two ends that are numbers"),
        (["optimizer.lr=1e-6..inf"], "optimizer.lr=1e-6..inf: a range goes from a smaller number to a larger one"),
        (["optimizer.lr=0..1"], "optimizer.lr=0..1: the rate grows by factors, so that it begins above 0"),
        (["optimizer.lr=0.01"], "optimizer.lr=0.01: is what lr_find looks for."),
        (["reg.mixup=0.1..1"], "reg.mixup=0.1..1: lr_find varies optimizer.lr alone."),
        (["optimizer.lr=1e-6..1", "optimizer.lr=1e-5..1"], "optimizer.lr: has two ranges."),
        (["--steps", "5"], "--steps 5: at least 20 are needed"),
        (["trainer.devices=2"], "trainer.devices=2: lr_find trains on one."),
        (["--setps", "5"], "--setps: no such flag."),
        (["model=resnet19"], "model=resnet19"),
    ],
)
@pytest.mark.usefixtures("falling")
def test_a_mistake_is_told_in_one_line(program: Program, words: list[str], message: str) -> None:
    done = program("lr_find", *words)
    assert done.returncode == 1
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
    assert not Path("lr_find").exists()
