"""Every method there is, found by globbing: a run that is ended within an epoch goes on as if nothing had been.

Several are on at once, so that it takes seconds: where all numbers are equal, none of them has lost anything.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from animal_cls.commands.train import compose
from animal_cls.config.methods import with_options
from animal_cls.config.schema import Config, method_names
from animal_cls.regularizers import own_class
from animal_cls.training import build, run
from animal_cls.training.signals import Stopped
from tests.interruption import After
from tests.run_digest import differences, run_digest

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*LeafSpec")]

TOGETHER = 13  # methods in one run
CLASSES, PER_CLASS, FEWER = ("cat", "dog"), 64, 44
EPOCHS, BATCH = 7, 32  # three of them in an epoch
SETTINGS = [
    "data=folder", "model=resnet20", "data.image_size=16", f"data.batch_size={BATCH}", "data.val=0.2", "data.test=0",
    f"trainer.max_epochs={EPOCHS}", "trainer.accelerator=cpu", "optimizer.lr=0.01",
    "reg.dropout=0.1",  # which R-Drop needs
]  # fmt: skip


def groups() -> list[list[str]]:
    """All methods, each in the first group that has room and none that clashes with it."""
    made: list[list[str]] = []
    for name in method_names():
        free = (group for group in made if len(group) < TOGETHER and not any(clash(name, other) for other in group))
        group = next(free, None)
        if group is None:
            made.append(group := [])
        group.append(name)
    return made


def clash(name: str, other: str) -> bool:
    cards = {method: own_class(method).card for method in (name, other)}
    return any(card and (name in card.excludes or other in card.excludes) for card in cards.values())


def word(name: str) -> str:
    """`reg.NAME=...` with the first value of its card that acts in this run."""
    card = own_class(name).card
    assert card is not None
    for value in card.values:
        whole = with_options(name, value)
        text = str(whole).replace("'", "").replace("True", "true").replace("False", "false")
        config = compose([*SETTINGS, f"reg.{name}={text}"])
        if all(record.acted for record in build.parts(config, num_classes=2).records):
            return f"reg.{name}={text}"
    raise AssertionError(f"no value of the card of {name} acts in a run like this; give it a longer one")


@pytest.fixture(scope="module")
def configure(image_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Config]:
    folder = tmp_path_factory.mktemp("data") / "images"
    root = image_folder(folder, classes=list(CLASSES), per_class=PER_CLASS)
    for file in sorted((root / "dog").iterdir())[FEWER:]:  # so that what balances classes has something to do
        file.unlink()
    return lambda words: compose([*SETTINGS, f"data.root={root}", *words])


@pytest.mark.parametrize("names", groups(), ids="+".join)
def test_it_is_the_run_that_was_never_ended(
    names: Sequence[str], configure: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("animal_cls.training.outcome._draw", lambda *_: None)  # slow, and of no matter here
    config = configure([word(name) for name in names])
    twin, ended = tmp_path / "twin", tmp_path / "ended"
    twin.mkdir()
    ended.mkdir()
    run.train(config, twin)
    with pytest.raises(Stopped):
        run.train(config, ended, stop=After(10))  # after the first step of the fourth epoch
    run.train(config, ended, go_on=True)
    assert differences(run_digest(ended), run_digest(twin)) == []
