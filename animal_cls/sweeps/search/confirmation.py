"""The sweep that would show a gain: the best of a search beside its baseline, in seeds that no trial had."""

import shlex
from collections.abc import Mapping

from animal_cls.results.searches import Found
from animal_cls.sweeps.search.space import number, words_of
from animal_cls.sweeps.search.study import Search

SEEDS = 5


def command(search: Search, best: Mapping[str, float], *, seeds: int = SEEDS) -> str:
    """What a person types to start it."""
    return f"python -m animal_cls {shlex.join(words(search, best, seeds=seeds))}"


def said(found: Found) -> list[str]:
    """Lines that say what a search has shown, and what it has not."""
    lines = [
        "The best of many trials is lucky as well: this is no gain yet. The sweep that would show one, with new seeds "
        "and the baseline beside it:",
        f"  {found.confirm}",
    ]
    return [*lines, found.note] if found.note else lines


def words(search: Search, best: Mapping[str, float], *, seeds: int) -> list[str]:
    """Its words.

    With methods named by `reg=` their plan has the baseline; without, each key has its value where it is not searched
    beside the one that was found.
    """
    own = [word for word in search.fixed if not word.startswith("seed=")]
    methods = _methods(search)
    head = [] if methods is None else ["sweep=strengths" if "[" not in methods else "sweep=leave_one_out"]
    if methods is None:
        return [
            "--multirun",
            *_dirs(search),
            *own,
            *(_beside(search, *item) for item in best.items()),
            _seeds(search, seeds),
        ]
    return [*_dirs(search), *head, *own, *words_of(best), _seeds(search, seeds)]


def _beside(search: Search, key: str, value: float) -> str:
    """The value that a key has where it is not searched, if it has one, and the one that was found."""
    usual = search.usual.get(key, 0 if key.startswith("reg.") else None)
    return f"{key}={'' if usual is None else f'{usual},'}{number(value)}"


def note(search: Search) -> str:
    """What has to be known of its baseline: other settings were chosen for the methods; "" where there are none."""
    others = [one for one in search.ranges if not one.key.startswith("reg.")]
    methods = _methods(search)
    if methods is None or not others:
        return ""
    fixed = [word for word in search.fixed if not word.startswith("reg=") and not word.startswith("reg.")]
    own = shlex.join(
        [*_dirs(search), *fixed, "reg=none", *(one.word for one in others), "--trials", str(search.trials)]
    )
    keys = " and ".join(one.key for one in others)
    return (
        f"{keys} {'was' if len(others) == 1 else 'were'} chosen together with {methods}, and the baseline of that "
        f"sweep trains with the same. What suits the baseline itself is found by: python -m animal_cls search {own}"
    )


def _methods(search: Search) -> str | None:
    """The word that names methods, or None."""
    named = [word for word in search.fixed if word.startswith("reg=")]
    return named[-1] if named and named[-1] not in ("reg=none", "reg=[]") else None


def _dirs(search: Search) -> list[str]:
    return [word for folder in search.config_dirs for word in ("--config-dir", folder)]


def _seeds(search: Search, seeds: int) -> str:
    used = [int(word.partition("=")[2]) for word in search.fixed if word.startswith("seed=")]
    first = 1 + max(used, default=search.usual.get("seed", 0))
    return "seed=" + ",".join(str(first + k) for k in range(seeds))
