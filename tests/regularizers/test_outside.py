"""A method of somebody's own: a class in a module of theirs and an option file, nothing else."""

import importlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from omegaconf import DictConfig, OmegaConf

from animal_cls import regularizers
from animal_cls.config.methods import active
from animal_cls.config.parse import parse
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.regularizers import Method, own_class, stream_of

Program = Callable[..., "CompletedProcess[str]"]

MODULE = """
from animal_cls.regularizers import Method

class Mine(Method):
    acts_on = "loss"

    def __init__(self, strength, *, power=2):
        if strength > 5:
            raise ValueError(f"reg.mine={strength}: at most 5 is needed.")
        super().__init__(strength)
        self.power = power

    def loss(self, network, images, logits, targets, loss):
        return loss + self.strength * logits.abs().pow(self.power).mean()

class Other:
    pass
"""
OPTION = """# A penalty of mine on large logits.
mine:
  _target_: theirs.Mine
  strength: 0.1
  power: 2
"""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with theirs.py, which is on the path, and conf/reg/mine.yaml; no file of ours is touched."""
    (tmp_path / "conf" / "reg").mkdir(parents=True)
    (tmp_path / "theirs.py").write_text(MODULE)
    (tmp_path / "conf" / "reg" / "mine.yaml").write_text(OPTION)
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    yield tmp_path
    sys.modules.pop("theirs", None)


@pytest.fixture
def composed(outside: Path, program: Program) -> Callable[..., Config]:
    """`composed("reg=mine")` is the config that the program gets with their --config-dir."""

    def compose(*words: str) -> Config:
        outcome = program(f"--config-dir={outside}/conf", "--cfg", "job", *words)
        assert outcome.returncode == 0, outcome.stderr
        shown = OmegaConf.create(outcome.stdout)
        assert isinstance(shown, DictConfig)
        return parse(shown)

    return compose


def built(config: Config) -> list[Method]:
    return regularizers.build(active(config.reg, "reg"))


@pytest.mark.parametrize(
    ("words", "strength", "power", "name"),
    [
        (["reg=mine"], 0.1, 2, "mine"),
        (["reg=mine", "reg.mine.strength=0.3"], 0.3, 2, "mine"),
        (["reg=mine", "reg.mine.power=1"], 0.1, 1, "mine"),
        (["reg=[dropout,mine]"], 0.1, 2, "dropout+mine"),
        (["+reg.mine={_target_:theirs.Mine,strength:0.4}"], 0.4, 2, "mine"),
    ],
)
def test_one_class_and_one_option_file_are_a_method(
    composed: Callable[..., Config], words: list[str], strength: float, power: int, name: str
) -> None:
    config = composed(*words)
    assert config.reg["name"] == name
    method = built(config)[0]
    assert type(method).__name__ == "Mine"
    assert vars(method) == {"strength": strength, "power": power}
    assert stream_of(method) == "Mine"


def test_off_it_is_neither_named_nor_imported(composed: Callable[..., Config]) -> None:
    config = composed("reg=mine", "reg.mine.strength=0")
    assert config.reg["name"] == "none"
    assert built(config) == []
    assert "theirs" not in sys.modules


def test_it_can_be_shared_by_all_arms(composed: Callable[..., Config]) -> None:
    config = composed("data.augment={mine:{_target_:theirs.Mine,strength:0.2}}")
    (call,) = active(config.data.augment, "data.augment")
    assert (call.key, call.target, call.strength) == ("data.augment.mine", "theirs.Mine", 0.2)
    assert config.reg["name"] == "none"


def test_an_option_file_of_theirs_names_it_in_data_augment(
    program: Program, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Config] = []
    monkeypatch.setattr("animal_cls.commands.train.run_job_reporting", lambda config, *_, **__: seen.append(config))
    outcome = program(f"--config-dir={outside}/conf", "data.augment=[flip_crop,mine]", "hydra.run.dir=run")
    assert outcome.returncode == 0, outcome.stderr
    assert seen[0].data.augment == {"flip_crop": 1.0, "mine": {"_target_": "theirs.Mine", "strength": 0.1, "power": 2}}


REFUSED = {
    "_target_:nowhere.Mine,strength:1": (
        "reg.mine._target_=nowhere.Mine: cannot be imported (No module named 'nowhere'). "
        "Put the folder of your module on PYTHONPATH, or beside your --config-dir."
    ),
    "_target_:theirs.deeper.Mine,strength:1": (
        "reg.mine._target_=theirs.deeper.Mine: cannot be imported (No module named 'theirs.deeper'; "
        "'theirs' is not a package). Put the folder of your module on PYTHONPATH, or beside your --config-dir."
    ),
    "_target_:theirs.Mien,strength:1": (
        "reg.mine._target_=theirs.Mien: there is no Mien in theirs. Did you mean Mine?"
    ),
    "_target_:theirs.Other,strength:1": (
        "reg.mine._target_=theirs.Other: is no subclass of animal_cls.regularizers.Method."
    ),
    "_target_:theirs,strength:1": (
        "reg.mine._target_=theirs: a class with its module is needed, as in mymodule.MyMethod."
    ),
    "_target_:theirs.Mine,strength:1,powr:3": (
        "reg.mine.powr: no such option. Did you mean reg.mine.power? Options: strength, power."
    ),
    "_target_:theirs.Mine,strength:6": "reg.mine=6.0: at most 5 is needed.",
}


@pytest.mark.parametrize("value", REFUSED)
def test_mistakes(value: str, composed: Callable[..., Config]) -> None:
    config = composed(f"+reg.mine={{{value}}}")
    with pytest.raises(UserError, match=f"^{re.escape(REFUSED[value])}$"):
        built(config)


@pytest.mark.parametrize(
    ("first_line", "error"),
    [("import not_there", ModuleNotFoundError), ("1 / 0", ZeroDivisionError), ("[].nothing", AttributeError)],
)
def test_a_mistake_in_their_module_keeps_its_traceback(
    composed: Callable[..., Config], outside: Path, first_line: str, error: type[Exception]
) -> None:
    (outside / "theirs.py").write_text(f"{first_line}\n{MODULE}")
    config = composed("reg=mine")
    with pytest.raises(error):
        built(config)


def test_a_mistake_in_their_constructor_keeps_its_traceback(composed: Callable[..., Config], outside: Path) -> None:
    (outside / "theirs.py").write_text(MODULE.replace("self.power = power", "self.power = int('two')"))
    with pytest.raises(ValueError, match="invalid literal"):
        built(composed("reg=mine"))


# In the package: the same two files, and no key, message or test beside them.


def test_a_file_in_regularizers_is_a_method_whatever_else_it_imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "louder.py").write_text(
        "from animal_cls.regularizers import Method\n"
        "from animal_cls.regularizers.label_smoothing import LabelSmoothing\n"
        "class Louder(Method):\n"
        "    acts_on = 'loss'\n"
    )
    monkeypatch.setattr(regularizers, "__path__", [*regularizers.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "animal_cls.regularizers.louder", raising=False)
    assert own_class("louder").__name__ == "Louder"
    monkeypatch.delitem(sys.modules, "animal_cls.regularizers.louder")


@pytest.mark.parametrize("text", ["", "class A(Method): ...\nclass B(Method): ...\n"])
def test_a_file_in_regularizers_holds_exactly_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    (tmp_path / "several.py").write_text(f"from animal_cls.regularizers import Method\n{text}")
    monkeypatch.setattr(regularizers, "__path__", [*regularizers.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    with pytest.raises(
        AssertionError, match=r"^animal_cls\.regularizers\.several holds [02] methods; it has to be one"
    ):
        own_class("several")
    monkeypatch.delitem(sys.modules, "animal_cls.regularizers.several")
