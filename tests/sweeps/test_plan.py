"""The plan of a sweep: checked whole before the first job, kept as it was composed."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from animal_cls.commands import train
from animal_cls.config.parse import restore
from animal_cls.errors import UserError
from animal_cls.sweeps.callback import job_folder
from animal_cls.sweeps.plan import (
    Job,
    display_names,
    jobs_of,
    link_tensorboard,
    planned_skip,
    read_plan,
    validate_plan,
    write_plan,
)
from animal_cls.training import build


def job(*overrides: str, **changes: Any) -> Job:
    config = train.compose(overrides)
    for section, value in changes.items():
        setattr(config, section, value)
    return Job(folder=job_folder(overrides), overrides=list(overrides), config=config)


def test_display_names_are_short_where_that_is_enough() -> None:
    jobs = [job("data.val=0.2", "reg=none"), job("data.val=0.2", "reg=l2", "seed=3")]
    assert display_names(jobs) == ["simple_cnn/none/seed=0", "simple_cnn/l2/seed=3"]


def test_display_names_are_told_apart_by_what_differs() -> None:
    shared = ["data.val=0.2", "seed=1"]
    jobs = [
        job(*shared, "reg=dropout", "reg.dropout=0.1"),
        job(*shared, "reg=dropout", "reg.dropout=0.2"),
        job(*shared, "reg=none"),
    ]
    assert display_names(jobs) == [
        "simple_cnn/dropout reg.dropout=0.1/seed=1",
        "simple_cnn/dropout reg.dropout=0.2/seed=1",
        "simple_cnn/none/seed=1",
    ]


def test_no_jobs_no_names() -> None:
    assert display_names([]) == []


def test_a_sweep_folder_is_claimed_by_one_plan(tmp_path: Path) -> None:
    jobs = [job("seed=1"), job("seed=2")]
    write_plan(jobs, tmp_path / "sweep", {"seed=2": "no weights"})
    plan = read_plan(tmp_path / "sweep")
    assert (plan["schema"], plan["cwd"]) == (2, str(Path.cwd()))
    name = "simple_cnn/none/seed="
    assert [(job["name"], job["folder"], job["curves"], job["overrides"], job["skip"]) for job in plan["jobs"]] == [
        (f"{name}1", "seed=1", f"{name}1", ["seed=1"], None),
        (f"{name}2", "seed=2", f"{name}2", ["seed=2"], "no weights"),
    ]
    assert [restore(job["config"]) for job in plan["jobs"]] == [job.config for job in jobs]
    assert planned_skip(tmp_path / "sweep" / "seed=1") is None
    assert planned_skip(tmp_path / "sweep" / "seed=2") == "no weights"
    assert planned_skip(tmp_path / "elsewhere" / "seed=2") is None
    with pytest.raises(UserError, match="holds another sweep"):
        write_plan(jobs[:1], tmp_path / "sweep", {})


def test_the_jobs_of_a_folder_without_a_plan_are_those_with_a_result(tmp_path: Path) -> None:
    for name in ("b", "a", "unfinished"):
        (tmp_path / name).mkdir()
    for name in ("b", "a"):
        (tmp_path / name / "result.json").touch()
    assert jobs_of(tmp_path) == [("a", "a"), ("b", "b")]
    assert jobs_of(tmp_path / "nowhere") == []


def test_a_file_system_without_links_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("no links here")

    write_plan([job("seed=1")], tmp_path, {})
    monkeypatch.setattr(Path, "symlink_to", refuse)
    link_tensorboard(tmp_path)
    assert not list(tmp_path.rglob("seed=*"))


def test_links_that_an_earlier_process_made_are_completed(tmp_path: Path) -> None:
    jobs = [job("seed=1"), job("seed=2")]
    write_plan(jobs, tmp_path, {})
    link_tensorboard(tmp_path)
    links = tmp_path / "tensorboard" / "simple_cnn" / "none"
    (links / "seed=2").unlink()
    link_tensorboard(tmp_path)
    assert sorted(path.name for path in links.iterdir()) == ["seed=1", "seed=2"]
    assert (links / "seed=2").readlink() == Path("../../../seed=2/tensorboard/simple_cnn/none/seed=2")


def test_too_small_a_disk_is_seen_before_the_first_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """best.ckpt holds the weights once, last.ckpt three times, and a third file is there while it is replaced."""
    jobs = [job("seed=1"), job("seed=2")]
    weights = sum(value.nbytes for value in build.network(jobs[0].config, num_classes=2).state_dict().values())
    needed = 2 * (4 * weights + 3_000_000) + 3 * weights

    def room(free: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 0, free))  # type: ignore[attr-defined]

    room(needed)
    assert validate_plan(jobs, tmp_path / "sweep") == {}
    room(needed - 1)
    message = (
        f"hydra.sweep.dir={tmp_path}/sweep: the output of 2 runs needs about {needed / 1e6:.1f} MB, "
        f"and {needed / 1e6:.1f} MB are free there. Make room, or choose another disk: hydra.sweep.dir=..."
    )
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        validate_plan(jobs, tmp_path / "sweep")
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("+data.source.colour=red", "data.source: animal_cls.data.sources.folder.locate cannot be called: "),
        ("data.source._target_=animal_cls.nothing", "data.source._target_=animal_cls.nothing: cannot be imported ("),
        ("+model.depth=3", "model: "),
        ("+optimizer.colour=red", "optimizer: "),
    ],
)
def test_what_a_part_does_not_take_is_seen_before_the_first_job(word: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        validate_plan([job("data=folder", "data.root=x"), job("data=folder", "data.root=x", word)], tmp_path)
    assert str(refused.value).startswith(message)
    assert str(refused.value).endswith(" nothing was started)")


def test_a_strength_that_reaches_nothing_is_said_before_the_first_job(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = {"name": "plain_adam", "_target_": "torch.optim.Adam", "lr": 0.001}
    jobs = [job("reg=l2", f"seed={seed}", optimizer=plain) for seed in (0, 1)]
    for one in jobs:
        one.config.derived = {}  # as of an option file without weight_decay: ${reg.weight_decay}
    assert validate_plan([*jobs, job("reg=none")], tmp_path / "sweep") == {}
    assert capsys.readouterr().err == (
        "reg=l2,seed=0: reg.weight_decay=1e-05 has no effect: no key of the config follows it; "
        "an option file would say so by ${reg.weight_decay}\n"
    )


def test_an_axis_without_values_is_no_plan(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="The plan holds no job: one of its axes has no values"):
        validate_plan([], tmp_path)
