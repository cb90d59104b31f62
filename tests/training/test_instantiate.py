"""A constructor call: what it becomes, and which of its errors are one message and which keep their traceback."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torchvision

from animal_cls.errors import UserError
from animal_cls.training.instantiate import call, resolve

Write = Callable[[str], None]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """`module(source)` is somebody's own module, `theirs`."""

    def write(source: str) -> None:
        (tmp_path / "theirs.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)

    sys.modules.pop("theirs", None)
    yield write
    sys.modules.pop("theirs", None)


def refusal(written: dict[str, Any], *given: Any, **more: Any) -> str:
    with pytest.raises(UserError) as error:
        call(written, "model", *given, **more)
    assert error.value.__cause__ is None
    return str(error.value)


def test_a_function_comes_before_a_module_of_its_name() -> None:
    assert resolve("torchvision.models.googlenet", "model") is torchvision.models.googlenet
    assert "torchvision.models.googlenet" in sys.modules
    assert resolve("torch.optim.lr_scheduler.StepLR", "scheduler") is torch.optim.lr_scheduler.StepLR
    assert resolve("torchvision.models.ResNet18_Weights.verify", "model") == torchvision.models.ResNet18_Weights.verify


def test_what_is_given_offered_and_written_reaches_the_constructor(module: Write) -> None:
    module("def f(a, b, *, c=3, d=4): return a, b, c, d\ndef g(a, **more): return a, more\n")
    assert call({"_target_": "theirs.f", "name": "n", "b": 2}, "model", a=1) == (1, 2, 3, 4)
    assert call({"_target_": "theirs.f", "b": 2}, "model", offered={"c": 7, "e": 8}, a=1) == (1, 2, 7, 4)
    assert call({"_target_": "theirs.f", "b": 2, "c": 5}, "model", offered={"c": 7}, a=1) == (1, 2, 5, 4)
    assert call({"_target_": "theirs.f", "a": 1}, "model", offered={"b": 9}) == (1, 9, 3, 4), "a required one, too"
    assert call({"_target_": "theirs.g"}, "model", offered={"c": 7}, a=1) == (1, {}), "only what it names"
    beside = {"_target_": "theirs.g", "name": "n", "interval": "epoch", "monitor": "val/loss"}
    assert call(beside, "scheduler", a=1) == (1, {})
    assert call(beside, "logger.g", a=1) == (1, {"name": "n", "interval": "epoch", "monitor": "val/loss"})


def test_a_wrong_argument_lists_those_that_are_accepted(module: Write) -> None:
    module("class Network:\n    def __init__(self, num_classes, width=3, depth=2): ...\n\ndef f(num_classes): ...\n")
    assert refusal({"_target_": "theirs.Network", "widht": 4}, num_classes=3) == (
        "model: theirs.Network cannot be called: got an unexpected keyword argument 'widht'. "
        "Its arguments: width, depth."
    )
    assert refusal({"_target_": "theirs.f", "width": 4}, num_classes=3) == (
        "model: theirs.f cannot be called: got an unexpected keyword argument 'width'. Its arguments: none."
    )
    assert refusal({"_target_": "theirs.Network"}) == (
        "model: theirs.Network cannot be called: missing a required argument: 'num_classes'. "
        "Its arguments: num_classes, width, depth."
    )


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ValueError('width has to be even, but is 3')", "model: width has to be even, but is 3"),
        ("raise TypeError('width is no number')", "model: width is no number"),
        ("raise RuntimeError('Unknown model (resnet1)')", "model: Unknown model (resnet1)"),
        ("raise ModuleNotFoundError('pip install wandb')", "model: pip install wandb"),
        ("raise ValueError('model.width=3: an even one is needed')", "model.width=3: an even one is needed"),
        ("raise ValueError(\n        'over several '\n        'lines'\n    )", "model: over several lines"),
        ("import torch; torch.nn.Dropout(p=2)", "model: dropout probability has to be between 0 and 1, but got 2"),
        ("import timm; timm.create_model('resnet1')", "model: Unknown model (resnet1)"),
    ],
)
def test_a_refusal_on_purpose_is_one_message(module: Write, body: str, message: str) -> None:
    if "timm" in body:
        pytest.importorskip("timm")
    module(f"def f():\n    {body}\n")
    assert refusal({"_target_": "theirs.f"}) == message


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("{}['width']", KeyError),
        ("raise KeyError('width')", KeyError),
        ("None.width", AttributeError),
        ("len(3)", TypeError),
        ("a, b = 1, 2, 3", ValueError),
        ("int('three')", ValueError),
        ("import torch; torch.zeros(2) @ torch.zeros(3)", RuntimeError),
        ("import no_such_package", ModuleNotFoundError),
        ("import enum; enum.Enum('E', 'a')('b')", ValueError),
        ("assert False", AssertionError),
    ],
)
def test_a_mistake_keeps_its_traceback(module: Write, body: str, kind: type[Exception]) -> None:
    module(f"def f():\n    {body}\n")
    with pytest.raises(kind) as error:
        call({"_target_": "theirs.f"}, "model")
    assert "theirs.py" in {Path(entry.path).name for entry in error.traceback}


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import no_such_package", ModuleNotFoundError),
        ("import theirs_too", ModuleNotFoundError),  # whose name begins like the module's
        ("from torch import no_such_thing", ImportError),
        ("import torch\ntorch.nn.NoSuchThing", AttributeError),
        ("int('three')", ValueError),
        ("def f(:", SyntaxError),
    ],
)
def test_an_import_that_fails_within_somebodys_module_keeps_its_traceback(
    module: Write, source: str, kind: type[Exception]
) -> None:
    module(source)
    with pytest.raises(kind) as error:
        call({"_target_": "theirs.f"}, "model")
    assert type(error.value) is kind


def test_what_is_not_there_is_said(module: Write) -> None:
    module("def f(): ...\n")
    assert refusal({"_target_": "theirs.g"}) == (
        "model._target_=theirs.g: cannot be imported (module 'theirs' has no attribute 'g')."
    )
    assert (
        refusal({"_target_": "theirs.f.g"})
        == "model._target_=theirs.f.g: cannot be imported ('f' has no attribute 'g')."
    )
    assert refusal({"_target_": "theirs"}) == "model._target_=theirs: is a module; a class or a function is needed."
    assert refusal({"_target_": ""}) == "model._target_=: cannot be imported (a name between two dots is empty)."
    assert refusal({"_target_": "theirz.f"}) == (
        "model._target_=theirz.f: cannot be imported (No module named 'theirz'). "
        "Put the folder of your module on PYTHONPATH, or beside your --config-dir."
    )
