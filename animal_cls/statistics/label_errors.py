"""Labels that may be wrong, from what a network says of images that it was not trained on."""

import numpy as np
from numpy.typing import ArrayLike

NONE = -1  # no suspicion


def suspected_classes(
    labels: ArrayLike, predicted: ArrayLike, confidence: ArrayLike, p_true: ArrayLike, *, n_classes: int
) -> np.ndarray:
    """(N,) int64: the class that each image seems to have instead of its label, or `NONE`.

    By confident learning (Northcutt, Jiang & Chuang 2021, https://arxiv.org/abs/1911.00068): a network is sure of a
    class where its probability is at least the mean that it gives to that class on images so labelled. An image is
    suspected of the most probable class where that is not its label and the network is sure of it. (They also count an
    image for a class of which the network is sure though another one is more probable.) A class without images is
    suspected of none.

    Args:
        labels, predicted: (N,) of classes from 0 to `n_classes` - 1; as given, and the most probable ones.
        confidence, p_true: (N,) the probabilities of these two, out of sample.
        n_classes: K.

    Raises:
        ValueError: arrays of unequal lengths.
    """
    given, said = np.asarray(labels, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    sure, own = np.asarray(confidence, dtype=np.float64), np.asarray(p_true, dtype=np.float64)
    if not given.shape == said.shape == sure.shape == own.shape:
        raise ValueError(f"One of each per image: {given.shape}, {said.shape}, {sure.shape}, {own.shape}.")
    counts = np.bincount(given, minlength=n_classes)
    sums = np.bincount(given, weights=own, minlength=n_classes)
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    return np.where((said != given) & (sure >= thresholds[said]), said, NONE)
