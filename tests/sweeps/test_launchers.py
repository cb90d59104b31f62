"""How the jobs of a sweep share a machine, what Hydra's launchers are told of it, and what is refused."""

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch

from animal_cls.config.schema import LauncherConfig
from animal_cls.data import batches
from animal_cls.errors import UserError
from animal_cls.sweeps import launchers
from animal_cls.sweeps.launchers import Share, hydras_keys, share_out
from animal_cls.sweeps.worker import claim
from animal_cls.training import hardware

Program = Callable[..., "CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launchers, "cores", lambda: 8)


def parallel(**keys: Any) -> LauncherConfig:
    return LauncherConfig(name="parallel", **keys)


@pytest.mark.parametrize(
    ("keys", "jobs", "expected"),
    [
        ({}, 20, (8, 1)),
        ({}, 3, (3, 2)),  # 3 x 2 of 8 cores, not 3 x 3
        ({"jobs": 2}, 20, (2, 4)),
        ({"threads": 3}, 20, (2, 3)),
        ({"jobs": 4, "threads": 1}, 20, (4, 1)),
        ({"jobs": 4}, 1, (1, 8)),
    ],
)
def test_jobs_at_a_time_and_their_threads_fit_the_cores(
    keys: dict[str, Any], jobs: int, expected: tuple[int, int]
) -> None:
    share = share_out(parallel(**keys), jobs=jobs, gpus=())
    assert (share.jobs, share.threads) == expected
    assert launchers.caution(parallel(**keys), share) is None


@pytest.mark.parametrize(
    ("launcher", "said"),
    [
        (
            parallel(jobs=16),
            "launcher.jobs=16: 16 jobs at a time x 1 thread on 8 cores: they will slow each other down.",
        ),
        (
            LauncherConfig(name="submitit_local", threads=2),
            "launcher=submitit_local: 20 jobs at a time x 2 threads on 8 ",
        ),
    ],
)
def test_more_threads_than_cores_are_had_and_said(launcher: LauncherConfig, said: str) -> None:
    found = launchers.caution(launcher, share_out(launcher, jobs=20, gpus=()))
    assert found is not None
    assert found.startswith(said)


@pytest.mark.parametrize(
    ("keys", "at_once", "used"),
    [({}, 4, "2345"), ({"jobs_per_gpu": 2}, 8, "2345"), ({"gpus": 1, "jobs_per_gpu": 3}, 3, "2"), ({"gpus": 0}, 8, "")],
)
def test_the_gpus_say_how_many_jobs_run_at_a_time(keys: dict[str, Any], at_once: int, used: str) -> None:
    share = share_out(parallel(**keys), jobs=20, gpus=tuple("2345"))
    assert (share.jobs, "".join(share.gpus), share.per_gpu) == (at_once, used, keys.get("jobs_per_gpu", 1))


@pytest.mark.parametrize(
    ("keys", "gpus", "message"),
    [
        ({"gpus": 4}, "0", "launcher.gpus=4: the jobs can use 1 GPU of this machine. Use launcher.gpus=1 or less."),
        ({"gpus": 1}, "", "launcher.gpus=1: the jobs can use no GPUs of this machine. Use launcher.gpus=0 or less."),
        (
            {"jobs": 5},
            "01",
            "launcher.jobs=5: 2 GPUs take 2 at a time. To let more share one: launcher.jobs_per_gpu=3",
        ),
    ],
)
def test_more_than_there_is_is_refused(keys: dict[str, Any], gpus: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        share_out(parallel(**keys), jobs=20, gpus=tuple(gpus))
    assert str(error.value) == message


def test_a_ray_of_its_own_shares_the_machine_as_processes_do_and_a_cluster_by_itself() -> None:
    own, cluster = LauncherConfig(name="ray", jobs_per_gpu=2), LauncherConfig(name="ray", address="auto", jobs=2)
    assert share_out(own, jobs=20, gpus=()) == Share(jobs=8, threads=1, per_gpu=2)
    assert share_out(own, jobs=20, gpus=("0",)) == Share(jobs=2, threads=4, gpus=("0",), per_gpu=2)
    assert [launchers.trains_here(one) for one in (own, cluster)] == [True, False]
    with pytest.raises(UserError) as error:
        share_out(cluster, jobs=20, gpus=())
    assert str(error.value) == (
        "launcher.jobs=2: the Ray at launcher.address=auto runs as many at a time as it has room for. Say what a job "
        "takes: launcher.threads=4, launcher.gpus=1"
    )


def test_gpus_are_named_as_this_process_was_given_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv(hardware.VISIBLE, raising=False)
    assert hardware.gpus("auto") == ("0", "1", "2")
    assert hardware.gpus("cpu") == ()
    monkeypatch.setenv(hardware.VISIBLE, "5,7")
    assert hardware.gpus("gpu") == ("5", "7")


def test_places_are_dealt_in_turns_and_a_free_one_is_taken_again(tmp_path: Path) -> None:
    taken = [claim(tmp_path, 4) for _ in range(4)]
    assert [number for number, _ in taken] == [0, 1, 2, 3]  # of two GPUs: first, second, first, second
    taken[2][1].release()
    assert claim(tmp_path, 4)[0] == 2


def test_jobs_on_one_gpu_divide_what_the_images_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(batches.SHARERS, raising=False)
    alone = batches.gpu_share()
    monkeypatch.setenv(batches.SHARERS, "4")
    assert batches.gpu_share() == alone / 4


@pytest.mark.parametrize(
    ("launcher", "share", "expected"),
    [
        (parallel(), Share(jobs=3, threads=2), {"n_jobs": 3, "pre_dispatch": "3", "batch_size": "1"}),
        (
            LauncherConfig(name="slurm", partition="gpu", minutes=90, gpus=1, jobs=8, threads=4),
            Share(jobs=8, threads=4),
            {
                "timeout_min": 90,
                "name": "animal_cls",
                "cpus_per_task": 4,
                "mem_gb": None,
                "partition": "gpu",
                "gpus_per_node": 1,
                "array_parallelism": 8,
            },
        ),
        (
            LauncherConfig(name="ray", address="auto", gpus=1, threads=2, jobs_per_gpu=4),
            Share(jobs=20, threads=2, per_gpu=4),
            {
                "ray": {
                    "init": {"address": "auto", "object_store_memory": None},
                    "remote": {"num_cpus": 2, "num_gpus": 0.25},
                }
            },
        ),
        (
            LauncherConfig(name="ray", jobs_per_gpu=2),
            Share(jobs=4, threads=2, gpus=("5", "7"), per_gpu=2),
            {
                "ray": {
                    "init": {
                        "address": "local",
                        "object_store_memory": None,
                        "num_cpus": 8,
                        "num_gpus": 2,
                        "include_dashboard": False,
                    },
                    "remote": {"num_cpus": 2, "num_gpus": 0.5},
                }
            },
        ),
    ],
)
def test_hydras_launchers_are_told(launcher: LauncherConfig, share: Share, expected: dict[str, Any]) -> None:
    assert hydras_keys(launcher, share) == expected


# What a command line gets.


def test_what_does_not_fit_the_machine_is_refused_before_the_plan(program: Program, tmp_path: Path) -> None:
    words = ("data=toy", "trainer.accelerator=cpu", f"hydra.sweep.dir={tmp_path / 'sweep'}")
    outcome = program("--multirun", "launcher=parallel", "launcher.gpus=2", *words)
    assert outcome.stderr.startswith("launcher.gpus=2: the jobs can use no GPUs of this machine.")
    assert not (tmp_path / "sweep").exists()


def test_an_address_at_which_nothing_answers_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray goes on trying for more than ten minutes."""
    monkeypatch.setattr(launchers, "find_spec", lambda _: True)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and does not listen
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        for written in (address, f"ray://{address}"):
            with pytest.raises(UserError) as error:
                launchers.require(LauncherConfig(name="ray", address=written))
            assert str(error.value).startswith(f"launcher.address={written}: nothing answers there (")
    launchers.require(LauncherConfig(name="ray", address="auto"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--multirun", "launcher=parallel", "launcher.jobs=0"], "launcher.jobs=0: must be at least 1."),
        (
            ["--multirun", "launcher=parallel,ray"],
            "launcher: a sweep has one, and this one differs between its jobs (parallel and ray). Choose one.",
        ),
        (["launcher=parallel"], "launcher=parallel: starts the jobs of a sweep, and this is one run. For a sweep of"),
        (
            ["--multirun", "launcher=slurm", "launcher.extra=lab"],
            "launcher.extra=lab: keys and values are needed, e.g.",
        ),
        (["--multirun", "launcher=slurm", "launcher.extra={nodes: 2}"], "launcher.extra.nodes=2: one run is on one ma"),
        (["trainer.num_nodes=2"], "trainer.num_nodes: one run is on one machine, whose processes it starts itself (tr"),
        (["--multirun", "launcher=paralel"], "launcher=paralel: no such option. Did you mean parallel?"),
    ],
)
def test_a_mistake_is_told_in_one_line(program: Program, words: Sequence[str], message: str) -> None:
    outcome = program(*words)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(message)
    assert outcome.stderr.count("\n") == 1
    assert not Path("multirun").exists()


@pytest.mark.parametrize(("name", "package"), [("parallel", "joblib"), ("slurm", "submitit"), ("ray", "ray")])
def test_a_package_that_is_missing_is_named(
    program: Program, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    monkeypatch.setattr(launchers, "find_spec", lambda _: None)
    outcome = program("--multirun", f"launcher={name}")
    extra = "slurm" if name == "slurm" else package
    assert outcome.returncode == 1
    assert outcome.stderr == (
        f"launcher={name}: needs the package hydra-{package}-launcher. Install it: "
        f"python -m pip install 'animal-cls[{extra}]'\n"
    )
