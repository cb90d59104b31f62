"""The files of a report's figures: replaced or removed only where it is a report that made them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from animal_cls.files import atomic

MADE = ".made.json"  # name of a file that a report made -> SHA-256 of what it wrote, several while it is being replaced


def write(files: Mapping[str, bytes], folder: Path) -> list[str]:
    """Write `files`, name -> content, into `folder`, each whole or not at all, and remove those of the last report.

    A file is left as it is where no report made it, or somebody changed it since. A kill between two files leaves all
    of them known as made by a report.

    Returns:
        the names that were not written, since another file has them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = read(folder)
    digests = {name: digest(content) for name, content in files.items()}
    foreign = [name for name in files if not is_ours(folder / name, [*made.get(name, ()), digests[name]])]
    new = {name: content for name, content in files.items() if name not in foreign}
    remember(
        {name: [*made.get(name, ()), *([digests[name]] if name in new else [])] for name in {**made, **new}}, folder
    )
    for name, content in new.items():
        replace(folder / name, content)
    for name in made.keys() - files.keys():
        if is_ours(folder / name, made[name]):
            (folder / name).unlink(missing_ok=True)
    remember({name: [digests[name]] for name in new}, folder)
    return foreign


def read(folder: Path) -> dict[str, list[str]]:
    """What former reports made; nothing where that is not known."""
    try:
        made = json.loads((folder / MADE).read_text(encoding="utf-8"))
        return {str(name): list(map(str, known)) for name, known in made.items() if Path(name).name == name}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def remember(made: Mapping[str, list[str]], folder: Path) -> None:
    """What `read` finds the next time."""
    atomic.write(folder / MADE, json.dumps(made, indent=0) + "\n")


def is_ours(path: Path, digests: list[str]) -> bool:
    """Whether the file is one of those contents, or not there."""
    try:
        return digest(path.read_bytes()) in digests
    except FileNotFoundError:
        return not path.is_symlink()
    except OSError:  # a folder, or a file that may not be read
        return False


def digest(content: bytes) -> str:
    """The SHA-256 of a content."""
    return hashlib.sha256(content).hexdigest()


def replace(path: Path, content: bytes) -> None:
    """Write a file so that whoever looks finds the old one or the whole new one."""
    with atomic.replacing(path) as part:
        part.write_bytes(content)
