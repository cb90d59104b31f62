"""The range test against hand mathematics (gradient descent on a parabola) and a plain loop of torch."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.models import normalization_of
from animal_cls.training import build
from animal_cls.training.range_test import range_test
from animal_cls.training.rate_curve import Curve, rates_between, suggestion

Configure = Callable[..., Config]
SHARPNESS = 10.0  # second derivative of the parabola


def parabola(rates: list[float]) -> Curve:
    """Gradient descent on SHARPNESS w^2 / 2 from w = 1: each step multiplies w by 1 - rate * SHARPNESS."""
    w, losses = 1.0, []
    for rate in rates:
        losses.append(SHARPNESS * w**2 / 2)
        w *= 1 - rate * SHARPNESS
    return Curve(rates=tuple(rates), losses=tuple(losses), ended="the range")


def test_rates_grow_by_one_factor_from_end_to_end() -> None:
    rates = rates_between(1e-4, 1.0, 5)
    assert rates == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])


def test_the_steepest_fall_and_the_lowest_loss_of_a_parabola() -> None:
    """With s steps per factor of e, w = exp(-SHARPNESS s rate) as long as rates are small, so that the loss falls
    fastest where rate = 1 / (2 SHARPNESS s); a step makes w smaller as long as rate < 2 / SHARPNESS.
    """
    rates = rates_between(1e-5, 1.0, 400)
    s = 399 / math.log(1e5)
    found = suggestion(curve := parabola(rates))
    window = (rates[1] / rates[0]) ** curve.half  # within which a mean over neighbours cannot tell
    assert 1 / window < found.steepest * 2 * SHARPNESS * s < window
    assert 1 / window < found.lowest * SHARPNESS / 2 < window
    assert not found.is_open


def test_a_loss_that_falls_to_the_end_is_open() -> None:
    assert suggestion(parabola(rates_between(1e-4, 5e-3, 60))).is_open


def test_a_loss_that_never_falls_is_refused() -> None:
    rates = rates_between(1e-3, 1.0, 50)
    growing = Curve(rates=tuple(rates), losses=tuple(1 + rate for rate in rates), ended="the range")
    noise = [2.3 + 0.05 * math.sin(7.3 * k * k) for k in range(50)]
    for curve in (growing, Curve(rates=tuple(rates), losses=tuple(noise), ended="the range")):
        with pytest.raises(UserError, match=r"optimizer\.lr=0\.001\.\.1: the loss falls by no more than its noise"):
            suggestion(curve)


def test_a_loss_that_diverges_at_once_is_refused() -> None:
    with pytest.raises(UserError, match=r"the loss diverged after 3 steps, at 4\. Begin with a smaller rate"):
        suggestion(Curve(rates=(1.0, 2.0, 4.0), losses=(2.0, 3.0, 9.0), ended="diverged"))


ALL = ("optimizer=sgd", "data.batch_size=64", "data.augment=none", "trainer.precision=32-true")


def test_the_losses_are_those_of_a_plain_loop(configure: Configure) -> None:
    """All images in one batch: then their order says nothing, and an epoch is a step."""
    rates = rates_between(1e-3, 0.1, 12)
    config = configure(*ALL)
    curve = range_test(config, rates)
    assert curve.rates == tuple(rates)
    assert curve.ended == "the range"
    assert curve.losses == pytest.approx(plain_losses(config, rates), rel=2e-4)
    assert curve.losses[-1] < curve.losses[0]


def plain_losses(config: Config, rates: list[float]) -> list[float]:
    data = build.images(config)
    data.prepare_data()
    batch = next(iter(data.in_order("train")))
    network = build.parts(config, num_classes=3).network.train()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in normalization_of(network))
    optimizer = torch.optim.SGD(network.parameters(), momentum=config.optimizer["momentum"])
    losses = []
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        loss = functional.cross_entropy(network((batch.images / 255 - mean) / std), batch.labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_the_same_seed_gives_the_same_curve_and_nothing_is_left(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config, rates = configure("reg=[mixup,sam,early_stopping]", "trainer.max_epochs=20"), rates_between(1e-4, 1e-2, 7)
    first, again = range_test(config, rates), range_test(config, rates)
    assert len(first.losses) == 7
    assert first.losses == again.losses
    assert list(tmp_path.iterdir()) == []


def test_a_rate_that_is_far_too_large_ends_the_test_and_no_more(configure: Configure) -> None:
    curve = range_test(configure(*ALL), rates_between(1e-2, 1e12, 40))
    assert curve.ended == "diverged"
    assert 1 <= len(curve.losses) < 40
    assert all(map(math.isfinite, curve.losses))


def test_groups_keep_the_ratios_of_their_rates(configure: Configure) -> None:
    """By layer decay the head has the whole rate, and the layers before it fractions: at a decay of 1 all are alike."""
    rates = rates_between(1e-3, 0.1, 6)
    whole = range_test(configure(*ALL), rates)
    decayed = range_test(configure(*ALL, "reg=layer_decay"), rates)
    assert decayed.losses[0] == whole.losses[0]
    assert decayed.losses[-1] != whole.losses[-1]
