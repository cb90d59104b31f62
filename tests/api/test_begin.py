"""Runs and sweeps from Python: as the command line's, with nothing of Hydra's left behind."""

import asyncio
import csv
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, cast

import hydra
import pytest
from hydra import version
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf

import animal_cls as ac
from animal_cls import results
from animal_cls.commands import train
from animal_cls.config.schema import Config
from animal_cls.results import Result
from animal_cls.sweeps.plan import read_plan
from animal_cls.training.signals import Stopped
from tests.sweeps.conftest import done

Program = Callable[..., "CompletedProcess[str]"]
SMALL = ("data.image_size=64", "trainer.accelerator=cpu")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def state() -> list[Any]:
    """What Hydra and the log keep in this process."""
    root, own = logging.getLogger(), logging.getLogger("animal_cls.file")
    names = ConfigStore.instance().repo
    return [
        *(GlobalHydra.instance().hydra, HydraConfig.instance().cfg, version.getbase(), Hydra.get_mode, sorted(names)),
        *(dict(SourcesRegistry.instance().types), dict(Plugins.instance().class_name_to_class), sys.argv[:]),
        *(root.handlers[:], root.level, own.handlers[:], own.propagate),
    ]


@pytest.fixture
def nothing_left() -> Iterator[None]:
    before = state()
    yield
    assert state() == before


@pytest.mark.usefixtures("nothing_left")
def test_a_run_twice_and_after_an_error(trained: dict[str, Config], tmp_path: Path) -> None:
    first = ac.train("model=resnet20", "reg=[dropout,mixup]", seed=3, epochs=4, folder="first")
    assert first.folder == tmp_path / "first"
    config = trained["first"]
    assert (config.model["name"], config.reg["name"], config.seed) == ("resnet20", "dropout+mixup", 3)
    assert config.trainer.max_epochs == 4
    with pytest.raises(ac.UserError, match=r"model=resnet19: no such option\. Did you mean resnet18\?"):
        ac.train("model=resnet19")
    second = ac.train()
    assert second.folder.parent.parent == tmp_path / "outputs"
    assert (first.status, second.status) == ("done", "done")


@pytest.mark.usefixtures("trained", "nothing_left")
def test_a_sweep_and_its_seeds(tmp_path: Path) -> None:
    swept = ac.sweep("reg=none,l2", *SMALL, seeds=2, epochs=1)
    assert swept.folder.parent.parent == tmp_path / "multirun"
    jobs = read_plan(swept.folder).jobs
    assert [job.name for job in jobs] == [f"simple_cnn/{reg}/seed={seed}" for reg in ("none", "l2") for seed in (0, 1)]
    assert [run.folder.name for run in swept.runs] == [job.folder for job in jobs]
    assert [run.status for run in swept.runs] == ["done"] * 4
    named = ac.sweep("sweep=ablation", *SMALL, seeds=[7], folder="named")
    assert {job.config["seed"] for job in read_plan(named.folder).jobs} == {7}


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize(
    ("begin", "message"),
    [
        (lambda: ac.train("resnet18"), "resnet18: not of the form key=value"),
        (lambda: ac.train("--cfg"), r"--cfg: not of the form.*config_dir=\.\.\., allow=\[\.\.\.\]"),
        (
            lambda: ac.train("sweep=report"),
            r"is a plan of many runs\. Start it by sweep\('sweep=report'\)",
        ),
        (lambda: ac.train(seed=-1), "seed=-1: must be at least 0"),
        (lambda: ac.train("data=folder", "data.root=nowhere"), "data.root=nowhere: no such folder"),
        (lambda: ac.train(config_dir="nowhere"), "nowhere"),
        (lambda: ac.sweep(seeds=0), "seeds=0: no seed, so no run"),
        (lambda: ac.sweep(seeds=cast("Any", "10")), "seeds='10': a number of seeds is needed, as seeds=5, or which"),
        (lambda: ac.sweep("reg=none,dropuot"), "reg=dropuot: no such option. Did you mean dropout?"),
        (lambda: ac.sweep("sweep=ablatoin"), "sweep=ablatoin: no such option"),
        (lambda: ac.train(reg="dropout"), r"reg='dropout': is no argument here\. .* a word, .*: 'reg=dropout'\."),
        (lambda: ac.sweep(seed=3), r"seed=3: is no argument here\. .*: 'seed=3'\."),
        (lambda: ac.load("nowhere"), "nowhere: no such folder"),
        (lambda: ac.load("."), r"holds neither a run \(result.json\) nor a sweep"),
    ],
)
def test_a_mistake_is_raised(begin: Callable[[], object], message: str) -> None:
    with pytest.raises(ac.UserError, match=message):
        begin()


@pytest.mark.usefixtures("trained", "nothing_left")
def test_a_folder_in_use_is_refused() -> None:
    ac.train(folder="run")
    with pytest.raises(ac.UserError, match="run"):
        ac.train(folder="run")
    ac.sweep("reg=none,l2", folder="swept")
    with pytest.raises(ac.UserError, match="swept"):
        ac.sweep("reg=none,l2", folder="swept")


def test_a_mistake_in_code_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, nothing_left: None) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("animal_cls.training.run.train", broken)
    with pytest.raises(ZeroDivisionError) as raised:
        ac.train(folder="run")
    assert raised.traceback[-1].name == "broken"
    assert ac.load("run").status == "failed"  # type: ignore[union-attr]  # it is a run
    monkeypatch.setattr("animal_cls.sweeps.callback.validate_plan", broken)
    with pytest.raises(ZeroDivisionError):
        ac.sweep("reg=none,l2")


@pytest.fixture
def another_program(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that Hydra has started, which knows nothing of us, whatever commands of ours this process has run before."""
    Plugins.instance()  # which registers what Hydra reads files by
    monkeypatch.setitem(SourcesRegistry.instance().types, "file", FileConfigSource)
    monkeypatch.setattr(HydraConfig.instance(), "cfg", OmegaConf.create({"hydra": {"theirs": 3}}))
    ConfigStore.instance().store(name="schema", node={"theirs": 2})
    yield
    train.register()


@pytest.mark.usefixtures("another_program")
def test_inside_another_program_on_hydra(trained: dict[str, Config], tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "app.yaml").write_text("theirs: 1\n")
    before = ConfigStore.instance().repo["schema.yaml"]
    with hydra.initialize_config_dir(version_base="1.2", config_dir=str(tmp_path / "theirs")):
        held = state()
        ac.train("reg=dropout", folder="run")
        assert state() == held
        assert hydra.compose("app") == {"theirs": 1}
    assert trained["run"].reg["name"] == "dropout"
    assert ConfigStore.instance().repo["schema.yaml"] is before


@pytest.mark.usefixtures("trained", "nothing_left")
def test_from_threads_and_in_an_event_loop() -> None:
    folders: dict[str, Path] = {}

    def begin(name: str) -> None:
        folders[name] = ac.train(folder=name).folder

    async def cell() -> None:
        begin("loop")

    threads = [threading.Thread(target=begin, args=[f"thread{k}"]) for k in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asyncio.run(cell())
    assert {name: folder.name for name, folder in folders.items()} == {n: n for n in ("thread0", "thread1", "loop")}
    assert [ac.load(name).folder.name for name in folders] == list(folders)


@pytest.fixture
def stopped_at(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Folders at which a signal comes, once; nothing is trained."""
    at: set[str] = set()

    def run(config: Config, folder: Path, **_: object) -> Result:
        if folder.name in at:
            at.remove(folder.name)
            raise Stopped(2)
        results.save(done(config), folder)
        return done(config)

    monkeypatch.setattr("animal_cls.training.run.train", run)
    return at


def test_what_python_began_the_command_line_resumes(stopped_at: set[str], program: Program, no_report: None) -> None:
    stopped_at.add("reg=l2")
    with pytest.raises(KeyboardInterrupt, match=r"To go on: python -m animal_cls\.resume .*swept"):
        ac.sweep("reg=none,l2,dropout", folder="swept")
    swept = ac.load("swept")
    assert isinstance(swept, ac.Sweep)
    assert [run.status for run in swept.runs] == ["done", "unfinished", "queued"]
    assert program("resume", "swept").returncode == 0
    assert [run.status for run in swept.runs] == ["done"] * 3


def test_what_the_command_line_began_python_resumes(stopped_at: set[str], program: Program, no_report: None) -> None:
    stopped_at |= {"reg=l2", "single"}
    assert program("--multirun", "reg=none,l2", "hydra.sweep.dir=swept").returncode == 130
    swept = ac.load("swept")
    assert [run.status for run in ac.Sweep("swept").runs] == ["done", "unfinished"]
    assert repr(swept.resume()) == "Sweep('swept', 2 done)"
    assert program("hydra.run.dir=single").returncode == 130
    assert ac.load("single").resume().status == "done"  # type: ignore[union-attr]  # it is a run


@pytest.mark.slow
def test_a_run_is_that_of_the_command_line_bit_for_bit(photos: Path, program: Program, undrawn: None) -> None:
    words = ("data=folder", f"data.root={photos}", "data.batch_size=6", "data.val=0.2", *SMALL, "reg=[dropout,mixup]")
    typed = program(*words, "seed=3", "trainer.max_epochs=2", "hydra.run.dir=typed")
    assert typed.returncode == 0, typed.stderr
    called = ac.train(*words, seed=3, epochs=2, folder="called")
    for name in ("predictions.csv", ".hydra/config.yaml"):
        assert (called.folder / name).read_bytes() == Path("typed", name).read_bytes()
    tables = [
        list(csv.DictReader((folder / "metrics.csv").read_text().splitlines()))
        for folder in (called.folder, Path("typed"))
    ]
    assert [{**row, "seconds": ""} for row in tables[0]] == [{**row, "seconds": ""} for row in tables[1]]
    names = {path.name for path in called.folder.iterdir()}
    assert names == {path.name for path in Path("typed").iterdir()}
    assert called.result.command[:2] == ["animal-cls", "data=folder"]
    assert "epoch 2/2" in (called.folder / "animal_cls.log").read_text()


def test_the_import_loads_nothing(tmp_path: Path) -> None:
    code = "import sys, animal_cls as ac; print(*sys.modules); ac.train; dir(ac); print(*sys.modules)"
    first, second = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert not {"torch", "hydra", "numpy", "pandas", "matplotlib"} & set(first.split())
    assert not {"torch", "lightning", "pandas", "matplotlib", "IPython"} & set(second.split())
