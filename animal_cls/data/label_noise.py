"""Wrong labels on purpose: which training images are given another class than their own."""

from collections.abc import Sequence

import numpy as np

from animal_cls import rng

STREAM = "label_noise"  # so that other draws of the same key and image are independent


def given_labels(
    labels: np.ndarray, hashes: np.ndarray, *, share: float, classes: Sequence[str], key: int
) -> np.ndarray:
    """The label with which each image is trained: (N,) int64, `share` of them, on average, not their own.

    An image's label is replaced with probability `share`, by each other class with the same probability (symmetric
    label noise). Both follow from `key` and its contents alone: equal files of one class get one label, in every arm,
    seed, order and fold, and what is wrong with a smaller share is wrong in the same way with a larger one.

    Args:
        labels: (N,) int64 into `classes`, the true ones.
        hashes: (N,) str, the contents' hashes.
        share: in [0, 1).
    """
    if share == 0:
        return labels
    uniforms = rng.uniform(rng.image_keys(hashes), seed=key, epoch=0, draws=2, stream=STREAM)
    others = len(classes) - 1
    step = 1 + np.minimum((uniforms[:, 1] * others).astype(np.int64), others - 1)
    return np.where(uniforms[:, 0] < share, (labels + step) % len(classes), labels)
