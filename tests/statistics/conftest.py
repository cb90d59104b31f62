"""Made-up results for the tests of the statistics."""

from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture
def drawn() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """`drawn(seeds, images, seed=0)`: two arms' correctness (S, N), with variance of seeds and of images."""
    return draw


def draw(seeds: int, images: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """One run's margin is the image's difficulty, which all share, and noise of run, image and seed."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(size=images)
    margins = 1 + hard + rng.normal(size=(2, 1, images)) + 0.3 * rng.normal(size=(2, seeds, 1))
    right = margins + rng.normal(size=(2, seeds, images)) > 0
    return right[0], right[1]
