"""Which runs are meant: those that are named, or of a sweep the seeds of the arm that is best on val."""

import json
import re
import shutil
from pathlib import Path

import pytest

from animal_cls import results
from animal_cls.errors import UserError
from animal_cls.results import Result
from animal_cls.use.winner import choose, choose_arms
from tests.results.made_up_runs import run_in


def test_of_a_sweep_the_seeds_of_the_arm_that_is_best_on_val(made_up: Path) -> None:
    chosen = choose([made_up])
    assert [folder.name for folder in chosen.folders] == ["dropout0", "dropout1"]
    level = "simple_cnn/dropout has the highest accuracy on val of 3 arms: 75.0 %"
    assert chosen.why == f"{level}, 2 runs."
    assert chosen.averaged == f"{level}, 2 runs. Their probabilities are averaged."


def test_beside_the_best_arm_stands_its_baseline_and_beside_the_best_baseline_the_best_of_the_others(
    made_up: Path,
) -> None:
    assert [chosen.arm for chosen in choose_arms([made_up])] == ["simple_cnn/dropout", "simple_cnn/none"]
    shutil.rmtree(made_up / "none1")  # the worse one
    assert [chosen.arm for chosen in choose_arms([made_up])] == ["simple_cnn/none", "simple_cnn/dropout"]
    for name in ("dropout0", "dropout1", "l20", "l21"):
        shutil.rmtree(made_up / name)
    assert [chosen.arm for chosen in choose_arms([made_up])] == ["simple_cnn/none"]


def test_trials_of_a_search_do_not_win_beside_the_sweep_that_shows_what_they_are_worth(made_up: Path) -> None:
    search = made_up / "search"
    right = [True] * 8
    run_in(search / "trial", {"val": {"cat": right, "dog": right}}, reg="l2", changes={"reg.weight_decay": 0.3})
    (search / "found.json").touch()
    assert choose([search]).folders == (search / "trial",), "it is all that there is"
    assert choose([made_up]).arm == "simple_cnn/dropout"


def test_runs_that_are_named_are_taken_as_they_are(made_up: Path) -> None:
    folders = [made_up / "none0", made_up / "l21"]
    chosen = choose(folders)
    assert (list(chosen.folders), chosen.why, [one.reg for one in chosen.results]) == (folders, "", ["none", "l2"])


def broken(folder: Path, what: str) -> Path:
    """A folder of which nothing can be used."""
    if what != "no folder":
        folder.mkdir()
    if what == "unfinished":
        (folder / "start.json").write_text("{}")
    if what == "failed":
        results.save(Result(status="failed", reason="loss is nan", config={}, model="m", reg="none", seed=0), folder)
    if what == "empty sweep":
        (folder / "plan.json").write_text(json.dumps({"jobs": [{"folder": "a", "name": "a", "overrides": []}]}))
    return folder


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("no folder", "{0}: no such folder. Runs land in outputs/ and multirun/."),
        ("no run", "{0}: holds neither a run (result.json) nor a sweep (plan.json). Runs land in"),
        ("unfinished", "{0}: the run is not finished. Go on with it: python -m animal_cls.resume {0}"),
        ("failed", "{0}: the run is failed (loss is nan), so there is nothing to use."),
        ("empty sweep", "{0}: no run with a val split is done, so there is no winner. Name a run."),
    ],
)
def test_what_is_no_finished_run_is_one_message(tmp_path: Path, what: str, message: str) -> None:
    folder = broken(tmp_path / "it", what)
    with pytest.raises(UserError, match=f"^{re.escape(message.format(folder))}"):
        choose([folder])


def test_runs_and_sweeps_are_not_mixed_nor_unlike_classes(made_up: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"sweep is a sweep, and others are runs: name runs alone, or sweeps alone\."):
        choose([made_up / "none0", made_up])
    other = run_in(tmp_path / "other", {"val": {"fox": [True], "dog": [True]}})
    with pytest.raises(UserError, match=r"other: has other classes than .*none0, so they cannot be used together\."):
        choose([made_up / "none0", other])
