"""Which runs the plans of conf/sweep/ hold, with further axes and without; how they differ, and how each is called."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from animal_cls.config.methods import strength_of
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.sweeps import callback
from animal_cls.sweeps.compose import job_folder
from animal_cls.sweeps.plan import Job, display_names

Program = Callable[..., "CompletedProcess[str]"]


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (["model=resnet18", "reg=l2"], "model=resnet18,reg=l2"),
        (["reg=l2", "model=resnet18"], "model=resnet18,reg=l2"),
        (["sweep=report", "experiment=report/resnet18_l2"], "experiment=report.resnet18_l2"),
        (["+sweepy=1", "sweep=x"], "+sweepy=1"),
        ([], "default"),
        (["sweep=report"], "default"),
        (["optimizer.lr=1e-05", "seed=0"], "optimizer.lr=1e-05,seed=0"),
    ],
)
def test_a_job_folder_is_its_overrides(overrides: list[str], name: str) -> None:
    assert job_folder(overrides) == name


@pytest.fixture
def planned(program: Program, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Job]]:
    """`planned("sweep=report")` is what this command line would start."""

    def plan(*words: str) -> list[Job]:
        found: list[Job] = []

        def check(jobs: list[Job], folder: Path, *, here: bool) -> None:
            found.extend(jobs)
            raise UserError("seen enough")

        monkeypatch.setattr(callback, "validate_plan", check)
        outcome = program(*words)
        assert (outcome.returncode, outcome.stderr) == (1, "seen enough\n")
        return found

    return plan


# The report's nine runs (shared/report/README.md): model, reg, dropout, weight decay, learning rate as published.
REPORT = [
    ("simple_cnn", "none", 0.0, 0.0, 0.001),
    ("simple_cnn", "l2", 0.0, 1e-5, 0.005),
    ("simple_cnn", "dropout", 0.3, 0.0, 0.001),
    ("resnet18", "none", 0.0, 0.0, 0.001),
    ("resnet18", "l2", 0.0, 1e-5, 0.005),
    ("resnet18", "dropout", 0.3, 0.0, 0.001),
    ("resnet18_pretrained", "none", 0.0, 0.0, 0.001),
    ("resnet18_pretrained", "l2", 0.0, 1e-5, 0.005),
    ("resnet18_pretrained", "dropout", 0.3, 0.0, 0.001),
]


ABLATION = [(*row[:4], 0.001) for row in REPORT]


TARGETS = {
    "simple_cnn": "animal_cls.models.simple_cnn.SimpleCNN",
    "resnet18": "animal_cls.models.resnet18.ResNet18",
    "resnet18_pretrained": "animal_cls.models.resnet18.ResNet18",
}


def row(config: Config) -> tuple[Any, ...]:
    reg: Any = config.reg
    return config.model["name"], reg["name"], reg["dropout"], strength_of(reg["weight_decay"]), config.optimizer["lr"]


def flat(config: Config) -> dict[str, Any]:
    sections = asdict(config)
    return {
        f"{section}.{key}": value
        for section, values in sections.items()
        for key, value in (values.items() if isinstance(values, dict) else [("", values)])
    }


L2 = {"reg.name", "reg.weight_decay", "optimizer.weight_decay"}


def differences(one: Config, other: Config) -> set[str]:
    a, b = flat(one), flat(other)
    return {key for key in a | b if a.get(key) != b.get(key)}


@pytest.mark.parametrize(("name", "expected"), [("report", REPORT), ("ablation", ABLATION)])
def test_the_nine_runs(name: str, expected: list[tuple[Any, ...]], planned: Callable[..., list[Job]]) -> None:
    jobs = planned(f"sweep={name}")
    assert [row(job.config) for job in jobs] == expected
    for config in (job.config for job in jobs):
        model = config.model["name"]
        assert (config.trainer.max_epochs, config.data.batch_size, config.checkpoint, config.seed) == (
            50,
            256,
            "last",
            0,
        )
        assert (config.data.val, config.data.test) == ("published", "published")
        assert (config.data.image_size, config.data.augment, config.data.name) == (128, {}, "toy")
        assert (config.optimizer["_target_"], config.optimizer["weight_decay"]) == (
            "torch.optim.Adam",
            strength_of(config.reg["weight_decay"]),
        )
        assert config.model["_target_"] == TARGETS[model]
        assert config.model["dropout"] == config.reg["dropout"]
        assert config.model.get("weights") == ("IMAGENET1K_V1" if model == "resnet18_pretrained" else None)
        assert config.reg["label_smoothing"] == 0
    assert len({job.folder for job in jobs}) == 9
    assert not [job.folder for job in jobs if "/" in job.folder or "sweep" in job.folder]
    assert [display_names(jobs)[i] for i in (0, 8)] == ["simple_cnn/none/seed=0", "resnet18_pretrained/dropout/seed=0"]

    # What an arm differs in from its baseline: in the ablation nothing but the regularizer.
    configs = {row(job.config)[:2]: job.config for job in jobs}
    for model in TARGETS:
        none, l2, dropout = (configs[model, reg] for reg in ("none", "l2", "dropout"))
        raised = {"optimizer.lr"} if name == "report" else set()
        assert differences(none, l2) - {"reg.weight_decay.norms"} == L2 | raised
        assert differences(none, dropout) == {"reg.name", "reg.dropout", "model.dropout"}
    pretrained, scratch = configs["resnet18_pretrained", "none"], configs["resnet18", "none"]
    assert differences(pretrained, scratch) == {"model.name", "model.weights"}


def test_further_axes_multiply_a_plan(planned: Callable[..., list[Job]]) -> None:
    jobs = planned("sweep=report", "seed=0,1")
    assert Counter((*row(job.config), job.config.seed) for job in jobs) == Counter(
        (*expected, seed) for expected in REPORT for seed in (0, 1)
    )
    assert len({job.folder for job in jobs}) == 18
    assert "resnet18/l2/seed=1" in display_names(jobs)


def test_other_overrides_reach_every_run(planned: Callable[..., list[Job]]) -> None:
    jobs = planned("sweep=report", "data=folder", "data.root=/x", "trainer.max_epochs=2", "optimizer.lr=0.1")
    assert [row(job.config) for job in jobs] == [(*expected[:4], 0.1) for expected in REPORT]
    assert {(job.config.trainer.max_epochs, job.config.data.root) for job in jobs} == {(2, "/x")}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("sweep=report", "experiment=report/resnet18"), [REPORT[3]]),
        (("sweep=report", "experiment=report/resnet18,report/simple_cnn_l2"), [REPORT[3], REPORT[1]]),
        (("sweep=ablation", "reg=none"), ABLATION[::3]),
        (("sweep=ablation", "model=simple_cnn", "reg=none,dropout"), [ABLATION[0], ABLATION[2]]),
    ],
)
def test_an_axis_of_a_plan_is_replaced(
    words: tuple[str, ...], expected: list[tuple[Any, ...]], planned: Callable[..., list[Job]]
) -> None:
    assert [row(job.config) for job in planned(*words)] == expected


def test_multirun_is_the_product(planned: Callable[..., list[Job]]) -> None:
    jobs = planned("--multirun", "model=simple_cnn,resnet18", "reg=none,l2", "seed=0,1")
    assert len({(row(job.config)[:2], job.config.seed) for job in jobs}) == len(jobs) == 8
    assert {job.config.optimizer["lr"] for job in jobs} == {0.001}
