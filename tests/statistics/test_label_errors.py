"""Wrong labels by confident learning: worked by hand, and how many of known ones it finds."""

import numpy as np
import pytest

from animal_cls.statistics import suspected_classes


def test_it_suspects_where_the_network_is_as_sure_as_of_images_with_that_label() -> None:
    labels, predicted = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 1, 0])
    confidence = np.array([0.9, 0.8, 0.6, 0.9, 0.7, 0.55])
    p_true = np.array([0.9, 0.2, 0.4, 0.9, 0.7, 0.45])
    # Thresholds: class 0 (0.9 + 0.2 + 0.4) / 3 = 0.5, class 1 (0.9 + 0.7 + 0.45) / 3 = 0.683.
    made = suspected_classes(labels, predicted, confidence, p_true, n_classes=2)
    assert made.tolist() == [-1, 1, -1, -1, -1, 0]


def test_a_class_without_images_is_suspected_of_none() -> None:
    made = suspected_classes([0, 0], [1, 0], [0.99, 0.9], [0.01, 0.9], n_classes=3)
    assert made.tolist() == [-1, -1]


def test_it_finds_most_wrong_labels_of_a_calibrated_network() -> None:
    rng, n, k = np.random.default_rng(0), 3000, 5
    true = rng.integers(k, size=n)
    logits = rng.normal(size=(n, k)) + 6 * np.eye(k)[true]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    wrong = rng.random(n) < 0.05
    given = np.where(wrong, (true + rng.integers(1, k, size=n)) % k, true)
    rows, said = np.arange(n), p.argmax(axis=1)
    found = suspected_classes(given, said, p[rows, said], p[rows, given], n_classes=k) >= 0
    assert found[wrong].mean() > 0.7  # recall
    assert wrong[found].mean() > 0.7  # precision


def test_it_says_that_each_image_needs_all_of_them() -> None:
    with pytest.raises(ValueError, match="One of each per image"):
        suspected_classes([0], [0, 1], [0.5], [0.5], n_classes=2)
