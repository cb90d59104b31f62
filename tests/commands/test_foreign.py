"""Somebody else's run, sweep or folder of option files carries out nothing that was not asked for."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree
from subprocess import CompletedProcess
from typing import Any

import pytest
from omegaconf import OmegaConf, open_dict

from animal_cls.commands.train import compose
from animal_cls.config.parse import to_plain
from animal_cls.sweeps.hydra_part import compose_hydra
from animal_cls.sweeps.plan import _checksum
from animal_cls.training import provenance, start
from animal_cls.training import run as training

Program = Callable[..., "CompletedProcess[str]"]

MODEL = {"name": "evil", "image_size": 8}
LOADED = "torch.hub.load"
# Section -> what a foreign config says there. Each reached code, or would have with other arguments.
CODE: dict[str, dict[str, object]] = {
    "a hub": {"model": {**MODEL, "_target_": LOADED, "repo_or_dir": "{here}", "source": "local", "model": "f"}},
    "a command": {"model": {**MODEL, "_target_": "os.system", "command": "touch {mark}"}},
    "a module beside": {"model": {**MODEL, "_target_": "evil.Net"}},
    "a way through torch": {"optimizer": {"name": "adam", "_target_": "torch.optim.adam.torch.hub.load"}},
    "a way through torchvision": {"model": {**MODEL, "_target_": "torchvision.models.resnet.torch.hub.load"}},
    "a way through us": {"scheduler": {"name": "s", "_target_": "animal_cls.training.schedules.math.cos"}},
    "a file of ours": {"logger": {"x": {"_target_": "animal_cls.files.atomic.write", "path": "{mark}", "content": ""}}},
    "a source": {"data": {"source": {"_target_": "shutil.copy", "src": "/etc/passwd", "dst": "{mark}"}}},
    "a callback": {"callbacks": {"x": {"_target_": "subprocess.run", "args": ["touch", "{mark}"]}}},
    "a method": {"reg": {"name": "mine", "mine": {"_target_": "evil.Net", "strength": 1}}},
    "a shared method": {"data": {"augment": {"mine": {"_target_": "evil.Net", "strength": 1}}}},
    "a part of an optimizer": {
        "optimizer": {
            "name": "a",
            "_target_": "animal_cls.training.optimizers.Combined",
            "parts": [{"_target_": "os.system", "command": "touch {mark}"}],
        }
    },
    "somebody's pickle": {
        "model": {
            **MODEL,
            "_target_": "timm.create_model",
            "model_name": "resnet10t",
            "checkpoint_path": "{here}/x.pth",
        }
    },
    "a target made of text": {"model": "${oc.decode:'{name: evil, _target_: evil.Net}'}"},
}


@pytest.fixture(scope="module")
def records() -> dict[str, str]:
    """What Hydra leaves of a run: file -> text."""
    plain = to_plain(compose(["data=folder", "data.root=nowhere"]))
    own = compose_hydra()
    with open_dict(own):
        own.runtime.cwd, own.runtime.config_sources = "/nowhere", []
    kept = {name: value for name, value in plain.items() if name != "derived"}
    return {"config.yaml": OmegaConf.to_yaml(kept), "hydra.yaml": OmegaConf.to_yaml({"hydra": own})}


@pytest.fixture
def foreign(records: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder `there`: a run of somebody else's, and beside its option files code that leaves a mark."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    there = tmp_path / "there"
    (there / "conf" / "model").mkdir(parents=True)
    code = f"import pathlib\npathlib.Path({str(tmp_path / 'mark')!r}).touch()\nNet = f = dict\n"
    for name in ("evil.py", "hubconf.py"):
        (there / name).write_text(code)
    (there / "run" / ".hydra").mkdir(parents=True)
    for name, text in records.items():
        (there / "run" / ".hydra" / name).write_text(text)
    yield there
    for name in ("evil", "hubconf"):
        sys.modules.pop(name, None)


def put(run: Path, entries: dict[str, object], mark: Path) -> None:
    """Let the run have begun with another config, and its record of Hydra name the folder of option files."""
    file = run / ".hydra" / "config.yaml"
    text = json.dumps(entries).replace("{mark}", str(mark)).replace("{here}", str(run.parent))
    config: Any = OmegaConf.load(file)
    for key, value in json.loads(text).items():
        config[key] = OmegaConf.merge(config[key], value) if key in ("data", "reg") else value
    OmegaConf.save(config, file)
    plain: Any = OmegaConf.to_container(config, resolve=False)
    computed = provenance.environment(compose(["data=folder", "data.root=nowhere"]))
    start.write(start.Start(config=plain, derived={}, environments=[computed]), run)
    record: Any = OmegaConf.load(run / ".hydra" / "hydra.yaml")
    record.hydra.runtime.config_sources.append(
        {"path": str(run.parent / "conf"), "schema": "file", "provider": "command-line"}
    )
    OmegaConf.save(record, run / ".hydra" / "hydra.yaml")


@pytest.mark.parametrize("what", CODE)
def test_a_foreign_run_calls_no_code(what: str, foreign: Path, program: Program, tmp_path: Path) -> None:
    put(foreign / "run", CODE[what], tmp_path / "mark")
    refused = program("resume", "there/run")
    assert refused.returncode == 1
    assert "say so once: --allow " in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert not (tmp_path / "mark").exists()


def test_what_is_allowed_is_remembered_for_the_folder(
    foreign: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(foreign / "run", CODE["a module beside"], tmp_path / "mark")
    seen: list[tuple[str, ...]] = []
    monkeypatch.setattr(training, "train", lambda config, folder, **_: seen.append(config.allowed) or 1 / 0)
    for words in (["--allow", "evil"], []):
        with pytest.raises(ZeroDivisionError):
            program("resume", *words, "there/run")
    assert ["evil" in allowed for allowed in seen] == [True, True]
    copytree(foreign / "run", tmp_path / "copy")
    assert "say so once: --allow evil" in program("resume", "copy").stderr, "a folder brings no permission along"


LOGS = {
    "a class": {"handlers": {"console": {"class": "evil.Net"}}},
    "a factory": {"handlers": {"console": {"()": "evil.Net"}}},
    "a file": {"handlers": {"file": {"class": "logging.FileHandler", "filename": "{mark}"}}},
    "an object": {"handlers": {"console": {"class": "logging.StreamHandler", "stream": "ext://evil.f"}}},
}


@pytest.mark.parametrize("what", LOGS)
def test_a_recorded_form_of_the_log_calls_no_code(what: str, foreign: Path, program: Program, tmp_path: Path) -> None:
    put(foreign / "run", {}, tmp_path / "mark")
    file = foreign / "run" / ".hydra" / "hydra.yaml"
    record = OmegaConf.load(file)
    entry = json.loads(json.dumps(LOGS[what]).replace("{mark}", str(tmp_path / "mark")))
    record.hydra.job_logging = {"version": 1, "root": {"handlers": list(entry["handlers"])}, **entry}
    OmegaConf.save(record, file)
    program("resume", "--allow", "evil", "there/run")
    assert not (tmp_path / "mark").exists()


OPTIONS = {
    "model/evil.yaml": "name: evil\n_target_: evil.Net\n",
    "model/os.yaml": "name: evil\n_target_: os.system\n",
    "debug/evil.yaml": "# @package _global_\nhydra:\n  callbacks:\n    x:\n      _target_: evil.Net\n",
    "debug/log.yaml": "# @package _global_\nhydra:\n  hydra_logging: {handlers: {console: {(): evil.Net}}}\n",
    "debug/at.yaml": "# @package _global_\ndefaults:\n  - /model@hydra.callbacks.x: evil\n",
    "debug/there.yaml": "# @package hydra.callbacks.x\n_target_: evil.Net\n",
    "debug/axes.yaml": "# @package _global_\nhydra: {sweeper: {params: {+hydra.callbacks.x: '{_target_:evil.Net}'}}}\n",
    "hydra/launcher/evil.yaml": "_target_: evil.Net\n",
}


@pytest.mark.parametrize("file", OPTIONS)
def test_foreign_option_files_call_no_code(file: str, foreign: Path, program: Program, tmp_path: Path) -> None:
    for path, text in OPTIONS.items():
        (foreign / "conf" / path).parent.mkdir(parents=True, exist_ok=True)
        (foreign / "conf" / path).write_text(text)
    (foreign / "hydra_plugins").mkdir()
    (foreign / "hydra_plugins" / "evil.py").write_text((foreign / "evil.py").read_text())
    group, _, name = file.removesuffix(".yaml").rpartition("/")
    refused = program("--config-dir", "there/conf", f"{group}={name}", "hydra.run.dir=out")
    assert refused.returncode == 1
    assert "say so once: --allow " in refused.stderr
    assert not (tmp_path / "mark").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("named", ["--allow evil", "PYTHONPATH", "its folder", "a typed target"])
def test_what_the_user_names_is_called(
    named: str, foreign: Path, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (foreign / "conf" / "model" / "evil.yaml").write_text(OPTIONS["model/evil.yaml"])
    if named == "PYTHONPATH":
        monkeypatch.setenv("PYTHONPATH", str(foreign))
    if named == "its folder":
        monkeypatch.chdir(foreign)
    sys.path.extend([str(foreign)] if named in ("PYTHONPATH", "its folder") else [])
    words = {"--allow evil": ["--allow", "evil"], "a typed target": ["model._target_=evil.Net"]}.get(named, [])
    run = tmp_path / "out"
    images = ("data=folder", "data.root=nowhere", f"hydra.run.dir={run}")
    outcome = program("--config-dir", str(foreign / "conf"), "model=evil", *words, *images)
    assert outcome.stderr.startswith("data.root=nowhere: "), "it comes to the images"
    assert (tmp_path / "mark").exists()
    again = program("resume", str(run))
    assert again.stderr.startswith("data.root=nowhere: "), "what one's own run called is known of it"


@pytest.mark.usefixtures("no_report")
def test_a_foreign_sweep_calls_no_code(foreign: Path, program: Program, tmp_path: Path) -> None:
    sweep = ["--multirun", "data=folder", "data.root=nowhere", "seed=0,1", "hydra.sweep.dir=there/sweep"]
    program(*sweep)
    for result in (foreign / "sweep").rglob("result.json"):
        result.unlink()
    file = foreign / "sweep" / "plan.json"
    plan = json.loads(file.read_text())
    plan["jobs"][1]["config"]["model"] = {"name": "evil", "_target_": "evil.Net"}
    plan["config_dirs"] = [str(foreign / "conf")]
    plan["checksum"] = _checksum({key: value for key, value in plan.items() if key != "checksum"})
    file.write_text(json.dumps(plan))
    refused = program("resume", "there/sweep")
    assert refused.returncode == 1
    assert "model._target_=evil.Net: " in refused.stderr
    assert "say so once: --allow evil" in refused.stderr
    assert not (tmp_path / "mark").exists()
