"""What TensorBoard reads from a run's event files, read back as TensorBoard does it."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout  # type: ignore[attr-defined]  # generated
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData  # type: ignore[attr-defined]  # generated

from animal_cls.training.tensorboard import RunLogger


def read(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0})
    events.Reload()
    return events


def scalar(events: EventAccumulator, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in events.Scalars(tag)]


def table_row(events: EventAccumulator) -> tuple[dict[str, Any], set[str]]:
    """The settings of the run's row in the HPARAMS table, and the names of its metrics."""
    contents = events.PluginTagToContent("hparams")
    start = HParamsPluginData.FromString(contents["_hparams_/session_start_info"]).session_start_info.hparams
    settings = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.items()}
    experiment = HParamsPluginData.FromString(contents["_hparams_/experiment"]).experiment
    return settings, {info.name.tag for info in experiment.metric_infos}


@pytest.fixture
def logger(tmp_path: Path) -> RunLogger:
    return RunLogger(tmp_path / "events")


def test_scalars_stand_against_the_epoch_not_the_step(logger: RunLogger) -> None:
    logger.log_metrics({"train/loss": 2.0, "val/acc": 0.25, "epoch": 0}, step=31)
    logger.log_metrics({"train/loss": 1.0, "val/acc": 0.5, "epoch": 1}, step=63)
    logger.close()
    events = read(logger.folder)
    assert scalar(events, "train/loss") == [(1, 2.0), (2, 1.0)]
    assert scalar(events, "val/acc") == [(1, 0.25), (2, 0.5)]
    assert "epoch" not in events.Tags()["scalars"]


def test_train_and_validation_share_a_chart(logger: RunLogger) -> None:
    logger.log_metrics({"train/loss": 2.0, "epoch": 0})
    logger.close()
    events = read(logger.folder)
    (tag,) = events.PluginTagToContent("custom_scalars")
    (event,) = events.Tensors(tag)
    (category,) = Layout.FromString(event.tensor_proto.string_val[0]).category
    charts = {chart.title: list(chart.multiline.tag) for chart in category.chart}
    assert charts == {"loss": ["^train/loss$", "^val/loss$"], "acc": ["^train/acc$", "^val/acc$"]}


def test_the_table_has_the_settings_and_the_real_metrics(logger: RunLogger) -> None:
    """Lightning's own way would leave hp_metric = -1."""
    logger.log_hyperparams({"anything": 1})
    logger.log_metrics({"val/acc": 0.5, "epoch": 0})
    settings = {"model": "resnet18", "seed": 3, "lr": 0.001, "reg.dropout": 0.3}
    logger.log_outcome(settings, {"final/val/acc": 0.5, "best/test/acc": 0.75})
    logger.close()
    events = read(logger.folder)
    assert table_row(events) == (settings, {"final/val/acc", "best/test/acc"})
    assert scalar(events, "final/val/acc") == [(0, 0.5)]
    assert scalar(events, "best/test/acc") == [(0, 0.75)]
    assert "hp_metric" not in events.Tags()["scalars"]


def test_images_are_images_at_their_epoch_as_they_are(logger: RunLogger, tmp_path: Path) -> None:
    file = tmp_path / "samples.png"
    Image.new("RGBA", (100, 50)).save(file)
    logger.log_image("samples", file, epoch=4)
    logger.close()
    (image,) = read(logger.folder).Images("samples")
    assert (image.step, image.width, image.height) == (5, 100, 50)
    assert image.encoded_image_string == file.read_bytes()


def test_photographs_are_smaller_and_look_the_same(logger: RunLogger, tmp_path: Path) -> None:
    smooth = np.random.default_rng(0).integers(256, size=(20, 30, 4), dtype=np.uint8)
    file = tmp_path / "samples.png"
    Image.fromarray(smooth).resize((750, 500), Image.Resampling.BICUBIC).save(file)
    logger.log_image("samples", file, epoch=0)
    logger.close()
    (image,) = read(logger.folder).Images("samples")
    assert len(image.encoded_image_string) < file.stat().st_size / 4
    with Image.open(io.BytesIO(image.encoded_image_string)) as shown, Image.open(file) as drawn:
        assert shown.size == drawn.size == (image.width, image.height)
        off = np.asarray(shown, dtype=float) - np.asarray(drawn.convert("RGB"), dtype=float)
    assert np.abs(off).mean() < 4


def test_what_was_written_is_on_disk_when_training_ends_and_more_may_follow(logger: RunLogger) -> None:
    logger.log_metrics({"val/acc": 0.25, "epoch": 0})
    logger.finalize("success")
    assert scalar(read(logger.folder), "val/acc") == [(1, 0.25)]
    logger.log_metrics({"val/acc": 0.5, "epoch": 1})
    logger.close()
    assert scalar(read(logger.folder), "val/acc") == [(1, 0.25), (2, 0.5)]
    assert len(list(logger.folder.iterdir())) == 1


def test_a_run_that_says_nothing_leaves_nothing(logger: RunLogger) -> None:
    logger.finalize("failed")
    logger.close()
    assert not logger.folder.exists()


def test_a_run_that_starts_anew_leaves_no_second_line(logger: RunLogger) -> None:
    logger.log_metrics({"val/acc": 0.25, "epoch": 0})
    logger.close()
    again = RunLogger(logger.folder)
    again.log_metrics({"val/acc": 0.75, "epoch": 0})
    again.close()
    assert scalar(read(logger.folder), "val/acc") == [(1, 0.75)]
