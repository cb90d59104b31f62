"""What `python -m animal_cls --help` prints: read from conf/ itself, at once, since Hydra's own takes seconds."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

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


def wanted(words: Sequence[str]) -> bool:
    """Whether a command line asks for help."""
    return bool({"-h", "--help"} & set(words))


def text(words: Sequence[str], verbs: Sequence[str]) -> str:
    """The help for a command line; the options in its --config-dir are listed, too."""
    folders = [CONF, *(Path(value) for value in _values(words, ("--config-dir", "-cd")))]
    groups: dict[str, set[str]] = {}
    for folder in folders:
        for file in folder.glob("*/**/*.yaml"):
            group, *name = file.relative_to(folder).with_suffix("").parts
            groups.setdefault(group, set()).add("/".join(name))
    width = max(map(len, groups))
    listed = "\n".join(f"    {group:<{width}}  {', '.join(sorted(groups[group]))}" for group in sorted(groups))
    _, _, keys = (CONF / "config.yaml").read_text(encoding="utf-8").partition("\n\n")
    keys, _, _ = keys.partition("\nhydra:")
    indented = "\n".join(f"    {line}".rstrip() for line in keys.splitlines())
    return TEXT.format(verbs=", ".join(verbs), groups=listed, keys=indented)


def _values(words: Sequence[str], flags: Sequence[str]) -> list[str]:
    """What follows the flags: `--flag value` or `--flag=value`."""
    found = [after for word, after in pairwise(words) if word in flags]
    return found + [word.partition("=")[2] for word in words if word.partition("=")[0] in flags and "=" in word]
