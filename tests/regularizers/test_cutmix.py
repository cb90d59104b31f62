"""Boxes against scipy's Beta distribution, pasting against timm and by hand."""

import numpy as np
import pytest
import torch
from scipy import stats
from timm.data.mixup import rand_bbox

from animal_cls import rng
from animal_cls.regularizers import stream_of
from animal_cls.regularizers.cutmix import CutMix

N = 10_000
KEYS = np.random.default_rng(0).integers(0, 2**64, size=N, dtype=np.uint64)


def boxes(method: CutMix, keys: np.ndarray = KEYS, *, epoch: int = 0) -> torch.Tensor:
    return method.sample(rng.uniform(keys, seed=0, epoch=epoch, draws=method.draws, stream=stream_of(method)))


@pytest.mark.parametrize("alpha", [0.5, 1.0, 4.0])
def test_areas_follow_the_beta_distribution_and_centres_are_uniform(alpha: float) -> None:
    row, column, side, _ = boxes(CutMix(alpha, p=1.0)).double().numpy().T
    assert stats.kstest(1 - side**2, stats.beta(alpha, alpha).cdf).pvalue > 1e-3
    assert stats.kstest(row, stats.uniform.cdf).pvalue > 1e-3
    assert stats.kstest(column, stats.uniform.cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef([row, column, side]) - np.eye(3)).max() < 5 / np.sqrt(N)


def test_p_is_how_many_are_mixed_and_says_nothing_about_the_box() -> None:
    some, every = boxes(CutMix(1.0, p=0.3)), boxes(CutMix(1.0, p=1.0))
    mixed = some[:, 2] > 0
    assert abs(mixed.double().mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / N)
    assert torch.equal(some[mixed], every[mixed])


def test_boxes_have_the_mean_area_of_timms() -> None:
    np.random.seed(0)  # timm draws from it
    theirs = []
    n = 2000
    for _ in range(n):
        y0, y1, x0, x1 = rand_bbox((1, 3, 32, 32), np.random.beta(1, 1))
        theirs.append((y1 - y0) * (x1 - x0) / 32**2)
    _, soft = CutMix(1.0, p=1.0).batch(torch.zeros(n, 3, 32, 32), _pairs(n), boxes(CutMix(1.0, p=1.0))[:n])
    ours = 1 - soft[torch.arange(n), _pairs(n).argmax(dim=1)].numpy()
    assert ours.mean() == pytest.approx(np.mean(theirs), abs=4 * np.std(theirs) * np.sqrt(2 / n) + 0.01)
    assert ours.std() == pytest.approx(np.std(theirs), abs=0.03)


def _pairs(n: int) -> torch.Tensor:
    """Targets that change from one image to the next."""
    return torch.eye(2).repeat(n // 2, 1)


def test_pasting_by_hand() -> None:
    images = torch.tensor([10.0, 20.0, 30.0]).view(3, 1, 1, 1).expand(3, 3, 8, 8).contiguous()
    drawn = torch.tensor([[0.5, 0.5, 0.5], [0.5, 0.5, 0.0], [0.0, 1.0, 0.5]])
    mixed, soft = CutMix(1.0).batch(images, torch.eye(3), drawn)
    expected = images.clone()
    expected[0, :, 2:6, 2:6] = 20  # of the next one
    expected[2, :, :2, 6:] = 10  # the last one's is the first; three quarters of the box lie outside
    assert torch.equal(mixed, expected)
    torch.testing.assert_close(soft, torch.tensor([[0.75, 0.25, 0], [0, 1, 0], [1 / 16, 0, 15 / 16]]))
    assert mixed.is_contiguous(memory_format=torch.channels_last)


def test_targets_are_the_shares_of_the_pixels() -> None:
    n = 50
    images = torch.arange(float(n)).view(n, 1, 1, 1).expand(n, 3, 16, 20)
    mixed, soft = CutMix(1.0).batch(images, torch.eye(n), boxes(CutMix(1.0), KEYS[:n]))
    counted = torch.stack([(mixed[:, 0] == k).double().mean(dim=(1, 2)) for k in range(n)], dim=1)
    torch.testing.assert_close(soft.double(), counted, atol=1e-6, rtol=0)


def test_an_image_has_its_box_whatever_the_others_are_and_anew_in_each_epoch() -> None:
    some = np.random.default_rng(1).permutation(N)[:100]
    assert torch.equal(boxes(CutMix(1.0), KEYS[some]), boxes(CutMix(1.0))[some])
    assert (boxes(CutMix(1.0), epoch=1) != boxes(CutMix(1.0))).any(dim=1).all()


def test_labels_of_mixed_images_are_no_longer_sure() -> None:
    assert CutMix.mixes_images


@pytest.mark.parametrize("p", [0, 1.5])
def test_p_out_of_range_is_refused(p: float) -> None:
    with pytest.raises(ValueError, match=rf"^reg\.cutmix\.p={p}: a probability in \(0, 1\] is needed\.$"):
        CutMix(1.0, p=p)
