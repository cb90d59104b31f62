"""The journal of a search: whose it is, what a kill leaves of it, and which numbers a trial draws."""

import json
from pathlib import Path
from typing import Any

import pytest

from animal_cls.errors import UserError
from animal_cls.sweeps.search import confirmation, study
from animal_cls.sweeps.search.found import found
from animal_cls.sweeps.search.space import Range, folder_of, tried, words_of
from animal_cls.sweeps.search.study import JOURNAL, Search

optuna = pytest.importorskip("optuna")

RANGES = (Range(key="reg.mixup", low=0.05, high=2), Range(key="data.batch_size", low=8, high=64, whole=True))


def a_search(**changes: Any) -> Search:
    known: dict[str, Any] = {"fixed": ("reg=mixup",), "ranges": RANGES, "trials": 4, "epochs": 8, "cwd": "."}
    return Search(**known | changes)


def asked(opened: Any, search: Search, number: int) -> dict[str, float]:
    opened.sampler = study.sampler(search, number)
    return study.suggest(opened.ask(), search.ranges)


def test_a_trial_draws_by_its_number_and_the_seed(tmp_path: Path) -> None:
    search = a_search()
    first = study.opened(search, tmp_path)
    drawn = [asked(first, search, number) for number in range(3)]
    assert len({tuple(params.values()) for params in drawn}) == 3
    (tmp_path / JOURNAL).unlink()
    again = study.opened(search, tmp_path)
    assert asked(again, search, 0) == drawn[0]
    again = study.opened(search, tmp_path)  # another process, that goes on
    assert [asked(again, search, number) for number in (1, 2)] == drawn[1:]
    assert asked(again, other := a_search(seed=1), 3) != asked(again, other, 4)
    for params in drawn:
        assert 0.05 <= params["reg.mixup"] <= 2
        assert isinstance(params["data.batch_size"], int)


def test_a_trial_that_was_killed_while_it_asked_gets_what_it_lacks(tmp_path: Path) -> None:
    search = a_search()
    opened = study.opened(search, tmp_path)
    half = opened.ask()
    known = half.suggest_float("reg.mixup", 0.05, 2, log=True)
    params = study.suggest(optuna.trial.Trial(opened, half._trial_id), search.ranges)
    assert params["reg.mixup"] == known
    assert params.keys() == {"reg.mixup", "data.batch_size"}


def test_the_torn_last_line_of_a_journal_is_cut_off(tmp_path: Path) -> None:
    search = a_search()
    opened = study.opened(search, tmp_path)
    opened.ask()
    whole = (tmp_path / JOURNAL).read_bytes()
    (tmp_path / JOURNAL).write_bytes(whole + b'{"op_code":8,"worker')
    assert len(study.opened(search, tmp_path).get_trials()) == 1
    assert (tmp_path / JOURNAL).read_bytes() == whole


@pytest.mark.parametrize("content", [b"\0\xff\xfe", b"no journal\n", b"[1]\n", b'{"op_code": 77}\n'])
def test_what_is_no_journal_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / JOURNAL).write_bytes(content)
    with pytest.raises(UserError, match=r"journal\.log: is no journal of a search, or damaged"):
        study.opened(a_search(), tmp_path)
    assert (tmp_path / JOURNAL).read_bytes() == content


def test_a_journal_of_somebody_elses_study_is_refused(tmp_path: Path) -> None:
    journal = optuna.storages.journal.JournalFileBackend(str(tmp_path / JOURNAL))
    optuna.create_study(storage=optuna.storages.JournalStorage(journal), study_name="mine")
    before = (tmp_path / JOURNAL).read_bytes()
    with pytest.raises(UserError, match=r"is of another search \(of Optuna's study mine\)"):
        study.opened(a_search(), tmp_path)
    assert (tmp_path / JOURNAL).read_bytes() == before


@pytest.mark.parametrize("other", [a_search(fixed=()), a_search(ranges=(Range(key="reg.mixup", low=0.1, high=2),))])
def test_a_journal_of_other_ranges_or_words_is_refused(tmp_path: Path, other: Search) -> None:
    study.opened(a_search(), tmp_path)
    with pytest.raises(UserError, match=r"it is of reg=mixup reg\.mixup=0\.05\.\.2 data\.batch_size=8\.\.64"):
        study.opened(other, tmp_path)


def test_what_is_searched_is_written_and_read(tmp_path: Path) -> None:
    search = a_search(usual={"seed": 3, "reg.mixup": 0})
    study.write(search, tmp_path)
    assert study.read(tmp_path) == search
    raw = json.loads((tmp_path / study.SEARCH).read_text(encoding="utf-8"))
    (tmp_path / study.SEARCH).write_text(json.dumps(raw | {"ranges": [{"key": 1}]}), encoding="utf-8")
    with pytest.raises(UserError, match=r"search\.json: damaged"):
        study.read(tmp_path)


def test_resume_names_the_command_that_goes_on_with_a_search(program: Any, tmp_path: Path) -> None:
    study.write(a_search(), tmp_path / "found")
    outcome = program("resume", "found")
    assert outcome.returncode == 1
    assert (
        outcome.stderr
        == f"{tmp_path}/found: holds a search. Go on with it: python -m animal_cls search {tmp_path}/found\n"
    )


def test_numbers_are_tried_as_they_are_shown() -> None:
    params = {"reg.mixup": 0.123456789, "data.batch_size": 16, "optimizer.lr": 1.23456e-5}
    assert words_of(params) == ["data.batch_size=16", "optimizer.lr=1.235e-05", "reg.mixup=0.1235"]
    assert tried(params) == {"data.batch_size": 16, "optimizer.lr": 1.235e-5, "reg.mixup": 0.1235}
    assert folder_of(params) == "data.batch_size=16,optimizer.lr=1.235e-05,reg.mixup=0.1235"


def test_importance_is_said_from_ten_trials_on_and_is_the_larger_for_what_matters(tmp_path: Path) -> None:
    search = a_search(trials=40)
    opened = study.opened(search, tmp_path)
    for number in range(30):
        opened.sampler = study.sampler(search, number)
        trial = opened.ask()
        opened.tell(trial, study.suggest(trial, search.ranges)["reg.mixup"])
        if number == 8:
            assert found(opened, search, tmp_path).importance == {}
    shares = found(opened, search, tmp_path).importance
    assert shares.keys() == {"reg.mixup", "data.batch_size"}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["reg.mixup"] > 0.8


# What would show a gain.

BEST = {"reg.mixup": 0.4, "optimizer.lr": 0.003}
MIXUP, RATE = Range(key="reg.mixup", low=0.05, high=2), Range(key="optimizer.lr", low=1e-4, high=1e-2)


def test_methods_are_confirmed_by_their_plan_in_seeds_that_no_trial_had() -> None:
    search = a_search(fixed=("reg=mixup", "seed=7", "model=resnet18"), ranges=(MIXUP, RATE))
    words = confirmation.words(search, BEST, seeds=2)
    assert words == ["sweep=strengths", "reg=mixup", "model=resnet18", *words_of(BEST), "seed=8,9"]
    several = a_search(fixed=("reg=[mixup,ema]",), usual={"seed": 4})
    assert confirmation.words(several, {"reg.mixup": 0.4}, seeds=2)[0] == "sweep=leave_one_out"
    assert confirmation.words(several, {"reg.mixup": 0.4}, seeds=2)[-1] == "seed=5,6"


def test_without_methods_each_key_is_compared_with_what_it_is_unsearched() -> None:
    search = a_search(fixed=("model=resnet18",), ranges=(MIXUP, RATE), usual={"seed": 0, "optimizer.lr": 0.001})
    words = confirmation.words(search, BEST, seeds=2)
    assert words == ["--multirun", "model=resnet18", "reg.mixup=0,0.4", "optimizer.lr=0.001,0.003", "seed=1,2"]


def test_what_was_chosen_for_the_methods_beside_their_strength_is_told() -> None:
    search = a_search(fixed=("reg=mixup", "model=resnet18"), ranges=(MIXUP, RATE))
    assert confirmation.note(search).endswith(
        "python -m animal_cls search model=resnet18 reg=none optimizer.lr=0.0001..0.01 --trials 4"
    )
    assert confirmation.note(a_search(ranges=(MIXUP,))) == ""
    assert confirmation.note(a_search(fixed=(), ranges=(RATE,))) == ""
