"""Real runs with schedules, methods, callbacks and loggers: what each of them does to the run's numbers and files."""

import csv
import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from lightning.fabric.loggers.csv_logs import _ExperimentWriter
from torch import Tensor, nn
from torch.optim import SGD, Adam
from torch.optim.lr_scheduler import LambdaLR, OneCycleLR, ReduceLROnPlateau, StepLR

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.data.decode import decode
from animal_cls.errors import UserError
from animal_cls.models.simple_cnn import SimpleCNN
from animal_cls.regularizers.ema import EMA
from animal_cls.training import run
from animal_cls.training.classifier import Classifier
from animal_cls.training.schedules import cosine

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:.*LeafSpec")]
EPOCHS, STEPS = 4, 3  # of a run, of an epoch

Train = Callable[..., Path]


@pytest.fixture
def train(configure: Callable[..., Config], tmp_path: Path, undrawn: None) -> Train:
    """`train("reg=ema", ...)` is the folder of that run."""
    numbers = itertools.count()

    def trained(*words: str) -> Path:
        folder = tmp_path / f"run{next(numbers)}"
        folder.mkdir()
        run.train(configure(f"trainer.max_epochs={EPOCHS}", *words), folder)
        return folder

    return trained


def checkpoint(folder: Path, name: str) -> dict[str, Any]:
    return torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)


def weights(content: dict[str, Any], key: str = "state_dict") -> dict[str, Tensor]:
    return {name: value for name, value in content[key].items() if name.startswith("network.")}


def assert_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


# ---- built once


def test_a_run_constructs_its_network_once(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside it one without weights may be looked at, on torch's device meta, to see what a strength reaches."""
    made = []
    plain = SimpleCNN.__init__

    def counted(self: SimpleCNN, *args: Any, **kwargs: Any) -> None:
        if torch.empty(0).device.type != "meta":
            made.append(kwargs)
        plain(self, *args, **kwargs)

    monkeypatch.setattr(SimpleCNN, "__init__", counted)
    train("reg=[dropout,ema,sam]", "scheduler=cosine", "trainer.max_epochs=1")
    assert [given["num_classes"] for given in made] == [3]


# ---- schedules


def bare(make: Callable[[SGD], Any], *, lr: float, monitored: list[float] | None = None) -> list[float]:
    """The rate after each epoch's steps, of torch's scheduler in a loop without anything."""
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=lr, momentum=0.9)
    schedule: Any = make(optimizer)
    found = []
    for epoch in range(EPOCHS):
        for _ in range(STEPS):
            optimizer.step()
            if isinstance(schedule, OneCycleLR | LambdaLR):
                schedule.step()
        found.append(optimizer.param_groups[0]["lr"])
        if isinstance(schedule, ReduceLROnPlateau):
            assert monitored is not None
            schedule.step(monitored[epoch])
        elif isinstance(schedule, StepLR):
            schedule.step()
    return found


def a_cosine(optimizer: SGD) -> Any:
    return cosine(optimizer, total_steps=EPOCHS * STEPS, warmup=0.25, end=0.1)


@pytest.mark.parametrize(
    ("words", "make"),
    [
        (["scheduler=cosine", "scheduler.warmup=0.25", "scheduler.end=0.1"], a_cosine),
        (["scheduler=one_cycle"], lambda it: OneCycleLR(it, max_lr=0.01, total_steps=EPOCHS * STEPS, pct_start=0.3)),
        (["scheduler=step", "scheduler.step_size=2", "scheduler.gamma=0.5"], lambda it: StepLR(it, 2, gamma=0.5)),
        (
            ["scheduler=plateau", "scheduler.patience=0", "+scheduler.threshold=0.5"],  # nearly every epoch is too bad
            lambda it: ReduceLROnPlateau(it, factor=0.1, patience=0, threshold=0.5),
        ),
    ],
    ids=["cosine", "one_cycle", "step", "plateau"],
)
def test_the_rate_is_that_of_torchs_scheduler_in_a_bare_loop(
    train: Train, words: list[str], make: Callable[[SGD], Any]
) -> None:
    folder = train("optimizer=sgd", "optimizer.lr=0.01", *words)
    metrics = results.read_metrics(folder)
    expected = bare(make, lr=0.01, monitored=metrics["val/loss"].tolist())
    assert metrics["lr"].tolist() == pytest.approx(expected, rel=1e-6)
    assert len(set(expected)) > 1
    assert checkpoint(folder, "last")["schedule"] is not None


def test_a_constant_rate_changes_nothing(train: Train) -> None:
    """To the bit, as a schedule whose share is always 1."""
    plain, constant = train(), train("scheduler=cosine", "scheduler.warmup=0", "scheduler.end=1")
    assert_equal(weights(checkpoint(plain, "last")), weights(checkpoint(constant, "last")))
    assert (plain / "predictions.csv").read_bytes() == (constant / "predictions.csv").read_bytes()
    assert checkpoint(plain, "last")["schedule"] is None
    assert set(results.read_metrics(plain)["lr"]) == {0.01}


def test_steps_of_a_scheduled_run_have_their_rates(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step already has the share of the warm-up, the last one the share of the end."""
    used: list[float] = []
    step = Adam.step
    monkeypatch.setattr(
        Adam, "step", lambda self, *a, **k: used.append(self.param_groups[0]["lr"]) or step(self, *a, **k)
    )
    train("scheduler=cosine", "scheduler.warmup=0.25", "scheduler.end=0.1", "trainer.max_epochs=2")
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=0.01)
    schedule, expected = cosine(optimizer, total_steps=6, warmup=0.25, end=0.1), []
    for _ in range(6):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert used == pytest.approx(expected)
    assert used[-1] == pytest.approx(0.001)


# ---- averaged weights


@pytest.fixture
def after_each_step(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Tensor]]:
    """The weights after each step of a run with EMA, by which they are not changed."""
    seen: list[dict[str, Tensor]] = []
    follow = EMA.weights

    def recording(self: EMA, network: nn.Module) -> None:
        seen.append({name: value.double().clone() for name, value in network.state_dict().items()})
        follow(self, network)

    monkeypatch.setattr(EMA, "weights", recording)
    return seen


def average(seen: list[dict[str, Tensor]], half_life: float) -> dict[str, Tensor]:
    """By hand: at step t the old average keeps 2^(-1 / steps of the half-life), at most (1 + t) / (10 + t)."""
    kept = seen[0]
    for t, state in enumerate(seen[1:], start=2):
        decay = min(2 ** (-1 / (half_life * STEPS)), (1 + t) / (10 + t))
        kept = {name: decay * kept[name] + (1 - decay) * value for name, value in state.items()}
    return kept


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == {f"network.{name}" for name in expected}
    for name, value in expected.items():
        torch.testing.assert_close(found[f"network.{name}"].double(), value, atol=1e-6, rtol=1e-5)


def assert_evaluated(folder: Path, state: dict[str, Tensor]) -> None:
    """predictions.csv is what a network with these weights says of the files, without Lightning and our data."""
    network = SimpleCNN(num_classes=3, image_size=64)
    network.load_state_dict({name.removeprefix("network."): value for name, value in state.items()})
    found, result = results.read_predictions(folder), results.load(folder)
    assert result is not None
    root = Path(result.config["data"]["root"])
    pixels = np.stack([decode((root / path).read_bytes(), image_size=64) for path in found.paths])
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # ImageNet's
    images = torch.from_numpy((pixels / 255 - mean) / std).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        expected = network.eval()(images).softmax(dim=1)
    torch.testing.assert_close(torch.from_numpy(found.probabilities), expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("which", ["best", "last"])
def test_averaged_weights_are_evaluated_and_the_raw_ones_trained(
    train: Train, after_each_step: list[dict[str, Tensor]], which: str
) -> None:
    folder = train("reg=ema", f"checkpoint={which}")
    best, last = checkpoint(folder, "best"), checkpoint(folder, "last")
    assert len(after_each_step) == EPOCHS * STEPS
    best_epoch = best["epoch"]
    of_best = average(after_each_step[: STEPS * (best_epoch + 1)], 1.0)
    of_last = average(after_each_step, 1.0)
    assert_close(weights(best), of_best)
    assert_close(weights(last, "evaluated"), of_last)
    raw = {f"network.{name}": value.float() for name, value in after_each_step[-1].items()}
    assert_equal(weights(last), raw)
    evaluated = weights(best) if which == "best" else weights(last, "evaluated")
    assert_evaluated(folder, evaluated)
    result = results.load(folder)
    assert result is not None
    metrics, epoch = results.read_metrics(folder), best_epoch if which == "best" else EPOCHS - 1
    assert result.splits["val"].loss == pytest.approx(metrics["val/loss"][epoch], abs=1e-5)
    assert result.splits["val"].acc == pytest.approx(metrics["val/acc"][epoch], abs=1e-6)
    plain = train("reg=none")
    assert_equal(weights(checkpoint(plain, "last")), raw)  # the average changes no step
    assert any((of_last[name] - after_each_step[-1][name]).abs().max() > 1e-4 for name in of_last)


def test_lightnings_own_average_is_evaluated_too(train: Train) -> None:
    """A callback that swaps weights of its own: best.ckpt holds what was validated."""
    ema = "+callbacks.ema={_target_: lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.8}"
    folder, plain = train(ema), train()
    assert_equal(weights(checkpoint(folder, "last"), "current_model_state"), weights(checkpoint(plain, "last")))
    best, last = checkpoint(folder, "best"), checkpoint(folder, "last")
    averaged = weights(last)
    assert any(not torch.equal(averaged[name], value) for name, value in weights(last, "current_model_state").items())
    result, metrics = results.load(folder), results.read_metrics(folder)
    assert result is not None
    assert result.best_epoch == best["epoch"]
    assert result.splits["val"].loss == pytest.approx(metrics["val/loss"][result.best_epoch], abs=1e-5)
    assert result.splits["val"].acc == pytest.approx(metrics["val/acc"][result.best_epoch], abs=1e-6)
    assert_evaluated(folder, weights(best))
    assert metrics["val/loss"].tolist() != results.read_metrics(plain)["val/loss"].tolist()


# ---- the objective


def test_the_objective_has_a_column_where_it_is_not_the_plain_loss(train: Train) -> None:
    """With a rate that changes nothing, it is the plain loss and the sum of the first weights."""
    small = ["optimizer.lr=1e-30", "trainer.max_epochs=1"]
    metrics = results.read_metrics(train("reg=l1", "reg.l1=0.01", *small))
    plain = results.read_metrics(train(*small))
    torch.manual_seed(0)
    fresh = SimpleCNN(num_classes=3, image_size=64)
    penalty = 0.01 * sum(p.abs().sum().item() for p in fresh.parameters() if p.ndim > 1)
    assert metrics["train/loss"].tolist() == plain["train/loss"].tolist()
    assert metrics["train/objective"][0] - metrics["train/loss"][0] == pytest.approx(penalty, rel=1e-5)
    smooth = results.read_metrics(train("reg=label_smoothing", "reg.label_smoothing=0.3", *small))
    assert smooth["train/loss"].tolist() == plain["train/loss"].tolist()
    assert smooth["train/objective"][0] != smooth["train/loss"][0]
    assert (train("reg=sam", *small) / "metrics.csv").read_text().splitlines()[1].endswith(","), "an empty cell"


def test_a_step_that_does_not_fit_into_a_gpu_names_the_way_out(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB. GPU 0 has a total of 4 GiB.")

    monkeypatch.setattr(Classifier, "training_step", step)
    with pytest.raises(UserError) as refused:
        train("data.batch_size=3")
    assert str(refused.value) == (
        "data.batch_size=3: a step does not fit into the memory of the GPU "
        "(CUDA out of memory. Tried to allocate 2 GiB.) Use a smaller data.batch_size or data.image_size, "
        "trainer.precision=bf16-mixed, or wait until other programs leave more of it."
    )


# ---- loggers, profiler


def test_another_logger_gets_our_metrics(train: Train) -> None:
    folder = train("logger=csv", "trainer.max_epochs=2")
    with (folder / "loggers" / "csv" / "version_0" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ours = results.read_metrics(folder)
    for name in ("train/loss", "train/acc", "val/loss", "val/acc", "lr"):
        found = [float(row[name]) for row in rows if row[name]]
        assert found == pytest.approx(ours[name].tolist(), rel=1e-6), name
    assert {"val/acc_macro", "val/acc_class/owl"} <= set(rows[0])
    twin = train("trainer.max_epochs=2")
    assert (folder / "predictions.csv").read_bytes() == (twin / "predictions.csv").read_bytes()


def test_another_logger_gets_the_config_and_its_run_ends_with_ours(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights & Biases' would otherwise go on in the next job of a sweep; that of a run that fails, too."""
    ended = []
    monkeypatch.setattr(_ExperimentWriter, "finish", lambda writer: ended.append(Path(writer.log_dir)), raising=False)
    folder = train("logger=csv", "reg=l2", "trainer.max_epochs=1")
    place = folder / "loggers" / "csv" / "version_0"
    assert ended == [place]
    logged = yaml.safe_load((place / "hparams.yaml").read_text(encoding="utf-8"))
    assert logged["reg"]["weight_decay"]["strength"] == 1e-5
    with pytest.raises(UserError, match="training has diverged"):
        train("logger=csv", "trainer.max_epochs=1", "optimizer.lr=1e30")
    assert len(ended) == 2


@pytest.mark.parametrize(
    ("kind", "words"), [("simple", ["run_training_epoch", "optimizer_step"]), ("pytorch", ["Self CPU", "aten::"])]
)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of torch's profiler about itself
def test_a_profiler_prints_its_table_once_and_leaves_no_file(
    train: Train, kind: str, words: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="animal_cls")
    folder = train(f"trainer.profiler={kind}", "data.batch_size=3", "trainer.max_epochs=1")
    tables = [record.getMessage() for record in caplog.records if "Profiler Report" in record.getMessage()]
    assert len(tables) == 1
    assert tables[0].startswith("FIT Profiler Report")
    assert all(word in tables[0] for word in words)
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "checkpoints",
        "tensorboard",
        "metrics.csv",
        "packages.txt",
        "predictions.csv",
        "predictions.npz",
        "result.json",
        "start.json",
    }
