"""The plan of a sweep: checked whole before the first job, kept as it was composed."""

import errno
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from animal_cls.commands import train
from animal_cls.errors import UserError
from animal_cls.sweeps.checks import validate_plan
from animal_cls.sweeps.compose import job_folder
from animal_cls.sweeps.plan import (
    Job,
    JobEstimate,
    Plan,
    display_names,
    link_tensorboard,
    make_plan,
    planned_job,
    read_plan,
    write_plan,
)
from animal_cls.training import build


def job(*overrides: str, **changes: Any) -> Job:
    config = train.compose(overrides)
    for section, value in changes.items():
        setattr(config, section, value)
    return Job(folder=job_folder(overrides), overrides=list(overrides), config=config)


def write(jobs: Sequence[Job], folder: Path, skip: Mapping[str, str] = MappingProxyType({})) -> Plan:
    """The plan of these jobs, written to `folder`."""
    plan = make_plan(jobs, {job.folder: JobEstimate(skip=skip.get(job.folder)) for job in jobs})
    write_plan(plan, folder)
    return plan


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


def test_display_names_say_the_fold_where_there_are_folds() -> None:
    folds = [job("data.folds=3", f"data.fold={fold}") for fold in range(2)]
    assert display_names(folds) == ["simple_cnn/none/fold=0/seed=0", "simple_cnn/none/fold=1/seed=0"]
    rates = [job("data.folds=3", "data.fold=2", f"optimizer.lr={lr}") for lr in (0.1, 0.2)]
    assert display_names(rates) == [
        "simple_cnn/none optimizer.lr=0.1/fold=2/seed=0",
        "simple_cnn/none optimizer.lr=0.2/fold=2/seed=0",
    ]


def test_no_jobs_no_names() -> None:
    assert display_names([]) == []


def test_a_sweep_folder_is_claimed_by_one_plan(tmp_path: Path) -> None:
    jobs, sweep = [job("seed=1"), job("seed=2")], tmp_path / "sweep"
    written = write(jobs, sweep, {"seed=2": "no weights"})
    plan = read_plan(sweep)
    assert plan == written
    assert plan.cwd == str(Path.cwd())
    assert plan.seeds == (1, 2), "so that seeds that are added later can be told"
    name = "simple_cnn/none/seed="
    assert [(job.name, job.folder, job.curves, job.overrides, job.skip) for job in plan.jobs] == [
        (f"{name}1", "seed=1", f"{name}1", ["seed=1"], None),
        (f"{name}2", "seed=2", f"{name}2", ["seed=2"], "no weights"),
    ]
    assert [job.job() for job in plan.jobs] == jobs
    assert [planned_job(sweep, sweep / name) for name in ("seed=1", "seed=2", "seed=3")] == [*plan.jobs, None]
    with pytest.raises(UserError, match=r"holds another sweep .+ or go on with that one: python -m animal_cls\.resume"):
        write(jobs[:1], sweep)


def test_no_plan_is_no_jobs(tmp_path: Path) -> None:
    assert read_plan(tmp_path) == read_plan(tmp_path / "nowhere") == Plan()


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"schema": 3, "jobs": []}', '{"schema": 4}', "[" * 10**5])
def test_a_damaged_plan_is_told_with_the_way_out(damage: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(damage)
    with pytest.raises(
        UserError, match=r"plan\.json: damaged \(.+\)\. The jobs that have begun can go on one by one: "
    ):
        read_plan(tmp_path)
    assert planned_job(tmp_path, tmp_path / "seed=1") is None, "a job of the sweep does without"


def test_a_plan_that_cannot_be_read_now_is_not_called_damaged(tmp_path: Path) -> None:
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(UserError, match=r"plan\.json: cannot be read \(Is a directory\)\. When the cause is gone, try"):
        read_plan(tmp_path)


def test_an_edited_plan_is_noticed(tmp_path: Path) -> None:
    write([job("seed=1")], tmp_path)
    text = (tmp_path / "plan.json").read_text()
    (tmp_path / "plan.json").write_text(text.replace('"seed": 1', '"seed": 2'))
    with pytest.raises(UserError, match="its checksum does not fit"):
        read_plan(tmp_path)
    (tmp_path / "plan.json").write_text(json.dumps(json.loads(text)))
    assert read_plan(tmp_path).jobs, "other white space is no damage"


@pytest.mark.parametrize("place", ["/etc", "../other", "a/../../other", ".", "", "a\0b"])
@pytest.mark.parametrize("key", ["name", "folder", "curves", "baseline"])
def test_a_plan_cannot_point_outside_its_sweep(key: str, place: str, tmp_path: Path) -> None:
    """Also where whoever wrote it knows how its checksum is made."""
    plan = make_plan([job("seed=1")], {"seed=1": JobEstimate()})
    write_plan(replace(plan, jobs=(replace(plan.jobs[0], **{key: place}),)), tmp_path)
    with pytest.raises(UserError, match="is not a place in the sweep's folder"):
        read_plan(tmp_path)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (("a", "b", "a"), "The plan holds the same job twice: a. "),
        (("0/report", "report/0"), "hydra.sweep.subdir=report/0: the sweep's own files have that name. "),
        (("plan.json",), "hydra.sweep.subdir=plan.json: the sweep's own files have that name. "),
        (("a/b", "a"), "hydra.sweep.subdir=a/b: lies in another job's folder (a). "),
        (("x" * 256,), f"hydra.sweep.subdir={'x' * 256}: {'x' * 40}... is too long for the name of a folder."),
    ],
)
def test_jobs_that_would_share_a_folder_are_refused(folders: tuple[str, ...], message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}"):
        validate_plan([replace(job("seed=1"), folder=folder) for folder in folders], tmp_path)


def test_a_folder_that_a_run_can_go_on_in_is_refused(tmp_path: Path) -> None:
    (tmp_path / "seed=1").mkdir()
    (tmp_path / "seed=1" / "start.json").write_text("{}")
    with pytest.raises(UserError, match=r"seed=1: holds an unfinished run.* python -m animal_cls\.resume .*/seed=1"):
        validate_plan([job("seed=1")], tmp_path)


def test_a_file_in_place_of_a_job_is_refused(tmp_path: Path) -> None:
    (tmp_path / "seed=1").touch()
    with pytest.raises(UserError, match="seed=1: cannot be a job's folder, there is a file of that name"):
        validate_plan([job("seed=1")], tmp_path)
    with pytest.raises(UserError, match=r"hydra\.sweep\.dir=.+seed=1: cannot be made \(Not a directory\)"):
        validate_plan([job("seed=1")], tmp_path / "seed=1")


def test_a_link_out_of_the_sweep_is_refused(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "report").symlink_to(tmp_path / "precious")
    with pytest.raises(UserError, match=r"sweep/report: is a link to .+precious, outside of .+ not written through"):
        validate_plan([job("seed=1")], tmp_path / "sweep")


def test_a_sweep_folder_that_cannot_be_written_to_is_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("animal_cls.files.atomic.write_new", refuse)
    with pytest.raises(UserError, match=r"hydra\.sweep\.dir=.+: cannot be written to \(Read-only file system\)"):
        write([job("seed=1")], tmp_path)


def test_a_file_system_without_links_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("no links here")

    plan = write([job("seed=1")], tmp_path)
    monkeypatch.setattr(Path, "symlink_to", refuse)
    link_tensorboard(plan, tmp_path)
    assert not list(tmp_path.rglob("seed=*"))


def test_links_that_an_earlier_process_made_are_completed(tmp_path: Path) -> None:
    jobs = [job("seed=1"), job("seed=2")]
    plan = write(jobs, tmp_path)
    link_tensorboard(plan, tmp_path)
    links = tmp_path / "tensorboard" / "simple_cnn" / "none"
    (links / "seed=2").unlink()
    link_tensorboard(plan, tmp_path)
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
    assert set(validate_plan(jobs, tmp_path / "sweep")) == {"seed=1", "seed=2"}
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


def test_a_job_of_a_strength_that_reaches_nothing_is_skipped(tmp_path: Path) -> None:
    """Also where another method of it acts: it would be that one's double under a wrong name."""
    plain = {"name": "plain_adam", "_target_": "torch.optim.Adam", "lr": 0.001}
    jobs = [job(f"reg={reg}", f"seed={seed}", optimizer=plain) for reg in ("l2", "[l2,ema]") for seed in (0, 1)]
    for one in jobs:
        one.config.derived = {}  # as of an option file without weight_decay: ${reg.weight_decay}
    estimates = validate_plan([*jobs, job("reg=none")], tmp_path / "sweep")
    reason = "no key of the config follows it; an option file would say so by ${reg.weight_decay}"
    told = f"reg.weight_decay=1e-05 has no effect: {reason}"
    assert [(one.skip, one.idle) for one in estimates.values()] == [(told, True)] * 4 + [(None, False)]
    plan = make_plan(jobs, estimates)
    assert {one.job().skip for one in plan.jobs} == {told}, "nor is it built when it is resumed"
    assert {(one.skip, one.idle, one.baseline) for one in plan.jobs} == {(told, True, None)}


def test_a_method_of_a_menu_that_cannot_be_is_skipped(tmp_path: Path) -> None:
    one = job("reg=flip", "reg.flip=1.5")
    estimates = validate_plan([job("reg=none"), replace(one, optional=True)], tmp_path / "sweep")
    found = estimates[one.folder]
    assert (found.idle, found.fault) == (True, None)
    assert (found.skip or "").startswith("reg.flip=1.5: ")
    with pytest.raises(UserError, match=r"reg\.flip=1\.5: .*nothing was started"):
        validate_plan([job("reg=none"), one], tmp_path / "sweep")


def test_the_job_that_another_is_compared_with_is_kept(tmp_path: Path) -> None:
    jobs = [job("seed=1"), replace(job("seed=2"), baseline="seed=1")]
    write(jobs, tmp_path)
    assert [one.job().baseline for one in read_plan(tmp_path).jobs] == [None, "seed=1"]


def test_an_axis_without_values_is_no_plan(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="The plan holds no job: one of its axes has no values"):
        validate_plan([], tmp_path)
