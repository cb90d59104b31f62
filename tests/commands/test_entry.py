"""Every verb is found by its name and ends in the same way, whatever happens in it."""

import importlib
import importlib.metadata
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from animal_cls import __version__, commands
from animal_cls.commands import entry
from animal_cls.commands import help as help_verb
from animal_cls.errors import UserError
from animal_cls.training.signals import Stopped

Program = Callable[..., "CompletedProcess[str]"]

VERBS = entry.verbs()
KEPT = "Stopped. What was finished is kept. See what can go on: python -m animal_cls.resume --list\n"


def stopped(number: int, *, way_on: str | None = None) -> Stopped:
    """By a signal in a training, which knows how to go on, or elsewhere."""
    error = Stopped(number)
    error.way_on = way_on
    return error


# What comes out of a verb, its exit code, and all that is printed.
ENDINGS: list[tuple[BaseException, int, str]] = [
    (UserError("seed=-1: must be at least 0."), 1, "seed=-1: must be at least 0.\n"),
    (HydraException("no such thing"), 1, "no such thing\n"),
    (OmegaConfBaseException("no such key"), 1, "no such key\n"),
    (PermissionError(13, "Permission denied", "/x/y"), 1, "/x/y: Permission denied.\n"),
    (OSError(28, "No space left on device"), 1, "The output cannot be written: No space left on device.\n"),
    (BrokenPipeError(32, "Broken pipe"), 1, ""),
    (KeyboardInterrupt(), 130, KEPT),
    (stopped(signal.SIGINT), 130, KEPT),
    (stopped(signal.SIGTERM), 143, KEPT),
    (stopped(signal.SIGUSR1), 138, KEPT),
    (stopped(signal.SIGTERM, way_on="resume x"), 143, "Stopped. To go on: resume x\n"),
    (SystemExit(), 0, ""),
    (SystemExit(2), 2, ""),
    (SystemExit("refused"), 1, "refused\n"),
]


def replace(monkeypatch: pytest.MonkeyPatch, verb: str, error: BaseException) -> None:
    def main(words: list[str]) -> int:
        raise error

    monkeypatch.setattr(importlib.import_module(f"animal_cls.commands.{verb}"), "main", main)


@pytest.mark.parametrize(("error", "code", "message"), ENDINGS, ids=lambda value: repr(value))
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_ends_in_the_same_way(
    verb: str, error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, program: Program
) -> None:
    replace(monkeypatch, verb, error)
    outcome = program(verb)
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (code, "", message)


@pytest.mark.parametrize("verb", VERBS)
def test_a_mistake_in_code_keeps_its_traceback(verb: str, monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    replace(monkeypatch, verb, ValueError("too many values to unpack"))
    with pytest.raises(ValueError, match="too many values"):
        program(verb)


@pytest.mark.parametrize("verb", VERBS)
def test_tracebacks_can_be_asked_for(verb: str, monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    replace(monkeypatch, verb, UserError("seed=-1: must be at least 0."))
    with pytest.raises(UserError):
        program(verb)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_the_signals_of_a_process_end_it(number: int, monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    monkeypatch.setattr(help_verb, "text", lambda words: signal.raise_signal(number))
    outcome = program("help")
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (128 + number, "", KEPT)


# As processes.


def start(*words: str, cwd: Path, shell: str = "") -> "subprocess.Popen[str]":
    """A Python of its own; `shell` is what is typed behind its words, e.g. `| head -0`."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"}
    command = f"{shlex.join([sys.executable, *words])} {shell}"
    return subprocess.Popen(
        ["bash", "-c", f"set -o pipefail; {command}" if shell else f"exec {command}"],
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_is_called_by_its_name(verb: str, tmp_path: Path, program: Program) -> None:
    """As a module, and as a word."""
    process = start("-m", f"animal_cls.{verb}", "--help", cwd=tmp_path)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert f"python -m animal_cls.{verb}" in out or out == help_verb.text([]) + "\n"
    assert program(verb, "--help").stdout == out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize(
    ("verb", "shell", "code", "message"),
    [
        *((verb, "| head -0", 1, "") for verb in VERBS),
        *((verb, ">/dev/full", 1, "The output cannot be written: No space left on device.\n") for verb in VERBS),
        ("help", "2>&1 | head -0", 1, ""),
        ("prepare", ">&-", 0, ""),
    ],
)
def test_output_that_nobody_can_read(verb: str, shell: str, code: int, message: str, tmp_path: Path) -> None:
    process = start("-m", "animal_cls", verb, "--help", cwd=tmp_path, shell=shell)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, message)


SLOW = """
import runpy, sys, time

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "animal_cls.commands.{verb}":
            print("importing", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Finder)
sys.argv = ["animal_cls"]
runpy.run_module("animal_cls.{verb}", run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")
@pytest.mark.parametrize(("verb", "number"), [*((verb, signal.SIGINT) for verb in VERBS), ("train", signal.SIGTERM)])
def test_a_signal_while_a_verb_is_imported(verb: str, number: int, tmp_path: Path) -> None:
    """Importing takes seconds; what stands in for that here sleeps."""
    process = start("-c", SLOW.format(verb=verb), cwd=tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "importing\n"
    os.killpg(process.pid, number)  # as a terminal does it
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, KEPT)


# Which verb.


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        ("", ("train", [])),
        ("reg=l2 seed=1", ("train", ["reg=l2", "seed=1"])),
        ("--multirun seed=0,1", ("train", ["--multirun", "seed=0,1"])),
        ("~reg", ("train", ["~reg"])),
        ("train seed=1", ("train", ["seed=1"])),
        ("resume --list", ("resume", ["--list"])),
        ("resume -h", ("resume", ["-h"])),
        ("-h", ("help", ["-h"])),
        ("train --help", ("help", ["--help"])),
        ("--config-dir x --help", ("help", ["--config-dir", "x", "--help"])),
        ("--version", ("help", ["--version"])),
        ("resume --version", ("help", ["--version"])),
    ],
)
def test_what_a_command_line_names(words: str, chosen: tuple[str, list[str]]) -> None:
    assert entry.choose(words.split()) == chosen


@pytest.mark.parametrize(
    ("word", "guess"),
    [
        ("resum", " Did you mean resume?"),
        ("hepl", " Did you mean help?"),
        ("resnet18", " Did you mean model=resnet18?"),
        ("entry", ""),
        ("photograph.jpg", ""),
    ],
)
def test_an_unknown_verb_gets_the_nearest_one(word: str, guess: str, program: Program) -> None:
    outcome = program(word, "x")
    known = f"Verbs: {', '.join(VERBS)}. All else is key=value, e.g. model=resnet18."
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr == f"{word}: no such verb.{guess} {known}\n"


def test_a_new_file_is_a_new_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    (tmp_path / "greet.py").write_text(
        '"""Say hello."""\n\n\ndef main(words):\n    print("hello", *words)\n    return 7\n'
    )
    outcome = program("greet", "you")
    assert (outcome.returncode, outcome.stdout) == (7, "hello you\n")
    assert "\n    greet    Say hello.\n" in program("--help").stdout
    assert re.search(r"Verbs: (\w+, )*greet, help", program("gret").stderr)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_says_what_it_does_in_a_sentence(verb: str) -> None:
    assert help_verb.about(verb).endswith(".")
    assert f"    {verb:<{max(map(len, VERBS))}}  {help_verb.about(verb)}\n" in help_verb.text([])


def test_help_of_a_verb(program: Program) -> None:
    assert program("help", "resume").stdout == program("resume", "--help").stdout
    assert program("help", "train").stdout == program("help").stdout == program("--help").stdout


def test_the_versions_are_told_without_importing_anything(program: Program) -> None:
    lines = program("--version").stdout.splitlines()
    assert lines[0] == f"animal-cls {__version__}"
    assert lines[1:] == [f"{name} {importlib.metadata.version(name)}" for name in ("torch", "lightning", "hydra-core")]
