"""The menu and the cards, on a terminal and as a page."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from PIL import Image

from animal_cls.commands import reg
from animal_cls.config.schema import method_names
from animal_cls.regularizers import ORDER, own_class

Program = Callable[..., CompletedProcess[str]]
PAGE = Path(__file__).parents[2] / "docs" / "regularizers.md"
PICTURES = {name for name in method_names() if own_class(name).acts_on in reg.PICTURED}


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


def test_every_method_that_changes_images_has_its_picture_and_no_other_file_is_there() -> None:
    files = sorted((PAGE.parent / reg.PICTURES).iterdir())
    assert [path.name for path in files] == [f"{name}.jpg" for name in sorted(PICTURES)], (
        "python -m animal_cls reg --figures docs/methods"
    )
    assert sum(path.stat().st_size for path in files) < 1_000_000
    embedded = re.findall(r"\]\(methods/(\w+)\.jpg\)", PAGE.read_text(encoding="utf-8"))
    assert sorted(embedded) == sorted(PICTURES)


@pytest.mark.slow  # draws 200 animals
def test_the_pictures_are_what_the_command_draws_but_for_rounding(program: Program, tmp_path: Path) -> None:
    assert program("reg", "--figures", str(tmp_path)).returncode == 0
    for path in sorted(tmp_path.iterdir()):
        drawn, kept = (
            np.asarray(Image.open(file), dtype=float) for file in (path, PAGE.parent / "methods" / path.name)
        )
        assert drawn.shape == kept.shape
        assert np.abs(drawn - kept).mean() < 4, f"{path.name}: python -m animal_cls reg --figures docs/methods"


def test_the_measured_cost_stands_beside_the_words_of_the_card(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = {"strength": 0.2, "step": 1.042, "spread": [1.03, 1.06], "megabytes": 13, "on": "a CPU"}
    stale = entry | {"strength": 0.7}
    (tmp_path / "costs.json").write_text(json.dumps({"mixup": entry, "cutmix": stale}))
    monkeypatch.setattr(reg, "COSTS", tmp_path / "costs.json")
    shown = " ".join(program("reg", "mixup").stdout.split())
    assert "measured 1.04 of a step without it (1.03 to 1.06), +13 MB, at 0.2 (a CPU; python -m benchmarks" in shown
    menu = {line.split()[0]: line.split()[2] for line in reg.menu().splitlines() if line.startswith("  ")}
    assert (menu["mixup"], menu["cutmix"], menu["sam"]) == ("1.04", "-", "-")
    for name in ("cutmix", "sam"):  # of another value than the card's first, and of none
        assert f"not measured (python -m benchmarks.speed.methods {name})" in reg.text(name)


def test_a_method_whose_option_has_another_name_is_found_by_both(program: Program) -> None:
    by_option, by_method = (program("reg", name).stdout for name in ("l2", "weight_decay"))
    assert by_option == by_method
    assert "chosen by  reg=l2\n" in by_option
