"""One run, from config to result."""

import logging
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer, seed_everything
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.profilers import PassThroughProfiler, Profiler, PyTorchProfiler, SimpleProfiler

from animal_cls import results
from animal_cls.config.methods import active
from animal_cls.config.schema import Config, constructor_calls, run_name, without_outcome
from animal_cls.data.module import ImageDataModule
from animal_cls.errors import UserError
from animal_cls.files import atomic, disk
from animal_cls.models import normalization_of
from animal_cls.report.figures import run_figures
from animal_cls.results import MethodRecord, Result
from animal_cls.training import build, checkpoints, evaluation, hardware, provenance
from animal_cls.training.build import Parts
from animal_cls.training.checkpoints import BEST, LAST
from animal_cls.training.classifier import Classifier
from animal_cls.training.history import History
from animal_cls.training.progress import Progress
from animal_cls.training.signals import Stop
from animal_cls.training.tensorboard import RunLogger, silence_writer_errors

EXAMPLES = 60  # images on the sample sheet at most, half of them of train

log = logging.getLogger("animal_cls")


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
    build.check(config)
    with provenance.collected_warnings() as warnings, hardware.retain_freed_memory(), silence_writer_errors():
        seed_everything(config.seed, verbose=False)
        data = build.images(config)
        data.prepare_data()
        parts = build.parts(config, num_classes=len(data.images.classes), folder=folder)
        data.methods = parts.methods
        _say_without_effect(parts.records)
        kept, passing = checkpoints.bytes_of_run(parts.network)
        disk.require(folder, kept + passing, key="hydra.run.dir", purpose="the output of a run")
        is_resumed = _make_ready(folder, data, go_on=go_on)
        classifier = _classifier(config, data, parts)
        history = History(folder, say=not _is_terminal())
        trainer = _trainer(config, folder, history, stop or Stop(), parts)
        trainer.fit(classifier, datamodule=data, ckpt_path=folder / "checkpoints" / LAST if is_resumed else None)
        _say_where_time_went(trainer)
        result = _evaluated(config, folder, trainer, classifier, data, history, parts)
    result = replace(result, warnings=warnings)
    results.save(result, folder)
    return result


def without_splits(config: Config, *, status: results.Status, reason: str) -> Result:
    """The result of a run that failed or was skipped."""
    return Result(status=status, reason=reason, **_identity(config))


def _say_without_effect(records: Sequence[MethodRecord]) -> None:
    for record in records:
        if not record.acted:
            log.warning("%s=%g has no effect: %s", record.key, record.strength, record.reason)


def _make_ready(folder: Path, data: ImageDataModule, *, go_on: bool) -> bool:
    """Clear `folder` of what a killed process left, unless it goes on from there; whether it does."""
    last = checkpoints.newest(folder / "checkpoints") if go_on else None
    if last is not None:
        _check_same_images(last, data, folder)
    else:
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)  # what an unfinished run left
    for place in (folder, folder / "checkpoints", folder / run_figures.FIGURES):
        atomic.remove_parts(place)
    return last is not None


def _check_same_images(last: dict[str, Any], data: ImageDataModule, folder: Path) -> None:
    if last["animal_cls"]["data_fingerprint"] != data.images.fingerprint:
        raise UserError(
            f"data.root={data.images.root}: the images have changed since the run in {folder} began, "
            "so it cannot go on with them. Put them back as they were, or start a new run."
        )


def _classifier(config: Config, data: ImageDataModule, parts: Parts) -> Classifier:
    classes = data.images.classes
    return Classifier(
        parts.network,
        classes=classes,
        normalization=normalization_of(parts.network),
        optimizer=parts.optimizer,
        schedule=lambda optimizer, steps: build.scheduler(config, optimizer, total_steps=steps),
        schedule_interval=config.scheduler.get("interval", "step"),
        schedule_monitor=config.scheduler.get("monitor"),
        methods=parts.methods,
        seed=config.seed,
        compiled=config.trainer.compile,
        description={"config": asdict(config), "classes": classes, "data_fingerprint": data.images.fingerprint},
    )


def _trainer(config: Config, folder: Path, history: History, stop: Stop, parts: Parts) -> Trainer:
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)  # its greetings are no news to our users
    settings = config.trainer
    logger = RunLogger(folder / "tensorboard" / run_name(config))
    saving = checkpoints.Checkpoints(
        folder / "checkpoints", minutes=settings.checkpoint_minutes, stop=stop, logger=logger
    )
    device = hardware.device_type(settings.accelerator)
    hardware.allow_tf32(settings.precision == hardware.AUTO)
    callbacks: list[Callback] = [*parts.callbacks, history, *([Progress()] if _is_terminal() else []), saving]
    return Trainer(
        max_epochs=settings.max_epochs,
        accelerator=settings.accelerator,
        devices=settings.devices,
        precision=hardware.precision(settings.precision, device),  # type: ignore[arg-type]  # checked in config
        deterministic=settings.deterministic,
        profiler=_profiler(settings.profiler),
        logger=[logger, *parts.loggers],
        callbacks=callbacks,
        plugins=[checkpoints.Files()],
        enable_progress_bar=_is_terminal(),
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # our samplers know their images
        log_every_n_steps=1,  # nothing is logged by the step; a larger number earns a warning on small data
        default_root_dir=folder,
    )


def _profiler(wanted: str | None) -> Profiler:
    """Lightning's own; torch's without its trace, a file of hundreds of MB."""
    if wanted is None:
        return PassThroughProfiler()
    return SimpleProfiler() if wanted == "simple" else PyTorchProfiler(export_to_chrome=False)


def _say_where_time_went(trainer: Trainer) -> None:
    """Show the profiler's table, which Lightning gives to a log that nobody sees; the evaluation is not measured."""
    profiler, trainer.profiler = trainer.profiler, PassThroughProfiler()  # type: ignore[attr-defined]  # it has one
    if not isinstance(profiler, PassThroughProfiler):
        log.info("%s", profiler.summary())


def _evaluated(
    config: Config,
    folder: Path,
    trainer: Trainer,
    classifier: Classifier,
    data: ImageDataModule,
    history: History,
    parts: Parts,
) -> Result:
    """Evaluate the chosen checkpoint on every image; write predictions, figures and TensorBoard's last page."""
    test = {}  # checkpoint -> its accuracy
    if len(data.indices("test")):
        other = {"best": "last", "last": "best"}[config.checkpoint]
        _load(other, folder, classifier)
        test[other] = evaluation.accuracy(evaluation.logits_of_split(trainer, classifier, data, "test"), data, "test")
    _load(config.checkpoint, folder, classifier)
    logits = evaluation.logits_of_split(trainer, classifier, data, "all")
    results.write_predictions(evaluation.predictions(logits, data), folder)
    provenance.write_packages(folder)
    splits = evaluation.of_splits(logits, data)
    result = Result(
        status="done",
        **_identity(config),
        methods=parts.records,
        splits=splits,
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


def _data_identity(data: ImageDataModule) -> dict[str, Any]:
    images = data.images
    root = str(Path(images.root).absolute())
    return {"classes": images.classes, "data_root": root, "data_fingerprint": images.fingerprint}


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
        predicted = classifier(images.to(classifier.device)).argmax(dim=1).tolist()
    labels = [label for batch in batches for label in batch.hard.tolist()]
    order = sorted(range(len(labels)), key=lambda k: (labels[k], splits[k] != "train"))
    is_changed = any(method.acts_on in ("images", "pairs") for method in classifier.methods)
    what = "Images, train as augmented" if is_changed else "Images"
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
        else f"{device.type} ({torch.get_num_threads()} threads)"
    )


def _is_terminal() -> bool:
    return sys.stdout.isatty() and sys.stderr.isatty()
