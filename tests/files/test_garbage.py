"""Garbage collection is as it was after all that paused it, however that ended."""

import gc
import weakref
from collections.abc import Iterator
from contextlib import suppress

import pytest

from animal_cls.files.garbage import uncollected


class Cycle:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def collecting() -> Iterator[None]:
    was = gc.isenabled()
    gc.enable()
    yield
    (gc.enable if was else gc.disable)()


@pytest.mark.usefixtures("collecting")
def test_a_cycle_lives_within_it_and_is_found_after_it() -> None:
    with uncollected():
        seen = weakref.ref(Cycle())
        kept = [[] for _ in range(100_000)]
        assert seen() is not None
    kept = [[] for _ in range(100_000)]
    assert len(kept) == 100_000
    assert seen() is None


@pytest.mark.usefixtures("collecting")
def test_nested_and_after_an_error() -> None:
    with suppress(KeyError), uncollected():
        with uncollected():
            pass
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


@pytest.mark.usefixtures("collecting")
def test_one_that_was_off_stays_off() -> None:
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()
