"""Shares against scipy's Beta distribution, blends by hand."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.mixup import Mixup

N = 20_000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)


def shares(method: Mixup, keys: np.ndarray = KEYS, *, epoch: int = 0) -> np.ndarray:
    uniforms = rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method))
    return method.sample(uniforms).numpy()


@pytest.mark.parametrize("alpha", [0.1, 0.2, 1.0, 4.0])
def test_the_shares_follow_the_beta_distribution(alpha: float) -> None:
    found = shares(Mixup(alpha))
    assert found.dtype == np.float32
    # As float32 many shares of a small alpha are exactly 1; within the middle the distribution is continuous.
    inner = found[(found > 0.01) & (found < 0.99)].astype(float)
    beta = stats.beta(alpha, alpha)
    low, high = beta.cdf(0.01), beta.cdf(0.99)
    assert stats.kstest(inner, lambda x: (beta.cdf(x) - low) / (high - low)).pvalue > 1e-3
    expected = high - low
    assert abs(len(inner) / N - expected) < 4 * np.sqrt(expected * (1 - expected) / N) + 1e-9


@pytest.mark.parametrize("p", [0.25, 0.5, 1.0])
def test_p_is_how_many_are_mixed(p: float) -> None:
    mixed = shares(Mixup(4.0, p=p)) != 1
    assert abs(mixed.mean() - p) <= 4 * np.sqrt(p * (1 - p) / N)


def test_whether_an_image_is_mixed_says_nothing_about_its_share() -> None:
    part, whole = shares(Mixup(4.0, p=0.5)), shares(Mixup(4.0))
    mixed = part != 1
    np.testing.assert_array_equal(part[mixed], whole[mixed])
    assert stats.kstest(whole[mixed].astype(float), stats.beta(4, 4).cdf).pvalue > 1e-3


def test_a_blend_by_hand() -> None:
    images = torch.tensor([0.0, 100.0, 200.0]).view(3, 1, 1, 1).expand(3, 3, 2, 2)
    targets = torch.eye(3, dtype=torch.float32)
    mixed, soft = Mixup(1.0).batch(images, targets, torch.tensor([0.75, 1.0, 0.4]))
    by_hand = [0.75 * 0 + 0.25 * 100, 100, 0.4 * 200 + 0.6 * 0]  # with the next one, the last with the first
    torch.testing.assert_close(mixed, torch.tensor(by_hand).view(3, 1, 1, 1).expand(3, 3, 2, 2))
    torch.testing.assert_close(soft, torch.tensor([[0.75, 0.25, 0.0], [0.0, 1.0, 0.0], [0.6, 0.0, 0.4]]))


def test_targets_stay_probabilities_and_images_in_their_range() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(40, 3, 4, 4, generator=generator) * 255
    targets = functional.one_hot(torch.randint(0, 5, (40,), generator=generator), 5).float()
    method = Mixup(1.0)
    mixed, soft = method.batch(images, targets, torch.from_numpy(shares(method, KEYS[:40])))
    torch.testing.assert_close(soft.sum(dim=1), torch.ones(40))
    assert soft.min() >= 0
    assert mixed.min() >= 0
    assert mixed.max() <= 255
    assert mixed.shape == images.shape


def test_an_image_has_its_share_whatever_the_others_are() -> None:
    method = Mixup(0.4, p=0.7)
    some = np.random.default_rng(1).permutation(N)[:100]
    np.testing.assert_array_equal(shares(method, KEYS[some]), shares(method)[some])
    assert (shares(method, epoch=1) != shares(method, epoch=0)).mean() > 0.5


def test_labels_of_mixed_images_are_no_longer_sure() -> None:
    assert Mixup.mixes_images, "the learning curve counts train accuracy on the heavier label"


@pytest.mark.parametrize("p", [0, -0.1, 1.5])
def test_p_out_of_range_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=rf"^reg\.mixup\.p={p}: a probability in \(0, 1\] is needed\.$"):
        Mixup(0.2, p=p)
