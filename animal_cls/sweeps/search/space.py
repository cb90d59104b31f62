"""What a search varies: `reg.mixup=0.05..2`, or for a method without a range what its card has to try."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from animal_cls.config.methods import STRENGTH
from animal_cls.config.schema import declared, method_names
from animal_cls.errors import UserError
from animal_cls.files.naming import path_safe
from animal_cls.files.text import did_you_mean
from animal_cls.sweeps.arms import Option, single_options

BETWEEN = ".."
DECADE = 10.0  # from this ratio of its ends on, a range is tried on a logarithmic scale
EXAMPLE = "e.g. reg.mixup=0.05..2"
DIGITS = 4  # of a number that is tried, so that folders have readable names
PATHS = ("data.root", "data.cache_dir", "hydra.")  # keys of folders, whose names may hold ..
LUCK = ("seed", "data.split_seed", "data.fold")  # what is no better or worse, but only luckier on val


@dataclass(frozen=True, kw_only=True)
class Range:
    """The numbers that a key may have."""

    key: str
    low: float
    high: float
    whole: bool = False  # numbers only

    @property
    def log(self) -> bool:
        """Whether each factor, and not each difference, is tried as often."""
        return self.low > 0 and self.high / self.low >= DECADE

    @property
    def word(self) -> str:
        """As it is typed."""
        return f"{self.key}={self.low:.12g}{BETWEEN}{self.high:.12g}"

    def __str__(self) -> str:
        return f"{self.word} ({'logarithmic' if self.log else 'linear'}{', whole numbers' if self.whole else ''})"


def split(words: Sequence[str]) -> tuple[list[str], list[Range]]:
    """The overrides that all trials share, and the ranges.

    Raises:
        UserError: a range that is none, a key twice, or nothing to vary.
    """
    ranges = [range_of(word) for word in words if is_range(word)]
    fixed = [word for word in words if not is_range(word)]
    keys = [one.key for one in ranges]
    settled = [*keys, *(key for key, _, value in (word.partition("=") for word in fixed) if _settles(value))]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise UserError(f"{twice[0]}: has two ranges. Give it one.")
    if several := [word for word in fixed if "," in word.partition("=")[2] and not set(word) & set("[]{}")]:
        raise UserError(f"{several[0]}: a search tries numbers between two ends, {EXAMPLE}; all else is the same.")
    ranges += [_of_card(option) for option in _chosen(fixed) if not _is_named(option, settled)]
    if not ranges:
        told = f"search: nothing to vary. Give a key two ends, {EXAMPLE}, or name a method: reg=mixup."
        offered = single_options()
        unknown = [name for name in _named(fixed) if name not in offered]
        raise UserError(told + (f" reg={unknown[0]} is none.{did_you_mean(unknown[0], offered)}" if unknown else ""))
    return fixed, ranges


def is_range(word: str) -> bool:
    """Whether a word of a command line gives a key two ends, or is meant to."""
    key, _, value = word.partition("=")
    return BETWEEN in value and not set(value) & set("/\\") and not key.startswith(PATHS)


def range_of(word: str) -> Range:
    """The range that a word gives to its key; raises `UserError` where it is none."""
    key, _, text = word.partition("=")
    ends = text.split(BETWEEN)
    try:
        low, high = map(float, ends)
    except ValueError:
        raise UserError(f"{word}: a range needs two ends that are numbers, {EXAMPLE}.") from None
    if not low < high < float("inf"):
        raise UserError(f"{word}: a range goes from a smaller number to a larger one, {EXAMPLE}.")
    if key in LUCK:
        raise UserError(f"{word}: a search would find the luckiest {key}, not a better network. Vary another key.")
    whole = all(re.fullmatch(r"[-+]?\d+", end) for end in ends) and _is_whole(key)
    return Range(key=key, low=low, high=high, whole=whole)


def _is_whole(key: str) -> bool:
    return any(name == key and field.type in (int, int | None) for name, field in declared())


def _chosen(fixed: Sequence[str]) -> list[Option]:
    """The methods that `reg=` names."""
    offered = single_options()
    return [offered[name] for name in _named(fixed) if name in offered]


def _named(fixed: Sequence[str]) -> list[str]:
    last = next((word for word in reversed(fixed) if word.startswith("reg=")), "reg=none")
    return [name for name in last.partition("=")[2].strip("[]").split(",") if name and name != "none"]


def _settles(value: str) -> bool:
    """Whether a word with this value gives a method its strength, if it is about one: not one with options alone."""
    return not value.startswith("{") or STRENGTH in value


def _is_named(option: Option, keys: Sequence[str]) -> bool:
    return bool({f"reg.{option.method}", f"reg.{option.method}.{STRENGTH}"} & set(keys))


def _of_card(option: Option) -> Range:
    """From the smallest to the largest value that the method's card has to try."""
    from animal_cls.regularizers import own_class  # torch

    card = own_class(option.method).card if option.method in method_names() else None
    values = [value for value in card.values if value > 0] if card is not None else []
    key = option.at(0).partition("=")[0]
    if len(set(values)) < 2:
        raise UserError(f"reg={option.name}: its card has no two values to search between. Give them: {key}=0.1..1")
    return Range(key=key, low=min(values), high=max(values))


def tried(params: Mapping[str, float]) -> dict[str, float]:
    """The numbers of a trial as they are tried, in alphabetic order of their keys."""
    return {key: float(number(value)) if isinstance(value, float) else value for key, value in sorted(params.items())}


def words_of(params: Mapping[str, float]) -> list[str]:
    """The overrides of a trial, in alphabetic order."""
    return [f"{key}={number(value)}" for key, value in sorted(params.items())]


def folder_of(params: Mapping[str, float]) -> str:
    """The folder of a trial below that of its search; trials of the same numbers share it."""
    return path_safe(",".join(words_of(params)))


def number(value: float) -> str:
    """A number as it is tried and shown."""
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)
