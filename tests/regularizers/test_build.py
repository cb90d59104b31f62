"""A file in regularizers/ is a strength in `reg`, and a strength above 0 is a method."""

import sys
from dataclasses import fields
from pathlib import Path

import pytest

from animal_cls import regularizers
from animal_cls.config.schema import STRENGTHS, RegConfig, method_names
from animal_cls.regularizers import Regularizer, build
from animal_cls.regularizers.label_smoothing import LabelSmoothing

FILES = sorted(path.stem for path in Path(regularizers.__file__).parent.glob("*.py") if path.stem != "__init__")


def test_every_file_is_a_strength_and_nothing_else_but_two_numbers() -> None:
    assert method_names() == FILES
    assert set(STRENGTHS) == {"dropout", "weight_decay", *FILES}
    assert [f.name for f in fields(RegConfig)] == ["name", *STRENGTHS]


def test_all_strengths_are_zero_by_default() -> None:
    assert {name: getattr(RegConfig(), name) for name in STRENGTHS} == dict.fromkeys(STRENGTHS, 0.0)


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_one_method_that_builds_by_its_name(name: str) -> None:
    (method,) = build({name: 0.1})
    assert isinstance(method, Regularizer)
    assert type(method).__module__ == f"animal_cls.regularizers.{name}"
    assert method.strength == 0.1


def test_a_strength_of_zero_builds_nothing_and_is_not_even_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert build(dict.fromkeys(FILES, 0.0)) == []
    assert build({"there_is_no_such_file": 0.0}) == []


def test_methods_come_in_the_order_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new method is one file, and imports of other methods in it are not taken for it."""
    (tmp_path / "louder.py").write_text(
        "from animal_cls.regularizers import Regularizer\n"
        "from animal_cls.regularizers.label_smoothing import LabelSmoothing\n"
        "class Louder(Regularizer):\n"
        "    def penalty(self, network):\n"
        "        return self.strength * LabelSmoothing(0.5).strength\n"
    )
    monkeypatch.setattr(regularizers, "__path__", [*regularizers.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "animal_cls.regularizers.louder", raising=False)
    smoothing, louder = build({"label_smoothing": 0.2, "louder": 4.0})
    assert (type(smoothing), type(louder).__name__) == (LabelSmoothing, "Louder")
    assert louder.penalty(None) == 2.0  # type: ignore[arg-type]  # it does not look at the network
    first, _ = build({"louder": 1.0, "label_smoothing": 0.2})
    assert type(first).__name__ == "Louder"
    monkeypatch.delitem(sys.modules, "animal_cls.regularizers.louder")


def test_a_strength_out_of_the_methods_range_is_refused_by_the_method() -> None:
    with pytest.raises(ValueError, match=r"^reg\.label_smoothing=1\.5: a share in \[0, 1\) is needed\.$"):
        build({"label_smoothing": 1.5})
