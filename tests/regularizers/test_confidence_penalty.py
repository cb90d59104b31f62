"""Against torch's entropy of a categorical distribution; which predictions are best."""

import torch
from torch import nn
from torch.distributions import Categorical
from torch.nn import functional

from animal_cls.regularizers import build, clashes
from animal_cls.regularizers.confidence_penalty import ConfidencePenalty
from tests.regularizers.test_methods import call

LOGITS = torch.randn(6, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
TARGETS = functional.one_hot(torch.arange(6) % 5, 5).double()


def objective(beta: float, logits: torch.Tensor, loss: torch.Tensor) -> torch.Tensor:
    return ConfidencePenalty(beta).loss(nn.Identity(), torch.zeros(0), logits, TARGETS, loss)


def test_the_mean_entropy_is_taken_away() -> None:
    expected = 2.0 - 0.3 * Categorical(logits=LOGITS).entropy().mean()
    torch.testing.assert_close(objective(0.3, LOGITS, torch.tensor(2.0, dtype=torch.float64)), expected)


def test_the_best_prediction_keeps_a_doubt() -> None:
    """Where -log p - beta H(p) of two classes is lowest, its derivative -1/p + beta log(p / (1 - p)) is 0."""
    logits = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([logits], lr=1.0)
    for _ in range(300):
        optimizer.zero_grad()
        plain = functional.cross_entropy(logits, torch.tensor([0]))
        ConfidencePenalty(0.5).loss(nn.Identity(), torch.zeros(0), logits, TARGETS, plain).backward()
        optimizer.step()
    p = logits.softmax(dim=1)[0, 0].item()
    log_odds = (logits[0, 0] - logits[0, 1]).item()
    assert abs(-1 / p + 0.5 * log_odds) < 1e-2
    assert 0.8 < p < 0.95


def test_the_gradient_is_finite_where_the_network_is_quite_sure() -> None:
    logits = torch.tensor([[300.0, 0.0]], requires_grad=True)
    objective(1.0, logits, torch.tensor(0.0)).backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad, torch.zeros(1, 2))


def test_with_label_smoothing_there_is_one_warning() -> None:
    assert len(clashes(build([call("confidence_penalty"), call("label_smoothing")]))) == 1
