"""Random numbers that are a function of (seed, epoch, image), never of what was drawn before.

So a batch can be made again from nothing but its place: a resumed run sees what the interrupted one would have seen.
"""

import hashlib

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: consecutive counters land far apart


def image_keys(hashes: np.ndarray) -> np.ndarray:
    """A number per image, (N,) uint64: the first 16 hex digits of the SHA-256 of its file, (N,) str."""
    return np.array([int(digest[:16], 16) for digest in hashes], dtype=np.uint64)


def uniform(keys: np.ndarray, *, seed: int, epoch: int, draws: int, stream: str = "") -> np.ndarray:
    """Numbers in [0, 1), (N, draws) float64, for images with `keys` (N,) uint64; columns and streams differ."""
    start = _mix(_mix(np.array([seed], np.uint64) + GOLDEN) + np.array([epoch], np.uint64))
    if stream:
        start = _mix(start ^ np.array([int(hashlib.sha256(stream.encode()).hexdigest()[:16], 16)], np.uint64))
    streams = _mix(start + GOLDEN * np.arange(1, draws + 1, dtype=np.uint64))
    bits = _mix(_mix(keys[:, None] ^ streams[None, :]) + streams[None, :])
    return (bits >> np.uint64(11)) * 2.0**-53


def occurrence_keys(keys: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """The keys (M,) uint64 of the images at `indices` (M,) of an epoch; one that comes again has another each time."""
    sorting = np.argsort(indices, kind="stable")
    ordered = indices[sorting]
    first = np.maximum.accumulate(np.where(np.r_[True, ordered[1:] != ordered[:-1]], np.arange(len(ordered)), 0))
    times = np.empty(len(indices), dtype=np.uint64)
    times[sorting] = np.arange(len(ordered)) - first
    return keys[indices] + GOLDEN * times


def order(keys: np.ndarray, *, seed: int, epoch: int) -> np.ndarray:
    """The images' places in this epoch: a permutation of range(N), int64; sorted by the first column of `uniform`."""
    return np.argsort(uniform(keys, seed=seed, epoch=epoch, draws=1)[:, 0], kind="stable")


def step_seed(*, seed: int, step: int, stream: int = 0) -> int:
    """The seed of torch's generator for one training step (dropout masks), below 2^63; streams differ."""
    mixed = _mix(_mix(np.array([seed], np.uint64) + GOLDEN) ^ (np.array([step], np.uint64) * GOLDEN))
    if stream:
        mixed = _mix(mixed + GOLDEN * np.array([stream], np.uint64))
    return int(mixed[0] >> np.uint64(1))


def _mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64's finalizer (https://doi.org/10.1145/2714064.2660195): a bit in changes half of the bits out."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
