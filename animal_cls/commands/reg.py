"""Show the menu of regularizers, or with a name its card."""

import argparse
import json
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from animal_cls.config.methods import Card, MethodCall
from animal_cls.config.schema import method_names
from animal_cls.errors import UserError
from animal_cls.files.text import did_you_mean
from animal_cls.sweeps.arms import single_options

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
PICTURED, PICTURES = ("images", "pairs"), "methods"  # what has a picture in the page, and the folder beside it
SIDE = 96  # px of an image in a picture
ABOUT = """\
# The regularizers

Made by `python -m animal_cls reg --markdown`. A strength of 0 is off; `reg=NAME` takes the first value to try,
`reg=NAME reg.NAME=0.3` another one (`reg.NAME.strength=0.3` where there are options), and `reg=[mixup,ema]` several.

Measured is the first value to try on the report's ResNet18, images of 128 px in batches of 64, on one thread of a CPU:
the time of a training step in terms of one without the method, the median of some steps with its least and most, and
the bytes of tensors at most at a time beyond those without it. In a checkout, `python -m benchmarks.speed.methods NAME`
measures it, and `python -m animal_cls reg --figures docs/methods` draws the pictures.
"""
COLUMNS = "name, first value to try, time of a training step in terms of one without it (- not measured), what it does"


def main(words: Sequence[str]) -> int:
    """Print what the words ask for; returns the exit code.

    Raises:
        UserError: there is no such method.
    """
    asked = parser().parse_args(words)
    if asked.figures is not None:
        write_figures(asked.figures)
    elif asked.markdown:
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
    made.add_argument("--figures", type=Path, metavar="DIR", help="draw what methods do to images, as in docs/methods")
    return made


def cards() -> dict[str, tuple[str, Card]]:
    """Our methods by where they act, and by name: where, and the card."""
    from animal_cls.regularizers import ORDER, own_class  # torch, of which --help has no need

    classes = {name: own_class(name) for name in method_names()}
    found = {name: (made.acts_on, made.card) for name, made in classes.items() if made.card is not None}
    return dict(sorted(found.items(), key=lambda item: ORDER.index(item[1][0])))


def menu() -> str:
    """A line for each method, by where it acts: its first value to try, its cost, the first sentence of its card."""
    width = max(map(len, method_names()))
    sections = [COLUMNS]
    for heading, group in _grouped():
        lines = [heading]
        for name, card in group:
            does = card.does.partition(". ")[0].removesuffix(".")
            shown = textwrap.shorten(does, WIDTH - width - 18, placeholder=" ...")
            cost = "-" if (cost := measured(name, card)) is None else f"{cost['step']:.2f}"
            lines.append(f"  {name:<{width}}  {card.values[0]:<8g}{cost:<6}{shown}")
        sections.append("\n".join(lines))
    return "\n\n".join(sections)


def text(name: str) -> str:
    """The card of a method, for a terminal.

    Raises:
        UserError: there is no such method.
    """
    options = {option.name: option.method for option in single_options().values()}
    name = options.get(name, name)  # reg=l2 is weight_decay
    if name not in method_names():
        guess = did_you_mean(name, [*method_names(), *options])
        raise UserError(f"{name}: no such regularizer.{guess} The menu: python -m animal_cls reg.")
    chosen = next((option for option, method in options.items() if method == name), name)
    rows = {"chosen by": f"reg={chosen}", **_rows(name, *cards()[name])}
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
            does, *rows = _rows(name, "", card).items()
            listed = "\n".join(f"- **{label}**: {_marked(label, value)}" for label, value in rows)
            parts.append(f"### {name}\n\n{does[1]}\n\n{_picture(name, card)}{listed}\n")
    return "\n".join(parts)


def _picture(name: str, card: Card) -> str:
    if cards()[name][0] not in PICTURED:
        return ""
    return f"![Drawn animals, below each what {name} makes of it at {card.values[0]:g}]({PICTURES}/{name}.jpg)\n\n"


def write_figures(folder: Path) -> None:
    """Draw a picture of each method that changes images, at its card's first value."""
    from animal_cls import regularizers
    from animal_cls.commands.train import compose
    from animal_cls.data.before_after import before_after
    from animal_cls.training import build

    config = compose(["data=toy", "data.source.total=200", f"data.image_size={SIDE}", "data.augment=none"])
    plain = build.images(config)
    plain.prepare_data()
    folder.mkdir(parents=True, exist_ok=True)
    for name, (acts_on, card) in cards().items():
        if acts_on in PICTURED:
            call = MethodCall(key=f"reg.{name}", name=name, strength=card.values[0], target=None)
            changed = build.images(config, regularizers.build([call]))
            changed.prepare_data()
            before_after(plain, changed).save(folder / f"{name}.jpg", quality=85)


def _marked(label: str, value: str) -> str:
    return f"`{value}`" if label == "formula" else f"<{value}>" if label == "source" else value


def _grouped() -> Iterator[tuple[str, list[tuple[str, Card]]]]:
    for acts_on, group in groupby(cards().items(), key=lambda item: item[1][0]):
        heading = HEADINGS[acts_on]
        yield heading[0].upper() + heading[1:], [(name, card) for name, (_, card) in group]


def measured(name: str, card: Card) -> dict[str, Any] | None:
    """What costs.json says of a method at its card's first value; None where it says nothing, or of another value."""
    known = json.loads(COSTS.read_text(encoding="utf-8")).get(name)
    return known if known and known["strength"] == card.values[0] else None


def _cost(name: str, card: Card) -> str:
    found = measured(name, card)
    command = f"python -m benchmarks.speed.methods {name}"
    if found is None:
        return f"not measured ({command})"
    low, high = found["spread"]
    return (
        f"{found['step']:.2f} of a step without it ({low:.2f} to {high:.2f}), {found['megabytes']:+d} MB, at "
        f"{card.values[0]:g} ({found['on']}; {command})"
    )


def _rows(name: str, acts_on: str, card: Card) -> dict[str, str]:
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
        "measured": _cost(name, card),
        "source": card.source,
    }
    return {label: value for label, value in found.items() if value}
