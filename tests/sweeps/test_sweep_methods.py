"""Sweeps over methods: the names of combined ones, options as an axis."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from animal_cls.config.methods import with_options
from animal_cls.config.parse import restore
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.sweeps import callback
from animal_cls.sweeps.plan import Job, JobEstimate, make_plan, write_plan

Program = Callable[..., "CompletedProcess[str]"]

MIXUP, STRONG = with_options("mixup", 0.2), with_options("mixup", 0.4)


@pytest.fixture
def planned(program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[Config]]:
    """`planned("reg=none,l2")` are the configs of the jobs that --multirun would start, back from plan.json."""

    def plan(*words: str) -> list[Config]:
        def check(jobs: list[Job], folder: Path, *, here: bool) -> None:
            estimates = {job.folder: JobEstimate() for job in jobs}
            write_plan(make_plan(jobs, estimates), tmp_path / "kept")
            raise UserError("seen enough")

        monkeypatch.setattr(callback, "validate_plan", check)
        outcome = program("--multirun", *words)
        assert outcome.stderr == "seen enough\n"
        kept: dict[str, Any] = json.loads((tmp_path / "kept" / "plan.json").read_text())
        return [restore(job["config"]) for job in kept["jobs"]]

    return plan


def test_combined_methods_are_jobs_with_names_of_their_own(planned: Callable[..., list[Config]]) -> None:
    configs = planned("reg=none,dropout,[dropout,mixup]")
    assert [config.reg["name"] for config in configs] == ["none", "dropout", "dropout+mixup"]
    assert [config.reg["dropout"] for config in configs] == [0.0, 0.3, 0.3]
    assert [config.model["dropout"] for config in configs] == [0.0, 0.3, 0.3]
    assert [config.reg["mixup"] for config in configs] == [0.0, 0.0, MIXUP]


def test_an_option_is_an_axis(planned: Callable[..., list[Config]]) -> None:
    configs = planned("reg=mixup", "reg.mixup.p=0.5,1")
    assert [config.reg["mixup"] for config in configs] == [MIXUP | {"p": 0.5}, MIXUP]
    assert {config.reg["name"] for config in configs} == {"mixup"}


def test_a_strength_and_its_options_are_an_axis(planned: Callable[..., list[Config]]) -> None:
    configs = planned("reg.mixup=0,{strength:0.4,p:0.5},{strength:0.4}")
    assert [config.reg["name"] for config in configs] == ["none", "mixup", "mixup"]
    assert [config.reg["mixup"] for config in configs] == [0, STRONG | {"p": 0.5}, STRONG]
    assert configs[0].derived == configs[1].derived


def test_what_all_arms_share_stays_out_of_the_name(planned: Callable[..., list[Config]]) -> None:
    configs = planned("reg=none,mixup", "data.augment=[flip_crop]")
    assert [config.reg["name"] for config in configs] == ["none", "mixup"]
    assert [config.data.augment for config in configs] == [{"flip_crop": 1.0}] * 2
