"""Real runs on thirty drawn images: what they leave behind, that it adds up, and that it repeats bit for bit."""

import csv
import re
import socket
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData  # type: ignore[attr-defined]  # generated

from animal_cls import results
from animal_cls.config.schema import Config, without_outcome
from animal_cls.data.decode import decode
from animal_cls.errors import UserError
from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.results import MethodRecord, Result
from animal_cls.training import run
from tests.folder_contents import contents

CLASSES = ["cat", "dog", "owl"]
SIZES = {"train": 18, "val": 6, "test": 6, "all": 30}

Configure = Callable[..., Config]


@pytest.fixture(scope="module")
def first(configure: Configure, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    folder = tmp_path_factory.mktemp("first")
    return run.train(configure("reg=dropout"), folder), folder


@pytest.fixture(scope="module")
def again(configure: Configure, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """The same run, in a folder in which another one has failed before, and after other random numbers."""
    folder = tmp_path_factory.mktemp("again")
    with pytest.raises(UserError, match="training has diverged"):
        run.train(configure("reg=dropout", "optimizer=sgd", "optimizer.lr=1e6"), folder)
    assert not (folder / "result.json").exists()
    assert results.load(folder) is None
    torch.rand(5)
    return run.train(configure("reg=dropout"), folder), folder


@pytest.fixture(scope="module")
def evaluated_last(configure: Configure, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """So slow a run that val/acc stays as it was: the first epoch is the best, the second the last. Another seed."""
    folder = tmp_path_factory.mktemp("last")
    return run.train(
        configure("checkpoint=last", "seed=1", "optimizer.lr=1e-5", "data.augment=flip_crop"), folder
    ), folder


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def checkpoint(folder: Path, name: str) -> dict[str, Any]:
    return torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)


# ---- the files


def test_the_folder_holds_the_files_that_others_rely_on(first: tuple[Result, Path]) -> None:
    _, folder = first
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    events = {file for file in files if file.startswith("tensorboard/simple_cnn/dropout/seed=0/events.out.tfevents.")}
    figures = {
        f"figures/{name}.png"
        for name in ("curves", "per_class", "confusion_val", "confusion_test", "confusion_all", "samples")
    }
    assert files - events == {
        "result.json",
        "start.json",
        "metrics.csv",
        "predictions.csv",
        "predictions.npz",
        "packages.txt",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        *figures,
    }
    assert len(events) == 1
    assert all((folder / name).stat().st_size > 5000 for name in figures)


def plain(value: Any) -> bool:
    """Nothing but what every torch can load: no class of ours, of Lightning's or of OmegaConf's."""
    if isinstance(value, Mapping):
        return all(plain(key) and plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(plain, value))
    return value is None or isinstance(value, torch.Tensor) or type(value) in (str, int, float, bool)


@pytest.mark.parametrize("name", ["best", "last"])
def test_checkpoints_hold_plain_values_and_what_is_needed_to_use_them(
    first: tuple[Result, Path], configure: Configure, name: str
) -> None:
    result, folder = first
    content = checkpoint(folder, name)
    assert plain(content)
    assert content["animal_cls"] == {
        "config": asdict(configure("reg=dropout")),
        "classes": CLASSES,
        "data_fingerprint": result.data_fingerprint,
    }
    shapes = {key: tuple(value.shape) for key, value in content["state_dict"].items() if key.startswith("network.")}
    fresh = SimpleCNN(num_classes=3, image_size=64).state_dict()
    assert shapes == {f"network.{key}": tuple(value.shape) for key, value in fresh.items()}
    assert ("optimizer_states" in content) == (name == "last")  # the last one can be trained on


def test_the_rows_of_the_metrics_travel_with_the_last_checkpoint(first: tuple[Result, Path]) -> None:
    _, folder = first
    (state,) = (value for key, value in checkpoint(folder, "last")["callbacks"].items() if "History" in key)
    columns = results.read_metrics(folder)
    assert np.isnan(columns.pop("train/objective")).all(), "it is the plain loss"
    assert {name: [row[name] for row in state["rows"]] for name in columns} == {
        name: column.tolist() for name, column in columns.items()
    }
    assert all(row.keys() == columns.keys() for row in state["rows"])


# ---- the result


def test_the_result_on_disk_is_the_one_returned(first: tuple[Result, Path], configure: Configure) -> None:
    result, folder = first
    assert results.load(folder) == result
    assert result.status == "done"
    assert result.reason is None
    assert result.config == asdict(configure("reg=dropout"))
    assert (result.model, result.reg, result.seed, result.checkpoint) == ("simple_cnn", "dropout", 0, "best")
    assert (result.classes, result.precision) == (CLASSES, "32-true")
    assert result.device is not None
    assert result.device.startswith("cpu")
    assert result.parameters == sum(p.numel() for p in SimpleCNN(num_classes=3, image_size=64).parameters())
    assert result.versions["torch"] == version("torch")
    assert {"python", "lightning", "torchvision", "animal-cls"} <= result.versions.keys()
    assert result.warnings == []
    assert result.data_fingerprint is not None
    assert len(result.data_fingerprint) == 64
    assert (result.derived, result.no_outcome) == (configure("reg=dropout").derived, without_outcome())
    assert result.derived["model.dropout"] == "reg.dropout"
    assert {"data.cache", "trainer.checkpoint_minutes", "logger"} <= set(result.no_outcome)
    assert result.methods == [MethodRecord(key="reg.dropout", strength=0.3)]
    assert result.data_root == result.config["data"]["root"]
    assert (result.command, result.host) == (sys.argv, socket.gethostname())
    if result.git is not None:  # a checkout
        assert len(result.git["commit"]) == 40


def test_every_installed_package_is_written_down(first: tuple[Result, Path]) -> None:
    _, folder = first
    lines = (folder / "packages.txt").read_text(encoding="utf-8").splitlines()
    assert {f"{name}=={version(name)}" for name in ("torch", "lightning", "numpy", "pytest")} <= set(lines)
    assert lines == sorted(set(lines), key=str.lower)
    assert all(re.fullmatch(r"\S+==\S+", line) for line in lines)


def test_counts_add_up(first: tuple[Result, Path]) -> None:
    result, _ = first
    assert {name: split.n for name, split in result.splits.items()} == SIZES
    for name, split in result.splits.items():
        confusion = np.array(split.confusion)
        assert confusion.sum(axis=1).tolist() == [SIZES[name] // 3] * 3
        assert split.acc == pytest.approx(np.trace(confusion) / SIZES[name])
        assert list(split.per_class.values()) == pytest.approx(np.diag(confusion) / (SIZES[name] // 3))
        assert split.acc_macro == pytest.approx(split.acc)  # the classes are equally large
        assert 0 <= split.ece <= 1
    parts = [result.splits[name] for name in ("train", "val", "test")]
    assert np.sum([part.matrix for part in parts], axis=0).tolist() == result.splits["all"].matrix.tolist()
    weighted = sum(part.n * part.loss for part in parts) / 30
    assert result.splits["all"].loss == pytest.approx(weighted)


@pytest.mark.parametrize("which", ["first", "evaluated_last"])
def test_epochs_and_times_agree_with_the_metrics(which: str, request: pytest.FixtureRequest) -> None:
    result, folder = request.getfixturevalue(which)
    metrics = results.read_metrics(folder)
    assert metrics["epoch"].tolist() == [0, 1]
    assert result.epochs == 2
    assert result.best_epoch == int(metrics["val/acc"].argmax())
    assert result.seconds == pytest.approx(metrics["seconds"].sum())
    assert result.images_per_second == pytest.approx(2 * SIZES["train"] / result.seconds)
    assert metrics["lr"].tolist() == [result.config["optimizer"]["lr"]] * 2
    evaluated = result.best_epoch if result.checkpoint == "best" else 1
    assert metrics["val/acc"][evaluated] == pytest.approx(result.splits["val"].acc, abs=1e-6)
    assert metrics["val/loss"][evaluated] == pytest.approx(result.splits["val"].loss, abs=1e-5)


# ---- the predictions


@pytest.mark.parametrize("which", ["first", "evaluated_last"])
def test_predictions_cover_every_image_and_agree_with_the_result(which: str, request: pytest.FixtureRequest) -> None:
    result, folder = request.getfixturevalue(which)
    rows = rows_of(folder)
    root = Path(result.config["data"]["root"])
    assert [row["path"] for row in rows] == sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    assert all(row["label"] == row["path"].split("/")[0] for row in rows)
    assert Counter(row["split"] for row in rows) == {name: n for name, n in SIZES.items() if name != "all"}
    for row in rows:
        probabilities = [float(row[f"prob_{name}"]) for name in CLASSES]
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert row["predicted"] == CLASSES[int(np.argmax(probabilities))]
    for name, split in result.splits.items():
        inside = [row for row in rows if name in ("all", row["split"])]
        assert split.acc == pytest.approx(np.mean([row["label"] == row["predicted"] for row in inside]))
        of_true = [float(row[f"prob_{row['label']}"]) for row in inside]
        assert split.loss == pytest.approx(-np.log(of_true).mean(), abs=1e-4)


def by_hand(folder: Path, name: str) -> torch.Tensor:
    """The probabilities of all images by a checkpoint's weights, from the files and without Lightning."""
    content = checkpoint(folder, name)
    network = SimpleCNN(num_classes=3, image_size=64)
    network.load_state_dict(
        {key.removeprefix("network."): v for key, v in content["state_dict"].items() if key.startswith("network.")}
    )
    root = Path(content["animal_cls"]["config"]["data"]["root"])
    pixels = np.stack([decode((root / row["path"]).read_bytes(), image_size=64) for row in rows_of(folder)])
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # ImageNet's
    images = torch.from_numpy((pixels / 255 - mean) / std).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        return network.eval()(images).softmax(dim=1)


@pytest.mark.parametrize(("which", "named"), [("first", "best"), ("evaluated_last", "last")])
def test_the_evaluated_checkpoint_is_the_one_that_the_config_names(
    which: str, named: str, request: pytest.FixtureRequest
) -> None:
    result, folder = request.getfixturevalue(which)
    assert result.checkpoint == named
    torch.testing.assert_close(
        torch.from_numpy(results.read_predictions(folder).probabilities), by_hand(folder, named), atol=2e-6, rtol=0
    )


def test_best_and_last_differ_where_the_first_epoch_was_the_best(evaluated_last: tuple[Result, Path]) -> None:
    """So the two tests above tell them apart."""
    result, folder = evaluated_last
    assert result.best_epoch == 0
    assert (checkpoint(folder, "best")["epoch"], checkpoint(folder, "last")["epoch"]) == (0, 1)
    assert (by_hand(folder, "best") - by_hand(folder, "last")).abs().max() > 1e-5


# ---- TensorBoard


@pytest.mark.parametrize("which", ["first", "evaluated_last"])
def test_tensorboard_shows_the_run(which: str, request: pytest.FixtureRequest) -> None:
    result, folder = request.getfixturevalue(which)
    name = f"{result.model}/{result.reg}/seed={result.seed}"
    events = EventAccumulator(str(folder / "tensorboard" / name), size_guidance={"images": 0})
    events.Reload()
    metrics = results.read_metrics(folder)
    for tag in ("train/loss", "train/acc", "val/loss", "val/acc", "lr"):
        points = {event.step: event.value for event in events.Scalars(tag)}
        assert points == {1: pytest.approx(metrics[tag][0], rel=1e-6), 2: pytest.approx(metrics[tag][1], rel=1e-6)}
    assert {f"val/acc_class/{name}" for name in CLASSES} <= set(events.Tags()["scalars"])
    assert {"samples", "confusion_val", "per_class"} <= set(events.Tags()["images"])
    outcome = {tag: events.Scalars(tag)[0].value for tag in events.Tags()["scalars"] if tag[:5] in ("final", "best/")}
    assert outcome == {
        "final/val/acc": pytest.approx(metrics["val/acc"][-1], rel=1e-6),
        "best/val/acc": pytest.approx(metrics["val/acc"].max(), rel=1e-6),
        "final/test/acc": pytest.approx(acc_on_test(folder, "last")),
        "best/test/acc": pytest.approx(acc_on_test(folder, "best")),
    }


def acc_on_test(folder: Path, name: str) -> float:
    """Of a checkpoint, by hand."""
    rows = rows_of(folder)
    predicted = by_hand(folder, name).argmax(dim=1).tolist()
    right = [CLASSES[k] == row["label"] for k, row in zip(predicted, rows, strict=True) if row["split"] == "test"]
    return float(np.mean(right))


def test_the_hparams_table_has_the_axes_of_the_ablation(first: tuple[Result, Path]) -> None:
    result, folder = first
    events = EventAccumulator(str(folder / "tensorboard" / "simple_cnn" / "dropout" / "seed=0"))
    events.Reload()
    contents = events.PluginTagToContent("hparams")
    start = HParamsPluginData.FromString(contents["_hparams_/session_start_info"]).session_start_info.hparams
    settings = {name: getattr(value, value.WhichOneof("kind")) for name, value in start.items()}
    strengths = {f"reg.{name}": value for name, value in result.config["reg"].items() if name != "name"}
    chosen = {"model": "simple_cnn", "reg": "dropout", "optimizer": "adam", "seed": 0, "lr": 0.01}
    chosen |= {"scheduler": "constant"}
    assert settings == chosen | strengths
    assert settings["reg.dropout"] == 0.3
    experiment_info = HParamsPluginData.FromString(contents["_hparams_/experiment"]).experiment
    metrics = {info.name.tag for info in experiment_info.metric_infos}
    assert metrics == {"final/val/acc", "best/val/acc", "final/test/acc", "best/test/acc"}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("evaluated", ["best", "last"])
def test_final_and_best_are_not_mixed_up(
    evaluated: str, configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checkpoint that is not evaluated is said to be right in 1/8 of the test images."""
    monkeypatch.setattr("animal_cls.training.outcome.evaluation.accuracy", lambda *_: 0.125)
    result = run.train(configure("trainer.max_epochs=1", f"checkpoint={evaluated}"), tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard" / "simple_cnn" / "none" / "seed=0"))
    events.Reload()
    shown = {name: events.Scalars(f"{name}/test/acc")[0].value for name in ("best", "final")}
    of_evaluated = pytest.approx(result.splits["test"].acc)
    assert shown == (
        {"best": of_evaluated, "final": 0.125} if evaluated == "best" else {"best": 0.125, "final": of_evaluated}
    )


# ---- repeatability


def test_the_same_command_repeats_bit_for_bit(first: tuple[Result, Path], again: tuple[Result, Path]) -> None:
    (result, folder), (other, other_folder) = first, again
    for name, column in results.read_metrics(folder).items():
        if name != "seconds":
            np.testing.assert_array_equal(column, results.read_metrics(other_folder)[name], name)
    assert (folder / "predictions.csv").read_bytes() == (other_folder / "predictions.csv").read_bytes()
    assert result.splits == other.splits
    for name in ("best", "last"):
        one, two = checkpoint(folder, name)["state_dict"], checkpoint(other_folder, name)["state_dict"]
        assert one.keys() == two.keys()
        assert all(torch.equal(one[key], two[key]) for key in one)


def test_a_failed_run_leaves_no_second_line_in_tensorboard(again: tuple[Result, Path]) -> None:
    _, folder = again
    assert len(list((folder / "tensorboard" / "simple_cnn" / "dropout" / "seed=0").iterdir())) == 1


def test_another_seed_gives_another_run_on_the_same_splits(
    first: tuple[Result, Path], evaluated_last: tuple[Result, Path]
) -> None:
    (one, folder), (two, other_folder) = first, evaluated_last
    splits = [{row["path"]: row["split"] for row in rows_of(where)} for where in (folder, other_folder)]
    assert splits[0] == splits[1]
    assert one.data_fingerprint == two.data_fingerprint
    assert (results.read_metrics(folder)["train/loss"] != results.read_metrics(other_folder)["train/loss"]).all()
    assert (folder / "predictions.csv").read_bytes() != (other_folder / "predictions.csv").read_bytes()


@pytest.mark.usefixtures("undrawn")
def test_arms_start_from_the_same_weights(configure: Configure, tmp_path: Path) -> None:
    """With a learning rate that changes nothing, the last weights are the first."""
    states = []
    for reg in ("none", "dropout"):
        config = configure(f"reg={reg}", "optimizer.lr=1e-30", "trainer.max_epochs=1", "seed=3")
        (tmp_path / reg).mkdir()
        run.train(config, tmp_path / reg)
        states.append(checkpoint(tmp_path / reg, "last")["state_dict"])
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    torch.manual_seed(3)
    fresh = SimpleCNN(num_classes=3, image_size=64).state_dict()
    assert all(torch.equal(states[0][f"network.{key}"], value) for key, value in fresh.items())


@pytest.mark.usefixtures("undrawn")
def test_a_test_set_is_no_must(configure: Configure, tmp_path: Path) -> None:
    result = run.train(configure("data.test=0", "trainer.max_epochs=1"), tmp_path)
    assert {name: split.n for name, split in result.splits.items()} == {"train": 24, "val": 6, "all": 30}
    assert result.warnings == []  # nobody is told of an empty test set that was asked for


# ---- nothing is written over, nothing half-done looks done


def test_a_finished_folder_is_refused_and_left_as_it_is(first: tuple[Result, Path], configure: Configure) -> None:
    _, folder = first
    before = contents(folder)
    with pytest.raises(UserError, match=r"holds the result of a finished run \(simple_cnn, dropout, seed 0\)"):
        run.train(configure("seed=9"), folder)
    assert contents(folder) == before
