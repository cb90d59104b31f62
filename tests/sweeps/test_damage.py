"""One damaged or missing file of a sweep blocks nothing else: there is a table, an exit code, and the rest goes on."""

import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from filelock import FileLock

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.results import Result
from tests.sweeps.conftest import done

Program = Callable[..., "CompletedProcess[str]"]
Trained = dict[str, Config]

pytestmark = pytest.mark.usefixtures("no_report")
SWEEP = ("--multirun", "seed=0,1,2", "hydra.sweep.dir=sweep")
NAME = "simple_cnn/none/seed="


def cut(sweep: Path) -> None:
    (sweep / "seed=0" / "result.json").write_text("{")


def make_a_folder_of_it(sweep: Path) -> None:
    (sweep / "seed=0" / "result.json").unlink()
    (sweep / "seed=0" / "result.json").mkdir()


def remove_the_job(sweep: Path) -> None:
    shutil.rmtree(sweep / "seed=0")


def remove_the_result(sweep: Path) -> None:
    (sweep / "seed=0" / "result.json").unlink()


def remove_the_sweep(sweep: Path) -> None:
    shutil.rmtree(sweep)
    (sweep / "seed=1").mkdir(parents=True)  # where the job that is running writes its own result


def cut_the_plan(sweep: Path) -> None:
    (sweep / "plan.json").write_text("{")


def remove_the_plan(sweep: Path) -> None:
    (sweep / "plan.json").unlink()


@pytest.fixture
def damage_in_second_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Callable[[Path], None]], None]:
    """`damage_in_second_job(cut)` lets sweeps train nothing, and does this while the job seed=1 is at work."""

    def prepare(damage: Callable[[Path], None]) -> None:
        def run(config: Config, folder: Path, **_: object) -> Result:
            if config.seed == 1:
                damage(tmp_path / "sweep")
            results.save(done(config), folder)
            return done(config)

        monkeypatch.setattr("animal_cls.training.run.train", run)

    return prepare


@pytest.mark.parametrize(
    ("damage", "status", "after"),
    [
        (cut, "unreadable", "unreadable"),
        (make_a_folder_of_it, "unreadable", "unreadable"),
        (remove_the_job, "queued", "done"),
        (remove_the_result, "unfinished", "done"),
        (remove_the_sweep, "queued", "done"),
    ],
)
def test_a_job_that_is_damaged_in_mid_sweep(
    damage: Callable[[Path], None],
    status: str,
    after: str,
    damage_in_second_job: Callable[[Callable[[Path], None]], None],
    program: Program,
    trained: Trained,
    tmp_path: Path,
) -> None:
    damage_in_second_job(damage)
    outcome = program(*SWEEP)
    assert outcome.returncode == 1
    assert statuses(outcome.stdout) == {"0": status, "1": "done", "2": "done"}
    assert f"\n2 done, 1 {status}\n" in outcome.stdout
    assert "go on   python -m animal_cls.resume sweep\n" in outcome.stdout
    assert "Traceback" not in outcome.stderr
    damage_in_second_job(lambda _: None)
    resumed = program("resume", "sweep")
    assert statuses(resumed.stdout.partition("\njob ")[2]) == {"0": after, "1": "done", "2": "done"}
    assert resumed.returncode == (after != "done")


def statuses(table: str) -> dict[str, str]:
    """Seed -> status, of a table of three runs."""
    rows = [line.removeprefix(NAME).split() for line in table.splitlines() if line.startswith(NAME)]
    return {row[0]: row[1] for row in rows if row[1] not in ("unreadable:", "unfinished:")}


@pytest.mark.parametrize(
    ("damage", "said", "code"),
    [(cut_the_plan, "plan.json: damaged (", 0), (remove_the_plan, "its plan had vanished in mid-sweep", 0)],
)
def test_a_plan_that_is_damaged_in_mid_sweep_is_told(
    damage: Callable[[Path], None],
    said: str,
    code: int,
    damage_in_second_job: Callable[[Callable[[Path], None]], None],
    program: Program,
) -> None:
    damage_in_second_job(damage)
    outcome = program(*SWEEP)
    assert (outcome.returncode, statuses(outcome.stdout)) == (code, dict.fromkeys("012", "done"))
    assert said in outcome.stderr
    assert "Traceback" not in outcome.stderr


@pytest.fixture
def sweep(program: Program, trained: Trained, tmp_path: Path) -> Path:
    """A sweep of three jobs of which two have lost their results."""
    assert program(*SWEEP).returncode == 0
    for seed in (1, 2):
        (tmp_path / "sweep" / f"seed={seed}" / "result.json").unlink()
    trained.clear()
    return tmp_path / "sweep"


@pytest.mark.parametrize("place", ["seed=1", "seed=1/animal_cls.log"])
def test_a_job_that_cannot_be_written_to_does_not_stop_the_others(
    place: str, sweep: Path, program: Program, trained: Trained
) -> None:
    path = sweep / place
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.write_text("a file") if place == "seed=1" else path.mkdir()
    outcome = program("resume", "sweep")
    assert outcome.returncode == 1
    assert list(trained) == ["seed=2"]
    assert f"{sweep}/seed=1: cannot be written to (" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_a_job_whose_parts_are_gone_does_not_stop_the_others(
    sweep: Path, program: Program, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    from animal_cls.errors import UserError
    from animal_cls.training import build

    def probe(config: Config, **_: object) -> None:
        raise UserError("model.weights=x: no such file.")

    monkeypatch.setattr(build, "probe", probe)
    outcome = program("resume", "sweep")
    assert outcome.stderr == "2 of 2 jobs will fail: model.weights=x: no such file.\n"
    assert set(trained) == {"seed=1", "seed=2"}, "each says so itself when its turn comes"


def test_a_link_out_of_a_sweep_is_not_written_through(sweep: Path, program: Program, trained: Trained) -> None:
    precious = sweep.parent / "precious.txt"
    precious.write_text("precious")
    (sweep / "seed=1" / "animal_cls.log").unlink(missing_ok=True)
    (sweep / "seed=1" / "animal_cls.log").symlink_to(precious)
    for folder in ("sweep", "sweep/seed=1"):
        outcome = program("resume", folder)
        assert outcome.returncode == 1
        assert f"seed=1/animal_cls.log: is a link to {precious}, outside of " in outcome.stderr
    assert (precious.read_text(), trained) == ("precious", {})


def test_a_running_job_looks_running_everywhere(sweep: Path, program: Program, trained: Trained) -> None:
    (sweep / "seed=1" / "owner.json").write_text('{"host": "elsewhere", "pid": 7, "since": "noon"}')
    known = "on elsewhere, process 7, since noon; to end it: kill 7 on elsewhere"
    with FileLock(sweep / "seed=1" / ".lock"):
        listed = program("resume", "--list", "sweep").stdout
        outcome = program("resume", "sweep")
    assert f"1 done, 1 running, 1 unfinished ({known})\n" in listed
    assert f"{NAME}1  running     left alone: {known}\n" in outcome.stdout
    assert f"\n{NAME}1 running: {known}\n" in outcome.stdout
    assert (outcome.returncode, list(trained)) == (1, ["seed=2"])
    assert "\n[########....] job 3 of 3: simple_cnn/none/seed=2, about 2.5 s left\n" in outcome.stdout


def test_what_another_process_has_done_meanwhile_is_left_alone(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As when a sweep that still runs is resumed beside it."""
    trained: list[int] = []

    def run(config: Config, folder: Path, **_: object) -> Result:
        trained.append(config.seed)
        for place in {folder, tmp_path / "sweep" / "seed=2"}:
            place.mkdir(exist_ok=True)
            results.save(done(config), place)
        return done(config)

    monkeypatch.setattr("animal_cls.training.run.train", run)
    outcome = program("--multirun", "seed=0,2", "hydra.sweep.dir=sweep")
    assert (outcome.returncode, trained) == (0, [0])
    assert "\nleft alone: another process has done it\n" in outcome.stdout


def test_one_damaged_sweep_hides_no_other(sweep: Path, program: Program, trained: Trained) -> None:
    shutil.copytree(sweep, sweep.parent / "other", symlinks=True)
    (sweep / "plan.json").write_text("{")
    listed = program("resume", "--list", ".").stdout
    states = dict(line.split(maxsplit=1) for line in listed.splitlines())
    assert states["sweep"].startswith("unreadable: sweep/plan.json: damaged (")
    assert states["other"] == "1 done, 2 unfinished"
    assert states["sweep/seed=1"].startswith("unfinished: "), "what has begun can go on by itself"
    outcome = program("resume", "sweep", "other")
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(f"{sweep}/plan.json: damaged (")
    assert "\n3 done\n" in outcome.stdout
