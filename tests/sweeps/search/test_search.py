"""A search from its command to its winner, with a training whose accuracy is a known function of what is tried."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from animal_cls import results
from animal_cls.config.methods import strength_of
from animal_cls.config.schema import Config
from animal_cls.results import Result
from animal_cls.results.searches import TRIALS as TABLE
from animal_cls.sweeps.run_status import run_status
from animal_cls.sweeps.search import study
from tests.sweeps.conftest import done

Program = Callable[..., "CompletedProcess[str]"]

WORDS = (
    *("search", "reg=mixup", "reg.mixup=0.05..2", "optimizer.lr=1e-4..1e-2", "trainer.max_epochs=8"),
    *("data=folder", "data.root=photos", "trainer.accelerator=cpu", "data.image_size=64", "--dir", "found"),
)
optuna = pytest.importorskip("optuna")


def accuracy(config: Config) -> float:
    """The better, the nearer the strength is to 2; at least 0.5."""
    strength = strength_of(config.reg["mixup"])
    assert isinstance(strength, float)
    return 0.5 + strength / 5


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, image_folder: Callable[..., Path]) -> list[Config]:
    """The configs of the trials that came to their end; the others were pruned."""
    image_folder(tmp_path / "photos", per_class=10)
    found: list[Config] = []

    def run(config: Config, folder: Path, *, after_epoch: Any = None, **_: object) -> Result:
        for epoch in range(config.trainer.max_epochs):
            after_epoch(epoch, accuracy(config))
        found.append(config)
        made = done(config)
        val = made.splits["val"]
        object.__setattr__(val, "acc", accuracy(config))
        results.save(made, folder)
        return made

    monkeypatch.setattr("animal_cls.training.run.train", run)
    monkeypatch.chdir(tmp_path)
    return found


def rows() -> list[dict[str, str]]:
    with Path("found", TABLE).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_search_finds_what_is_best_on_val(program: Program, trained: list[Config]) -> None:
    outcome = program(*WORDS, "--trials", "12")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    table = rows()
    assert len(table) == 12
    best = max((row for row in table if row["state"] == "done"), key=lambda row: float(row["val_acc"]))
    assert float(best["val_acc"]) == pytest.approx(0.5 + float(best["reg.mixup"]) / 5, abs=1e-9)
    assert float(best["reg.mixup"]) == max(strength_of(config.reg["mixup"]) for config in trained)
    said = outcome.stdout
    assert "sampler  TPE" in said
    assert "pruner   median" in said
    assert "this is no gain yet" in said
    assert "done: train" in said
    assert "test" not in re.findall(r"done: .*", said)[0]  # by which a user would choose
    shared = [word for word in WORDS[4:-2] if not word.startswith("reg")]
    found = [f"{key}={best[key]}" for key in ("optimizer.lr", "reg.mixup")]
    command = " ".join(["sweep=strengths", "reg=mixup", *shared, *found, "seed=1,2,3,4,5"])
    assert command in said


def test_pruned_trials_are_marked_and_no_result_of_a_report(program: Program, trained: list[Config]) -> None:
    program(*WORDS, "--trials", "12")
    pruned = [row for row in rows() if row["state"] == "pruned"]
    assert len(pruned) + len(trained) == 12
    assert pruned
    for row in pruned:
        found = run_status(Path("found", row["folder"]))
        assert found.status == "skipped"
        assert found.detail.startswith("pruned after epoch ")
        assert row["val_acc"] == ""


def test_a_search_goes_on_and_a_dead_trial_first(
    program: Program, trained: list[Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    program(*WORDS, "--trials", "3")
    search = study.read(Path("found"))
    opened = study.opened(search, Path("found"))
    dead = opened.ask()
    study.suggest(dead, search.ranges)  # and never told
    outcome = program(*WORDS, "--trials", "5")
    assert outcome.returncode == 0
    assert [row["state"] for row in rows()].count("running") == 0
    assert len(rows()) == 5
    assert f"trial {dead.number + 1} of 5" in outcome.stdout.partition("trial 5")[0]


def test_another_search_in_the_folder_is_refused(program: Program, trained: list[Config]) -> None:
    program(*WORDS, "--trials", "1")
    other = [word.replace("0.05..2", "0.1..2") for word in WORDS]
    outcome = program(*other)
    assert outcome.returncode == 1
    assert "holds another search (reg=mixup trainer.max_epochs=8" in outcome.stderr
    assert outcome.stderr.count("\n") == 1


def test_a_journal_of_another_search_is_refused(program: Program, trained: list[Config]) -> None:
    program(*WORDS, "--trials", "1")
    for name in ("first", "other"):
        Path(name).mkdir()
    Path("found", study.JOURNAL).rename(Path("first", study.JOURNAL))
    words = [word for word in WORDS if not word.startswith("optimizer.lr")]
    program(*words[:-1], "other", "--trials", "1")
    Path("first", study.JOURNAL).rename(Path("other", study.JOURNAL))
    outcome = program("search", "other")
    assert outcome.returncode == 1
    assert "journal.log: is of another search (it is of reg=mixup trainer.max_epochs=8" in outcome.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["search", "reg=mixup", "model.drop=0.1..0.5"], "model.drop: "),
        (["search", "reg=stochastic_depth"], "search: "),
        (["search", "nowhere"], "holds no search (search.json)."),
        (["search", "reg=mixup", "--jobs", "0"], "--jobs 0: at least 1 is needed."),
        (["search", "reg=mixup", "--trails", "3"], "--trails: no such flag."),
    ],
)
def test_a_mistake_is_told_in_one_line(program: Program, trained: list[Config], words: list[str], message: str) -> None:
    outcome = program(*words)
    assert outcome.returncode == 1
    assert message in outcome.stderr
    assert outcome.stderr.count("\n") == 1
    assert not Path("searches").exists()


def test_a_missing_package_is_named(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    outcome = program(*WORDS)
    assert (
        outcome.stderr == "search: needs the package optuna. Install it: python -m pip install 'animal-cls[search]'\n"
    )


def test_a_users_own_table_is_not_written_over(program: Program, trained: list[Config]) -> None:
    Path("found").mkdir()
    Path("found", TABLE).write_text("mine")
    outcome = program(*WORDS, "--trials", "1")
    assert outcome.returncode == 1
    assert f"{TABLE}: is there already, and is not written over" in outcome.stderr
    assert Path("found", TABLE).read_text() == "mine"
    assert trained == []
