"""Training and evaluation, against the same computed by hand."""

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader

from animal_cls.data.batch import Batch
from animal_cls.regularizers import Method
from animal_cls.regularizers.label_smoothing import LabelSmoothing
from animal_cls.training.hardware import why_not_compile
from tests.training.small_training import AS_IN_A_RUN, DEVIATION, MEAN, batch_of, classifier, fit, linear

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
