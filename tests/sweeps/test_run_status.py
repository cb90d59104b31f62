"""The status of a run, whatever its files hold."""

import json
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from animal_cls import results
from animal_cls.files.locks import is_held
from animal_cls.results import Result
from animal_cls.sweeps.run_status import run_status

MakeResult = Callable[..., Result]


@pytest.fixture
def running(tmp_path: Path) -> FileLock:
    """The lock of a run that this process holds; owner.json says so."""
    owner = {"host": socket.gethostname(), "pid": os.getpid(), "since": "2026-11-24 21:30:00"}
    (tmp_path / "owner.json").write_text(json.dumps(owner))
    lock = FileLock(tmp_path / ".lock")
    lock.acquire(blocking=False)
    return lock


def test_who_trains_and_how_to_end_it(running: FileLock, tmp_path: Path) -> None:
    found = run_status(tmp_path)
    known = f"on {socket.gethostname()}, process {os.getpid()}, since 2026-11-24 21:30:00"
    assert (found.status, found.detail) == ("running", f"{known}; to end it: kill {os.getpid()}")
    (tmp_path / "owner.json").write_text('{"host": "elsewhere", "pid": 7, "since": "noon"}')
    assert run_status(tmp_path).detail == "on elsewhere, process 7, since noon; to end it: kill 7 on elsewhere"
    running.release()
    assert run_status(tmp_path).status == "unfinished"


def test_looking_whether_a_folder_is_free_keeps_nobody_out(running: FileLock, tmp_path: Path) -> None:
    (tmp_path / ".lock").chmod(0o444)
    assert is_held(tmp_path / ".lock"), "another user's lock can be read, not written"
    running.release()
    assert not is_held(tmp_path / ".lock")
    assert not is_held(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert not is_held(tmp_path / "pipe")


@pytest.mark.parametrize("damage", ["", "{", "[" * 10**5, "null", "[]", "{}", '{"schema": 1}', '{"schema": "x"}'])
def test_a_damaged_result_is_a_status(damage: str, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(damage)
    found = run_status(tmp_path)
    assert (found.status, found.result, found.is_finished) == ("unreadable", None, False)
    assert str(tmp_path / "result.json") in found.detail


def test_a_result_that_cannot_be_read_is_a_status(
    tmp_path: Path, make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "result.json").mkdir()
    assert run_status(tmp_path).status == "unreadable"

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(results, "load", refuse)
    assert run_status(tmp_path).detail == f"{tmp_path / 'result.json'}: cannot be read (Permission denied)"


@pytest.mark.parametrize("change", [{"status": "finished"}, {"seconds": "long"}, {"reason": 5}])
def test_a_result_that_no_table_can_show_is_unreadable(
    change: dict[str, object], tmp_path: Path, make_result: MakeResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange = replace(make_result(["a"], {"val": [[1]]}), **change)  # type: ignore[arg-type]  # that is the point
    monkeypatch.setattr(results, "load", lambda _: strange)
    assert run_status(tmp_path).status == "unreadable"


@pytest.mark.parametrize("owner", ["", "[]", '{"host": 5}'])
def test_a_damaged_owner_hides_nothing(owner: str, tmp_path: Path) -> None:
    (tmp_path / "owner.json").write_text(owner)
    assert run_status(tmp_path).status == "unfinished"
    with FileLock(tmp_path / ".lock"):
        assert run_status(tmp_path).status == "running"


def test_a_folder_that_is_gone_has_not_begun(tmp_path: Path) -> None:
    assert run_status(tmp_path / "gone").status == "queued"
