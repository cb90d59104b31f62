"""What a config names is neither known nor asked for: refused by its name, and by what it is."""

import pytest

from animal_cls.commands.train import compose
from animal_cls.training import foreign
from tests.training.conftest import config_of, refusal


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
    assert refusal(config, by=foreign.refuse_foreign_code).startswith(f"{section}._target_={target}: is ")


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
    foreign.refuse_foreign_code(config)


def test_the_networks_of_timm_are_known() -> None:
    pytest.importorskip("timm")
    for target in ("timm.create_model", "timm.models.resnet10t", "timm.models.resnet.resnet10t"):
        config = config_of(model={"_target_": target})
        config.allowed = ()
        foreign.refuse_foreign_code(config)
    config.model["_target_"] = "timm.models.load_checkpoint"
    assert "is code from outside" in refusal(config, by=foreign.refuse_foreign_code)
