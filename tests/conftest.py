"""What several tests need: small drawn images, and a cache that is not the user's."""

import gc
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from hydra.core.global_hydra import GlobalHydra
from PIL import Image

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # two processes of two threads each take four times as long

COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30), (30, 200, 200))  # of the k-th class


def pytest_collection_finish() -> None:
    gc.freeze()  # half a million objects of torch and its like, which each full collection would look through


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test touches the user's cache, nor what they have allowed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANIMAL_CLS_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session")
def image_folder() -> Callable[..., Path]:
    """`image_folder(root, classes=..., per_class=...)` draws a folder of class folders and returns `root`."""
    return draw_folder


def draw_folder(root: Path, *, classes: Sequence[str] = ("cat", "dog", "owl"), per_class: int = 8) -> Path:
    """PNG files of 20 to 40 px sides, no two alike: a rectangle in the colour of its class on grey."""
    rng = np.random.default_rng(0)
    for name, colour in zip(classes, COLOURS, strict=False):
        (root / name).mkdir(parents=True)
        for i in range(per_class):
            width, height = (int(side) for side in rng.integers(20, 41, size=2))
            left, top = (int(side) for side in rng.integers(0, 10, size=2))
            image = Image.new("RGB", (width, height), (80 + i, 80, 80))  # the index makes images differ
            image.paste(colour, (left, top, left + width // 2, top + height // 2))
            image.save(root / name / f"{i:02d}.png")
    return root


@pytest.fixture
def program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., CompletedProcess[str]]]:
    """`program("model=resnet18", ...)` runs that command line in this process (torch is loaded once), in `tmp_path`."""
    from animal_cls.__main__ import main

    def run(*words: str) -> CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["animal-cls", *words])
        capsys.readouterr()
        try:
            code = main()
        except SystemExit as end:
            code = end.code
        finally:
            GlobalHydra.instance().clear()
        assert isinstance(code, int)
        return CompletedProcess(words, code, *capsys.readouterr())

    monkeypatch.chdir(tmp_path)
    with _logging_as_before():
        yield run


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs without their figures, which take most of a small run's time; for tests that look at other things."""
    monkeypatch.setattr("animal_cls.training.outcome._draw", lambda *_: None)


@pytest.fixture
def no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps without their reports, which take a second."""
    for name in ("after_job", "finish"):
        monkeypatch.setattr(f"animal_cls.sweeps.refresh.Refresher.{name}", lambda *_: True)


@contextmanager
def _logging_as_before() -> Iterator[None]:
    """Undoes what Hydra's configuration of the log did to this process."""
    loggers = [logging.getLogger(name) for name in (None, "animal_cls.file")]
    before = [(logger, logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    try:
        yield
    finally:
        for logger, handlers, level, propagate in before:
            for handler in set(logger.handlers) - set(handlers):
                handler.close()
            logger.handlers[:], logger.level, logger.propagate = handlers, level, propagate
