"""Blends of chains by hand, ranges against torchvision's AugMix, and the distribution of what is drawn."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.distance import jensenshannon
from torch import nn
from torchvision.transforms.v2 import AugMix as Theirs

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.augmix import RANGES, AugMix, divergence
from animal_cls.regularizers.trivialaugment import OPERATIONS, operated

N = 4000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)
IMAGES = torch.randint(20, 230, (4, 3, 40, 50), generator=torch.Generator().manual_seed(0)).float()
THEIRS = Theirs()  # interpolates bilinearly


def sampled(method: AugMix, keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


@pytest.mark.parametrize("step", [1, 2, 9])
@pytest.mark.parametrize("name", OPERATIONS[1:-3])  # those with a level, but for solarize
def test_an_operation_goes_as_far_as_torchvisions(name: str, step: int) -> None:
    key = next(key for key in THEIRS._AUGMENTATION_SPACE if key.lower() == name.replace("_", ""))
    amounts = THEIRS._AUGMENTATION_SPACE[key][0](10, 40, 50)
    assert amounts is not None
    amount = float(amounts[step])
    found = operated(IMAGES, torch.full((4,), OPERATIONS.index(name)), torch.full((4,), step / 9), RANGES)
    inputs, scale = (IMAGES.to(torch.uint8), 1) if name == "posterize" else (IMAGES / 255, 255)
    expected: Any = THEIRS._apply_image_or_video_transform(inputs, key, amount, THEIRS.interpolation, {})
    torch.testing.assert_close(found, scale * expected.float(), atol=0.05, rtol=0)


def test_chains_are_blended_by_hand() -> None:
    rotate, solarize, shear = (OPERATIONS.index(name) for name in ("rotate", "solarize", "shear_x"))
    drawn = torch.tensor([[0.3, rotate, solarize, 0, 0.2, 0.1, 0.5], [0.2, shear, 0, 0, -0.2, 0, 0]])
    found, _ = AugMix(3.0, width=2).batch(IMAGES, torch.eye(2), drawn.expand(4, 1, -1, -1))

    def once(images: torch.Tensor, number: int, level: float) -> torch.Tensor:
        return operated(images, torch.full((4,), number), torch.full((4,), level), RANGES)

    first = once(once(IMAGES, rotate, 0.2), solarize, 0.1)
    expected = 0.5 * IMAGES + 0.3 * first + 0.2 * once(IMAGES, shear, -0.2)
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)
    assert found.is_contiguous(memory_format=torch.channels_last)


def test_weights_are_those_of_a_dirichlet_distribution_shared_with_the_image() -> None:
    weights = sampled(AugMix(3.0))[:, 0, :, 0].double().numpy()
    share = weights.sum(axis=1)
    assert stats.kstest(share, stats.uniform.cdf).pvalue > 1e-3
    for k in range(3):  # one of three of Dirichlet(1, 1, 1) is Beta(1, 2)
        assert stats.kstest(weights[:, k] / share, stats.beta(1, 2).cdf).pvalue > 1e-3


def test_depths_operations_and_levels_are_uniform() -> None:
    numbers, levels = sampled(AugMix(3.0))[:, 0, :, 1:].double().unflatten(2, (2, 3)).unbind(dim=2)
    depth = (numbers > 0).sum(dim=2).flatten().numpy()
    assert stats.chisquare(np.unique(depth, return_counts=True)[1]).pvalue > 1e-3
    assert set(depth) == {1, 2, 3}
    values, counts = np.unique(numbers[numbers > 0].numpy(), return_counts=True)
    np.testing.assert_array_equal(values, np.arange(1, 14))
    assert stats.chisquare(counts).pvalue > 1e-3
    steps, counts = np.unique((levels.abs() * 9).numpy().round(4), return_counts=True)
    np.testing.assert_array_equal(steps, [0, 1, 2])
    assert stats.chisquare(counts).pvalue > 1e-3


def test_an_image_is_changed_alike_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    method, images = AugMix(3.0), torch.rand(40, 3, 16, 20, generator=torch.Generator().manual_seed(0)) * 255
    before = images.clone()
    whole, _ = method.batch(images, torch.eye(2), sampled(method, KEYS[:40]))
    some = np.random.default_rng(1).permutation(40)[:13]
    part, _ = method.batch(images[some], torch.eye(2), sampled(method, KEYS[some]))
    close = ((part - whole[some]).abs() < 1e-2).double().mean()  # rounding can carry a value over a step
    assert close > 0.999
    assert torch.equal(images, before)
    assert -1e-2 < whole.min() <= whole.max() < 255 + 1e-2
    assert (sampled(method, epoch=1) != sampled(method)).flatten(1).any(dim=1).all()


def test_numbers_out_of_range_are_refused() -> None:
    for severity in (0.5, 11):
        with pytest.raises(ValueError, match=rf"^reg\.augmix={severity}: a severity from 1 to 10 is needed\.$"):
            AugMix(severity)
    with pytest.raises(ValueError, match=r"^reg\.augmix\.width=5: a number of chains from 1 to 4 is needed\.$"):
        AugMix(3, width=5)
    with pytest.raises(ValueError, match=r"^reg\.augmix\.jsd=-1: a coefficient from 0 is needed\.$"):
        AugMix(3, jsd=-1)


def test_the_divergence_of_two_is_scipys() -> None:
    p, q = torch.randn(5, 4, dtype=torch.double), torch.randn(5, 4, dtype=torch.double)
    expected = [jensenshannon(a, b) ** 2 for a, b in zip(p.softmax(1).numpy(), q.softmax(1).numpy(), strict=True)]
    assert divergence([p, q]).item() == pytest.approx(np.mean(expected), rel=1e-5)
    assert divergence([p, p, p]).item() == pytest.approx(0, abs=1e-6)


def test_with_jsd_the_image_stays_and_the_network_is_to_say_the_same_of_two_blends() -> None:
    method, network = AugMix(3.0, jsd=12), nn.Sequential(nn.AvgPool2d(20), nn.Flatten(), nn.Linear(12, 3))
    method.normalize = lambda images: images / 255
    drawn = sampled(method, KEYS[:4])
    images, _ = method.batch(IMAGES, torch.eye(3), drawn)
    assert images is IMAGES
    first, second = (AugMix(3.0).batch(IMAGES, torch.eye(3), drawn[:, [k]])[0] for k in range(2))
    assert not torch.allclose(first, second)
    logits = [network(view / 255) for view in (IMAGES, first, second)]
    objective = method.loss(network, IMAGES / 255, logits[0], torch.eye(3), torch.tensor(0.7))
    assert objective.item() == pytest.approx(0.7 + 12 * divergence(logits).item(), rel=1e-5)
