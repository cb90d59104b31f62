"""The mean of two views by hand."""

import pytest
import torch
from torch import Tensor, nn

from animal_cls.regularizers.tta import TTA


def left_half(images: Tensor) -> Tensor:
    """Logits (N, 2) that follow the brightness of the left half alone."""
    bright = images[..., : images.shape[-1] // 2].mean(dim=(1, 2, 3)) / 255
    return torch.stack([bright, -bright], dim=1)


@pytest.mark.parametrize("weight", [1.0, 0.25])
def test_probabilities_are_averaged_with_those_of_the_mirror_image(weight: float) -> None:
    images = torch.rand(5, 3, 4, 6, generator=torch.Generator().manual_seed(0)) * 255
    own, mirrored = left_half(images).softmax(1), left_half(images.flip(-1)).softmax(1)
    found = TTA(weight).predict(left_half)(images)
    torch.testing.assert_close(found.exp(), (own + weight * mirrored) / (1 + weight))
    torch.testing.assert_close(found.exp().sum(dim=1), torch.ones(5))


def test_of_equal_weight_an_image_and_its_mirror_get_the_same() -> None:
    images = torch.rand(3, 3, 4, 4) * 255
    forward = TTA(1.0).predict(left_half)
    torch.testing.assert_close(forward(images), forward(images.flip(-1)))


def test_training_is_not_changed() -> None:
    network, images, targets = nn.Linear(1, 1), torch.rand(2, 3, 4, 4), torch.eye(2)
    method = TTA(1.0)
    assert method.network(network) is network
    assert method.batch(images, targets, torch.zeros(2, 0)) == (images, targets)


def test_a_weight_above_that_of_the_image_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^reg\.tta=1\.5: a weight of at most 1 is needed, that of the image itself\.$"
    ):
        TTA(1.5)
