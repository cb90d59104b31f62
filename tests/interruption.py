"""A training that is ended after so many steps, for the tests of what goes on."""

import signal
from pathlib import Path

from animal_cls.training.signals import Stop


class After(Stop):
    """A signal that comes when the training has done so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.left = steps

    @property
    def signum(self) -> int | None:  # type: ignore[override]  # asked for once after every step
        self.left -= 1
        return signal.SIGTERM if self.left <= 0 else None

    @signum.setter
    def signum(self, value: int | None) -> None:
        pass


def small_run(root: Path, *, epochs: int) -> list[str]:
    """The command line of a run of seconds on the images in `root`, with all that is random: dropout, flips, order."""
    return [
        *("data=folder", f"data.root={root}", "data.image_size=64", "data.batch_size=4", "data.augment=flip_crop"),
        *("data.val=0.2", "data.test=0.2", "reg=dropout", f"trainer.max_epochs={epochs}", "trainer.accelerator=cpu"),
        f"data.cache_dir={root.parent}/cache",
    ]
