"""The README says what there is: its tree, its options, its commands."""

import argparse
import importlib
import importlib.util
import re
import shlex
from pathlib import Path

import pytest

from animal_cls.commands import train

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCES = re.findall(r"^```(\w*)\n(.*?)^```", README, re.M | re.S)

LINE = re.compile(r"^(?P<bars>(?:│   |    )*)(?:├── |└── )(?P<entry>\S+)")


def tree() -> dict[str, str]:
    """Path -> its whole line, of the block that shows where things are."""
    (block,) = (text for _, text in FENCES if "├── " in text and "__main__.py" in text)
    found: dict[str, str] = {}
    above: list[str] = []
    for line in block.splitlines():
        match = LINE.match(line)
        entry = match["entry"] if match else line.split()[0]
        above = above[: len(match["bars"]) // 4 + 1 if match else 0]
        found["".join([*above, entry])] = line
        above.append(entry)
    return found


TREE = tree()


@pytest.mark.parametrize("path", TREE)
def test_what_the_tree_names_is_there(path: str) -> None:
    assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file()


def python_files(folder: str) -> list[str]:
    return sorted(path.name for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py")


def test_the_tree_names_every_module() -> None:
    """Those directly in animal_cls/, its folders, and what is in a folder whose files are shown."""
    folders = [path for path in TREE if path.startswith("animal_cls/") and path.endswith("/")]
    for folder in folders:
        shown = [path for path in TREE if path.startswith(folder) and path != folder]
        if shown:
            absent = [name for name in python_files(folder) if f"{folder}{name}" not in TREE]
            assert not absent, f"{folder} has {absent}, which the README's tree does not name"
    packages = {f"{path.parent.relative_to(ROOT)}/" for path in (ROOT / "animal_cls").glob("*/__init__.py")}
    assert not packages - set(TREE), "packages that the README's tree does not name"


def test_every_line_of_the_tree_says_something() -> None:
    assert [line for line in TREE.values() if len(line.split()) < 3] == []


def commands() -> list[str]:
    """Whatever the README tells to type that starts this program."""
    fenced = [line for language, text in FENCES if language in ("bash", "sh") for line in text.splitlines()]
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", README, flags=re.M | re.S))
    parts = [part.strip() for line in [*fenced, *inline] for part in re.split(r"&&|;", line)]
    return [part for part in parts if re.match(r"(python -m animal_cls\b|animal-cls )", part)]


def test_commands_are_found() -> None:
    assert "python -m animal_cls" in commands()
    assert len(commands()) > 10


def own_parser(verb: str) -> argparse.ArgumentParser | None:
    """What reads the words of a verb about folders."""
    if verb in ("", "train", "prepare", "reg"):
        return None
    module = importlib.import_module(f"animal_cls.commands.{verb}")
    return module.parser()


@pytest.mark.parametrize("command", sorted(set(commands())))
def test_a_command_composes(command: str) -> None:
    """Of axes the first value."""
    words = shlex.split(command, comments=True)
    program, *words = words[2:] if words[0] == "python" else words
    verb = program.partition(".")[2] or (words.pop(0) if words and words[0].isidentifier() else "")
    if verb:
        assert importlib.util.find_spec(f"animal_cls.commands.{verb}"), f"there is no verb {verb}"
    if "-sc" in words:  # completion
        return
    if (parser := own_parser(verb)) is not None:  # of a verb that takes no overrides
        parser.parse_args(words)
        return
    overrides = [word for word in words if "=" in word and not word.startswith("-")]
    others = {word for word in words if word not in overrides}
    assert others <= {"--multirun", "--help", "--cfg", "job", "--config-dir", "DIR"}
    train.compose([re.sub(r"(=(?:\[[^]]*\]|\{[^}]*\}|[^,\[{]*)).*", r"\1", word) for word in overrides])


def test_images_and_files_that_are_linked_are_there() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), f"the README links to {link}"
