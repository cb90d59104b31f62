"""What `python -m animal_cls --help` prints, at once: of conf/ and of the declared keys; Hydra's own takes seconds."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import MISSING
from itertools import pairwise
from pathlib import Path

from animal_cls.config.schema import Key, declared, known, method_names
from animal_cls.files.paths import CONF

TEXT = """\
Which regularizer helps which network, on which classes, by how much, and is it real?

    python -m animal_cls [GROUP=OPTION ...] [KEY=VALUE ...]    one run
    python -m animal_cls --multirun KEY=VALUE,VALUE ...        the product of all values
    python -m animal_cls sweep=report                          a named plan
    python -m animal_cls VERB --help                           {verbs}

Groups and their options:

{groups}

Keys, with their values in the default run (--cfg job shows those of your choice):

{keys}

--config-dir DIR adds your own option files, e.g. DIR/reg/mine.yaml; --hydra-help tells of Hydra's other flags.
"""
METHODS = "reg"  # the group whose keys are the methods
WIDTH, MARGIN = 120, 34  # columns of a line, and of what stands left of the meanings


def wanted(words: Sequence[str]) -> bool:
    """Whether a command line asks for help."""
    return bool({"-h", "--help"} & set(words))


def text(words: Sequence[str], verbs: Sequence[str]) -> str:
    """The help for a command line; the options in its --config-dir are listed, too."""
    found = _options([CONF, *(Path(value) for value in _values(words, ("--config-dir", "-cd")))])
    listed = _listed({group: ", ".join(sorted(found[group])) for group in sorted(found)})
    return TEXT.format(verbs=", ".join(verbs), groups=listed, keys="\n".join(_keys()))


def _options(folders: Sequence[Path]) -> dict[str, set[str]]:
    """Group -> its options in these config folders."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for file in folder.glob("*/**/*.yaml"):
            group, *name = file.relative_to(folder).with_suffix("").parts
            found.setdefault(group, set()).add("/".join(name))
    return found


def _listed(rows: dict[str, str]) -> str:
    width = max(map(len, rows))
    return "\n".join(f"    {name:<{width}}  {what}" for name, what in rows.items())


def _keys() -> Iterator[str]:
    """The lines for every declared key: its default, what it means, its unit and what it can be."""
    for name, entry in declared():
        key = known(entry)
        if key.call:
            yield from _wrapped(f"{name}.*", f"{key.help}: the keys of its option, a class and its arguments")
        elif entry.default is MISSING:
            yield from _wrapped(name, key.help)
        else:
            yield from _wrapped(f"{name}={_yaml(entry.default)}", _meaning(key))
        if name == METHODS:
            yield from _wrapped("", f"methods: {', '.join(method_names())}")


def _meaning(key: Key) -> str:
    unit = f" ({key.unit})" if key.unit else ""
    options = f"; one of {', '.join(key.options)}" if key.options else ""
    return f"{key.help}{unit}{options}"


def _wrapped(word: str, meaning: str) -> Iterator[str]:
    lines = textwrap.wrap(meaning, WIDTH - MARGIN - 4)
    yield f"    {word:<{MARGIN - 1}} {lines[0]}"
    yield from (f"    {'':<{MARGIN}}{line}" for line in lines[1:])


def _yaml(value: object) -> str:
    """As YAML writes it."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _values(words: Sequence[str], flags: Sequence[str]) -> list[str]:
    """What follows the flags: `--flag value` or `--flag=value`."""
    found = [after for word, after in pairwise(words) if word in flags]
    return found + [word.partition("=")[2] for word in words if word.partition("=")[0] in flags and "=" in word]
