"""The times of a real process: what is recorded adds up, and it is recorded only where it is asked for."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from animal_cls import results
from benchmarks.harness import instrumentation, workspace
from benchmarks.harness.processes import Finished
from benchmarks.harness.workspace import Workspace
from benchmarks.speed import training_pass
from benchmarks.speed.start_up import JOB_TIMER


def test_nothing_is_recorded_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(instrumentation.EVENTS, raising=False)
    assert instrumentation.callbacks() == []


@pytest.mark.slow
def test_a_run_with_a_bare_loop(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    root = image_folder(tmp_path / "images", per_class=20)
    workspace = Workspace(tmp_path / "work", quick=True)
    words = ["data.image_size=64", "data.batch_size=16", "trainer.max_epochs=5"]
    trace = workspace.command(root, *words, callback=training_pass.BARE_LOOP)
    assert (len(trace.epochs), trace.result.epochs) == (5, 5)
    for epoch in trace.epochs:
        times = [epoch["start"], epoch["first_step"], *(end for end, _ in epoch["steps"])]
        times.append(epoch["over"])
        assert times == sorted(times)
        assert sum(n for _, n in epoch["steps"]) == trace.result.splits["train"].n
    assert all(before["over"] <= after["start"] for before, after in pairwise(trace.epochs))
    assert trace.epochs[-1]["over"] - trace.epochs[0]["start"] < trace.process.seconds
    (bare,) = trace.events("bare")
    assert len(bare["seconds"]) == 4
    predicted = [sum(n for _, n in event["batches"]) for event in trace.events("predict")]
    assert predicted[-1] == trace.result.splits["all"].n


@pytest.fixture
def in_this_process(
    monkeypatch: pytest.MonkeyPatch, program: Callable[..., CompletedProcess[str]], undrawn: None, no_report: None
) -> None:
    """`python -m animal_cls` is run here, where torch is loaded already."""

    def run(words: Sequence[str], *, folder: Path, path: Sequence[Path], env: Mapping[str, str]) -> Finished:
        for place in path:
            monkeypatch.syspath_prepend(place)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        outcome = program(*words[2:])
        assert outcome.returncode == 0, outcome.stderr
        return Finished(seconds=1.0, peak=0, output=outcome.stdout, errors=outcome.stderr)

    monkeypatch.setattr(workspace, "run", run)


@pytest.mark.slow
@pytest.mark.usefixtures("in_this_process")
def test_the_jobs_of_a_sweep(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    root = image_folder(tmp_path / "images", per_class=10)
    words = ["--multirun", "seed=0,1", "data.image_size=64", "trainer.max_epochs=1", JOB_TIMER]
    trace = Workspace(tmp_path / "work").command(root, *words)
    order = [event["time"] for event in trace.recorded if event["event"].startswith("job_")]
    steps = [fit["epochs"][0]["first_step"] for fit in trace.events("fit")]
    assert len(order) == 4
    assert order[0] < steps[0] < order[1] < order[2] < steps[1] < order[3]
    assert all(results.load(path.parent) for path in trace.folder.glob("*/result.json"))
