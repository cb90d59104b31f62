"""From a config's constructor calls to objects, or to one message."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from animal_cls.errors import UserError
from animal_cls.models.resnet18 import ResNet18
from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.regularizers.dropout import Dropout
from animal_cls.regularizers.flip_crop import FlipCrop
from animal_cls.regularizers.label_smoothing import LabelSmoothing
from animal_cls.training import build
from tests.training.conftest import config_of, refusal


@pytest.mark.parametrize("section", ["model", "optimizer"])
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (
            "animal_cls.models.resnet19.ResNet19",
            "cannot be imported (module 'animal_cls.models' has no attribute 'resnet19').",
        ),
        (
            "no_such_package.Network",
            "cannot be imported (No module named 'no_such_package'). "
            "Put the folder of your module on PYTHONPATH, or beside your --config-dir.",
        ),
        ("torch.nn.NoSuchThing", "cannot be imported (module 'torch.nn' has no attribute 'NoSuchThing')."),
        ("not a name", "cannot be imported (No module named 'not a name')."),
        ("torch..nn", "cannot be imported (module 'torch' has no attribute '')."),
        ("torch.nn.Linear.wide", "cannot be imported ('Linear' has no attribute 'wide')."),
        ("torch.nn", "is a module; a class or a function is needed."),
    ],
)
def test_a_target_that_cannot_be_called_is_named(section: str, target: str, reason: str) -> None:
    message = refusal(config_of(**{section: {"_target_": target}}))
    assert message == f"{section}._target_={target}: {reason}"


def test_a_missing_target_is_named() -> None:
    config = config_of()
    del config.model["_target_"]
    assert refusal(config).startswith("model._target_=None: cannot be imported (")


def test_an_unknown_argument_lists_the_valid_ones() -> None:
    assert refusal(config_of(model={"drop_out": 0.3})) == (
        "model: animal_cls.models.simple_cnn.SimpleCNN cannot be called: "
        "got an unexpected keyword argument 'drop_out'. Its arguments: image_size, dropout."
    )
    message = refusal(config_of(optimizer={"beta": 0.3}))
    assert message.startswith(
        "optimizer: torch.optim.Adam cannot be called: got an unexpected keyword argument 'beta'. "
        "Its arguments: lr, betas, eps, weight_decay, "
    )


def test_an_argument_that_only_the_run_can_give_is_refused() -> None:
    message = refusal(config_of(model={"num_classes": 7}))
    assert message.startswith("model: animal_cls.models.simple_cnn.SimpleCNN cannot be called: ")
    assert "num_classes" in message


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.image_size=20"], "data.image_size=20: too small for simple_cnn, whose convolutions and pools need at "),
        (["model.dropout=1.5"], "model: dropout probability has to be between 0 and 1, but got 1.5"),
        (["optimizer=sgd", "optimizer.momentum=-1"], "optimizer: Invalid momentum value: -1"),
        (["reg=label_smoothing", "reg.label_smoothing=1"], "reg.label_smoothing=1.0: a share in [0, 1) is needed."),
    ],
)
def test_a_value_that_a_constructor_refuses_gets_its_words(overrides: list[str], message: str) -> None:
    assert refusal(config_of(*overrides), by=build.probe).startswith(message)


def test_the_network_is_what_the_config_says() -> None:
    network = build.network(config_of("reg=dropout", "reg.dropout=0.25"), num_classes=7)
    assert isinstance(network, SimpleCNN)
    assert [m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)] == [0.25] * 4
    assert network(torch.zeros(2, 3, 64, 64)).shape == (2, 7)
    resnet = build.network(config_of("model=resnet18", "reg=dropout"), num_classes=3)
    assert isinstance(resnet, ResNet18)
    assert [m.p for m in resnet.modules() if isinstance(m, torch.nn.Dropout)] == [0.3] * 3


def test_initial_weights_are_a_function_of_the_seed_alone() -> None:
    def weights(*overrides: str) -> list[torch.Tensor]:
        torch.rand(3)  # what was drawn before does not matter
        return list(build.network(config_of(*overrides), num_classes=3).parameters())

    def equal(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
        return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))

    first = weights("reg=none")
    assert equal(first, weights("reg=none"))
    assert equal(first, weights("reg=dropout"))
    assert equal(first, weights("reg=l2", "optimizer=sgd", "data.augment=flip_crop"))
    assert not equal(first, weights("seed=1"))


@pytest.mark.parametrize(
    ("overrides", "kind", "settings"),
    [
        (["optimizer=adam", "reg=l2"], torch.optim.Adam, {"lr": 0.001, "weight_decay": 1e-5}),
        (["optimizer=adam"], torch.optim.Adam, {"lr": 0.001, "weight_decay": 0.0}),
        (
            ["optimizer=sgd", "optimizer.lr=0.05", "reg=l2", "reg.weight_decay=0.1"],
            torch.optim.SGD,
            {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.1},
        ),
        (["optimizer=adamw", "reg.weight_decay=0.01"], torch.optim.AdamW, {"lr": 0.001, "weight_decay": 0.01}),
    ],
)
def test_the_optimizer_is_what_the_config_says(overrides: list[str], kind: type, settings: dict[str, float]) -> None:
    network = torch.nn.Linear(2, 3)
    made = build.optimizer(config_of(*overrides), network, [])
    assert type(made) is kind
    (group,) = made.param_groups
    assert {key: group[key] for key in settings} == settings
    assert [id(parameter) for parameter in group["params"]] == [id(parameter) for parameter in network.parameters()]


def test_the_methods_are_what_the_config_says() -> None:
    assert build.methods(config_of("reg=none")) == []
    (handed_on,) = build.methods(config_of("reg=dropout"))
    assert isinstance(handed_on, Dropout)
    assert handed_on.strength == 0.3
    (method,) = build.methods(config_of("reg=label_smoothing", "reg.label_smoothing=0.2"))
    assert isinstance(method, LabelSmoothing)
    assert method.strength == 0.2
    several = build.methods(config_of("reg=[sam,mixup,flip_crop,ema,balanced_sampler]"))
    assert [type(each).__name__ for each in several] == ["BalancedSampler", "FlipCrop", "Mixup", "SAM", "EMA"]


def test_the_images_are_what_the_config_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = build.images(
        config_of(
            "data=folder",
            f"data.root={tmp_path}",
            "data.batch_size=7",
            "data.val=0.3",
            "data.test=0.2",
            "data.split_seed=5",
            "data.max_bad_share=0.5",
            "seed=4",
        ),
        [FlipCrop(1.0)],
    )
    assert (made.batch_size, made.seed, [type(method) for method in made.methods]) == (7, 4, [FlipCrop])
    chosen = made.settings
    assert (chosen.image_size, chosen.val, chosen.test, chosen.split_seed) == (64, 0.3, 0.2, 5)
    assert (chosen.max_bad_share, chosen.limit) == (0.5, None)
    assert made.locate() == tmp_path
    monkeypatch.setenv("ANIMAL_CLS_CACHE", str(tmp_path / "a"))
    assert build.images(config_of()).settings.cache_dir == tmp_path / "a"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert build.images(config_of("data.cache_dir='~/b'")).settings.cache_dir == tmp_path / "b"


def test_a_source_of_images_is_checked_like_any_other_call(tmp_path: Path) -> None:
    config = config_of("data=folder", f"data.root={tmp_path}")
    config.data.source["_target_"] = "animal_cls.data.nowhere.locate"
    with pytest.raises(UserError, match=re.escape("data.source._target_=animal_cls.data.nowhere.locate: cannot be")):
        build.images(config).locate()
    config.data.source = {"_target_": "animal_cls.data.sources.folder.locate", "speed": 3}
    with pytest.raises(UserError, match="unexpected keyword argument 'speed'"):
        build.images(config).locate()


# ---- built once


@pytest.mark.parametrize("overrides", [["reg=none"], ["reg=[sam,ema,mixup]", "scheduler=cosine"]])
def test_the_network_is_constructed_once(overrides: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []
    plain = SimpleCNN.__init__

    def counted(self: SimpleCNN, *args: Any, **kwargs: Any) -> None:
        made.append(kwargs["num_classes"])
        plain(self, *args, **kwargs)

    monkeypatch.setattr(SimpleCNN, "__init__", counted)
    config = config_of(*overrides)
    build.check(config)
    assert made == [], "it only looks"
    build.parts(config, num_classes=3)
    assert made == [3]
    build.probe(config)
    assert made == [3, 2]


def test_what_a_check_can_see_of_schedules_loggers_and_callbacks() -> None:
    config = config_of("scheduler=cosine", "+scheduler.speed=3")
    assert refusal(config) == (
        "scheduler: animal_cls.training.schedules.cosine cannot be called: got an unexpected keyword argument 'speed'. "
        "Its arguments: total_steps, warmup, end."
    )
    assert refusal(config_of("logger=csv", "logger.csv._target_=lightning.pytorch.loggers.CSVLoger")) == (
        "logger.csv._target_=lightning.pytorch.loggers.CSVLoger: cannot be imported "
        "(module 'lightning.pytorch.loggers' has no attribute 'CSVLoger')."
    )
    timer = "+callbacks.timer={_target_: lightning.pytorch.callbacks.Timer, hours: 3}"
    assert refusal(config_of(timer)).startswith(
        "callbacks.timer: lightning.pytorch.callbacks.Timer cannot be called: "
        "got an unexpected keyword argument 'hours'. Its arguments: duration, "
    )
    build.check(config_of("logger=csv", "scheduler=one_cycle", timer.replace("hours: 3", "duration: '00:01:00:00'")))


def test_averages_of_lightnings_that_would_make_another_run_are_refused() -> None:
    average = "+callbacks.average={_target_: lightning.pytorch.callbacks.WeightAveraging}"
    build.check(config_of(average, "reg=dropout"))
    for words in ("reg=ema", "reg=swa", "reg=lookahead"):
        assert refusal(config_of(average, words)).startswith(
            f"callbacks.average: it and {words} both say which weights"
        )
    swa = "+callbacks.swa={_target_: lightning.pytorch.callbacks.StochasticWeightAveraging, swa_lrs: 0.01}"
    assert refusal(config_of(swa)).endswith("than one that nobody interrupted. Use reg=swa.")


def test_a_schedule_that_cannot_be_made_is_seen_by_the_probe() -> None:
    assert refusal(config_of("scheduler=cosine", "scheduler.warmup=1"), by=build.probe) == (
        "scheduler: warmup=1, end=0.0: shares are needed, warmup in [0, 1) and end in [0, 1]."
    )


# ---- what became of each method


def test_a_method_that_reaches_nothing_is_known_before_the_training() -> None:
    config = config_of("reg=[dropout,stochastic_depth,sam]", "model.dropout=0.3")
    records = {record.key: record for record in build.parts(config, num_classes=2).records}
    assert {key: (record.acted, record.strength) for key, record in records.items()} == {
        "reg.dropout": (False, 0.3),
        "reg.stochastic_depth": (False, 0.1),
        "reg.sam": (True, 0.05),
    }
    assert records["reg.dropout"].reason == (
        "no key of the config follows it; an option file would say so by ${reg.dropout}"
    )
    assert records["reg.stochastic_depth"].reason == (
        "the network has no residual blocks whose branches could be left out"
    )
    followed = build.parts(config_of("reg=[dropout,stochastic_depth]", "model=resnet18"), num_classes=2)
    assert all(record.acted and record.reason is None for record in followed.records)
    options = build.parts(config_of("reg.mixup={strength: 0.2, p: 0.5}"), num_classes=2).records[0]
    assert (options.options, options.mixes_images, options.strength) == (
        {"p": 0.5, "off_epoch": 0},
        True,
        0.2,
    )
