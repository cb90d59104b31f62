"""A run with a schedule, or with methods that have a state, goes on within an epoch as if nothing had been."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from animal_cls.config.schema import Config
from animal_cls.training import run
from animal_cls.training.signals import Stopped
from tests.interruption import After
from tests.run_digest import differences, run_digest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("undrawn"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec"),
]

PLATEAU = ["scheduler=plateau", "scheduler.patience=0", "+scheduler.threshold=0.5"]  # nearly every epoch is too bad
METHODS = ["reg=[ema,mixup,sam,dropout]", "data.augment=flip_crop", "scheduler=cosine"]
LIGHTNINGS = ["+callbacks.ema={_target_: lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.8}"]


@pytest.mark.parametrize(
    "words",
    [["scheduler=cosine"], ["scheduler=one_cycle"], PLATEAU, METHODS, LIGHTNINGS],
    ids=["cosine", "one_cycle", "plateau", "methods", "lightnings_average"],
)
def test_it_is_the_run_that_was_never_ended(configure: Callable[..., Config], tmp_path: Path, words: list[str]) -> None:
    """Weights, averages, the optimizer's state, metrics and predictions, bit for bit; three epochs of three steps."""
    config = configure("trainer.max_epochs=3", *words)
    twin, ended = tmp_path / "twin", tmp_path / "ended"
    twin.mkdir()
    ended.mkdir()
    run.train(config, twin)
    for steps in (2, 3):  # in the first epoch and, going on from there, in the second
        with pytest.raises(Stopped):
            run.train(config, ended, stop=After(steps), go_on=True)
    run.train(config, ended, go_on=True)
    assert differences(run_digest(ended), run_digest(twin)) == []


def test_what_lightnings_csv_logger_has_written_stays(configure: Callable[..., Config], tmp_path: Path) -> None:
    config = configure("trainer.max_epochs=3", "logger=csv")
    with pytest.raises(Stopped):
        run.train(config, tmp_path, stop=After(7))  # after the first step of the third epoch
    assert run.train(config, tmp_path, go_on=True).warnings == []
    tables = [tmp_path / "loggers" / "csv" / f"version_{k}" / "metrics.csv" for k in (0, 1)]
    epochs = [{row["epoch"] for row in csv.DictReader(table.read_text().splitlines())} for table in tables]
    assert epochs == [{"0", "1"}, {"2"}]
