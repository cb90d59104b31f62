"""Against torchvision's binary focal loss, and by hand; the gradient stays finite where the network is sure."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.ops import sigmoid_focal_loss

from animal_cls.regularizers.focal import Focal

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(7, 4, generator=GENERATOR, dtype=torch.float64) * 3
SOFT = torch.rand(7, 4, generator=GENERATOR, dtype=torch.float64).softmax(dim=1)


def objective(gamma: float, logits: torch.Tensor, targets: torch.Tensor, *, more: float = 0.0) -> torch.Tensor:
    plain = functional.cross_entropy(logits, targets)
    return Focal(gamma).loss(nn.Identity(), torch.zeros(0), logits, targets, plain + more)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_of_two_classes_it_is_torchvisions(gamma: float) -> None:
    x = torch.linspace(-4, 4, 9, dtype=torch.float64)
    labels = torch.arange(9) % 2
    expected = sigmoid_focal_loss(x, labels.double(), alpha=-1, gamma=gamma, reduction="mean")
    logits = torch.stack([torch.zeros_like(x), x], dim=1)
    torch.testing.assert_close(objective(gamma, logits, functional.one_hot(labels, 2).double()), expected)


def test_soft_targets_by_hand() -> None:
    p = LOGITS.softmax(dim=1)
    expected = -(SOFT * (1 - p) ** 1.5 * p.log()).sum(dim=1).mean()
    torch.testing.assert_close(objective(1.5, LOGITS, SOFT), expected)


def test_what_other_methods_added_stays() -> None:
    torch.testing.assert_close(objective(2.0, LOGITS, SOFT, more=5.0), objective(2.0, LOGITS, SOFT) + 5.0)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_the_gradient_is_finite_where_the_network_is_quite_sure(gamma: float) -> None:
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)  # right, and wrong
    objective(gamma, logits, torch.tensor([[1.0, 0.0], [1.0, 0.0]])).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    torch.testing.assert_close(logits.grad[0], torch.zeros(2))
    torch.testing.assert_close(logits.grad[1], torch.tensor([-0.5, 0.5]))
