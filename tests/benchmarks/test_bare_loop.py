"""The bare loop computes what our training computes, so that only the time differs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from animal_cls.commands.train import compose
from animal_cls.training import build
from animal_cls.training.classifier import Classifier
from benchmarks.speed import bare_loop
from benchmarks.speed.bare_loop import RunParts, parts_of


class TakeParts(Callback):
    """Takes the run's parts before its first step."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.parts = parts_of(trainer, pl_module)


@pytest.fixture
def trained(tmp_path: Path, image_folder: Callable[..., Path]) -> tuple[RunParts, Classifier]:
    """A bare loop's parts as they were before our one epoch, which is one batch, and our network after it."""
    root = image_folder(tmp_path / "images", per_class=12)
    words = ["data=folder", f"data.root={root}", f"data.cache_dir={tmp_path}", "data.image_size=64"]
    config = compose([*words, "optimizer.weight_decay=0.1", "data.batch_size=1000"])
    data = build.images(config)
    data.prepare_data()
    parts = build.parts(config, num_classes=3)
    classifier = Classifier(
        parts.network,
        classes=data.images.classes,
        normalization=((0.4, 0.5, 0.6), (0.2, 0.3, 0.25)),
        optimizer=parts.optimizer,
    )
    callback = TakeParts()
    trainer = Trainer(
        max_epochs=1,
        accelerator="cpu",
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        log_every_n_steps=1,
        use_distributed_sampler=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(classifier, datamodule=data)
    return callback.parts, classifier


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")
def test_one_step_of_the_bare_loop_is_one_of_ours(trained: tuple[RunParts, Classifier]) -> None:
    parts, classifier = trained
    before = {name: value.clone() for name, value in parts.network.state_dict().items()}
    assert bare_loop.train(parts, seed=0) > 0
    after = parts.network.state_dict()
    for name, value in classifier.network.state_dict().items():
        assert not torch.equal(before[name], after[name])
        torch.testing.assert_close(after[name], value, rtol=1e-4, atol=1e-5)
    assert parts.pixels.shape == (len(parts.labels), 64, 64, 3)
    assert parts.optimizer.param_groups[0]["weight_decay"] == 0.1


def test_batches_leave_no_image_alone() -> None:
    assert [len(piece) for piece in bare_loop.batches(torch.arange(10), 4)] == [4, 4, 2]
    pieces = bare_loop.batches(torch.arange(9), 4)
    assert [len(piece) for piece in pieces] == [4, 5]
    assert torch.cat(list(pieces)).tolist() == list(range(9))
    assert [len(piece) for piece in bare_loop.batches(torch.arange(1), 4)] == [1]


@pytest.mark.parametrize(("precision", "dtype"), [("32-true", torch.float32), ("bf16-mixed", torch.bfloat16)])
def test_precisions_are_lightnings(tmp_path: Path, precision: Any, dtype: torch.dtype) -> None:
    trainer = Trainer(accelerator="cpu", precision=precision, logger=False, default_root_dir=tmp_path)
    with trainer.precision_plugin.forward_context():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
