"""docs/extending.md: its files are those that it shows, and each of them trains."""

import importlib.util
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from animal_cls import results

DOCS = Path(__file__).parents[1] / "docs"
CONF = DOCS / "extending" / "conf"
SHOWN = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)\n```", (DOCS / "extending.md").read_text("utf-8"), re.S)
OPTIONS = sorted(path.relative_to(CONF).with_suffix("").as_posix() for path in CONF.rglob("*.yaml"))

Program = Callable[..., CompletedProcess[str]]


@pytest.mark.parametrize(("file", "text"), SHOWN, ids=[file for file, _ in SHOWN])
def test_the_page_shows_the_files_as_they_are(file: str, text: str) -> None:
    assert (DOCS / file).read_text(encoding="utf-8").strip() == text


@pytest.fixture
def extending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the folder, to work in as the page says; its module is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    copy = shutil.copytree(DOCS / "extending", tmp_path / "extending", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(copy)
    yield copy
    sys.modules.pop("mine", None)


@pytest.fixture
def train(
    program: Program, image_folder: Callable[..., Path], extending: Path, tmp_path: Path, undrawn: None
) -> Callable[..., results.Result]:
    """`train("model=tiny")` trains one epoch with the page's option files and returns the result."""

    def run(*words: str) -> results.Result:
        images = (
            () if any(word.startswith("data=") for word in words) else ("data=folder", f"data.root={tmp_path / 'i'}")
        )
        if images:
            image_folder(tmp_path / "i")
        outcome = program(
            *("--config-dir", str(extending / "conf"), *images, "data.image_size=64", "data.batch_size=8"),
            *("trainer.max_epochs=1", "hydra.run.dir=run", *words),
        )
        assert outcome.returncode == 0, outcome.stderr
        result = results.load(Path("run"))
        assert result is not None
        return result

    return run


@pytest.mark.slow
@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_trains(option: str, train: Callable[..., results.Result]) -> None:
    group, name = option.split("/")
    if "timm" in (CONF / f"{option}.yaml").read_text(encoding="utf-8") and importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    others = ("model=tiny",) if group != "model" and name not in ("muon", "freeze_first") else ()
    result = train(f"{group}={name}", *others)
    assert result.status == "done"
    assert all(method.acted for method in result.methods)


def test_a_strength_of_another_name_is_recorded_as_a_copy(train: Callable[..., results.Result]) -> None:
    result = train("model=tiny", "reg=dropout")
    assert result.derived["model.drop_rate"] == "reg.dropout"
    assert [method.acted for method in result.methods] == [True]


def test_an_image_method_is_shared_by_all_arms_or_ablated(train: Callable[..., results.Result]) -> None:
    result = train("model=tiny", "data.augment=grey")
    assert (result.reg, [method.key for method in result.methods]) == ("none", ["data.augment.grey"])


def test_the_strength_of_a_method_from_outside_on_the_command_line(train: Callable[..., results.Result]) -> None:
    result = train("model=tiny", "reg=[dropout,grad_limit]", "reg.grad_limit.strength=0.5")
    assert result.reg == "dropout+grad_limit"
    assert {method.key: method.strength for method in result.methods}["reg.grad_limit"] == 0.5


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("model=tiny", "+model.depth=3"),
            "model: mine.Tiny cannot be called: got an unexpected keyword argument 'depth'. Its arguments: drop_rate.",
        ),
        (("model=tiny", "model._target_=mine.Tinny"), "model._target_=mine.Tinny: cannot be imported"),
        (("reg=grey", "reg.grey.strength=2"), "reg.grey=2.0: a probability in [0, 1] is needed."),
        (("reg=grey", "+reg.grey.colour=red"), "reg.grey.colour: no such option. Options: strength, shares."),
        (
            ("reg=grey", "reg.grey._target_=mine.Tiny"),
            "reg.grey._target_=mine.Tiny: is no subclass of animal_cls.regularizers.Method.",
        ),
    ],
)
def test_what_does_not_fit_is_one_message(
    words: tuple[str, ...],
    message: str,
    program: Program,
    extending: Path,
    image_folder: Callable[..., Path],
    tmp_path: Path,
) -> None:
    root = image_folder(tmp_path / "i")
    outcome = program("--config-dir", str(extending / "conf"), "data=folder", f"data.root={root}", *words)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(message)
    assert len(outcome.stderr.splitlines()) == 1


def test_a_mistake_in_a_method_of_ones_own_keeps_its_traceback(
    program: Program, extending: Path, image_folder: Callable[..., Path], tmp_path: Path
) -> None:
    with (extending / "mine.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef _broken(self, network):\n    return undefined\n\n\nGradLimit.gradients = _broken\n")
    root = image_folder(tmp_path / "i")
    words = ("data=folder", f"data.root={root}", "data.image_size=64", "model=tiny", "reg=grad_limit")
    with pytest.raises(NameError, match="undefined"):
        program("--config-dir", str(extending / "conf"), *words)
