"""What --help shows: every group with its options, every declared key with its default, at once."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import MISSING
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from animal_cls.config.schema import declared, groups, known, method_names
from animal_cls.files.paths import CONF

Program = Callable[..., "CompletedProcess[str]"]
HEAVY = ("torch", "hydra", "omegaconf", "yaml", "numpy", "lightning")


@pytest.fixture
def shown(program: Program) -> str:
    return program("--help").stdout


def words(text: str) -> str:
    """In one line, without the breaks."""
    return " ".join(text.split())


@pytest.mark.parametrize("folder", [path.name for path in CONF.iterdir() if path.is_dir()])
def test_a_group_has_its_options(folder: str, shown: str) -> None:
    files = (CONF / folder).rglob("*.yaml")
    options = ", ".join(sorted(path.relative_to(CONF / folder).with_suffix("").as_posix() for path in files))
    assert f"\n    {folder:<10}  {options}\n" in shown


@pytest.mark.parametrize("name", [name for name, _ in declared()])
def test_a_key_has_its_default_meaning_unit_and_options(name: str, shown: str) -> None:
    entry = dict(declared())[name]
    key = known(entry)
    default = "null" if entry.default is None else str(entry.default)
    default = default.lower() if isinstance(entry.default, bool) else default
    written = f"{name}.*" if key.call else name if name in groups() or entry.default is MISSING else f"{name}={default}"
    assert f"\n    {written} " in shown
    assert f"{written} {key.help}" in words(shown)
    assert key.unit == "" or f"({key.unit})" in shown
    assert not key.options or f"one of {', '.join(key.options)}" in words(shown)


def test_methods_and_verbs_are_named_and_no_line_of_the_keys_is_too_long(shown: str) -> None:
    assert f"methods: {', '.join(method_names())}" in words(shown)
    assert all(verb in shown for verb in ("prepare", "report", "resume"))
    _, _, keys = shown.partition("\nKeys")
    assert max(map(len, keys.splitlines())) <= 120


@pytest.mark.parametrize("flag", [["--config-dir={mine}"], ["-cd", "{mine}"], ["--config-dir", "{mine}"]])
def test_the_options_that_the_user_adds_are_listed(flag: list[str], program: Program, tmp_path: Path) -> None:
    (tmp_path / "mine" / "reg").mkdir(parents=True)
    (tmp_path / "mine" / "reg" / "gentle.yaml").touch()
    said = program(*(word.format(mine=tmp_path / "mine") for word in flag), "--help").stdout
    groups_alone = said.partition("\nGroups")[2].partition("\nKeys")[0]
    (line,) = (line for line in groups_alone.splitlines() if line.startswith("    reg  "))
    assert "gentle" in line.split(maxsplit=1)[1].split(", ")


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys; sys.argv = ['animal-cls', '--help']; from animal_cls.__main__ import main; main(); "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (outcome.stdout.splitlines()[-1], outcome.stderr) == ("[]", "")
