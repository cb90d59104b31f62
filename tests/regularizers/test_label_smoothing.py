"""Label smoothing equals torch's own."""

import re

import pytest
import torch
from torch.nn import functional

from animal_cls.regularizers.label_smoothing import LabelSmoothing


@pytest.mark.parametrize("strength", [0.05, 0.1, 0.5, 0.99])
@pytest.mark.parametrize("k", [2, 10])
def test_the_loss_equals_torchs(strength: float, k: int) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(50, k, generator=generator, dtype=torch.float64) * 4
    labels = torch.randint(0, k, (50,), generator=generator)
    images = torch.rand(50, 3, 4, 4)
    hard = functional.one_hot(labels, k).double()
    same, targets = LabelSmoothing(strength).batch(images, hard, torch.zeros(50, 0))
    assert same is images
    expected = functional.cross_entropy(logits, labels, label_smoothing=strength)
    torch.testing.assert_close(functional.cross_entropy(logits, targets), expected)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(50, dtype=torch.float64))


def test_mixed_targets_are_smoothed_as_their_parts() -> None:
    """It is linear, so that it can follow a method that mixes images."""
    one, other = torch.eye(3)[:2]
    images, sampled = torch.zeros(1, 3, 2, 2), torch.zeros(1, 0)

    def smooth(target: torch.Tensor) -> torch.Tensor:
        return LabelSmoothing(0.3).batch(images, target[None], sampled)[1]

    torch.testing.assert_close(smooth(0.25 * one + 0.75 * other), 0.25 * smooth(one) + 0.75 * smooth(other))


@pytest.mark.parametrize("strength", [1, 1.0, 2.5])
def test_a_share_of_all_or_more_is_refused(strength: float) -> None:
    message = f"reg.label_smoothing={strength}: a share in [0, 1) is needed."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        LabelSmoothing(strength)
