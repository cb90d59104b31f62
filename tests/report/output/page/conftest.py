"""Studies that are made up, and the page that shows one with hostile names."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from animal_cls.files.workers import Workers
from animal_cls.report.output import page
from animal_cls.report.output.page.drawn import Drawn
from animal_cls.report.output.page.painter import Painter
from animal_cls.report.output.tables import PAGE
from animal_cls.report.records import Study
from tests.report.output.page.made_up_study import hostile_study, study_of


@pytest.fixture(scope="session")
def make_study() -> Callable[..., Study]:
    return study_of


@pytest.fixture(scope="session")
def hostile_page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Study, Path]:
    """A study with hostile names and the page that shows it; one of its images is there, the others are gone."""
    root = tmp_path_factory.mktemp("images")
    (root / "cat").mkdir()
    Image.new("RGB", (300, 200), "teal").save(root / "cat" / "there.png")
    for name in ("damaged.jpeg", "empty.png", "b.png"):
        (root / "cat" / name).write_bytes(b"no image")
    study = hostile_study(root)
    out = tmp_path_factory.mktemp("report")
    page.write(study, Painter(workers=Workers(count=0), drawn=Drawn(folder=out, secret=b"")).draw(study), out)
    return study, out / PAGE
