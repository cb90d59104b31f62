"""The average by hand over a few steps, its half-life, and its way through a checkpoint."""

import io

import pytest
import torch
from torch import nn

from animal_cls.regularizers.ema import EMA


def network(value: float) -> nn.Linear:
    made = nn.Linear(1, 1, bias=False)
    nn.init.constant_(made.weight, value)
    return made


def average(method: EMA) -> float:
    evaluated = method.evaluated(nn.Identity())
    assert evaluated is not None
    return evaluated["weight"].item()


def followed(method: EMA, values: list[float]) -> list[float]:
    """The averages after steps that left these weights."""
    made, found = network(0), []
    for value in values:
        nn.init.constant_(made.weight, value)
        method.weights(made)
        found.append(average(method))
    return found


def test_before_the_first_step_the_networks_own_weights_are_evaluated() -> None:
    assert EMA(1.0).evaluated(network(1)) is None


def test_the_first_steps_by_hand() -> None:
    """With a long half-life the warm-up rule holds: d = (1 + t) / (10 + t) at step t, 3 / 12 at the second."""
    method = EMA(1000.0)
    method.steps_per_epoch = 1000
    one, two, three = followed(method, [8.0, 4.0, 2.0])
    assert one == 8.0
    assert two == pytest.approx(3 / 12 * 8 + 9 / 12 * 4)
    assert three == pytest.approx(4 / 13 * two + 9 / 13 * 2)


def test_a_short_half_life_holds_from_the_first_step() -> None:
    method = EMA(0.5)
    method.steps_per_epoch = 1
    assert followed(method, [8.0, 4.0, 2.0]) == pytest.approx([8.0, 5.0, 2.75])  # d = 1/4, twice its half-life a step


@pytest.mark.parametrize(("strength", "steps_per_epoch"), [(1.0, 50), (3.0, 20), (0.5, 100)])
def test_after_its_half_life_half_of_an_old_weight_is_left(strength: float, steps_per_epoch: int) -> None:
    method = EMA(strength)
    method.steps_per_epoch = steps_per_epoch
    method.steps = 10_000  # the warm-up is over
    made = network(1.0)
    method.weights(made)
    nn.init.zeros_(made.weight)
    for _ in range(round(strength * steps_per_epoch)):
        method.weights(made)
    assert average(method) == pytest.approx(0.5, rel=1e-4)


def test_running_statistics_are_averaged_and_counters_taken_over() -> None:
    made, method = nn.BatchNorm1d(2).train(), EMA(1000.0)
    method.steps_per_epoch = 1000
    seen = []
    for scale in (1.0, 2.0):
        made(torch.tensor([[0.0, 1.0], [2.0, 3.0]]) * scale)
        method.weights(made)
        seen.append(made.running_mean.clone())  # type: ignore[union-attr]
    evaluated = method.evaluated(made)
    assert evaluated is not None
    torch.testing.assert_close(evaluated["running_mean"], 0.25 * seen[0] + 0.75 * seen[1])
    assert evaluated["num_batches_tracked"] == 2
    assert set(evaluated) == set(made.state_dict())


def test_the_network_itself_goes_on_untouched() -> None:
    made, method = network(1.0), EMA(1.0)
    method.weights(made)
    nn.init.constant_(made.weight, 5.0)
    method.weights(made)
    assert made.weight.item() == 5.0
    assert not any(tensor.requires_grad for tensor in (method.average or {}).values())


def test_a_checkpoint_goes_on_where_it_was() -> None:
    values = [8.0, 4.0, 2.0, 1.0, 7.0]
    whole, first, second = EMA(1.0), EMA(1.0), EMA(1.0)
    for method in (whole, first, second):
        method.steps_per_epoch = 4
    expected = followed(whole, values)
    followed(first, values[:3])
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    assert followed(second, values[3:]) == expected[3:]


def test_a_checkpoint_from_before_the_first_step() -> None:
    method = EMA(1.0)
    method.load_state_dict(EMA(1.0).state_dict())
    assert followed(method, [3.0]) == [3.0]


@pytest.mark.parametrize(("half_life", "said"), [(3.0, False), (3.4, True), (20.0, True)])
def test_a_half_life_of_more_than_a_third_of_the_training_is_weak(half_life: float, said: bool) -> None:
    method = EMA(half_life)
    assert method.weakness() is None, "not told how long the training is"
    method.epochs = 10
    expected = "more than a third of trainer.max_epochs=10: the average is still full of early weights. "
    assert method.weakness() == (f"{expected}Use 3.3 or less, or train longer" if said else None)
