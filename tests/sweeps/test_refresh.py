"""The report of a sweep that is going on: never late for ever, never twice at once, never in the sweep's way."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from animal_cls.files.processors import cores
from animal_cls.sweeps import refresh
from animal_cls.sweeps.refresh import Refresher, run

HITS = {"val": {"cat": [True, False], "dog": [True, True]}}
Write = Callable[..., Path]

# What stands for the processes in tests of their other end: leaves a line per request, or that it was asked for the
# last report, and dies if it is told to.
STAND_IN = """
import os, pathlib, sys, time
def note(what):
    with open("asked", "a") as file: print(what, file=file)
    if pathlib.Path("die").exists(): pathlib.Path("die").unlink(); os._exit(9)
if "--last" in sys.argv:
    note("last")
else:
    while asked := os.read(0, 65536):
        time.sleep(0.2)
        note(len(asked))
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the stand-in notes how many requests it took at once, and the last report."""
    monkeypatch.chdir(tmp_path)
    popen = subprocess.Popen

    def start(words: list[str], **known: Any) -> Any:
        return popen([sys.executable, "-c", STAND_IN, *words[3:]], **known)

    monkeypatch.setattr(refresh.subprocess, "Popen", start)
    (tmp_path / "asked").touch()
    return tmp_path / "asked"


def notes(asked: Path) -> list[str]:
    return asked.read_text().split()


def wait_for(what: Callable[[], Any]) -> None:
    """Until it is true."""
    end = time.monotonic() + 300
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_sweep_goes_on_at_once(asked: Path) -> None:
    refresher = Refresher()
    refresher.after_job(Path("sweep"))
    wait_for(lambda: refresher.process and (time.sleep(0.1) or True))
    start = time.monotonic()
    for _ in range(5):
        refresher.after_job(Path("sweep"))
    assert time.monotonic() - start < 0.1
    wait_for(lambda: sum(map(int, notes(asked))) == 6)
    assert len(notes(asked)) <= 3, "what came in meanwhile is one more"
    refresher.finish(Path("sweep"))
    assert notes(asked)[-1] == "last"
    assert refresher.process is None


def test_nobody_waits_for_the_process_of_low_priority(asked: Path) -> None:
    refresher = Refresher()
    refresher.after_job(Path("sweep"))
    refresher.finish(Path("sweep"))
    assert notes(asked) == ["last"], "what it had begun is shown by the last report as well"


def test_a_process_that_was_killed_is_replaced(asked: Path, tmp_path: Path) -> None:
    refresher = Refresher()
    (tmp_path / "die").touch()
    refresher.after_job(Path("sweep"))
    assert refresher.process is not None
    refresher.process.wait()
    refresher.after_job(Path("sweep"))
    wait_for(lambda: notes(asked) == ["1", "1"])
    refresher.finish(Path("sweep"))


def test_a_last_report_that_is_killed_is_made_again(asked: Path, tmp_path: Path) -> None:
    (tmp_path / "die").touch()
    assert Refresher().finish(Path("sweep"))
    assert notes(asked) == ["last", "last"]


def test_no_process_to_be_had_hurts_no_sweep(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no memory")

    monkeypatch.setattr(refresh.subprocess, "Popen", refuse)
    refresher = Refresher()
    refresher.after_job(Path("sweep"))
    assert not refresher.finish(Path("sweep"))
    assert capsys.readouterr().err.splitlines() == [
        "the sweep goes on, but its report could not be made: OSError: no memory",
        "sweep: its last report could not be made: OSError: no memory",
        "Once that is mended: python -m animal_cls report sweep",
    ]


class Input:
    """Standard input that a test writes to."""

    def __init__(self) -> None:
        self.end, self.begin = os.pipe()

    def fileno(self) -> int:
        return self.end

    def ask(self, times: int = 1) -> None:
        os.write(self.begin, b"\n" * times)

    def close(self) -> None:
        os.close(self.begin)


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Input]:
    made = Input()
    monkeypatch.setattr(sys, "stdin", made)
    yield made
    os.close(made.end)


def test_requests_during_a_report_are_one_more_report(stdin: Input, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []

    def make(sources: list[Path], out: Path, **_: object) -> None:
        made.append(out)
        if len(made) == 1:
            stdin.ask(7)
            stdin.close()

    monkeypatch.setattr("animal_cls.report.make.make", make)
    stdin.ask(3)
    run(Path("sweep"), last=False)
    assert made == [Path("sweep/report")] * 2


def test_the_last_report_is_made_once_with_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr("animal_cls.report.make.make", lambda *_, **known: made.append(known))
    monkeypatch.setattr("animal_cls.files.workers.cores", lambda: 3)
    monkeypatch.setenv(refresh.SECRET, "abc")
    run(Path("sweep"), last=True)
    assert [(known["workers"].count, known["secret"], known["png"]) for known in made] == [(2, b"abc", True)]


def test_what_goes_wrong_is_told_once_and_the_next_report_is_made(
    stdin: Input, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[int] = []

    def make(*_: object, **__: object) -> None:
        made.append(1)
        stdin.ask() if len(made) < 4 else stdin.close()
        if len(made) < 3:
            raise ZeroDivisionError("no number")

    monkeypatch.setattr("animal_cls.report.make.make", make)
    stdin.ask()
    run(Path("sweep"), last=False)
    assert len(made) == 4
    assert capsys.readouterr().err.splitlines() == [
        "the sweep goes on, but its report could not be made: ZeroDivisionError: no number",
    ]


@pytest.mark.skipif(not hasattr(os, "nice"), reason="priorities of Unix")
@pytest.mark.parametrize(("words", "niceness"), [(["sweep"], refresh.NICENESS), (["sweep", refresh.LAST], 0)])
def test_only_the_last_report_has_the_priority_of_everything_else(words: list[str], niceness: int) -> None:
    code = "import os, runpy, sys, types; before = os.nice(0); sys.argv[1:] = " + repr(words)
    code += "; made = lambda *_, **__: print(os.nice(0) - before); sys.modules['animal_cls.report.make'] = "
    code += "types.SimpleNamespace(make=made, REPORT='report'); "
    code += "runpy.run_module('animal_cls.sweeps.refresh', run_name='__main__')"
    made = subprocess.run([sys.executable, "-c", code], input="\n", capture_output=True, text=True, check=True)
    assert made.stdout == f"{niceness}\n"


@pytest.fixture
def sweep(tmp_path: Path, write_run: Write) -> Path:
    for reg in ("none", "dropout"):
        write_run(tmp_path / "sweep" / reg, HITS, reg=reg)
    return tmp_path / "sweep"


def test_the_process_is_of_low_priority_without_torch_and_shows_the_last_job(
    sweep: Path, write_run: Write, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    refresher = Refresher()
    refresher.after_job(sweep)
    wait_for((sweep / "report" / "arms.csv").exists)
    assert refresher.process is not None
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.getpriority(os.PRIO_PROCESS, refresher.process.pid) >= min(19, own + refresh.NICENESS)
    assert os.getpgid(refresher.process.pid) != os.getpgid(0), "Ctrl-C does not reach it"
    write_run(sweep / "l2", HITS, reg="l2")
    refresher.after_job(sweep)
    refresher.finish(sweep)
    imported = {line.rpartition("|")[2].strip() for line in capfd.readouterr().err.splitlines()}
    assert {"numpy", "matplotlib", "jinja2"} <= imported
    assert not {"torch", "lightning", "hydra", "omegaconf", "torchvision"} & imported
    assert "simple_cnn/l2" in (sweep / "report" / "index.html").read_text()


@pytest.mark.skipif(cores() < 2, reason="on one core it has no helper")
def test_a_process_that_is_ended_with_its_helpers_says_nothing(sweep: Path, capfd: pytest.CaptureFixture[str]) -> None:
    refresher = Refresher()
    refresher.after_job(sweep)
    assert refresher.process is not None
    own = psutil.Process(refresher.process.pid)
    wait_for(lambda: len(own.children()) > 1)  # the helper, and what cleans up after both
    assert refresher.finish(sweep)
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_a_last_report_that_cannot_be_made_is_told_once_with_the_way_out(
    sweep: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (sweep / "report").write_text("mine")
    assert not Refresher().finish(sweep)
    first, second = capfd.readouterr().err.splitlines()
    assert first.startswith(f"{sweep}: its last report could not be made: {sweep / 'report'}: ")
    assert second == f"Once that is mended: python -m animal_cls report {sweep}"
    assert (sweep / "report").read_text() == "mine"


def test_a_sweep_that_is_killed_has_its_report(sweep: Path) -> None:
    code = "import os; from pathlib import Path; from animal_cls.sweeps.refresh import Refresher; r = Refresher(); "
    code += f"r.after_job(Path({str(sweep)!r})); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    wait_for((sweep / "report" / "index.html").exists)
