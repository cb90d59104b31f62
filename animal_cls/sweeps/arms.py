"""The plans whose arms are found, not written: the menu, strengths, each method left out, one added after the other.

An option file of sweep/ asks for one by the axis `arms: menu`; the methods come from `reg=[mixup,ema]`.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from animal_cls.config import yaml_text
from animal_cls.config.methods import STRENGTH, strength_of
from animal_cls.config.parse import config_folders
from animal_cls.config.schema import method_names
from animal_cls.errors import UserError
from animal_cls.files.text import did_you_mean


@dataclass(frozen=True, kw_only=True)
class Option:
    """An option of reg/ that turns one method on."""

    name: str  # l2
    method: str  # weight_decay
    value: Any  # its strength, or a mapping with its options, as the file says

    def at(self, strength: float) -> str:
        """The override that gives it this strength."""
        key = f"reg.{self.method}.{STRENGTH}" if isinstance(self.value, Mapping) else f"reg.{self.method}"
        short = f"{strength:g}"
        return f"{key}={short if float(short) == strength else strength}"


@dataclass(frozen=True, kw_only=True)
class Arm:
    """What is on in some of the jobs of a plan, those that differ in the seed and in further axes."""

    options: tuple[Option, ...]
    strength: str | None = None  # an override
    baseline: int | None  # which of the plan's arms it is compared with

    @property
    def choice(self) -> str:
        """`none`, `mixup` or `[mixup,ema]`."""
        names = [option.name for option in self.options]
        return names[0] if len(names) == 1 else f"[{','.join(names)}]" if names else "none"


NONE = Arm(options=(), baseline=None)


def menu(options: Sequence[Option], strong: Collection[str]) -> list[Arm]:
    """None, and each method by itself."""
    return [NONE, *(Arm(options=(option,), baseline=0) for option in options)]


def strengths(options: Sequence[Option], strong: Collection[str]) -> list[Arm]:
    """None, and each method by itself at the values of its card, or at those that are given."""
    arms = [NONE]
    for option in options:
        words = [None] if option.method in strong else [option.at(value) for value in _values(option)]
        arms += [Arm(options=(option,), strength=word, baseline=0) for word in words]
    return arms


def leave_one_out(options: Sequence[Option], strong: Collection[str]) -> list[Arm]:
    """None, all methods together, and all but one, which are compared with all."""
    fewer = [tuple(other for other in options if other is not option) for option in options]
    return [NONE, Arm(options=tuple(options), baseline=0), *(Arm(options=rest, baseline=1) for rest in fewer)]


def stack(options: Sequence[Option], strong: Collection[str]) -> list[Arm]:
    """None, and the methods added one by one, each step compared with the one before."""
    return [NONE, *(Arm(options=tuple(options[: n + 1]), baseline=n) for n in range(len(options)))]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of plan."""

    arms: Callable[[Sequence[Option], Collection[str]], list[Arm]]
    fewest: int  # methods that have to be named
    optional: bool = False  # an arm that cannot be is passed over


KINDS = {
    "menu": Kind(arms=menu, fewest=0, optional=True),
    "strengths": Kind(arms=strengths, fewest=1),
    "leave_one_out": Kind(arms=leave_one_out, fewest=2),
    "stack": Kind(arms=stack, fewest=2),
}


def kind_of(name: str) -> Kind:
    """The kind of this name; raises `UserError` where there is none."""
    if name not in KINDS:
        guess = did_you_mean(name, KINDS)
        raise UserError(f"hydra.sweeper.params.arms={name}: no such plan.{guess} Plans: {', '.join(KINDS)}.")
    return KINDS[name]


def chosen(names: Sequence[str], kind: Kind, *, sweep: str) -> list[Option]:
    """The options of these names.

    Args:
        sweep: what the plan is called in messages.

    Raises:
        UserError: too few of them, one twice, or one that turns on several methods, or none.
    """
    offered, shown = single_options(), f"reg=[{','.join(names)}]"
    if len(names) < kind.fewest:
        several = "a method" if kind.fewest == 1 else "at least two methods"
        example = "reg=mixup" if kind.fewest == 1 else "reg=[flip,crop,mixup,ema]"
        raise UserError(f"{sweep}: needs {several}{f', and has {shown}' * bool(names)}. Name them: {example}.")
    for name in names:
        if name not in offered:
            raise UserError(f"{sweep} {shown}: {name} turns on no single method. Name options of reg/ that do.")
    methods = [offered[name].method for name in names]
    if twice := [name for name, method in zip(names, methods, strict=True) if methods.count(method) > 1]:
        raise UserError(f"{sweep} {shown}: {' and '.join(twice)} are the same method. Name each once.")
    return [offered[name] for name in names]


def on_the_menu(shared: Collection[str]) -> list[Option]:
    """An option for every method there is, the user's own too, but for those that all arms share.

    One of ours that is named after others, flip_crop, only combines these; of two for one method, one is enough.
    """
    offered, found = single_options(), dict[str, Option]()
    for option in sorted(offered.values(), key=lambda option: option.name != option.method):
        is_joined = option.method in method_names() and _is_joined(option.name, offered)  # the user's are their own
        if not is_joined and option.method not in shared:
            found.setdefault(option.method, option)
    return sorted(found.values(), key=lambda option: option.name)


def single_options() -> dict[str, Option]:
    """The options of reg/ that turn on one method and say nothing else, ours and the user's, by name."""
    found = {}
    for folder in config_folders():
        for file in sorted((folder / "reg").glob("*.yaml")):
            content = yaml_text.read(file)
            said = {k: v for k, v in content.items() if k != "name"} if isinstance(content, Mapping) else {}
            ((method, value),) = said.items() if len(said) == 1 else [("", None)]
            if isinstance(strength := strength_of(value), int | float) and strength > 0:
                found[file.stem] = Option(name=file.stem, method=str(method), value=value)
    return found


def _is_joined(name: str, names: Collection[str]) -> bool:
    """Whether a name is several others, joined by _."""
    words = name.split("_")
    ends = [("_".join(words[:k]), "_".join(words[k:])) for k in range(1, len(words))]
    return any(first in names and (rest in names or _is_joined(rest, names)) for first, rest in ends)


def _values(option: Option) -> Sequence[float]:
    """The strengths that the card of a method has to try."""
    from animal_cls.regularizers import own_class  # torch, of which other plans have no need

    card = own_class(option.method).card if option.method in method_names() else None
    if card is None:
        word = option.at(0).partition("=")[0]
        raise UserError(f"reg={option.name}: has no card with values to try. Give them: {word}=0.1,0.2,0.4.")
    return card.values
