"""Show this text, or with a verb that verb's: python -m animal_cls help resume."""

import ast
import importlib.metadata
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import MISSING
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import animal_cls
from animal_cls.commands import entry
from animal_cls.config.schema import Key, declared, known, method_names
from animal_cls.files.paths import CONF

TEXT = """\
Which regularizer helps which network, on which classes, by how much, and is it real?

    python -m animal_cls [GROUP=OPTION ...] [KEY=VALUE ...]    one run
    python -m animal_cls --multirun KEY=VALUE,VALUE ...        the product of all values
    python -m animal_cls sweep=report                          a named plan
    python -m animal_cls VERB ...                              one of these, also as python -m animal_cls.VERB

Verbs (python -m animal_cls VERB --help tells more):

{verbs}

Groups and their options:

{groups}

Keys, with their values in the default run (--cfg job shows those of your choice):

{keys}

--config-dir DIR adds your own option files, e.g. DIR/reg/mine.yaml, and --allow MODULE lets them call code of a module
beside DIR; what lies in the working folder or on PYTHONPATH is found without it. --hydra-help tells of Hydra's other
flags. The script animal-cls has completion: eval "$(animal-cls -sc install=bash)"; python -m animal_cls has none.
"""
METHODS = "reg"  # the group whose keys are the methods
WIDTH, MARGIN = 120, 34  # columns of a line, and of what stands left of the meanings
LIBRARIES = ("torch", "lightning", "hydra-core")  # the versions that a question about a run needs first


def main(words: Sequence[str]) -> int:
    """Print the help that the words ask for, or with --version the versions; returns the exit code."""
    if "--version" in words:
        print(versions())
    elif words and words[0] in entry.verbs() and words[0] not in ("help", "train"):
        return entry.call(words[0], ["--help"])
    else:
        entry.choose(words)  # or it raises of a verb that there is not
        print(text(words))
    return 0


def versions() -> str:
    """Ours, and those of the libraries that decide what a run does; none of them is imported."""
    rows = [f"animal-cls {animal_cls.__version__}"]
    for name in LIBRARIES:
        try:
            rows.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            rows.append(f"{name} is not installed")
    return "\n".join(rows)


def text(words: Sequence[str]) -> str:
    """The help for a command line; the options in its --config-dir are listed, too."""
    found = options([CONF, *config_dirs(words)])
    return TEXT.format(
        verbs=_listed({verb: about(verb) for verb in entry.verbs()}),
        groups=_listed({group: ", ".join(sorted(found[group])) for group in sorted(found)}),
        keys="\n".join(_keys()),
    )


def options(folders: Sequence[Path]) -> dict[str, set[str]]:
    """Group -> its options in these config folders."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for file in folder.glob("*/**/*.yaml"):
            group, *name = file.relative_to(folder).with_suffix("").parts
            found.setdefault(group, set()).add("/".join(name))
    return found


def _keys() -> Iterator[str]:
    """The lines for every declared key: its default, what it means, its unit and what it can be."""
    for name, field in declared():
        key = known(field)
        if key.call:
            yield from _wrapped(f"{name}.*", f"{key.help}: the keys of its option, a class and its arguments")
        elif field.default is MISSING:
            yield from _wrapped(name, key.help)
        else:
            yield from _wrapped(f"{name}={_yaml(field.default)}", _meaning(key))
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


def about(verb: str) -> str:
    """The first line of a verb's docstring, read without importing what the verb needs."""
    spec = find_spec(f"{entry.PACKAGE}.{verb}")
    assert spec is not None
    assert spec.origin is not None
    described = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
    return described.partition("\n")[0]


def _listed(rows: dict[str, str]) -> str:
    width = max(map(len, rows))
    return "\n".join(f"    {name:<{width}}  {what}" for name, what in rows.items())


def config_dirs(words: Sequence[str]) -> list[Path]:
    """The folders of option files that a command line names: `--config-dir DIR`, `--config-dir=DIR`, `-cd DIR`."""
    flags = ("--config-dir", "-cd")
    apart = [after for word, after in pairwise(words) if word in flags]
    joined = [word.partition("=")[2] for word in words if word.partition("=")[0] in flags and "=" in word]
    return [Path(value) for value in (*apart, *joined)]
