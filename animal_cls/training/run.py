"""One run, from config to result: the only file that knows all the parts."""

import logging
import platform
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer, seed_everything
from lightning.pytorch.callbacks import Callback, ModelCheckpoint
from torch import Tensor

from animal_cls import results
from animal_cls.config.schema import STRENGTHS, Config, run_name
from animal_cls.data.module import ImageDataModule
from animal_cls.errors import UserError
from animal_cls.files import atomic, disk, tensor_files
from animal_cls.files.paths import PACKAGE
from animal_cls.models.weights import IMAGENET
from animal_cls.report.figures import run_figures
from animal_cls.results import Predictions, Result, SplitResult
from animal_cls.training import build, checkpoints, hardware
from animal_cls.training.classifier import Classifier, evaluate
from animal_cls.training.history import History
from animal_cls.training.progress import Progress
from animal_cls.training.signals import Stop
from animal_cls.training.tensorboard import RunLogger, silence_writer_errors

EXAMPLES = 24  # images on the sample sheet
PACKAGES = ("torch", "torchvision", "lightning", "torchmetrics", "hydra-core", "omegaconf", "numpy", "pillow")


def train(config: Config, folder: Path, *, stop: Stop | None = None, go_on: bool = False) -> Result:
    """Train as `config` says and leave the run's files in `folder`; returns what result.json holds.

    Args:
        stop: signals that end the training after a step.
        go_on: continue from last.ckpt in `folder`, if there is a whole one; all that comes out is what would have come
            out without the interruption.

    Raises:
        UserError: something that the user can mend; nothing that was there is written over.
    """
    results.refuse_finished(folder)
    kept, passing = checkpoints.bytes_of_run(build.check(config))
    disk.require(folder, kept + passing, key="hydra.run.dir", purpose="the output of a run")
    with _collected_warnings() as told, hardware.retain_freed_memory(), silence_writer_errors():
        seed_everything(config.seed, verbose=False)
        data = build.images(config)
        data.prepare_data()
        last = checkpoints.newest(folder / "checkpoints") if go_on else None
        if last is not None:
            _check_same_images(last, data, folder)
        else:
            shutil.rmtree(folder / "checkpoints", ignore_errors=True)  # what an unfinished run left
        for place in (folder, folder / "checkpoints", folder / run_figures.FIGURES):
            atomic.remove_parts(place)
        classifier = _classifier(config, data)
        history = History(folder, say=not _terminal())
        trainer = _trainer(config, folder, history, stop or Stop())
        trainer.fit(classifier, datamodule=data, ckpt_path=folder / "checkpoints" / checkpoints.LAST if last else None)
        result = _evaluated(config, folder, trainer, classifier, data, history)
    result = replace(result, warnings=told)
    results.save(result, folder)
    return result


def without_splits(config: Config, *, status: results.Status, reason: str) -> Result:
    """The result of a run that failed or was skipped."""
    return Result(status=status, reason=reason, **_identity(config))


def _check_same_images(last: dict[str, Any], data: ImageDataModule, folder: Path) -> None:
    if last["animal_cls"]["data_fingerprint"] != data.images.fingerprint:
        raise UserError(
            f"data.root={data.images.root}: the images have changed since the run in {folder} began, "
            "so it cannot go on with them. Put them back as they were, or start a new run."
        )


def _classifier(config: Config, data: ImageDataModule) -> Classifier:
    classes = data.images.classes
    network = build.network(config, num_classes=len(classes))
    normalization = getattr(network, "normalization", IMAGENET)
    return Classifier(
        network,
        classes=classes,
        normalization=normalization,
        optimizer=build.optimizer(config),
        regularizers=build.methods(config),
        seed=config.seed,
        compiled=config.trainer.compile,
        description={"config": asdict(config), "classes": classes, "data_fingerprint": data.images.fingerprint},
    )


def _trainer(config: Config, folder: Path, history: History, stop: Stop) -> Trainer:
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)  # its greetings are no news to our users
    names: dict[str, Any] = {"auto_insert_metric_name": False, "enable_version_counter": False}
    best = ModelCheckpoint(
        folder / "checkpoints", "best", monitor="val/acc", mode="max", save_weights_only=True, **names
    )
    settings = config.trainer
    logger = RunLogger(folder / "tensorboard" / run_name(config))
    last = checkpoints.Checkpoints(
        folder / "checkpoints", minutes=settings.checkpoint_minutes, stop=stop, logger=logger
    )
    device = hardware.device_type(settings.accelerator)
    hardware.allow_tf32(settings.precision == hardware.AUTO)
    callbacks: list[Callback] = [history, best, *([Progress()] if _terminal() else []), last]
    return Trainer(
        max_epochs=settings.max_epochs,
        accelerator=settings.accelerator,
        devices=settings.devices,
        precision=hardware.precision(settings.precision, device),  # type: ignore[arg-type]  # checked in config.py
        deterministic=settings.deterministic,
        logger=logger,
        callbacks=callbacks,
        plugins=[checkpoints.Files()],
        enable_progress_bar=_terminal(),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # our samplers know their images
        log_every_n_steps=1,  # nothing is logged by the step; a larger number earns a warning on small data
        default_root_dir=folder,
    )


def _evaluated(
    config: Config, folder: Path, trainer: Trainer, classifier: Classifier, data: ImageDataModule, history: History
) -> Result:
    """Evaluate the chosen checkpoint on every image; write predictions, figures and TensorBoard's last page."""
    other = {"best": "last", "last": "best"}[config.checkpoint]
    _load(classifier, folder, other)
    other_test = _test_acc(_logits(trainer, classifier, data, "test"), data) if len(data.indices("test")) else None
    _load(classifier, folder, config.checkpoint)
    logits = _logits(trainer, classifier, data, "all")
    results.write_predictions(_predictions(logits, data), folder)
    splits = _splits(logits, data)
    result = Result(
        status="done",
        **_identity(config),
        classes=data.images.classes,
        splits=splits,
        checkpoint=config.checkpoint,
        best_epoch=history.best_epoch,
        epochs=len(history.rows),
        seconds=history.seconds,
        images_per_second=splits["train"].n * len(history.rows) / history.seconds,
        parameters=sum(parameter.numel() for parameter in classifier.network.parameters()),
        device=_device(trainer),
        precision=str(trainer.precision),
        data_fingerprint=data.images.fingerprint,
        files=results.digests(folder),
    )
    _draw(folder, trainer, classifier, data, result)
    test = {} if other_test is None else {config.checkpoint: splits["test"].acc, other: other_test}
    _log_outcome(config, trainer, history, test)
    return result


def _load(classifier: Classifier, folder: Path, checkpoint: str) -> None:
    state = tensor_files.read(folder / "checkpoints" / f"{checkpoint}.ckpt")
    classifier.load_state_dict(state["state_dict"])


def _logits(trainer: Trainer, classifier: Classifier, data: ImageDataModule, split: str) -> Tensor:
    """Logits (N, K) in float32 on the CPU of the images of `split`, in the image set's order."""
    batches = trainer.predict(classifier, data.in_order(split))
    return torch.cat([batch.float().cpu() for batch in batches])  # type: ignore[union-attr]


def _test_acc(logits: Tensor, data: ImageDataModule) -> float:
    labels = torch.from_numpy(data.images.labels[data.indices("test")])
    return (logits.argmax(dim=1) == labels).double().mean().item()


def _splits(logits: Tensor, data: ImageDataModule) -> dict[str, SplitResult]:
    labels = torch.from_numpy(data.images.labels)
    places = {split: torch.from_numpy(data.indices(split)) for split in results.SPLITS}
    return {
        split: evaluate(logits[at], labels[at], classes=data.images.classes) for split, at in places.items() if len(at)
    }


def _predictions(logits: Tensor, data: ImageDataModule) -> Predictions:
    images = data.images
    return Predictions(
        paths=images.paths,
        splits=images.split,
        labels=images.labels,
        probabilities=logits.softmax(dim=1).numpy(),
        classes=images.classes,
    )


def _draw(folder: Path, trainer: Trainer, classifier: Classifier, data: ImageDataModule, result: Result) -> None:
    """The figures, as files and as TensorBoard's images."""
    drawn = run_figures.of_run(result, results.read_metrics(folder)) | {
        "samples": _sample_sheet(classifier, data, result)
    }
    for name, figure in drawn.items():
        file = run_figures.save(figure, folder / run_figures.FIGURES / f"{name}.png")
        _logger(trainer).log_image(name, file, epoch=result.epochs - 1)


def _sample_sheet(classifier: Classifier, data: ImageDataModule, result: Result) -> Any:
    batch = data.examples(EXAMPLES)
    classifier.eval()
    with torch.inference_mode():
        predicted = classifier(batch.images.to(classifier.device)).argmax(dim=1).tolist()
    return run_figures.samples(
        batch.images.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy(),
        [result.classes[label] for label in batch.labels.tolist()],
        [result.classes[label] for label in predicted],
        title=run_figures.run_title("Training images as augmented", result, split="train"),
    )


def _log_outcome(config: Config, trainer: Trainer, history: History, test: dict[str, float]) -> None:
    """Final and best accuracies against the ablation's axes, for the HPARAMS table."""
    settings = {
        "model": config.model["name"],
        "reg": config.reg.name,
        "optimizer": config.optimizer.get("name", ""),
        "seed": config.seed,
    }
    settings |= {"lr": config.optimizer["lr"]} | {f"reg.{name}": getattr(config.reg, name) for name in STRENGTHS}
    metrics = {
        "final/val/acc": history.rows[-1]["val/acc"],
        "best/val/acc": history.rows[history.best_epoch]["val/acc"],
    }
    if test:
        metrics |= {"final/test/acc": test["last"], "best/test/acc": test["best"]}
    logger = _logger(trainer)
    logger.log_outcome(settings, metrics)
    logger.close()


def _logger(trainer: Trainer) -> RunLogger:
    assert isinstance(trainer.logger, RunLogger)
    return trainer.logger


def _identity(config: Config) -> dict[str, Any]:
    """The fields of a result that are known before the run."""
    return {
        "config": asdict(config),
        "model": config.model["name"],
        "reg": config.reg.name,
        "seed": config.seed,
        "versions": _versions(),
        "git": _git(),
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in ("animal-cls", *PACKAGES):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"  # ours, run from a checkout
    return found


def _git() -> dict[str, Any] | None:
    """The commit of the checkout that this code is, and whether it was changed; `None` for an installed wheel."""
    checkout = PACKAGE.parent
    if not (checkout / ".git").exists():
        return None
    try:
        commit, status = (
            subprocess.run(
                ["git", "-C", str(checkout), *words], capture_output=True, text=True, check=True, timeout=30
            ).stdout
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain"])
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit.strip(), "changed": bool(status.strip())}


def _device(trainer: Trainer) -> str:
    device = trainer.strategy.root_device
    return (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else f"{device.type} ({torch.get_num_threads()} threads)"
    )


def _terminal() -> bool:
    return sys.stdout.isatty() and sys.stderr.isatty()


@contextmanager
def _collected_warnings() -> Iterator[list[str]]:
    """The different warnings that are given meanwhile, Python's and the log's; they go to the log, too."""
    told: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: told.append(record.getMessage())
    logger, keep = logging.getLogger("animal_cls"), logging.getLogger("animal_cls.file")
    logger.addHandler(handler)
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("ignore", message="Checkpoint directory .* not empty")  # that of a run that goes on
        warnings.filterwarnings("ignore", message=".*LeafSpec")  # Lightning 2.6 on torch 2.14, about its own code
        try:
            yield told
        finally:
            logger.removeHandler(handler)
            for warning in caught:
                if str(warning.message) not in told:
                    told.append(str(warning.message))
                    keep.warning("%s", warning.message)
