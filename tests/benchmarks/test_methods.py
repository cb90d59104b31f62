"""What methods cost: steps are those of a run, their times are compared as said, and costs.json holds what there is."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning import Trainer

from animal_cls.commands import reg
from benchmarks.speed import methods
from benchmarks.speed.methods import Run, in_turns, inside, profiled, stale

SMALL = ["data.source.total=60", "data.image_size=32", "data.batch_size=8", "trainer.precision=32-true"]


def test_every_entry_is_of_a_method_at_the_first_value_of_its_card() -> None:
    assert stale(json.loads(reg.COSTS.read_text(encoding="utf-8"))) == [], "python -m benchmarks.speed.methods NAME"


def test_an_entry_of_no_method_and_one_of_another_value_are_stale() -> None:
    costs = {"mixup": {"strength": 0.2}, "mixupp": {"strength": 0.2}, "cutmix": {"strength": 0.3}}
    assert stale(costs) == ["mixupp", "cutmix"]


def scripted(*seconds: float, order: list[str], name: str = "", hooks: float = 0.0) -> Any:
    """Stands in for a run whose steps take so long, with so much of it in the hooks of its methods."""
    left = list(seconds)

    def step(progress: float) -> float:
        order.append(f"{name}{progress:g}")
        run.inside += hooks
        return left.pop(0)

    run = SimpleNamespace(step=step, inside=7.0)
    return run


def test_runs_are_timed_in_turns_and_each_pair_is_a_ratio() -> None:
    order: list[str] = []
    own, none = scripted(3, 5, order=order, name="own"), scripted(2, 4, order=order, name="none")
    assert list(in_turns(own, none, 2)) == [1.5, 1.25]
    assert order == ["none0.5", "own0.5", "own1", "none1"]


def test_a_step_is_compared_with_what_of_it_lies_outside_the_hooks() -> None:
    order: list[str] = []
    assert list(inside(scripted(5, 3, order=order, hooks=1.0), 2)) == [1.25, 1.5]
    assert order == ["0.5", "1"]


@pytest.mark.parametrize(
    ("words", "is_direct"),
    [(["reg.mixup=0.2"], True), (["reg.stochastic_depth=0.1"], False), (["reg.dropout=0.3"], False)],
)
def test_only_a_method_that_changes_what_others_compute_needs_a_run_without_it(
    words: list[str], is_direct: bool
) -> None:
    assert Run([*SMALL, *words]).is_direct == is_direct


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")
def test_steps_are_those_of_lightnings_trainer(tmp_path: Path) -> None:
    """A method that changes images, one that changes gradients and one that follows the weights; two steps."""
    words = [*SMALL, "reg=[mixup,gradient_clip,ema]", "reg.gradient_clip=0.1"]
    ours, theirs = Run(words), Run(words)
    for _ in range(2):
        assert ours.step() > ours.inside > 0
    module = theirs.module.module
    module._fabric, module.optimizer = None, theirs.optimizer.optimizer  # as a run builds it
    trainer = Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_train_batches=2,
        limit_val_batches=0,
        use_distributed_sampler=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(module, datamodule=theirs.data)
    for name, value in module.network.state_dict().items():
        torch.testing.assert_close(ours.module.module.network.state_dict()[name], value, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*Memory block of unknown size")
def test_what_a_method_keeps_is_in_the_peak() -> None:
    """EMA keeps a second set of weights and statistics, 11.5 million numbers of four bytes."""
    (_, none), (run, ema) = profiled([*SMALL, "reg=none"]), profiled([*SMALL, "reg.ema=1"])
    kept = sum(value.nbytes for value in run.module.module.network.state_dict().values())
    assert ema - none == pytest.approx(kept, rel=0.2)


def test_what_was_measured_is_saved_and_what_is_stale_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "costs.json"
    file.write_text(json.dumps({"gone": {"strength": 1.0}, "mixup": {"strength": 0.2, "step": 1.5}}))
    monkeypatch.setattr(methods, "COSTS", file)
    monkeypatch.setattr(methods, "profiled", lambda words: (None, 0))
    monkeypatch.setattr(methods, "measured", lambda name, *_, **__: {"strength": 0.05, "step": 2.0})
    methods.main(["sam"])
    assert json.loads(file.read_text()) == {
        "mixup": {"strength": 0.2, "step": 1.5},
        "sam": {"strength": 0.05, "step": 2.0},
    }
