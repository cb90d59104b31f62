"""A training that is ended after so many steps, for the tests of what goes on."""

import signal

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
