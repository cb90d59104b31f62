"""Work that is shared is the same work: in order, whoever does it, and whoever is killed over it."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import psutil
import pytest

from animal_cls.files import workers
from animal_cls.files.workers import Workers, gathered

WHO = "__import__('os').getpid()"  # for `eval`, which every process knows


@pytest.mark.parametrize("processes", [1, 3])
def test_results_come_in_order(processes: int) -> None:
    with gathered(processes) as made:
        assert made.share(eval, [f"{k} ** 2" for k in range(40)]) == [k**2 for k in range(40)]
        assert made.share(eval, []) == []
        assert (made.pool is None) == (processes == 1)


def test_helpers_take_a_share() -> None:
    work = f"({WHO}, __import__('time').sleep(0.3))[0]"
    with gathered(2) as made:
        first, *_ = made.share(eval, [work] * 6)
        assert first != os.getpid()
        assert set(made.share(eval, [work] * 6)) == {first, os.getpid()}


def test_what_was_begun_is_finished_wherever_it_is_by_then() -> None:
    work = [f"({k}, {WHO})" for k in range(4)]
    with gathered(2) as made:
        begun = made.begin(eval, work[:2])
        begun[1].result()
        assert len({who for _, who in made.finish(eval, work[:2], begun)} - {os.getpid()}) == 1, "not done again"
        done = made.finish(eval, work, [*begun, None, None])
    assert [k for k, _ in done] == [0, 1, 2, 3]
    assert [who == os.getpid() for _, who in done] == [False, False, True, True]


def test_helpers_are_warmed_up_before_there_is_work(tmp_path: Path) -> None:
    with gathered(2) as made:
        made.warm(partial(os.mkdir, tmp_path / "warm"))
        assert made.pool is not None
        made.share(eval, ["1", "2"])
    assert (tmp_path / "warm").is_dir()
    Workers(count=0).warm(partial(os.mkdir, tmp_path / "alone"))
    assert not (tmp_path / "alone").exists(), "this process has other work"


def test_what_a_killed_helper_leaves_is_done_here() -> None:
    deadly = f"{WHO} == {os.getpid()} or __import__('os')._exit(1)"
    with gathered(2) as made:
        assert made.share(eval, [deadly] * 5) == [True] * 5
        assert made.share(eval, ["1", "2", "3"]) == [1, 2, 3], "without it"


def test_no_helper_outlives_a_process_that_was_killed() -> None:
    program = f"""
import time
from animal_cls.files.workers import gathered
if __name__ == "__main__":
    with gathered(2) as made:
        begun = made.begin(eval, ["{WHO}"] * 2)
        print(begun[0].result(), flush=True)
        time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        helper = int(process.stdout.readline())
        assert psutil.pid_exists(helper)
        process.kill()
    _, left = psutil.wait_procs([psutil.Process(helper)] if psutil.pid_exists(helper) else [], timeout=20)
    assert not left


@pytest.mark.slow  # four processes begin
def test_where_one_of_several_helpers_is_killed_this_process_ends(tmp_path: Path) -> None:
    """Python's pool would wait for the others: its thread stumbles over what this process has taken back."""
    program = """
import os, signal, threading, time
from functools import partial
from animal_cls.files.workers import gathered

def work(name, k):
    open(name, "w").close()
    time.sleep(0.2)
    return k

if __name__ == "__main__":
    with gathered(3) as made:
        def kill():
            while not os.path.exists("begun"):
                time.sleep(0.02)
            time.sleep(0.5)
            os.kill(min(helper.pid for helper in made.helpers), signal.SIGKILL)
        threading.Thread(target=kill, daemon=True).start()
        print(made.share(partial(work, "begun"), list(range(30))) == list(range(30)), flush=True)
"""
    (tmp_path / "program.py").write_text(program)
    paths = {"PYTHONPATH": str(Path(workers.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=os.environ | paths, capture_output=True, text=True,
        timeout=120, check=True,
    )  # fmt: skip
    assert done.stdout == "True\n"


def test_without_processes_to_be_had_the_work_is_done_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("no semaphores")

    monkeypatch.setattr(workers, "ProcessPoolExecutor", refuse)
    with gathered(2) as made:
        assert made.share(eval, ["1", "2"]) == [1, 2]


@pytest.mark.parametrize("count", [0, 1])
def test_what_goes_wrong_is_told_whoever_did_it(count: int) -> None:
    made = Workers(count=count)
    with pytest.raises(ZeroDivisionError):
        made.share(eval, ["1 / 0", "1", "2", "3"])
    if made.pool is not None:
        made.pool.shutdown()


def test_there_are_no_more_helpers_than_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, count in ((1, 0), (2, 1), (64, workers.MOST - 1)):
        monkeypatch.setattr(workers, "cores", lambda cores=cores: cores)
        with gathered() as made:
            assert made.count == count
