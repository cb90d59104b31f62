"""Reports of made-up runs."""

import pytest

from animal_cls.files import workers
from tests.results.made_up_runs import share, write_run  # noqa: F401  # fixtures
from tests.training.figures.conftest import make_result, make_split  # noqa: F401


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No report starts processes of its own, which takes a second each, but in the tests of just that."""
    monkeypatch.setattr(workers, "cores", lambda: 1)
