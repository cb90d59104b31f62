"""Devices that a run asks for."""

import pytest
import torch

from animal_cls.training import build
from tests.training.conftest import config_of, refusal


@pytest.mark.parametrize("accelerator", ["gpu", "cuda", "mps"])
def test_an_accelerator_that_is_not_there_is_refused(accelerator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    message = (
        f"trainer.accelerator={accelerator}: this machine has none that torch {torch.__version__} can use. "
        "Use trainer.accelerator=auto or trainer.accelerator=cpu."
    )
    assert refusal(config_of(f"trainer.accelerator={accelerator}")) == message


@pytest.mark.parametrize(
    ("there", "accepted"),
    [("cuda", {"auto", "cpu", "gpu", "cuda"}), ("mps", {"auto", "cpu", "gpu", "mps"}), (None, {"auto", "cpu"})],
)
def test_an_accelerator_that_is_there_is_accepted(
    there: str | None, accepted: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: there == "cuda")
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: there == "mps")
    for accelerator in ("auto", "cpu", "gpu", "cuda", "mps"):
        config = config_of(f"trainer.accelerator={accelerator}")
        if accelerator in accepted:
            build.check(config)
        else:
            assert "this machine has none" in refusal(config)
