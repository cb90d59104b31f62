"""When training ends, against Lightning's callback."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import EarlyStopping as Lightnings
from torch import nn

from animal_cls.regularizers import NoEffect
from animal_cls.regularizers.early_stopping import MONITORS, EarlyStopping


def end(method: EarlyStopping, values: list[float]) -> int | None:
    """The number of the epoch after which training ends, from 0."""
    return next((epoch for epoch, value in enumerate(values) if method.ends({method.monitor: value})), None)


@pytest.mark.parametrize("monitor", list(MONITORS))
@pytest.mark.parametrize("patience", [1, 2, 5])
def test_it_ends_when_lightnings_does(monitor: str, patience: int) -> None:
    for seed in range(20):
        values = np.round(np.random.default_rng(seed).random(60), 1).tolist()  # with equal ones
        mode = "min" if monitor == "val/loss" else "max"
        theirs = Lightnings(monitor=monitor, mode=mode, patience=patience, min_delta=0.0)
        expected = next(
            (epoch for epoch, value in enumerate(values) if theirs._evaluate_stopping_criteria(torch.tensor(value))[0]),
            None,
        )
        assert end(EarlyStopping(patience, monitor=monitor), values) == expected


def test_by_hand() -> None:
    assert end(EarlyStopping(2), [0.5, 0.6, 0.6, 0.5, 0.9]) == 3, "equal is not better"
    assert end(EarlyStopping(2), [0.5, 0.6, 0.6, 0.7, 0.7]) is None


def test_an_epoch_without_validation_does_not_count() -> None:
    method = EarlyStopping(1)
    assert not method.ends({"val/acc": 0.5})
    assert not method.ends({"train/loss": 1.0})
    assert method.ends({"val/acc": 0.5})


def test_a_checkpoint_goes_on_where_it_was() -> None:
    values = [0.5, 0.7, 0.6, 0.6, 0.7, 0.8]
    first, second = EarlyStopping(3), EarlyStopping(3)
    assert end(first, values[:3]) is None
    second.load_state_dict(first.state_dict())
    assert end(second, values[3:]) == 1
    assert end(EarlyStopping(3), values) == 3 + 1


def test_what_is_out_of_range_is_refused() -> None:
    for patience in (0.5, 2.5):
        message = rf"^reg\.early_stopping={patience}: a whole number of epochs from 1 is needed\.$"
        with pytest.raises(ValueError, match=message):
            EarlyStopping(patience)
    with pytest.raises(ValueError, match=r"monitor=acc: one of val/acc, val/acc_macro, val/loss is needed\.$"):
        EarlyStopping(5, monitor="acc")


@pytest.mark.parametrize("epochs", [1, 2, 5, 6])
@pytest.mark.parametrize("patience", [1, 3, 4])
def test_it_has_an_effect_exactly_where_the_worst_of_trainings_would_end_early(epochs: int, patience: int) -> None:
    worst = end(EarlyStopping(patience), [0.5 - 0.01 * epoch for epoch in range(epochs)])
    method = EarlyStopping(patience)
    method.epochs = epochs
    ends_early = worst is not None and worst + 1 < epochs
    with nullcontext() if ends_early else pytest.raises(NoEffect, match=r"epochs of patience cannot run out within"):
        method.network(nn.Identity())
