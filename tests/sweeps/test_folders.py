"""The folders of a sweep's jobs: where Hydra puts them is where table, resume and exit code look for them."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.results import Result
from tests.folder_contents import contents
from tests.sweeps.conftest import done

Program = Callable[..., "CompletedProcess[str]"]
Trained = dict[str, Config]

pytestmark = pytest.mark.usefixtures("no_report")


@pytest.mark.parametrize(
    ("words", "folders"),
    [
        (["hydra.sweep.subdir=${hydra.job.num}"], ["0", "1"]),
        (["hydra.sweep.subdir=${hydra:job.num}-${hydra.job.id}"], ["0-0", "1-1"]),
        (["hydra.sweep.subdir=${reg.name}/./${seed}/"], ["none/0", "none/1"]),
        (["hydra.sweep.subdir='a b-${seed}'"], ["a b-0", "a b-1"]),
        (["data.split_seed=${seed}"], ["data.split_seed=___seed__,seed=0-*", "data.split_seed=___seed__,seed=1-*"]),
        (["hydra.sweep.subdir=${now:%f}-${seed}"], ["*-0", "*-1"]),
        (["hydra.sweep.dir=${hydra.job.name}-${now:%f}"], ["seed=0", "seed=1"]),
    ],
)
def test_a_folder_of_the_users_own_is_honoured(
    words: list[str], folders: list[str], program: Program, trained: Trained, tmp_path: Path
) -> None:
    outcome = program("--multirun", "seed=0,1", "hydra.sweep.dir=sweep", *words)
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert "\n2 done\n" in outcome.stdout
    [plan] = tmp_path.rglob("plan.json")
    planned = [job["folder"] for job in json.loads(plan.read_text())["jobs"]]
    assert all(Path(name).match(pattern) for name, pattern in zip(planned, folders, strict=True))
    seen = {path.parent.relative_to(plan.parent).as_posix() for path in plan.parent.rglob("result.json")}
    assert seen == set(planned)
    assert [config.seed for config in trained.values()] == [0, 1]
    resumed = program("resume", str(plan.parent))
    assert resumed.returncode == 0
    assert resumed.stdout.count("left alone") == 2


def test_a_key_that_follows_a_swept_one_is_planned_for_each_job(program: Program, trained: Trained) -> None:
    program("--multirun", "seed=3,4", "data.split_seed=${seed}", "hydra.sweep.dir=sweep")
    planned = json.loads(Path("sweep", "plan.json").read_text())["jobs"]
    assert [job["config"]["data"]["split_seed"] for job in planned] == [3, 4]
    assert [config.data.split_seed for config in trained.values()] == [3, 4]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            "hydra.sweep.dir=x/${seed}",
            "hydra.sweep.dir: a sweep has one folder, and this one differs between its jobs",
        ),
        ("hydra.sweep.dir=x/${hydra.job.num}", "hydra.sweep.dir: Missing mandatory value: hydra.job.num. Choose "),
        ("hydra.sweep.dir=${nope}", "hydra.sweep.dir: Interpolation key 'nope' not found. Choose another one: "),
        ("hydra.sweep.subdir=${nope}", "hydra.sweep.subdir: Interpolation key 'nope' not found. Choose another one: "),
        ("hydra.sweep.subdir=.", "hydra.sweep.subdir=.: is not a folder below hydra.sweep.dir. "),
        ("hydra.sweep.subdir=../${seed}", "hydra.sweep.subdir=../0: is not a folder below hydra.sweep.dir. "),
        ("hydra.sweep.subdir=/x/${seed}", "hydra.sweep.subdir=/x/0: is not a folder below hydra.sweep.dir. "),
        ("hydra.sweep.subdir=same", "hydra.sweep.subdir=same: several jobs would have this folder. "),
        ("hydra.sweep.subdir=report/${seed}", "hydra.sweep.subdir=report/0: the sweep's own files have that name. "),
        ("hydra.job.chdir=true", "hydra.job.chdir=true: a run works in the folder that its command was started in, "),
    ],
)
def test_a_folder_that_cannot_be_is_refused_in_one_line(
    word: str, message: str, program: Program, trained: Trained, tmp_path: Path
) -> None:
    outcome = program("--multirun", "seed=0,1", "hydra.sweep.dir=sweep", word)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(message)
    assert outcome.stderr.count("\n") == 1
    assert (outcome.stdout, trained, list(tmp_path.iterdir())) == ("", {}, [])


def test_a_run_does_not_change_its_folder_either(program: Program, trained: Trained, tmp_path: Path) -> None:
    outcome = program("hydra.job.chdir=true")
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("hydra.job.chdir=true: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text", ["dropout: 0.9\n", "dropout: [\n", None])
def test_an_option_file_that_changes_in_mid_sweep_is_for_the_next_one(
    text: str | None, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Hydra composes each job when it starts."""
    option = tmp_path / "mine" / "reg" / "gentle.yaml"
    option.parent.mkdir(parents=True)
    option.write_text("dropout: 0.1\n")
    trained: list[float] = []

    def run(config: Config, folder: Path, **_: object) -> Result:
        trained.append(config.reg["dropout"])
        option.unlink(missing_ok=True) if text is None else option.write_text(text)
        results.save(done(config), folder)
        return done(config)

    monkeypatch.setattr("animal_cls.training.run.train", run)
    outcome = program("--multirun", "--config-dir=mine", "reg=gentle", "seed=0,1", "hydra.sweep.dir=sweep")
    assert (outcome.returncode, trained) == (0, [0.1, 0.1]), outcome.stderr


def test_a_second_sweep_in_the_folder_of_the_first_touches_nothing(
    program: Program, trained: Trained, tmp_path: Path
) -> None:
    assert program("--multirun", "seed=0,1", "hydra.sweep.dir=sweep").returncode == 0
    before = contents(tmp_path)
    outcome = program("--multirun", "seed=2,3", "hydra.sweep.dir=sweep")
    assert (outcome.returncode, outcome.stdout) == (1, "")
    assert outcome.stderr.endswith(f"or go on with that one: python -m animal_cls.resume {Path.cwd()}/sweep\n")
    assert contents(tmp_path) == before
