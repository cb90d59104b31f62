"""Finished runs, and sweeps in which nothing is trained."""

from tests.sweeps.conftest import trained  # noqa: F401  # a fixture
from tests.use.conftest import photos, plain, train  # noqa: F401
