"""The order and the augmentation are functions of (seed, epoch, image), and look random."""

import hashlib
from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from animal_cls import rng

N = 20_000
DEVIATION = 1 / np.sqrt(N)  # of a correlation of N independent pairs


def keys_of(n: int) -> np.ndarray:
    return rng.image_keys(np.array([hashlib.sha256(str(i).encode()).hexdigest() for i in range(n)]))


KEYS = keys_of(N)
CONSECUTIVE = np.arange(N, dtype=np.uint64)  # the worst keys there are


def test_keys_are_the_first_sixty_four_bits_of_the_hash() -> None:
    digest = hashlib.sha256(b"image")
    (key,) = rng.image_keys(np.array([digest.hexdigest()]))
    assert key == int.from_bytes(digest.digest()[:8], "big")
    assert rng.image_keys(np.array(["f" * 64]))[0] == np.uint64(2**64 - 1)


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_order_is_a_permutation(n: int) -> None:
    order = rng.order(KEYS[:n], seed=1, epoch=2)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(n))


def test_the_numbers_of_an_image_do_not_depend_on_the_others() -> None:
    whole = rng.uniform(KEYS[:500], seed=3, epoch=7, draws=4)
    some = np.random.default_rng(0).permutation(500)[:123]
    np.testing.assert_array_equal(rng.uniform(KEYS[some], seed=3, epoch=7, draws=4), whole[some])
    np.testing.assert_array_equal(rng.uniform(KEYS[:500], seed=3, epoch=7, draws=2), whole[:, :2])


def test_the_order_of_two_images_does_not_depend_on_the_others_nor_on_their_places() -> None:
    keys = KEYS[:500]
    whole = keys[rng.order(keys, seed=3, epoch=7)]
    some = np.random.default_rng(1).permutation(500)[:123]
    part = keys[some][rng.order(keys[some], seed=3, epoch=7)]
    np.testing.assert_array_equal(part, [key for key in whole if key in set(keys[some])])


@pytest.mark.parametrize("keys", [KEYS, CONSECUTIVE], ids=["hashes", "consecutive"])
@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (0, 1), (2**32 - 1, 49)])
def test_numbers_are_uniform(keys: np.ndarray, seed: int, epoch: int) -> None:
    drawn = rng.uniform(keys, seed=seed, epoch=epoch, draws=5)
    assert drawn.min() >= 0
    assert drawn.max() < 1
    # Kolmogorov and Smirnov: the largest distance to the diagonal, times sqrt(N), exceeds 2.2 with probability 1e-4.
    steps = np.arange(N)[:, None]
    ranked = np.sort(drawn, axis=0)
    distance = np.maximum(ranked - steps / N, (steps + 1) / N - ranked).max(axis=0)
    assert (distance * np.sqrt(N) < 2.2).all(), distance


def correlated(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether numbers, or their squared distances to the middle, go together more than five deviations."""
    pairs = [(a, b), ((a - 0.5) ** 2, (b - 0.5) ** 2)]
    return any(abs(np.corrcoef(x, y)[0, 1]) > 5 * DEVIATION for x, y in pairs)


@pytest.mark.parametrize("keys", [KEYS, CONSECUTIVE], ids=["hashes", "consecutive"])
def test_columns_epochs_and_seeds_are_independent(keys: np.ndarray) -> None:
    places = [(0, 0), (0, 1), (1, 0), (1, 1), (5, 0)]
    columns = [column for seed, epoch in places for column in rng.uniform(keys, seed=seed, epoch=epoch, draws=3).T]
    assert not [pair for pair in combinations(range(len(columns)), 2) if correlated(columns[pair[0]], columns[pair[1]])]


def test_neighbours_in_the_list_are_independent() -> None:
    drawn = rng.uniform(CONSECUTIVE, seed=0, epoch=0, draws=1)[:, 0]
    assert not correlated(drawn, np.roll(drawn, 1))


def test_an_image_wanders_through_the_epochs() -> None:
    """Its place is uniform over epochs, too: each of 10 images leads about a tenth of 3,000 epochs."""
    first = np.array([rng.order(KEYS[:10], seed=0, epoch=epoch)[0] for epoch in range(3000)])
    counts = np.bincount(first, minlength=10)
    chi_square = ((counts - 300) ** 2 / 300).sum()
    assert chi_square < 33.7, counts  # 9 degrees of freedom, probability 1e-4


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed, epoch: rng.order(KEYS[:100], seed=seed, epoch=epoch).tolist(),
        lambda seed, epoch: rng.uniform(KEYS[:100], seed=seed, epoch=epoch, draws=2).tolist(),
        lambda seed, epoch: rng.step_seed(seed=seed, step=epoch),
    ],
    ids=["order", "uniform", "step_seed"],
)
def test_every_seed_and_epoch_draws_anew_and_repeats(draw: Callable[[int, int], object]) -> None:
    """(1, 0) and (0, 1) differ as well: a sum of the two would not do."""
    places = [(seed, epoch) for seed in range(4) for epoch in range(4)]
    drawn = [draw(*place) for place in places]
    assert all(a != b for a, b in combinations(drawn, 2))
    assert [draw(*place) for place in places] == drawn


def test_step_seeds_differ_and_fit_torch() -> None:
    seeds = [rng.step_seed(seed=seed, step=step) for seed in (0, 1, 2**32 - 1) for step in range(5000)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert min(seeds) < 2**58  # they use the whole range
    assert max(seeds) > 2**62


@pytest.mark.parametrize("keys", [KEYS, CONSECUTIVE], ids=["hashes", "consecutive"])
def test_streams_are_independent(keys: np.ndarray) -> None:
    """Also those of methods whose names differ in a letter, and the order's, which has no name."""
    streams = ["", "mixup", "mixuq", "flip_crop", "mixup2"]
    columns = [c for stream in streams for c in rng.uniform(keys, seed=0, epoch=0, draws=2, stream=stream).T]
    assert not [pair for pair in combinations(range(len(columns)), 2) if correlated(columns[pair[0]], columns[pair[1]])]


def test_a_stream_without_a_name_is_the_orders() -> None:
    first = rng.uniform(KEYS, seed=3, epoch=1, draws=2, stream="")[:, 0]
    np.testing.assert_array_equal(np.argsort(first, kind="stable"), rng.order(KEYS, seed=3, epoch=1))


@pytest.mark.parametrize(
    ("indices", "times"),
    [
        ([2, 0, 1], [0, 0, 0]),
        ([1, 1, 0, 1, 0], [0, 1, 0, 2, 1]),
        ([3, 3, 3, 3], [0, 1, 2, 3]),
        ([0], [0]),
    ],
)
def test_an_image_that_comes_again_has_another_key(indices: list[int], times: list[int]) -> None:
    """The key itself the first time, then golden ratios more, as 64-bit numbers wrap around."""
    expected = [(int(KEYS[k]) + int(rng.GOLDEN) * time) % 2**64 for k, time in zip(indices, times, strict=True)]
    assert rng.occurrence_keys(KEYS, np.array(indices)).tolist() == expected


def test_no_image_repeats_what_it_drew() -> None:
    indices = np.random.default_rng(0).integers(0, 50, size=5000)
    keys = rng.occurrence_keys(KEYS, indices)
    assert len(set(keys.tolist())) == 5000
    drawn = rng.uniform(np.sort(keys), seed=0, epoch=0, draws=2)
    assert abs(drawn.mean() - 0.5) < 5 / np.sqrt(12 * drawn.size)
    np.testing.assert_array_equal(rng.occurrence_keys(KEYS, np.arange(50)), KEYS[:50])
