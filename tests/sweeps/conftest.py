"""Made-up results, as the tests of the report have them, and sweeps in which nothing is trained."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.results import Result, SplitResult
from tests.results.made_up_runs import write_run  # noqa: F401  # fixtures
from tests.training.figures.conftest import make_result, make_split  # noqa: F401


def done(config: Config, **changes: Any) -> Result:
    split = SplitResult(
        n=4, loss=1.0, acc=0.75, acc_macro=0.75, ece=0.1, per_class={"a": 1.0, "b": 0.5}, confusion=[[2, 0], [1, 1]]
    )
    known = {"config": asdict(config), "model": config.model["name"], "reg": config.reg["name"], "seed": config.seed}
    return Result(
        status="done",
        **known | changes,
        classes=["a", "b"],
        splits={"train": split, "val": split, "all": split},
        checkpoint="best",
        best_epoch=0,
        epochs=1,
        seconds=2.5,
    )


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> dict[str, Config]:
    """Folder name -> config of each run that was started; nothing is trained."""
    started: dict[str, Config] = {}

    def run(config: Config, folder: Path, **_: object) -> Result:
        started[folder.name] = config
        results.save(done(config), folder)
        return done(config)

    monkeypatch.setattr("animal_cls.training.run.train", run)
    return started
