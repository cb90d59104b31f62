"""Training and evaluation, against the same computed by hand."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from lightning import LightningDataModule, Trainer
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from animal_cls.data.batch import Batch
from animal_cls.errors import UserError
from animal_cls.regularizers import Method, uses
from animal_cls.regularizers.label_smoothing import LabelSmoothing
from animal_cls.regularizers.sam import SAM
from animal_cls.rng import step_seed
from animal_cls.training.classifier import Classifier
from animal_cls.training.divergence import LossWatch
from animal_cls.training.hardware import why_not_compile

MEAN, DEVIATION = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
CLASSES = ("cat", "dog", "owl")
AS_IN_A_RUN = pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec")


def linear(**_: object) -> nn.Sequential:
    """The simplest network: 2 x 2 images, three classes."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 3))


def classifier(network: nn.Module | None = None, **changes: Any) -> Classifier:
    settings: dict[str, Any] = {"classes": CLASSES, "normalization": (MEAN, DEVIATION)}
    network = network or linear()
    make = changes.pop("optimizer", partial(torch.optim.SGD, lr=0.1))
    return Classifier(network, optimizer=make(network.parameters()), **(settings | changes))


def batch_of(labels: Sequence[int], *, seed: int = 0, side: int = 2) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (len(labels), 3, side, side), generator=generator)
    indices = np.arange(len(labels))
    return Batch(images=images.float(), labels=torch.tensor(labels), indices=indices)


class Batches(LightningDataModule):
    """The same batches in every epoch, changed by the methods as ours are."""

    def __init__(self, train: Sequence[Batch], val: Sequence[Batch], methods: Sequence[Method]) -> None:
        super().__init__()
        self.train, self.val = train, val
        self.methods = [method for method in methods if uses(method, "batch")]

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        assert self.trainer is not None
        if not self.trainer.training or not self.methods:
            return batch
        images, targets = batch.images, functional.one_hot(batch.labels, 3).to(batch.images.dtype)
        for method in self.methods:
            images, targets = method.batch(images, targets, method.sample(np.zeros((len(images), method.draws))))
        return replace(batch, images=images, targets=targets)

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
    trainer.fit(module, datamodule=Batches(train, val, module.methods))
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


@AS_IN_A_RUN
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


@AS_IN_A_RUN
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


@AS_IN_A_RUN
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


@AS_IN_A_RUN
@pytest.mark.parametrize("precision", ["bf16-true", "64-true", "bf16-mixed"])
def test_every_precision_trains_and_evaluates(tmp_path: Path, precision: Any) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 2), nn.Flatten(), nn.Linear(4, 3))
    module = classifier(network, methods=[LabelSmoothing(0.1)])
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


@AS_IN_A_RUN
def test_dropout_masks_are_a_function_of_seed_and_step(tmp_path: Path) -> None:
    drawn = masks(tmp_path, seed=5)
    assert len(drawn) == len({str(mask) for mask in drawn}) == 4  # steps differ, in other epochs too
    assert masks(tmp_path, seed=5, disturbance=17) == drawn
    assert not {str(mask) for mask in masks(tmp_path, seed=6)} & {str(mask) for mask in drawn}
    torch.manual_seed(step_seed(seed=5, step=2))  # so the third mask can be drawn again, from nothing but its place
    assert (nn.functional.dropout(torch.ones(3, 12), 0.5) != 0).tolist() == drawn[2]


# ---- sharpness-aware minimisation: two passes of one step


@AS_IN_A_RUN
def test_sams_step_by_hand(tmp_path: Path) -> None:
    """The gradient at w + rho * g / |g|, applied at w (https://arxiv.org/abs/2010.01412, equation 2)."""
    batch, rho = batch_of([0, 1, 2, 2]), 0.5
    first = gradients(classifier(), batch)
    norm = torch.stack([(g**2).sum() for g in first]).sum().sqrt()
    climbed = classifier()
    with torch.no_grad():
        for parameter, g in zip(climbed.network.parameters(), first, strict=True):
            parameter.add_(rho * g / norm)
    second = gradients(climbed, batch)
    module = classifier(methods=[SAM(rho)])
    metrics = fit(module, [batch], [batch], tmp_path).callback_metrics
    for after, before, g in zip(module.network.parameters(), linear().parameters(), second, strict=True):
        torch.testing.assert_close(after.double(), before.double() - 0.1 * g, atol=1e-6, rtol=0)
    plain = functional.cross_entropy(classifier()(batch.images), batch.labels)
    assert metrics["train/loss"].item() == pytest.approx(plain.item(), rel=1e-6), "that of the first pass"
    assert not torch.allclose(first[0], second[0], atol=1e-2)  # or the above would not tell it from SGD


@AS_IN_A_RUN
def test_a_step_of_sam_counts_once_for_running_statistics(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
    batch = batch_of([0, 1, 2, 2])
    module = classifier(network, methods=[SAM(0.5)])
    with torch.no_grad():
        x = network[1](module.normalize(batch.images).flatten(1))
    fit(module, [batch], [batch], tmp_path)
    norm = network[2]
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    torch.testing.assert_close(norm.running_mean, 0.1 * x.mean(dim=0))
    torch.testing.assert_close(norm.running_var, 0.9 + 0.1 * x.var(dim=0))
    assert (norm.num_batches_tracked, norm.momentum) == (1, 0.1)


@AS_IN_A_RUN
def test_both_passes_of_a_step_drop_the_same_activations(tmp_path: Path) -> None:
    network = DropOnes()
    batches = [batch_of([0, 1, 2], seed=k) for k in range(2)]
    fit(classifier(network, methods=[SAM(0.5)], seed=5), batches, [batch_of([0])], tmp_path)
    first, again, second, second_again = network.masks
    assert (first, second) == (again, second_again)
    assert [first, second] == masks(tmp_path, seed=5, epochs=1), "and those of a run without it"


# ---- the metrics of an epoch, by hand


@AS_IN_A_RUN
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


@AS_IN_A_RUN
def test_a_class_may_be_called_like_lightnings_loaders(tmp_path: Path) -> None:
    module = classifier()
    module.classes[0] = "dataloader_idx_0"
    batches = [batch_of([0, 1, 1, 0, 1], seed=3)]
    metrics = fit(module, batches, batches, tmp_path, epochs=1).callback_metrics
    assert {name for name in metrics if name.startswith("val/acc_class/")} == {
        "val/acc_class/dataloader-idx-0",
        "val/acc_class/dog",
    }


@AS_IN_A_RUN
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


class Grey(Method):
    """Blends all images into one grey."""

    acts_on = "images"

    def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
        return torch.full_like(images, 100), targets


class Squares(Method):
    """Adds the squares of the weights."""

    acts_on = "loss"

    def loss(self, network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
        return loss + self.strength * torch.stack([(parameter**2).sum() for parameter in network.parameters()]).sum()


@AS_IN_A_RUN
def test_methods_change_training_batches_and_the_objective_and_nothing_else(tmp_path: Path) -> None:
    """`train/loss` stays the plain cross-entropy on hard labels, of what the network saw; the objective has it all."""
    batch = batch_of([0, 1, 2, 2])
    optimizer = partial(torch.optim.SGD, lr=1e-12)
    module = classifier(methods=[Grey(1.0), LabelSmoothing(0.3), Squares(0.5)], optimizer=optimizer)
    metrics = fit(module, [batch], [batch], tmp_path).callback_metrics
    weight, bias = linear()[1].parameters()
    squares = (weight**2).sum() + (bias**2).sum()
    grey = linear()(module.normalize(torch.full((4, 3, 2, 2), 100.0)))
    hard = functional.cross_entropy(grey, batch.labels)
    smooth = functional.cross_entropy(grey, batch.labels, label_smoothing=0.3)
    assert metrics["train/loss"].item() == pytest.approx(hard.item(), rel=1e-5)
    assert metrics["train/objective"].item() == pytest.approx((smooth + 0.5 * squares).item(), rel=1e-5)
    plain = functional.cross_entropy(module(batch.images), batch.labels)
    assert metrics["val/loss"].item() == pytest.approx(plain.item(), rel=1e-5)


@AS_IN_A_RUN
def test_there_is_no_objective_where_it_is_the_plain_loss(tmp_path: Path) -> None:
    batches = [batch_of([0, 1, 2])]
    assert "train/objective" not in fit(classifier(), batches, batches, tmp_path).callback_metrics


@AS_IN_A_RUN
@pytest.mark.parametrize("share", [0.75, 0.25])
def test_train_acc_of_mixed_images_is_counted_on_the_heavier_label(tmp_path: Path, share: float) -> None:
    """Images of one pixel value a class; a network that tells them by heart is right about the heavier half."""

    class Blend(Method):
        acts_on, mixes_images = "pairs", True

        def batch(self, images: Tensor, targets: Tensor, sampled: Tensor) -> tuple[Tensor, Tensor]:
            return tuple(x * share + x.roll(-1, 0) * (1 - share) for x in (images, targets))  # type: ignore[return-value]

    class Heaviest(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, images: Tensor) -> Tensor:
            return self.scale * images.mean(dim=(2, 3))  # a class is a channel

    labels = torch.tensor([0, 1, 2, 1])
    images = 255 * functional.one_hot(labels, 3).float()[:, :, None, None].expand(4, 3, 2, 2)
    batch = Batch(images=images, labels=labels, indices=np.arange(4))
    module = classifier(Heaviest(), methods=[Blend(1.0)], normalization=((0.0,) * 3, (1.0,) * 3))
    metrics = fit(module, [batch], [batch], tmp_path).callback_metrics
    assert metrics["train/acc"].item() == 1
    logits = torch.eye(3)[labels] * share + torch.eye(3)[labels.roll(-1)] * (1 - share)
    heavier = labels if share > 0.5 else labels.roll(-1)
    assert metrics["train/loss"].item() == pytest.approx(functional.cross_entropy(logits, heavier).item(), rel=1e-5)


class TwoHeads(nn.Module):
    """As torchvision's googlenet: in training a namedtuple, else the main logits."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.other = nn.Linear(12, 3), nn.Linear(12, 3)

    def forward(self, images: Tensor) -> Any:
        logits = self.main(images.flatten(1))
        return Outputs(logits, self.other(images.flatten(1))) if self.training else logits


class Outputs(NamedTuple):
    logits: Tensor
    aux_logits: Tensor


@AS_IN_A_RUN
def test_main_logits_are_trained_where_there_are_auxiliary_ones(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, alone = TwoHeads(), linear()
    alone[1].load_state_dict(network.main.state_dict())
    other = {name: value.clone() for name, value in network.other.state_dict().items()}
    batches = [batch_of([0, 1, 2, 2])]
    one = fit(classifier(network), batches, batches, tmp_path, epochs=2).callback_metrics
    two = fit(classifier(alone), batches, batches, tmp_path, epochs=2).callback_metrics
    assert {name: value.item() for name, value in one.items()} == {name: value.item() for name, value in two.items()}
    assert all(torch.equal(value, other[name]) for name, value in network.other.state_dict().items())


class AsOnAGpu(LossWatch):
    """The loss arrives in the CPU's memory no sooner than it is waited for."""

    def look(self, loss: Tensor, where: str) -> None:
        class Event:
            def synchronize(self) -> None:
                copy.copy_(loss)

        copy = torch.zeros(())
        self.coming = copy, Event(), where  # type: ignore[assignment]


@AS_IN_A_RUN
@pytest.mark.parametrize("watch", [LossWatch, AsOnAGpu])
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2], "train/loss became nan in epoch 2 (step 3, learning rate 0.1)"),
        ([0], "val/loss became nan in epoch 2 (step 4, learning rate 0.1)"),
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


class SmallMemory(nn.Module):
    """Takes as many images at once as it has room for."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.linear, self.room, self.sizes = nn.Linear(12, 3), room, []

    def forward(self, images: Tensor) -> Tensor:
        self.sizes.append(len(images))
        if len(images) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return self.linear(images.flatten(1))


def test_an_evaluation_that_does_not_fit_goes_on_in_halves() -> None:
    small = SmallMemory(room=2)
    module = classifier(small)
    images = batch_of([0, 1, 2, 2, 1]).images
    torch.testing.assert_close(module(images), small.linear(module.normalize(images).flatten(1)))
    assert small.sizes == [5, 3, 2, 1, 2]
    with pytest.raises(torch.OutOfMemoryError):
        classifier(SmallMemory(room=0))(images)


def test_a_network_is_compiled_without_what_earlier_ones_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight of them, and torch's compiler would give up."""
    calls: list[str] = []
    monkeypatch.setattr(torch._dynamo, "reset", lambda: calls.append("reset"))
    monkeypatch.setattr(nn.Module, "compile", lambda module: calls.append("compile"))
    classifier(compiled=True)
    classifier()
    assert calls == ["reset", "compile"]


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


@AS_IN_A_RUN
def test_checkpoints_carry_the_description_and_load_safely(tmp_path: Path) -> None:
    description = {"classes": ["cat"], "config": {"seed": 3, "data": {"root": None}}}
    module = classifier(description=description)
    batches = [batch_of([0, 1, 2])]
    fit(module, batches, batches, tmp_path).save_checkpoint(tmp_path / "some.ckpt")
    assert torch.load(tmp_path / "some.ckpt", weights_only=True)["animal_cls"] == description
