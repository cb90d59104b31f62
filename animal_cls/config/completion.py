"""What a shell offers when Tab is pressed behind `animal-cls`."""

import os
import re
from collections.abc import Callable, Collection, Mapping, Sequence

FLAGS = ("-sc", "--shell-completion")
OVERRIDES = ("train", "prepare")  # the verbs that take group=option and key=value, beside a command line without a verb


def offers(
    line: str,
    *,
    shell: str,
    verbs: Collection[str],
    options: Mapping[str, Collection[str]],
    keys: Callable[[str], Sequence[str]],
) -> list[str]:
    """The words that can stand at the end of a command line.

    Args:
        line: as it is typed so far, the program first.
        shell: bash and zsh look for files themselves where nothing is offered; fish does not.
        options: group -> its options, `report/resnet18` for one in a folder.
        keys: what Hydra offers for a command line without a verb.
    """
    before = line.split()[1:]
    word = before.pop() if before and not line.endswith(" ") else ""
    verb = before[0] if before and before[0] in verbs else None
    if verb == "help":
        return _beginning(word, verbs)
    if verb and verb not in OVERRIDES:
        return _paths(word) if shell == "fish" else []
    if offered := _options(word, options):
        return offered
    rest = before[1:] if verb else before
    first = [] if before else _beginning(word, verbs)
    return first + list(keys(" ".join(["animal-cls", *rest, word])))


def _beginning(word: str, names: Collection[str]) -> list[str]:
    return sorted(name for name in names if name.startswith(word))


def _options(word: str, options: Mapping[str, Collection[str]]) -> list[str]:
    """`experiment=report/resn`, `model=simple_cnn,res`, `reg=[dropout,mi`: the options that begin like the last one."""
    match = re.fullmatch(r"(?P<front>\+?(?P<group>[\w/]+)=(?:.*[\[,])?)(?P<name>[^\[,]*)", word)
    if match is None or match["group"] not in options:
        return []
    return [match["front"] + name for name in _beginning(match["name"], options[match["group"]])]


def _paths(word: str) -> list[str]:
    folder, _, name = word.rpartition("/")
    try:
        found = [entry for entry in os.scandir(f"{folder}/" if folder else ".") if entry.name.startswith(name)]
    except OSError:
        return []
    front = f"{folder}/" if "/" in word else ""
    return sorted(f"{front}{entry.name}{'/' * entry.is_dir()}" for entry in found)
