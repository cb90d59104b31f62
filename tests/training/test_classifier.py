"""Training and evaluation, against the same computed by hand."""

import math
import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning import LightningDataModule, Trainer
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from animal_cls.data.batch import Batch
from animal_cls.errors import UserError
from animal_cls.regularizers import Regularizer
from animal_cls.regularizers.label_smoothing import LabelSmoothing
from animal_cls.rng import step_seed
from animal_cls.training.classifier import Classifier, LossWatch, calibration_error, evaluate
from animal_cls.training.hardware import why_not_compile

MEAN, DEVIATION = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
CLASSES = ("cat", "dog", "owl")
AS_IN_EXPERIMENT = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")


def linear(**_: object) -> nn.Sequential:
    """The simplest network: 2 x 2 images, three classes."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 3))


def classifier(network: nn.Module | None = None, **changes: Any) -> Classifier:
    settings: dict[str, Any] = {"classes": CLASSES, "normalization": (MEAN, DEVIATION)}
    settings |= {"optimizer": partial(torch.optim.SGD, lr=0.1)}
    return Classifier(network or linear(), **(settings | changes))


def batch_of(labels: Sequence[int], *, seed: int = 0, side: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (len(labels), 3, side, side), generator=generator)
    indices = np.arange(len(labels))
    return Batch(images=images.float(), labels=torch.tensor(labels), indices=indices)


class Batches(LightningDataModule):
    """The same batches in every epoch."""

    def __init__(self, train: Sequence[Batch], val: Sequence[Batch]) -> None:
        super().__init__()
        self.train, self.val = train, val

    def train_dataloader(self) -> DataLoader[Batch]:
        return DataLoader(list(self.train), batch_size=None)  # type: ignore[arg-type]  # a list is a data set

    def val_dataloader(self) -> DataLoader[Batch]:
        return DataLoader(list(self.val), batch_size=None)  # type: ignore[arg-type]


def fit(
    module: Classifier, train: Sequence[Batch], val: Sequence[Batch], folder: Path, *, epochs: int = 1, **settings: Any
) -> Trainer:
    settings = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False} | settings
    trainer = Trainer(
        max_epochs=epochs,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
        **settings,
    )
    trainer.fit(module, datamodule=Batches(train, val))
    return trainer


# ---- one step of the optimizers, against algebra


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


@AS_IN_EXPERIMENT
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


@AS_IN_EXPERIMENT
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


@AS_IN_EXPERIMENT
def test_adamws_weight_decay_is_decoupled(tmp_path: Path) -> None:
    """Weights shrink by lr * weight_decay, whatever the gradient (https://arxiv.org/abs/1711.05101, algorithm 2)."""
    lr, decay, eps = 0.01, 0.5, 1e-8
    before, (gradient,), after = steps(partial(torch.optim.AdamW, lr=lr, weight_decay=decay), tmp_path, n=1)
    for weight, g, expected in zip(before, gradient, after, strict=True):
        by_hand = (1 - lr * decay) * weight - lr * g / (g.abs() + eps)  # the first step: m / sqrt(v) is the sign
        torch.testing.assert_close(expected, by_hand, atol=1e-6, rtol=0)


# ---- what the network sees


def test_images_are_normalised_by_hand() -> None:
    module = classifier()
    images = torch.tensor([0, 51, 255]).view(1, 3, 1, 1).expand(1, 3, 2, 2)
    expected = [(0 - 0.4) / 0.2, (0.2 - 0.5) / 0.25, (1 - 0.6) / 0.3]
    for given in (images.float(), images.byte()):
        torch.testing.assert_close(module.normalize(given)[0, :, 1, 0], torch.tensor(expected))
        assert torch.equal(module(given), module.network(module.normalize(given)))


def test_the_statistics_travel_with_the_weights() -> None:
    state = classifier().state_dict()
    other = classifier(normalization=((0.0,) * 3, (1.0,) * 3))
    other.load_state_dict(state)
    torch.testing.assert_close(other.mean.flatten(), torch.tensor(MEAN))
    torch.testing.assert_close(other.std.flatten(), torch.tensor(DEVIATION))


@AS_IN_EXPERIMENT
@pytest.mark.parametrize("precision", ["bf16-true", "64-true", "bf16-mixed"])
def test_every_precision_trains_and_evaluates(tmp_path: Path, precision: Any) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Flatten(), nn.Linear(4, 3))
    module = classifier(network, regularizers=[LabelSmoothing(0.1)])
    batches = [batch_of([0, 1, 2, 2])]
    trainer = fit(module, batches, batches, tmp_path, precision=precision)
    (logits,) = trainer.predict(module, DataLoader(batches, batch_size=None))  # type: ignore[arg-type, misc]
    assert isinstance(logits, Tensor)
    assert logits.dtype == torch.float32
    weights = {"bf16-true": torch.bfloat16, "64-true": torch.float64, "bf16-mixed": torch.float32}[precision]
    assert {parameter.dtype for parameter in module.network.parameters()} == {weights}


# ---- dropout


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


@AS_IN_EXPERIMENT
def test_dropout_masks_are_a_function_of_seed_and_step(tmp_path: Path) -> None:
    drawn = masks(tmp_path, seed=5)
    assert len(drawn) == len({str(mask) for mask in drawn}) == 4  # steps differ, in other epochs too
    assert masks(tmp_path, seed=5, disturbance=17) == drawn
    assert not {str(mask) for mask in masks(tmp_path, seed=6)} & {str(mask) for mask in drawn}
    torch.manual_seed(step_seed(seed=5, step=2))  # so the third mask can be drawn again, from nothing but its place
    assert (nn.functional.dropout(torch.ones(3, 12), 0.5) != 0).tolist() == drawn[2]


# ---- the metrics of an epoch, by hand


@AS_IN_EXPERIMENT
def test_train_metrics_are_those_of_the_training_passes(tmp_path: Path) -> None:
    """Batches of unequal size, each evaluated by the weights that it met: images count alike, not batches."""
    batches = [batch_of([0, 1, 2, 2, 0], seed=1), batch_of([1], seed=2)]
    module = classifier()
    metrics = fit(module, batches, batches, tmp_path, epochs=2).callback_metrics
    reference = linear()
    losses: list[float] = []
    right: list[bool] = []
    for batch in 2 * batches:
        logits = reference(module.normalize(batch.images))
        loss = functional.cross_entropy(logits, batch.labels)
        losses += [loss.item()] * len(batch.labels)
        right += (logits.argmax(dim=1) == batch.labels).tolist()
        reference.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in reference.parameters():
                assert parameter.grad is not None
                parameter -= 0.1 * parameter.grad
    assert sum(right[:6]) != sum(right[6:])  # or the next lines would not tell the epochs apart
    assert metrics["train/loss"].item() == pytest.approx(sum(losses[6:]) / 6, rel=1e-5)
    assert metrics["train/acc"].item() == pytest.approx(sum(right[6:]) / 6)
    assert metrics["lr"].item() == pytest.approx(0.1)


@AS_IN_EXPERIMENT
def test_val_metrics_are_those_of_the_epochs_last_weights(tmp_path: Path) -> None:
    """The class without images (owl) counts for nothing in acc_macro, and has no accuracy of its own."""
    val = [batch_of([0, 1, 1, 0, 1], seed=3), batch_of([1, 0], seed=4)]
    module = classifier()
    first = fit(module, val, val, tmp_path, epochs=1).callback_metrics["val/acc"].item()
    module = classifier()
    trainer = fit(module, val, val, tmp_path, epochs=4)
    with torch.no_grad():
        logits = torch.cat([module(batch.images) for batch in val])
    labels = torch.cat([batch.labels for batch in val])
    right = logits.argmax(dim=1) == labels
    cat, dog = right[labels == 0].double().mean().item(), right[labels == 1].double().mean().item()
    metrics = {name: value.item() for name, value in trainer.callback_metrics.items()}
    assert metrics["val/loss"] == pytest.approx(functional.cross_entropy(logits, labels).item(), rel=1e-5)
    assert metrics["val/acc"] == pytest.approx(right.double().mean().item())
    assert metrics["val/acc"] > first + 0.1  # or the line above would not tell the epochs apart
    assert metrics["val/acc_macro"] == pytest.approx((cat + dog) / 2)
    per_class = {name: value for name, value in metrics.items() if name.startswith("val/acc_class/")}
    assert per_class == {"val/acc_class/cat": pytest.approx(cat), "val/acc_class/dog": pytest.approx(dog)}


class Weighted(Regularizer):
    """Blends all images into one grey and adds the squares of the weights."""

    def change_batch(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(images), targets

    def penalty(self, network: nn.Module) -> Tensor:
        return self.strength * torch.stack([(parameter**2).sum() for parameter in network.parameters()]).sum()


@AS_IN_EXPERIMENT
def test_regularizers_change_training_batches_and_loss_and_nothing_else(tmp_path: Path) -> None:
    batch = batch_of([0, 1, 2, 2])
    module = classifier(regularizers=[LabelSmoothing(0.3), Weighted(0.5)], optimizer=partial(torch.optim.SGD, lr=1e-12))
    metrics = fit(module, [batch], [batch], tmp_path).callback_metrics
    weight, bias = linear()[1].parameters()
    squares = (weight**2).sum() + (bias**2).sum()
    grey = bias.expand(4, 3)  # the logits of images that are all zero
    smooth = functional.cross_entropy(grey, batch.labels, label_smoothing=0.3)
    assert metrics["train/loss"].item() == pytest.approx((smooth + 0.5 * squares).item(), rel=1e-5)
    plain = functional.cross_entropy(module(batch.images), batch.labels)
    assert metrics["val/loss"].item() == pytest.approx(plain.item(), rel=1e-5)


class AsOnAGpu(LossWatch):
    """The loss arrives in the CPU's memory no sooner than it is waited for."""

    def look(self, loss: Tensor, where: str) -> None:
        class Event:
            def synchronize(self) -> None:
                copy.copy_(loss)

        copy = torch.zeros(())
        self.coming = copy, Event(), where  # type: ignore[assignment]


@AS_IN_EXPERIMENT
@pytest.mark.parametrize("watch", [LossWatch, AsOnAGpu])
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2], "train/loss became nan in epoch 1 (step 3, learning rate 0.1)"),
        ([0], "val/loss became nan in epoch 1 (step 4, learning rate 0.1)"),
    ],
    ids=["in training", "with the last step"],
)
def test_a_loss_that_is_no_number_ends_the_run_in_its_epoch(
    tmp_path: Path, labels: list[int], message: str, watch: type[LossWatch]
) -> None:
    """One NaN among finite losses is seen, and so is one that only the validation meets."""

    class Breaks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.passes = nn.Linear(12, 3), 0

        def forward(self, images: Tensor) -> Tensor:
            self.passes += self.training
            broken = self.passes == 4 and self.training == (labels != [0])
            return self.linear(images.flatten(1)) * (math.nan if broken else 1)

    message += ": training has diverged. Try a smaller optimizer.lr, or trainer.precision=32-true if it was another."
    batches = [batch_of([0, 1, 2], seed=k) for k in range(2)]
    module = classifier(Breaks())
    module.watch = watch()
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        fit(module, batches, batches, tmp_path, epochs=3)
    assert all(weights.isfinite().all() for weights in module.network.parameters()), "it stopped before the update"


@pytest.mark.slow
@pytest.mark.skipif(why_not_compile("cpu") is not None, reason="no compiler here")
@pytest.mark.filterwarnings("ignore")  # of the compiler's own code
def test_a_compiled_network_learns_the_same_and_its_checkpoints_have_the_same_keys() -> None:
    batch = batch_of([0, 1, 2, 2])
    plain, compiled = classifier(), classifier(compiled=True)
    assert list(compiled.state_dict()) == list(plain.state_dict())
    compiled.load_state_dict(plain.state_dict())
    torch.testing.assert_close(compiled(batch.images), plain(batch.images))
    assert list(compiled.state_dict()) == list(plain.state_dict())


@AS_IN_EXPERIMENT
def test_checkpoints_carry_the_description_and_load_safely(tmp_path: Path) -> None:
    description = {"classes": ["cat"], "config": {"seed": 3, "data": {"root": None}}}
    module = classifier(description=description)
    batches = [batch_of([0, 1, 2])]
    fit(module, batches, batches, tmp_path).save_checkpoint(tmp_path / "some.ckpt")
    assert torch.load(tmp_path / "some.ckpt", weights_only=True)["animal_cls"] == description


# ---- evaluation


def logits_of(probabilities: Sequence[Sequence[float]]) -> Tensor:
    return torch.tensor(probabilities).log()


def test_evaluate_on_a_hand_made_example() -> None:
    """Six images; the owls are missing. Rows of the confusion matrix are true, columns predicted."""
    probabilities = [
        [0.7, 0.2, 0.1],
        [0.3, 0.5, 0.2],
        [0.2, 0.7, 0.1],
        [0.1, 0.8, 0.1],
        [0.2, 0.2, 0.6],
        [0.1, 0.3, 0.6],
    ]
    labels = torch.tensor([0, 0, 1, 1, 1, 1])
    result = evaluate(logits_of(probabilities), labels, classes=CLASSES)
    assert result.n == 6
    assert result.confusion == [[1, 1, 0], [0, 2, 2], [0, 0, 0]]
    assert result.per_class == {"cat": 0.5, "dog": 0.5, "owl": None}
    assert result.acc == 3 / 6
    assert result.acc_macro == 0.5
    of_true = [0.7, 0.3, 0.7, 0.8, 0.2, 0.3]
    assert result.loss == pytest.approx(-sum(math.log(p) for p in of_true) / 6, rel=1e-6)
    # Bins of 1/15: 0.5 in the 8th, two 0.6 in the 9th, two 0.7 in the 11th, 0.8 in the 12th.
    by_hand = (abs(0.5 - 0) + abs(1.2 - 0) + abs(1.4 - 2) + abs(0.8 - 1)) / 6
    assert result.ece == pytest.approx(by_hand, rel=1e-5)


@pytest.mark.parametrize("n", [1, 7, 500])
def test_evaluate_against_numpy(n: int) -> None:
    rng = np.random.default_rng(n)
    logits = (rng.normal(size=(n, 5)) * 3).astype(np.float32)
    labels = rng.integers(0, 4, size=n)  # the fifth class is absent
    result = evaluate(torch.from_numpy(logits), torch.from_numpy(labels), classes="abcde")
    exponentials = np.exp(logits.astype(np.float64))
    p = exponentials / exponentials.sum(axis=1, keepdims=True)
    predicted, confidence = p.argmax(axis=1), p.max(axis=1)
    right = predicted == labels
    assert result.loss == pytest.approx(-np.log(p[np.arange(n), labels]).mean(), rel=1e-9)
    assert result.acc == pytest.approx(right.mean())
    recalls = {k: right[labels == k].mean() for k in range(5) if (labels == k).any()}
    assert result.acc_macro == pytest.approx(np.mean(list(recalls.values())))
    assert result.per_class == {name: recalls.get(k) for k, name in enumerate("abcde")}
    confusion = np.zeros((5, 5), dtype=int)
    np.add.at(confusion, (labels, predicted), 1)
    assert result.confusion == confusion.tolist()
    ece = 0.0
    for low in range(15):
        inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        if inside.any():
            ece += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert result.ece == pytest.approx(ece, rel=1e-6)


def test_perfect_confidence_belongs_to_the_last_bin() -> None:
    """A sure and wrong image and a little too modest ones share a bin: their gaps cancel before they are counted."""
    probabilities = torch.tensor([[1.0, 0.0], [0.95, 0.05], [0.95, 0.05]], dtype=torch.float64)
    assert calibration_error(probabilities, torch.tensor([1, 0, 0])) == pytest.approx((1 - 0.05 - 0.05) / 3)


def test_neighbouring_bins_are_told_apart() -> None:
    """One too modest in the 14th bin does not make up for one too sure in the 15th; an edge is of the bin below."""
    for modest in (0.9, 14 / 15):
        probabilities = torch.tensor([[modest, 1 - modest], [0.99, 0.01]], dtype=torch.float64)
        assert calibration_error(probabilities, torch.tensor([0, 1])) == pytest.approx((1 - modest + 0.99) / 2)


def test_a_perfect_judge_of_itself_has_no_calibration_error() -> None:
    probabilities = torch.tensor([[0.75, 0.25]] * 4, dtype=torch.float64)
    assert calibration_error(probabilities, torch.tensor([0, 0, 0, 1])) == pytest.approx(0, abs=1e-12)
    assert calibration_error(torch.eye(2, dtype=torch.float64), torch.tensor([0, 1])) == 0


def test_extreme_logits_are_no_trouble() -> None:
    result = evaluate(torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]]), torch.tensor([0, 0]), classes=CLASSES)
    assert result.loss == pytest.approx(1e4)
    assert result.ece == pytest.approx(0.5)
