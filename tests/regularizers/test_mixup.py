"""Shares against scipy's Beta distribution, blends by hand."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.cutmix import CutMix
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


def test_after_its_last_epoch_no_image_is_mixed() -> None:
    method, images = Mixup(1.0, off_epoch=3), torch.rand(2, 3, 4, 4)
    for epoch in range(5):
        method.epoch = epoch
        mixed, _ = method.batch(images, torch.eye(2), torch.tensor([0.5, 0.5]))
        assert torch.equal(mixed, images) == (epoch >= 3)


@pytest.mark.parametrize("off", [-1, 2.5])
def test_an_epoch_that_is_none_is_refused(off: float) -> None:
    with pytest.raises(
        ValueError, match=rf"^reg\.mixup\.off_epoch={off}: a whole number of epochs is needed; 0: never"
    ):
        Mixup(0.2, off_epoch=off)  # type: ignore[arg-type]


# In turn with cutmix.


def turns(switch: float, epoch: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images (6, 3, 8, 8) of one grey each, changed by both, with targets; and which are still of one grey, (6,)."""
    cutmix, mixup = CutMix(1.0, p=1.0, switch=switch), Mixup(1.0)
    mixup.meet([cutmix])
    images = torch.arange(6.0).mul(40).view(6, 1, 1, 1).expand(6, 3, 8, 8).contiguous()
    targets = torch.eye(6)
    for method in (cutmix, mixup):
        uniforms = rng.uniform(KEYS[:6], seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method))
        images, targets = method.batch(images, targets, method.sample(uniforms))
    return images, targets, torch.tensor([image.unique().numel() == 1 for image in images])


def test_a_batch_is_changed_by_one_of_the_two_alone() -> None:
    found = {bool(single.all()) for epoch in range(40) for _, _, single in [turns(0.5, epoch)]}
    assert found == {True, False}, "in turns: greys are blended to greys, or boxes pasted"
    for epoch in range(40):
        images, targets, single = turns(0.5, epoch)
        levels = [image.flatten().unique().numel() for image in images]
        assert max(levels) <= 2, "a pasted box that is blended besides has more levels"
        torch.testing.assert_close(targets.sum(dim=1), torch.ones(6))
        assert ((targets > 0).sum(dim=1) <= 2).all()
        if single.all():
            assert (targets.max(dim=1).values < 1).any()


def test_the_switch_is_cutmixs_share_of_the_batches() -> None:
    cut = [not bool(turns(0.25, epoch)[2].all()) for epoch in range(400)]
    assert abs(np.mean(cut) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / 400)
