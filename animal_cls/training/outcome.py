"""What a run leaves when its training has ended: the chosen checkpoint evaluated, predictions, figures, its result."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer
from torch import Tensor

from animal_cls import results
from animal_cls.config.methods import active
from animal_cls.config.schema import Config, constructor_calls, without_outcome
from animal_cls.data.module import ImageDataModule
from animal_cls.data.sources.unused import counted
from animal_cls.files.text import plural
from animal_cls.results import Result
from animal_cls.training import evaluation, provenance, verification
from animal_cls.training.build import Parts
from animal_cls.training.checkpoints import BEST, LAST
from animal_cls.training.classifier import Classifier
from animal_cls.training.figures import run_figures
from animal_cls.training.history import History
from animal_cls.training.tensorboard import RunLogger

EXAMPLES = 48  # images on the sample sheet at most, half of them of train


def evaluated(
    config: Config,
    folder: Path,
    trainer: Trainer,
    classifier: Classifier,
    data: ImageDataModule,
    history: History,
    parts: Parts,
) -> Result:
    """Evaluate the chosen checkpoint on every image; write predictions, figures and TensorBoard's last page."""
    verification.require_best(folder, history.rows, classifier.description)
    test = _tested_other(config, folder, trainer, classifier, data)
    _load(config.checkpoint, folder, classifier)
    logits = evaluation.logits_of_split(trainer, classifier, data, "all")
    _check_accuracy(config, logits, data, history, trainer)
    said = evaluation.predictions(logits, data)
    results.write_predictions(said, folder)
    provenance.write_packages(folder)
    splits = evaluation.of_splits(logits, data)
    result = Result(
        status="done",
        **_identity(config),
        methods=parts.records,
        splits=splits,
        label_noise=evaluation.label_noise(said),
        temperature=evaluation.temperature(said),
        checkpoint=config.checkpoint,
        best_epoch=history.best_epoch,
        epochs=len(history.rows),
        seconds=history.seconds,
        images_per_second=splits["train"].n * len(history.rows) / history.seconds,
        parameters=sum(parameter.numel() for parameter in classifier.network.parameters()),
        device=_device(trainer),
        precision=str(trainer.precision),
        files=results.digests(folder),
        **_data_identity(data),
    )
    _draw(folder, trainer, classifier, data, result)
    _log_outcome(config, trainer, history, test | ({config.checkpoint: splits["test"].acc} if test else {}))
    return result


def without_splits(config: Config, *, status: results.Status, reason: str, idle: bool = False) -> Result:
    """The result of a run that failed or was skipped."""
    return Result(status=status, reason=reason, idle=idle, **_identity(config))


def _tested_other(
    config: Config, folder: Path, trainer: Trainer, classifier: Classifier, data: ImageDataModule
) -> dict[str, float]:
    """The test accuracy of the checkpoint that is not evaluated, by its name; nothing where there is no test split."""
    if not len(data.indices("test")):
        return {}
    other = {"best": "last", "last": "best"}[config.checkpoint]
    _load(other, folder, classifier)
    logits = evaluation.logits_of_split(trainer, classifier, data, "test")
    return {other: evaluation.accuracy(logits, data, "test")}


def _check_accuracy(config: Config, logits: Tensor, data: ImageDataModule, history: History, trainer: Trainer) -> None:
    """Raise `UserError` where the evaluated weights are not as good on val as their epoch was."""
    at = torch.from_numpy(data.indices("val"))
    rounded = verification.rounds(trainer.strategy.root_device, str(trainer.precision))
    row = history.rows[history.best_epoch if config.checkpoint == "best" else -1]
    verification.check_accuracy(logits[at], torch.from_numpy(data.images.labels)[at], row, rounded=rounded)


def _load(checkpoint: str, folder: Path, classifier: Classifier) -> None:
    evaluation.load_weights(classifier, folder / "checkpoints" / {"best": BEST, "last": LAST}[checkpoint])


def _draw(folder: Path, trainer: Trainer, classifier: Classifier, data: ImageDataModule, result: Result) -> None:
    """The figures, as files and as TensorBoard's images."""
    drawn = run_figures.of_run(result, results.read_metrics(folder))
    drawn |= {"samples": _sample_sheet(classifier, data, result)}
    for name, figure in drawn.items():
        file = run_figures.save(figure, folder / run_figures.FIGURES / f"{name}.png")
        _logger(trainer).log_image(name, file, epoch=result.epochs - 1)


def _sample_sheet(classifier: Classifier, data: ImageDataModule, result: Result) -> Any:
    """Images of every class (of very many, of the first), train and val beside each other."""
    classes = min(len(result.classes), EXAMPLES // 2)
    held_out = [name for name in ("val", "test") if name in result.splits][:1]
    batches = [data.examples(name, classes=classes, each=EXAMPLES // 2 // classes) for name in ("train", *held_out)]
    splits = [name for name, batch in zip(("train", *held_out), batches, strict=True) for _ in batch.labels]
    side = max(batch.images.shape[-1] for batch in batches)  # a method may have made those of train smaller
    images = torch.cat([torch.nn.functional.interpolate(batch.images.float().cpu(), (side, side)) for batch in batches])
    classifier.eval()
    with torch.inference_mode():
        predicted = classifier.evaluate(images.to(classifier.device)).argmax(dim=1).tolist()
    labels = [label for batch in batches for label in batch.hard.tolist()]
    order = sorted(range(len(labels)), key=lambda k: (labels[k], splits[k] != "train"))
    is_changed = any(method.acts_on in ("images", "pairs") for method in classifier.methods)
    what = "Images, train as augmented" if is_changed else "Images"
    what += ", with the labels given" if result.label_noise else ""
    what += f", of {classes} of {len(result.classes)} classes" * (classes < len(result.classes))
    return run_figures.samples(
        images[order].round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy(),
        [result.classes[labels[k]] for k in order],
        [result.classes[predicted[k]] for k in order],
        title=run_figures.run_title(what, result, split=" and ".join(["train", *held_out])),
        splits=[splits[k] for k in order],
    )


def _log_outcome(config: Config, trainer: Trainer, history: History, test: dict[str, float]) -> None:
    """Final and best accuracies against the ablation's axes, for the HPARAMS table."""
    named = [section for section in constructor_calls() if "." not in section]
    settings = {section: getattr(config, section).get("name", "") for section in named}
    settings |= {"reg": config.reg["name"], "seed": config.seed, "lr": config.optimizer.get("lr", "")}
    settings |= {} if config.data.fold is None else {"fold": config.data.fold}
    settings |= _strengths(config)
    metrics = {
        "final/val/acc": history.rows[-1]["val/acc"],
        "best/val/acc": history.rows[history.best_epoch]["val/acc"],
    }
    if test:
        metrics |= {"final/test/acc": test["last"], "best/test/acc": test["best"]}
    logger = _logger(trainer)
    logger.log_outcome(settings, metrics)
    logger.close()


def _strengths(config: Config) -> dict[str, float]:
    """reg.NAME -> its strength, 0 where it is off."""
    named = {f"reg.{name}": 0.0 for name in config.reg if name != "name"}
    return named | {call.key: call.strength for call in active(config.reg, "reg")}


def _logger(trainer: Trainer) -> RunLogger:
    assert isinstance(trainer.logger, RunLogger)
    return trainer.logger


def _data_identity(data: ImageDataModule) -> dict[str, Any]:
    images = data.images
    root = str(Path(images.root).absolute())
    return {
        "classes": images.classes,
        "data_root": root,
        "data_fingerprint": images.fingerprint,
        "near_copies": images.near_copies,
        "images_not_used": counted(images.unused),
    }


def _identity(config: Config) -> dict[str, Any]:
    """The fields of a result that are known before the run."""
    return {
        "config": asdict(config),
        "derived": dict(config.derived),
        "no_outcome": without_outcome(),
        "model": config.model["name"],
        "reg": config.reg["name"],
        "seed": config.seed,
        **provenance.origin(),
    }


def _device(trainer: Trainer) -> str:
    device = trainer.strategy.root_device
    return (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"{device.type} ({plural(torch.get_num_threads(), 'thread')})"
    )
