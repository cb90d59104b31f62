"""The menu and the cards, on a terminal and as a page."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from animal_cls.commands import reg
from animal_cls.config.schema import method_names
from animal_cls.regularizers import ORDER, own_class

Program = Callable[..., CompletedProcess[str]]
PAGE = Path(__file__).parents[2] / "docs" / "regularizers.md"


def test_the_menu_has_a_line_for_each_method(program: Program) -> None:
    outcome = program("reg")
    assert outcome.returncode == 0
    lines = [line.split() for line in outcome.stdout.splitlines() if line.startswith("  ")]
    assert sorted(words[0] for words in lines) == list(method_names())
    assert {words[0]: float(words[1]) for words in lines}["mixup"] == 0.2
    assert max(map(len, outcome.stdout.splitlines())) <= reg.WIDTH


def test_every_place_where_a_method_can_act_has_a_heading() -> None:
    assert tuple(reg.HEADINGS) == ORDER


@pytest.mark.parametrize("name", ["mixup", "sam"])
def test_a_card_tells_all_that_its_method_says_of_itself(program: Program, name: str) -> None:
    shown = " ".join(program("reg", name).stdout.split())
    card = own_class(name).card
    assert card is not None
    for said in (card.does, card.strength, card.formula, card.source, card.cost, card.values_from):
        assert " ".join(said.split()) in shown


def test_a_name_that_there_is_not(program: Program) -> None:
    outcome = program("reg", "mixupp")
    assert outcome.returncode == 1
    assert outcome.stderr == "mixupp: no such regularizer. Did you mean mixup? The menu: python -m animal_cls reg.\n"


def test_the_page_of_all_cards_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == reg.markdown(), (
        "python -m animal_cls reg --markdown > docs/regularizers.md"
    )
