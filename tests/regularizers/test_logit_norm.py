"""By hand; the length of the logits does not matter, and gets no gradient."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from animal_cls.regularizers.logit_norm import LogitNorm

LOGITS = torch.randn(6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
TARGETS = functional.one_hot(torch.arange(6) % 5, 5).double()


def objective(strength: float, logits: torch.Tensor, *, more: float = 0.0) -> torch.Tensor:
    plain = functional.cross_entropy(logits, TARGETS[: len(logits)])
    return LogitNorm(strength).loss(nn.Identity(), torch.zeros(0), logits, TARGETS[: len(logits)], plain + more)


def test_by_hand() -> None:
    logits = torch.tensor([[3.0, 4.0, 0.0, 0.0, 0.0]], dtype=torch.float64)  # of length 5
    exponentials = torch.tensor([0.6 * 10, 0.8 * 10, 0, 0, 0], dtype=torch.float64).exp()
    torch.testing.assert_close(objective(10.0, logits), -(exponentials[0] / exponentials.sum()).log())


@pytest.mark.parametrize("length", [0.1, 1000.0])
def test_the_length_of_the_logits_does_not_matter(length: float) -> None:
    torch.testing.assert_close(objective(25.0, length * LOGITS), objective(25.0, LOGITS), rtol=1e-5, atol=1e-6)


def test_the_gradient_turns_the_logits_and_does_not_stretch_them() -> None:
    logits = LOGITS.clone().requires_grad_()
    objective(25.0, logits).backward()
    assert logits.grad is not None
    torch.testing.assert_close(
        (logits.grad * LOGITS).sum(dim=1), torch.zeros(6, dtype=torch.float64), atol=1e-6, rtol=0
    )
    assert logits.grad.abs().max() > 1e-3


def test_logits_of_zero_have_a_finite_loss_and_gradient() -> None:
    logits = torch.zeros(2, 5, dtype=torch.float64, requires_grad=True)
    loss = objective(25.0, logits)
    torch.testing.assert_close(loss, torch.tensor(5.0, dtype=torch.float64).log())
    loss.backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_what_other_methods_added_stays() -> None:
    torch.testing.assert_close(objective(25.0, LOGITS, more=4.0), objective(25.0, LOGITS) + 4.0)
