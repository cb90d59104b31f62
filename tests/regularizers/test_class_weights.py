"""Against torch's weighted cross-entropy and the paper's formula by hand."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from animal_cls.regularizers import Method, NoEffect
from animal_cls.regularizers.balanced_sampler import BalancedSampler
from animal_cls.regularizers.class_weights import ClassWeights

LABELS = np.repeat([0, 1, 2], [10, 40, 50])
IMAGES = torch.zeros(4, 3, 2, 2)


def told(method: ClassWeights) -> ClassWeights:
    order = np.arange(100)[::-1]
    assert method.draw(order, LABELS[order], np.zeros((100, 0))) is order
    return method


def test_one_lets_all_classes_count_alike_and_keeps_the_scale() -> None:
    weights = told(ClassWeights(1.0)).per_class(3)
    np.testing.assert_allclose(weights * [10, 40, 50], [100 / 3] * 3)


def test_an_exponent_by_hand() -> None:
    weights = told(ClassWeights(0.5)).per_class(3)
    assert weights[0] / weights[1] == pytest.approx(2.0)  # sqrt(40 / 10)
    assert (weights[LABELS]).mean() == pytest.approx(1.0)


def test_the_effective_number_is_the_papers() -> None:
    weights = told(ClassWeights(1.0, beta=0.9)).per_class(3)
    papers = [(1 - 0.9) / (1 - 0.9**n) for n in (10, 40, 50)]  # equation 10
    np.testing.assert_allclose(weights / weights[0], np.array(papers) / papers[0])
    assert weights[LABELS].mean() == pytest.approx(1.0)


def test_a_beta_near_one_is_the_numbers_themselves() -> None:
    near, exact = (told(ClassWeights(1.0, beta=beta)).per_class(3) for beta in (1 - 1e-7, 1.0))
    np.testing.assert_allclose(near, exact, rtol=1e-4)


def test_the_loss_is_torchs_with_these_weights() -> None:
    method = told(ClassWeights(1.0))
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    soft = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [0.5, 0, 0.5]])
    images, targets = method.batch(IMAGES, soft, torch.zeros(4, 0))
    assert images is IMAGES
    weight = torch.from_numpy(method.per_class(3)).float()
    expected = functional.cross_entropy(logits, soft, weight=weight)
    torch.testing.assert_close(functional.cross_entropy(logits, targets), expected)


def test_a_class_without_images_and_classes_of_one_size() -> None:
    method = ClassWeights(1.0)
    method.draw(np.arange(4), np.array([0, 0, 2, 2]), np.zeros((4, 0)))
    np.testing.assert_allclose(method.per_class(5), np.ones(5))


@pytest.mark.parametrize("beta", [0, 1.5])
def test_a_beta_out_of_range_is_refused(beta: float) -> None:
    with pytest.raises(ValueError, match=rf"^reg\.class_weights\.beta={beta}: a number in \(0, 1\] is needed"):
        ClassWeights(1.0, beta=beta)


@pytest.mark.parametrize("kind", [ClassWeights, BalancedSampler])
def test_classes_of_one_size_have_no_effect(kind: type[Method]) -> None:
    method = kind(1.0)
    assert isinstance(method.network(nn.Identity()), nn.Identity), "not told the sizes"
    method.class_counts = [5, 6]
    assert isinstance(method.network(nn.Identity()), nn.Identity)
    method.class_counts = [5, 5, 5]
    with pytest.raises(NoEffect, match=r"^all classes have the same number of training images \(5\)$"):
        method.network(nn.Identity())
