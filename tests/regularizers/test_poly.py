"""By hand, against the series of the paper, and with soft targets."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from animal_cls.regularizers.poly import Poly


def objective(epsilon: float, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return Poly(epsilon).loss(nn.Identity(), torch.zeros(0), logits, targets, functional.cross_entropy(logits, targets))


@pytest.mark.parametrize("epsilon", [0.5, 2.0])
def test_it_is_the_papers_series_with_another_first_coefficient(epsilon: float) -> None:
    p = torch.tensor([0.6, 0.7, 0.9], dtype=torch.float64)
    logits = torch.stack([p, 1 - p], dim=1).log()
    targets = torch.tensor([[1.0, 0.0]], dtype=torch.float64).expand(3, 2)
    series = sum((1 - p) ** j / j for j in range(1, 200))  # of -log p
    torch.testing.assert_close(objective(epsilon, logits, targets), (series + epsilon * (1 - p)).mean())


def test_soft_targets_by_hand() -> None:
    logits = torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64).log()
    targets = torch.tensor([[0.7, 0.0, 0.3]], dtype=torch.float64)
    plain = functional.cross_entropy(logits, targets)
    by_hand = plain + 2 * (1 - 0.7 * 0.5 - 0.3 * 0.2)
    torch.testing.assert_close(objective(2.0, logits, targets), by_hand)


def test_the_weight_of_an_image_is_that_of_its_term_too() -> None:
    logits = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    one = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(objective(1.0, logits, 3 * one), 3 * objective(1.0, logits, one))
