"""From a config's constructor calls to objects, or to one message."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from animal_cls.commands.train import compose
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.models.resnet18 import ResNet18
from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.regularizers.label_smoothing import LabelSmoothing
from animal_cls.training import build


def config_of(*overrides: str, **model_or_optimizer: dict[str, Any]) -> Config:
    config = compose(["data.image_size=64", *overrides])
    for section, changes in model_or_optimizer.items():
        setattr(config, section, getattr(config, section) | changes)
    return config


def refusal(config: Config) -> str:
    with pytest.raises(UserError) as error:
        build.check(config)
    return str(error.value)


@pytest.mark.parametrize("section", ["model", "optimizer"])
@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (
            "animal_cls.models.resnet19.ResNet19",
            "cannot be imported (module 'animal_cls.models' has no attribute 'resnet19').",
        ),
        ("no_such_package.Network", "cannot be imported (No module named 'no_such_package')."),
        ("torch.nn.NoSuchThing", "cannot be imported (module 'torch.nn' has no attribute 'NoSuchThing')."),
        ("not a name", "cannot be imported (invalid format: 'not a name')."),
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
    assert refusal(config_of(*overrides)).startswith(message)


@pytest.mark.parametrize("accelerator", ["gpu", "cuda", "mps"])
def test_an_accelerator_that_is_not_there_is_refused(accelerator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    message = (
        f"trainer.accelerator={accelerator}: this machine has none that torch {torch.__version__} can use. "
        "Use trainer.accelerator=auto or trainer.accelerator=cpu."
    )
    assert refusal(config_of(f"trainer.accelerator={accelerator}")) == message


@pytest.mark.parametrize(
    ("there", "accepted"),
    [("cuda", {"auto", "cpu", "gpu", "cuda"}), ("mps", {"auto", "cpu", "gpu", "mps"}), (None, {"auto", "cpu"})],
)
def test_an_accelerator_that_is_there_is_accepted(
    there: str | None, accepted: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: there == "cuda")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: there == "mps")
    for accelerator in ("auto", "cpu", "gpu", "cuda", "mps"):
        config = config_of(f"trainer.accelerator={accelerator}")
        if accelerator in accepted:
            build.check(config)
        else:
            assert "this machine has none" in refusal(config)


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
    parameter = torch.nn.Parameter(torch.ones(2))
    made = build.optimizer(config_of(*overrides))([parameter])
    assert type(made) is kind
    (group,) = made.param_groups
    assert {key: group[key] for key in settings} == settings
    assert group["params"] == [parameter]


def test_the_methods_are_what_the_config_says() -> None:
    assert build.methods(config_of("reg=none")) == []
    assert build.methods(config_of("reg=dropout")) == []  # a number that is handed to the network
    (method,) = build.methods(config_of("reg=label_smoothing", "reg.label_smoothing=0.2"))
    assert isinstance(method, LabelSmoothing)
    assert method.strength == 0.2


def test_the_images_are_what_the_config_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = build.images(
        config_of(
            "data=folder",
            f"data.root={tmp_path}",
            "data.batch_size=7",
            "data.val=0.3",
            "data.test=0.2",
            "data.split_seed=5",
            "data.augment=flip_crop",
            "data.max_bad_share=0.5",
            "seed=4",
        )
    )
    assert (made.batch_size, made.augment, made.seed) == (7, "flip_crop", 4)
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
