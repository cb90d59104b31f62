"""What goes wrong while a run goes on loses nothing: one message, and the run can be continued to the same end."""

import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from animal_cls.commands.train import compose
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.files import disk
from animal_cls.sweeps import job
from animal_cls.training import run
from animal_cls.training.signals import Stop
from tests.run_digest import differences, run_digest

pytestmark = [pytest.mark.filterwarnings("ignore:.*LeafSpec"), pytest.mark.slow]


@pytest.fixture
def root(image_folder: Callable[..., Path], tmp_path: Path) -> Path:
    """Images that a test may do away with."""
    return image_folder(tmp_path / "images", per_class=10)


@pytest.fixture(scope="module")
def config(image_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Of images that are left alone."""
    return configured(image_folder(tmp_path_factory.mktemp("data") / "images", per_class=10))


@pytest.fixture(scope="module")
def twin(config: Config, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the run of `config` leaves that nothing interrupts."""
    return uninterrupted(config, tmp_path_factory.mktemp("uninterrupted") / "twin")


def configured(root: Path, *more: str) -> Config:
    words = ("data=folder", f"data.root={root}", "data.image_size=64", "data.batch_size=4", "data.augment=flip_crop")
    where = f"data.cache_dir={root.parent}/cache"
    return compose([*words, where, "reg=dropout", "trainer.max_epochs=2", "trainer.accelerator=cpu", *more])


def uninterrupted(config: Config, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    run.train(config, folder)
    return run_digest(folder)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """`small_disk("size=1m")` is a file system of its own; called again, it changes."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = False

    def mount(options: str) -> Path:
        nonlocal mounted
        again = ["-o", f"remount,{options}"] if mounted else ["-o", options, "-t", "tmpfs", "tmpfs"]
        done = subprocess.run(["mount", *again, str(place)], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("file systems can be mounted here by nobody or by root only")
        mounted = True
        return place

    yield mount
    if mounted:
        subprocess.run(["umount", "-l", str(place)], check=True)


# The run leaves 246 KB of best.ckpt, 740 of last.ckpt, which is there twice while it is replaced, then nearly 500 of
# figures and as much in TensorBoard's file: what does not fit is one of these, in this order.
@pytest.mark.parametrize("kilobytes", [50, 300, 1000, 1400, 1750, 1900])
def test_a_disk_that_becomes_full(
    config: Config,
    twin: dict[str, Any],
    small_disk: Callable[[str], Path],
    kilobytes: int,
    request: pytest.FixtureRequest,
) -> None:
    folder = small_disk(f"size={kilobytes}k") / "run"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(disk, "require", lambda *_, **__: None)  # there was room when it was looked at
        with pytest.raises(UserError) as told:
            job.run_job(config, folder)
    assert str(told.value) == (
        f"{folder}: No space left on device. What was finished before is kept; "
        f"when the cause is gone, go on with: python -m animal_cls.resume {folder}"
    )
    small_disk("size=30m")
    request.getfixturevalue("undrawn")
    job.run_job(config, folder, go_on=True)
    assert differences(run_digest(folder), twin) == []


def test_a_disk_that_is_read_only(config: Config, small_disk: Callable[[str], Path]) -> None:
    folder = small_disk("size=30m") / "run"
    folder.mkdir()
    small_disk("ro")
    with pytest.raises(UserError, match=r"run/\.lock: Read-only file system\. What was finished before is kept; when"):
        job.run_job(config, folder)


class Vandal(Stop):
    """Something happens in the middle of the training, after so many steps."""

    def __init__(self, act: Callable[[], object], *, step: int = 6) -> None:
        super().__init__()
        self.act, self.left = act, step

    @property
    def signum(self) -> int | None:  # type: ignore[override]  # asked for once after every step
        self.left -= 1
        if self.left == 0:
            self.act()
        return None

    @signum.setter
    def signum(self, value: int | None) -> None:
        pass


def test_a_run_folder_that_vanishes(config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setattr(job, "catch_signals", lambda: nullcontext(Vandal(lambda: shutil.rmtree(folder))))
    with pytest.raises(UserError) as told:
        job.run_job(config, folder)
    assert f": No such file or directory. The folder {folder} is gone. What was" in str(told.value)
    assert not folder.exists(), "it is not made again, half of it"


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("place", ["images", "cache"])
def test_what_was_read_before_it_vanished_is_there_to_the_end(root: Path, tmp_path: Path, place: str) -> None:
    config = configured(root)
    twin = uninterrupted(config, tmp_path / "twin")
    folder = tmp_path / "run"
    folder.mkdir()
    run.train(config, folder, stop=Vandal(lambda: shutil.rmtree(tmp_path / place)))
    assert differences(run_digest(folder), twin) == []


@pytest.mark.usefixtures("undrawn")
def test_images_that_vanish_before_they_are_decoded(root: Path, tmp_path: Path) -> None:
    config = configured(root, "data.cache=false")
    twin = uninterrupted(config, tmp_path / "twin")
    folder = tmp_path / "run"
    folder.mkdir()
    away = tmp_path / "away"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "catch_signals", lambda: nullcontext(Vandal(lambda: root.rename(away))))
        with pytest.raises(UserError) as told:
            job.run_job(config, folder)
    assert str(told.value).startswith(f"{root}/")
    away.rename(root)
    job.run_job(config, folder, go_on=True)
    assert differences(run_digest(folder), twin) == []


def test_a_clock_that_jumps(
    config: Config, twin: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, now = random.Random(0), time.time
    monkeypatch.setattr(time, "time", lambda: now() + chance.uniform(-1e7, 1e7))
    folder = tmp_path / "run"
    folder.mkdir()
    result = run.train(config, folder)
    assert 0 < result.seconds < 600
    assert differences(run_digest(folder), twin) == []
