"""Show the menu of regularizers, or with a name its card."""

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from animal_cls.config.methods import Card
from animal_cls.config.schema import method_names
from animal_cls.errors import UserError
from animal_cls.files.text import did_you_mean

WIDTH = 120  # columns
HEADINGS = {  # where a method acts -> in words
    "order": "which images an epoch has, and how large",
    "images": "images",
    "pairs": "pairs of images",
    "targets": "targets",
    "network": "the network",
    "loss": "the loss",
    "step": "the step",
    "evaluation": "what is evaluated, and when training ends",
    "another key": "handed to the network or the optimizer",
}
COSTS = Path(__file__).parents[1] / "regularizers" / "costs.json"
ABOUT = """\
# The regularizers

Made by `python -m animal_cls reg --markdown`. A strength of 0 is off; `reg=NAME` takes the first value to try,
`reg=NAME reg.NAME=0.3` another one (`reg.NAME.strength=0.3` where there are options), and `reg=[mixup,ema]` several.
"""


def main(words: Sequence[str]) -> int:
    """Print what the words ask for; returns the exit code.

    Raises:
        UserError: there is no such method.
    """
    asked = parser().parse_args(words)
    if asked.markdown:
        print(markdown(), end="")
    elif asked.method:
        print(text(asked.method))
    else:
        print(menu())
    return 0


def parser() -> argparse.ArgumentParser:
    """The words that this command understands."""
    made = argparse.ArgumentParser(
        prog="python -m animal_cls.reg",
        description="The menu of regularizers, one line each, or with a name its card: what it does, its paper, what "
        "it needs, what it costs, values to try. One of your own: docs/extending.md.",
    )
    made.add_argument("method", metavar="METHOD", nargs="?", help="one of the menu")
    made.add_argument("--markdown", action="store_true", help="all cards, as in docs/regularizers.md")
    return made


def cards() -> dict[str, tuple[str, Card]]:
    """Our methods by where they act, and by name: where, and the card."""
    from animal_cls.regularizers import ORDER, own_class  # torch, of which --help has no need

    classes = {name: own_class(name) for name in method_names()}
    found = {name: (made.acts_on, made.card) for name, made in classes.items() if made.card is not None}
    return dict(sorted(found.items(), key=lambda item: ORDER.index(item[1][0])))


def menu() -> str:
    """A line for each method, by where it acts: its first value to try, and the first sentence of its card."""
    width = max(map(len, method_names()))
    sections = []
    for heading, group in _grouped():
        lines = [heading]
        for name, card in group:
            does = card.does.partition(". ")[0].removesuffix(".")
            shown = textwrap.shorten(does, WIDTH - width - 12, placeholder=" ...")
            lines.append(f"  {name:<{width}}  {card.values[0]:<8g}{shown}")
        sections.append("\n".join(lines))
    return "\n\n".join(sections)


def text(name: str) -> str:
    """The card of a method, for a terminal.

    Raises:
        UserError: there is no such method.
    """
    if name not in method_names():
        guess = did_you_mean(name, method_names())
        raise UserError(f"{name}: no such regularizer.{guess} The menu: python -m animal_cls reg.")
    rows = _rows(*cards()[name])
    margin = max(map(len, rows)) + 2
    lines = [name, ""]
    for label, value in rows.items():
        first, *rest = textwrap.wrap(value, WIDTH - margin) or [""]
        lines += [f"{label:<{margin}}{first}", *(" " * margin + line for line in rest)]
    return "\n".join(lines)


def markdown() -> str:
    """All cards as a page, by where the methods act."""
    parts = [ABOUT]
    for heading, group in _grouped():
        parts.append(f"## {heading}\n")
        for name, card in group:
            does, *rows = _rows("", card).items()
            listed = "\n".join(f"- **{label}**: {_marked(label, value)}" for label, value in rows)
            parts.append(f"### {name}\n\n{does[1]}\n\n{listed}\n")
    return "\n".join(parts)


def _marked(label: str, value: str) -> str:
    return f"`{value}`" if label == "formula" else f"<{value}>" if label == "source" else value


def _grouped() -> Iterator[tuple[str, list[tuple[str, Card]]]]:
    for acts_on, group in groupby(cards().items(), key=lambda item: item[1][0]):
        heading = HEADINGS[acts_on]
        yield heading[0].upper() + heading[1:], [(name, card) for name, (_, card) in group]


def _rows(acts_on: str, card: Card) -> dict[str, str]:
    """Label -> text, for what there is to say."""
    found = {
        "does": card.does,
        "strength": card.strength,
        "formula": card.formula,
        "try": f"{', '.join(f'{value:g}' for value in card.values)} ({card.values_from})",
        "acts on": HEADINGS.get(acts_on, ""),
        "needs": card.needs,
        "no effect": card.no_effect,
        "not with": "; ".join(f"{other}: {why}" for other, why in card.excludes.items()),
        "cost": card.cost,
        "source": card.source,
    }
    return {label: value for label, value in found.items() if value}
