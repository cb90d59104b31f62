"""From a config's constructor calls to objects, or to one message."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from animal_cls.commands.train import compose
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.models.resnet18 import ResNet18
from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.regularizers.dropout import Dropout
from animal_cls.regularizers.flip_crop import FlipCrop
from animal_cls.regularizers.label_smoothing import LabelSmoothing
from animal_cls.training import build


def config_of(*overrides: str, **model_or_optimizer: dict[str, Any]) -> Config:
    config = compose(["data.image_size=64", *overrides])
    for section, changes in model_or_optimizer.items():
        setattr(config, section, getattr(config, section) | changes)
    return config


def refusal(config: Config, *, by: Callable[[Config], object] = build.check) -> str:
    with pytest.raises(UserError) as error:
        by(config)
    return str(error.value)


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


# ---- what the network makes of two grey images


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Config]]:
    """`outside(source)` is a config of the network `Network` in a module of somebody's own."""

    def config(source: str) -> Config:
        (tmp_path / "somebodys.py").write_text(f"import torch\nfrom torch import nn\n\n{source}")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "somebodys", raising=False)
        made = config_of()
        made.model = {"name": "mine", "_target_": "somebodys.Network"}
        return made

    yield config
    sys.modules.pop("somebodys", None)


NETWORK = """
class Network(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.last = nn.Linear(3 * 64 * 64, num_classes)

    def forward(self, images):
        logits = self.last(images.flatten(1))
        return {output}
"""


@pytest.mark.parametrize(
    ("output", "what"),
    [
        ("torch.cat([logits, logits], dim=1)", "a tensor of shape (2, 14)"),
        ("logits[:, :, None]", "a tensor of shape (2, 7, 1)"),
        ("logits.mean()", "a tensor of shape ()"),
        ("(logits, logits)", "a tuple"),
        ("[logits]", "a list"),
        ("{'logits': logits}", "a dict"),
        ("None", "a NoneType"),
    ],
)
def test_a_network_that_makes_no_logits_is_refused(outside: Callable[[str], Config], output: str, what: str) -> None:
    config = outside(NETWORK.replace("{output}", output))
    assert refusal(config, by=lambda config: build.parts(config, num_classes=7)) == (
        f"model=mine: makes {what} of two images, where logits of shape (2, 7) are needed: images x classes."
    )


def test_main_logits_beside_auxiliary_ones_are_enough(outside: Callable[[str], Config]) -> None:
    outputs = "__import__('collections').namedtuple('Outputs', 'logits aux')(logits, None)"
    config = outside(NETWORK.replace("{output}", outputs))
    network = build.parts(config, num_classes=7).network
    assert build.logits_of(network(torch.zeros(2, 3, 64, 64))).shape == (2, 7)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("self.last(images[:, :, 1:].flatten(1))", "mat1 and mat2 shapes cannot be multiplied (2x12096 and 12288x2)"),
        ("torch._assert(images.shape[2] == 224, 'Wrong image height!')", "Wrong image height!"),
    ],
)
def test_a_size_that_does_not_fit_is_refused(outside: Callable[[str], Config], line: str, reason: str) -> None:
    config = outside(NETWORK.replace("{output}", line))
    assert refusal(config, by=build.probe) == f"model=mine: cannot take images of data.image_size=64 ({reason})."


def test_a_mistake_in_a_network_keeps_its_traceback(outside: Callable[[str], Config]) -> None:
    with pytest.raises(NameError, match="logit_s"):
        build.probe(outside(NETWORK.replace("{output}", "logit_s")))
    with pytest.raises(ValueError, match="too many values to unpack"):
        build.probe(outside(NETWORK.replace("return {output}", "n, c = images.shape")))


def test_the_look_at_two_images_leaves_the_network_as_it_was() -> None:
    """Its weights, running statistics and modes; a part may be frozen."""
    config = config_of("model=resnet18", "data.image_size=32")
    torch.manual_seed(config.seed)
    fresh = ResNet18(num_classes=2)
    made = build.probe(config).network
    for (name, value), expected in zip(made.state_dict().items(), fresh.state_dict().values(), strict=True):
        assert torch.equal(value, expected), name
    assert {module.training for module in made.modules()} == {True}
    frozen = next(module for module in made.modules() if isinstance(module, torch.nn.BatchNorm2d)).eval()
    build._check_logits(made, config, 2, config.data.image_size)
    assert [module for module in made.modules() if not module.training] == [frozen]


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


# ---- batches of one image


def test_batch_normalization_of_one_value_is_refused_ahead() -> None:
    words = ("model=resnet18", "data.image_size=32")
    assert refusal(config_of(*words, "data.batch_size=1"), by=build.probe) == (
        "data.batch_size=1: model=resnet18 cannot be trained on one image of data.image_size=32 at a time "
        "(Expected more than 1 value per channel when training, got input size torch.Size([1, 512, 1, 1])). "
        "Use data.batch_size=2 or more, or larger images: data.image_size=..."
    )
    config = config_of(*words, "data.batch_size=16")
    network = build.network(config, num_classes=2)
    build.check_smallest_batch(config, network, images=17)  # the lone last image joins the batch before it
    alone = refusal(config, by=lambda config: build.check_smallest_batch(config, network, images=1))
    assert alone.startswith("data.root: one image to train on: model=resnet18 cannot be trained on one image")


def test_batches_of_one_image_that_can_be_trained_on_are_left_alone() -> None:
    """And looking whether they can changes neither the network nor the random numbers."""
    config = config_of("model=resnet18", "data.image_size=64", "data.batch_size=1", "reg=dropout")
    network = build.network(config, num_classes=2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    build.check_smallest_batch(config, network, images=30)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    build.probe(config_of("data.batch_size=1"))  # nothing of the simple CNN is normalized


# ---- somebody else's config


@pytest.mark.parametrize(
    ("section", "target"),
    [
        ("model", "torchvision.models.resnet.partial"),
        ("model", "torchvision.models.resnet.WeightsEnum"),
        ("model", "torchvision.models.resnet.register_model"),
        ("model", "torchvision.models.get_weight"),
        ("model", "torchvision.models.list_models"),
        ("model", "torch.nn.Parameter"),
        ("model", "animal_cls.models.weights.Path"),
        ("optimizer", "torch.optim.adam.Tensor"),
        ("scheduler", "torch.optim.lr_scheduler.Counter"),
        ("scheduler", "animal_cls.training.schedules.math"),
    ],
)
def test_a_known_name_for_something_of_another_kind_is_refused(section: str, target: str) -> None:
    config = config_of(**{section: {"_target_": target}})
    config.allowed = ()
    assert refusal(config, by=build.refuse_foreign_code).startswith(f"{section}._target_={target}: is ")


@pytest.mark.parametrize(
    "words",
    [
        ["model=resnet18", "scheduler=one_cycle", "optimizer=sgd"],
        ["scheduler=cosine", "logger=csv", "reg=[dropout,mixup]", "data.augment=flip_crop"],
        ["scheduler=plateau", "+callbacks.x={_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: val/loss}"],
        ["model=torchvision"],
        ["model=timm"],
        ["model._target_=torchvision.models.efficientnet_b0"],
        ["model._target_=torchvision.models.resnet.ResNet"],
        [
            "optimizer._target_=torch.optim.RAdam",
            "scheduler=step",
            "scheduler._target_=torch.optim.lr_scheduler.ExponentialLR",
        ],
        ["optimizer._target_=torch.optim.adamw.AdamW"],
    ],
)
def test_what_is_known_needs_no_word(words: list[str]) -> None:
    config = compose(words)
    config.allowed = ()
    build.refuse_foreign_code(config)


def test_the_networks_of_timm_are_known() -> None:
    pytest.importorskip("timm")
    for target in ("timm.create_model", "timm.models.resnet10t", "timm.models.resnet.resnet10t"):
        config = config_of(model={"_target_": target})
        config.allowed = ()
        build.refuse_foreign_code(config)
    config.model["_target_"] = "timm.models.load_checkpoint"
    assert "is code from outside" in refusal(config, by=build.refuse_foreign_code)
