"""One step: the optimizers, dropout and the two passes of sharpness-aware minimisation, against algebra."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from animal_cls.data.batch import Batch
from animal_cls.regularizers.sam import SAM
from animal_cls.rng import step_seed
from animal_cls.training.classifier import Classifier
from tests.training.small_training import AS_IN_A_RUN, DEVIATION, MEAN, batch_of, classifier, fit, linear


def gradients(module: Classifier, batch: Batch) -> list[Tensor]:
    """Of the plain cross-entropy, by the closed form: softmax minus target, times the inputs."""
    x = (
        (batch.images.double() / 255 - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(DEVIATION).view(1, 3, 1, 1)
    ).flatten(1)
    weight, bias = (parameter.detach().double() for parameter in module.network.parameters())
    error = (x @ weight.T + bias).softmax(dim=1) - functional.one_hot(batch.labels, 3)
    return [error.T @ x / len(x), error.mean(dim=0)]


def steps(
    optimizer: Callable[..., Any], folder: Path, *, n: int
) -> tuple[list[Tensor], list[list[Tensor]], list[Tensor]]:
    """The parameters before, the gradients at each of `n` steps (at the parameters that torch had), those after."""
    module = classifier(optimizer=optimizer)
    before = [parameter.detach().double().clone() for parameter in module.network.parameters()]
    batches = [batch_of([0, 1, 2, 2], seed=k) for k in range(n)]
    seen: list[list[Tensor]] = []

    class Watching(Classifier):
        def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
            super().on_train_batch_start(batch, batch_idx)
            seen.append(gradients(self, batch))

    module.__class__ = Watching
    fit(module, batches, batches[:1], folder)
    return before, seen, [parameter.detach().double() for parameter in module.network.parameters()]


@AS_IN_A_RUN
def test_adams_weight_decay_is_a_term_of_the_gradient(tmp_path: Path) -> None:
    """Adam (https://arxiv.org/abs/1412.6980, algorithm 1) on gradient + weight_decay * weight, for three steps."""
    lr, decay, beta1, beta2, eps = 0.01, 0.1, 0.9, 0.999, 1e-8
    optimizer = partial(torch.optim.Adam, lr=lr, weight_decay=decay)
    before, seen, after = steps(optimizer, tmp_path, n=3)
    for k, (weight, expected) in enumerate(zip(before, after, strict=True)):
        m, v = torch.zeros_like(weight), torch.zeros_like(weight)
        for t, step in enumerate(seen, start=1):
            g = step[k] + decay * weight
            m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
            weight = weight - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps)
        torch.testing.assert_close(expected, weight, atol=1e-6, rtol=0)


@AS_IN_A_RUN
def test_sgds_weight_decay_is_a_term_of_the_gradient(tmp_path: Path) -> None:
    lr, decay, momentum = 0.05, 0.2, 0.9
    optimizer = partial(torch.optim.SGD, lr=lr, weight_decay=decay, momentum=momentum)
    before, seen, after = steps(optimizer, tmp_path, n=3)
    for k, (weight, expected) in enumerate(zip(before, after, strict=True)):
        velocity = torch.zeros_like(weight)
        for step in seen:
            velocity = momentum * velocity + step[k] + decay * weight
            weight = weight - lr * velocity
        torch.testing.assert_close(expected, weight, atol=1e-6, rtol=0)


@AS_IN_A_RUN
def test_adamws_weight_decay_is_decoupled(tmp_path: Path) -> None:
    """Weights shrink by lr * weight_decay, whatever the gradient (https://arxiv.org/abs/1711.05101, algorithm 2)."""
    lr, decay, eps = 0.01, 0.5, 1e-8
    before, (gradient,), after = steps(partial(torch.optim.AdamW, lr=lr, weight_decay=decay), tmp_path, n=1)
    for weight, g, expected in zip(before, gradient, after, strict=True):
        by_hand = (1 - lr * decay) * weight - lr * g / (g.abs() + eps)  # the first step: m / sqrt(v) is the sign
        torch.testing.assert_close(expected, by_hand, atol=1e-6, rtol=0)


class DropOnes(nn.Module):
    """Keeps the masks that its dropout drew."""

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.last, self.masks = nn.Dropout(0.5), nn.Linear(12, 3), []

    def forward(self, images: Tensor) -> Tensor:
        x = self.drop(torch.ones(len(images), 12))
        if self.training:
            self.masks.append((x != 0).tolist())
        return self.last(x)


def masks(folder: Path, *, seed: int, disturbance: int = 0, epochs: int = 2) -> list[list[list[bool]]]:
    torch.manual_seed(disturbance)
    network = DropOnes()
    module = classifier(network, seed=seed)
    torch.rand(disturbance)
    fit(module, [batch_of([0, 1, 2], seed=k) for k in range(2)], [batch_of([0])], folder, epochs=epochs)
    return network.masks


@AS_IN_A_RUN
def test_dropout_masks_are_a_function_of_seed_and_step(tmp_path: Path) -> None:
    drawn = masks(tmp_path, seed=5)
    assert len(drawn) == len({str(mask) for mask in drawn}) == 4  # steps differ, in other epochs too
    assert masks(tmp_path, seed=5, disturbance=17) == drawn
    assert not {str(mask) for mask in masks(tmp_path, seed=6)} & {str(mask) for mask in drawn}
    torch.manual_seed(step_seed(seed=5, step=2))  # so the third mask can be drawn again, from nothing but its place
    assert (nn.functional.dropout(torch.ones(3, 12), 0.5) != 0).tolist() == drawn[2]


@AS_IN_A_RUN
def test_sams_step_by_hand(tmp_path: Path) -> None:
    """The gradient at w + rho * g / |g|, applied at w (https://arxiv.org/abs/2010.01412, equation 2)."""
    batch, rho = batch_of([0, 1, 2, 2]), 0.5
    first = gradients(classifier(), batch)
    norm = torch.stack([(g**2).sum() for g in first]).sum().sqrt()
    climbed = classifier()
    with torch.no_grad():
        for parameter, g in zip(climbed.network.parameters(), first, strict=True):
            parameter.add_(rho * g / norm)
    second = gradients(climbed, batch)
    module = classifier(methods=[SAM(rho)])
    metrics = fit(module, [batch], [batch], tmp_path).callback_metrics
    for after, before, g in zip(module.network.parameters(), linear().parameters(), second, strict=True):
        torch.testing.assert_close(after.double(), before.double() - 0.1 * g, atol=1e-6, rtol=0)
    plain = functional.cross_entropy(classifier()(batch.images), batch.labels)
    assert metrics["train/loss"].item() == pytest.approx(plain.item(), rel=1e-6), "that of the first pass"
    assert not torch.allclose(first[0], second[0], atol=1e-2)  # or the above would not tell it from SGD


@AS_IN_A_RUN
def test_a_step_of_sam_counts_once_for_running_statistics(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    batch = batch_of([0, 1, 2, 2])
    module = classifier(network, methods=[SAM(0.5)])
    with torch.no_grad():
        x = network[1](module.normalize(batch.images).flatten(1))
    fit(module, [batch], [batch], tmp_path)
    norm = network[2]
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    torch.testing.assert_close(norm.running_mean, 0.1 * x.mean(dim=0))
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * x.var(dim=0))
    assert (norm.num_batches_tracked, norm.momentum) == (1, 0.1)


@AS_IN_A_RUN
def test_both_passes_of_a_step_drop_the_same_activations(tmp_path: Path) -> None:
    network = DropOnes()
    batches = [batch_of([0, 1, 2], seed=k) for k in range(2)]
    fit(classifier(network, methods=[SAM(0.5)], seed=5), batches, [batch_of([0])], tmp_path)
    first, again, second, second_again = network.masks
    assert (first, second) == (again, second_again)
    assert [first, second] == masks(tmp_path, seed=5, epochs=1), "and those of a run without it"
