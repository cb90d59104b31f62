"""The wheel: conf/ travels inside, and what is installed works from any folder, without the checkout."""

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from omegaconf import OmegaConf

from animal_cls.files.paths import CONF

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    # The environment's own hatchling where there is one: that needs no network.
    isolation = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    pip = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "--wheel-dir", str(folder), *isolation]
    built = subprocess.run(pip, capture_output=True, text=True, timeout=300)
    assert built.returncode == 0, built.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its contents, as in a site-packages; an option file is changed, to tell its conf/ from the checkout's."""
    site = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(site)
    with (site / "animal_cls" / "conf" / "experiment" / "report" / "resnet18_l2.yaml").open(
        "a", encoding="utf-8"
    ) as file:
        file.write("seed: 77\n")
    return site


def run(installed: Path, cwd: Path, *words: str) -> CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


def files(folder: str) -> set[str]:
    """What the checkout has in `folder`, as paths."""
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in found}


def test_the_wheel_holds_the_package_and_conf_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        scripts = next(archive.read(name) for name in archive.namelist() if name.endswith("entry_points.txt"))
    assert names == files("animal_cls") | {f"animal_cls/{path}" for path in files("conf")}
    assert b"animal-cls = animal_cls.__main__:main" in scripts


def test_it_uses_the_conf_that_it_brings(installed: Path, tmp_path: Path) -> None:
    shown = run(installed, tmp_path, "animal_cls", "--cfg", "job", "model=resnet18", "experiment=report/resnet18_l2")
    assert (shown.returncode, shown.stderr) == (0, "")
    config = OmegaConf.create(shown.stdout)
    assert config.seed == 77, "the conf/ of the checkout was used"
    assert (config.model.name, config.optimizer.lr) == ("resnet18", 0.005)
    assert not list(tmp_path.iterdir())


def test_its_options_are_listed_in_messages(installed: Path, tmp_path: Path) -> None:
    refused = run(installed, tmp_path, "animal_cls", "model=resnet19")
    assert refused.returncode == 1
    names = sorted(file.stem for file in (CONF / "model").glob("*.yaml"))
    assert refused.stderr == (f"model=resnet19: no such option. Did you mean resnet18? Options: {', '.join(names)}.\n")


def test_its_verbs_and_plans_work(installed: Path, tmp_path: Path) -> None:
    prepared = run(installed, tmp_path, "animal_cls", "prepare", "data=folder", "data.root=nowhere")
    assert prepared.stderr.startswith("data.root=nowhere: no such folder")
    planned = run(installed, tmp_path, "animal_cls", "sweep=ablation", "data=folder", "seed=0,-1")
    assert planned.stderr == (
        "seed=-1: must be at least 0 and at most 4294967295. (in the job "
        "data=folder,experiment=recipe,model=simple_cnn,reg=none,seed=-1; nothing was started)\n"
    )
