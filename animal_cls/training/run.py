"""One run, from config to result."""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from lightning import Trainer, seed_everything
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from lightning.pytorch.profilers import PassThroughProfiler, Profiler, PyTorchProfiler, SimpleProfiler
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from animal_cls import regularizers, results
from animal_cls.config.schema import Config, run_name
from animal_cls.config.text_keys import with_text_keys
from animal_cls.data.batch import Part
from animal_cls.data.module import ImageDataModule
from animal_cls.errors import UserError, WithoutEffect
from animal_cls.files import atomic, disk, terminal
from animal_cls.models import normalization_of
from animal_cls.results import Environment, MethodRecord, Result
from animal_cls.training import build, checkpoints, forward, hardware, outcome, provenance, ranks, start
from animal_cls.training.build import Parts
from animal_cls.training.checkpoints import LAST
from animal_cls.training.classifier import Classifier
from animal_cls.training.figures import run_figures
from animal_cls.training.history import History
from animal_cls.training.progress import NotebookProgress, Progress
from animal_cls.training.ranks import Link, Others, Quiet, Ranks
from animal_cls.training.signals import Stop
from animal_cls.training.tensorboard import RunLogger, silence_writer_errors

log = logging.getLogger("animal_cls")


def train(
    config: Config,
    folder: Path,
    *,
    stop: Stop | None = None,
    go_on: bool = False,
    after_epoch: Callable[[int, float], None] | None = None,
) -> Result:
    """Train as `config` says and leave the run's files in `folder`; returns what result.json holds.

    Args:
        stop: signals that end the training after a step.
        go_on: continue from last.ckpt in `folder`, if there is a whole one, to the same end as without interruption.
        after_epoch: gets each epoch, counted from 0, and its val/acc; what it raises ends the run.

    Raises:
        UserError: something that the user can mend; nothing that was there is written over.
    """
    _require_free(folder, go_on=go_on)
    build.check(config)
    with (
        provenance.collected_warnings() as warnings,
        hardware.threads(_threads(config, start.read(folder))) as threads,
        hardware.retain_freed_memory(),
        silence_writer_errors(),
        ranks.started(config.trainer.devices, follow, config, folder, threads=threads) as others,
    ):
        last = _checkpoint_of(config, folder) if go_on else None
        data, parts = _built(config, folder, others.ranks)
        _check_same_images(last, data, folder)
        _remove_parts(folder)
        environments = _environments(config, folder, last)
        start.note_images(data.images.fingerprint, folder)
        classifier = classifier_of(config, data, parts, others.ranks)
        history = History(folder, say=not _is_terminal(), after_epoch=after_epoch)
        trainer = _fit(config, folder, classifier, data, parts, history, stop or Stop(), others, goes_on=bool(last))
        result = outcome.evaluated(config, folder, trainer, classifier, data, history, parts)
    result = replace(result, warnings=warnings, environments=environments)
    results.save(result, folder)
    return result


def _require_free(folder: Path, *, go_on: bool) -> None:
    """Raise `UserError` where a run is finished in `folder`, or has come so far that it can only go on."""
    results.refuse_finished(folder)
    if not go_on and start.has_checkpoints(folder):
        raise start.unfinished(folder)


def _fit(
    config: Config,
    folder: Path,
    classifier: Classifier,
    data: ImageDataModule,
    parts: Parts,
    history: History,
    stop: Stop,
    others: Others,
    *,
    goes_on: bool,
) -> Trainer:
    """Train; returns what evaluates afterwards, which is this process alone."""
    logger = RunLogger(folder / "tensorboard" / run_name(config))
    callbacks = [*parts.callbacks, history, *_progress()]
    callbacks += [_checkpoints(config, folder, stop, logger, others.ranks)]
    trainer = trainer_of(config, folder, [logger, *parts.loggers], callbacks, parts, others.ranks)
    others.let(goes_on)
    with _told(parts.loggers, config), _explained_memory(config):
        trainer.fit(classifier, datamodule=data, ckpt_path=folder / "checkpoints" / LAST if goes_on else None)
    _say_where_time_went(trainer)
    if others.ranks.n == 1:
        return trainer
    others.end()
    return trainer_of(config, folder, [logger], [], parts, ranks.ONE)


def follow(link: Link, config: Config, folder: Path) -> None:
    """What the other ranks of a run on several devices do: train on their parts of its batches, and write nothing."""
    with hardware.threads(link.threads), hardware.retain_freed_memory():
        goes_on = link.wait()
        data, parts = _built(config, folder, link.ranks)
        classifier = classifier_of(config, data, parts, link.ranks)
        callbacks = [*parts.callbacks, _checkpoints(config, folder, Quiet(), None, link.ranks)]
        trainer = trainer_of(config, folder, [], callbacks, parts, link.ranks)
        link.ready()
        trainer.fit(classifier, datamodule=data, ckpt_path=folder / "checkpoints" / LAST if goes_on else None)


def _threads(config: Config, began: start.Start | None) -> int:
    """Of each process of the run: those that it began with, or its share of the machine's."""
    return began.environments[0].threads if began else max(1, torch.get_num_threads() // config.trainer.devices)


def _built(config: Config, folder: Path, ranks: Ranks) -> tuple[ImageDataModule, Parts]:
    """The images and the parts of a run, which have been tried and for which there is room; nothing is written."""
    seed_everything(config.seed, verbose=False)
    data = build.images(config)
    data.part = Part(rank=ranks.rank, ranks=ranks.n)
    data.prepare_data()
    classes = data.images.classes
    parts = build.parts(config, num_classes=len(classes), class_names=classes, counts=data.counts(), folder=folder)
    data.methods = parts.methods
    forward.check_smallest_batch(config, parts.network, images=len(data.indices("train")))
    forward.check_bfloat16(config, parts.network, build.sides(config, parts.methods))
    _refuse_without_effect(parts.records)
    _say_what_batch_norm_sees(config, parts.network)
    for caution in (*regularizers.clashes(parts.methods), *regularizers.weaknesses(parts.methods)):
        log.warning("%s", caution)
    kept, passing = checkpoints.bytes_of_run(parts.network)
    disk.require(folder, kept + passing, key="hydra.run.dir", purpose="the output of a run")
    return data, parts


def begin(config: Config, folder: Path) -> None:
    """Write down how the run in `folder` begins: from now on it can go on."""
    with hardware.threads(_threads(config, None)):
        first = provenance.environment(config)
    kept = with_text_keys(asdict(config))
    start.write(start.Start(config=kept, derived=dict(config.derived), environments=[first]), folder)


def _refuse_without_effect(records: Sequence[MethodRecord]) -> None:
    """Raise `WithoutEffect` where a method does nothing: the run would be another one under its name."""
    if found := [record.without_effect for record in records if record.without_effect]:
        raise WithoutEffect(f"{'; '.join(found)}. Leave it out, or change what it could act on.")


def _say_what_batch_norm_sees(config: Config, network: nn.Module) -> None:
    devices = config.trainer.devices
    if devices > 1 and not config.trainer.sync_batchnorm and any(isinstance(m, _BatchNorm) for m in network.modules()):
        log.warning(
            "trainer.devices=%d: batch norm has the mean and variance of each device's own %d images of a batch",
            *(devices, config.data.batch_size // devices),
        )


def _checkpoint_of(config: Config, folder: Path) -> dict[str, Any] | None:
    """Where the run in `folder` can go on; None where it has to begin.

    Raises:
        start.OtherConfig: it is of a run with another config.
    """
    last = checkpoints.newest(folder / "checkpoints")
    if last is not None and (found := start.differences(asdict(config), last["animal_cls"]["config"])):
        raise start.OtherConfig(
            f"{folder / 'checkpoints' / LAST}: is of another config, with which alone it can go on: {found}. "
            f"Put {start.START} and .hydra/ of {folder} back as they were, or start a new run in another folder."
        )
    return last


def _environments(config: Config, folder: Path, last: dict[str, Any] | None) -> list[Environment]:
    """What the processes of this run have computed with, this one included; a difference is warned of."""
    if last is None and start.read(folder) is None:
        begin(config, folder)
    epoch = len(History.rows_in(last)) if last else 0
    found = start.add(provenance.environment(config, epoch=epoch), folder)
    if changes := start.changes(found):
        log.warning(
            "The run goes on with other means than it began with (%s): its numbers need not be, to the last bit, those "
            "of a run in one piece",
            "; ".join(changes),
        )
    return found


def _remove_parts(folder: Path) -> None:
    """Remove the beginnings of files that a killed process left."""
    for place in (folder, folder / "checkpoints", folder / run_figures.FIGURES):
        atomic.remove_parts(place)


def _check_same_images(last: dict[str, Any] | None, data: ImageDataModule, folder: Path) -> None:
    began = start.read(folder)
    known = last["animal_cls"]["data_fingerprint"] if last else began.data_fingerprint if began else None
    if known not in (None, data.images.fingerprint):
        raise UserError(
            f"data.root={data.images.root}: the images have changed since the run in {folder} began, "
            "so it cannot go on with them. Put them back as they were, or start a new run."
        )


def classifier_of(config: Config, data: ImageDataModule, parts: Parts, ranks: Ranks) -> Classifier:
    """The LightningModule of a run, of parts that were made for it."""
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
        ranks=ranks,
        description={"config": asdict(config), "classes": classes, "data_fingerprint": data.images.fingerprint},
    )


def _checkpoints(
    config: Config, folder: Path, stop: Stop, logger: RunLogger | None, ranks: Ranks
) -> checkpoints.Checkpoints:
    minutes = config.trainer.checkpoint_minutes
    return checkpoints.Checkpoints(folder / "checkpoints", minutes=minutes, stop=stop, logger=logger, ranks=ranks)


def trainer_of(
    config: Config,
    folder: Path,
    loggers: Sequence[Logger],
    callbacks: Sequence[Callback],
    parts: Parts,
    ranks: Ranks,
    **more: Any,
) -> Trainer:
    """Lightning's trainer as `config` sets it, but for what `more` says, in Lightning's terms."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)  # its greetings are no news to our users
    settings = config.trainer
    device = hardware.device_type(settings.accelerator)
    precision = hardware.precision(settings.precision, device)
    hardware.set_float32(precision)
    settled = {"max_epochs": settings.max_epochs, "enable_progress_bar": _is_terminal() and ranks.rank == 0} | more
    return Trainer(
        accelerator=settings.accelerator,
        devices=ranks.n,
        strategy=ranks.strategy(lambda: forward.has_idle_weights(parts.network, config.data.image_size)),
        sync_batchnorm=ranks.n > 1 and settings.sync_batchnorm,
        precision=precision,  # type: ignore[arg-type]  # checked in config
        deterministic=settings.deterministic,
        benchmark=device == "cuda" and not settings.deterministic,  # sizes are fixed, so that trying pays
        profiler=_profiler(settings.profiler),
        logger=list(loggers),
        callbacks=list(callbacks),
        plugins=[checkpoints.Files(folder)],
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,  # our samplers know their images
        log_every_n_steps=1,  # nothing is logged by the step; a larger number earns a warning on small data
        default_root_dir=folder,
        **settled,
    )


@contextmanager
def _told(loggers: Sequence[Logger], config: Config) -> Iterator[None]:
    """The loggers of other packages know the config, and their run ends with the block.

    Weights & Biases would otherwise write the next job of a sweep, in the same process, into this one's run.
    """
    for logger in loggers:
        logger.log_hyperparams(asdict(config))
    try:
        yield
    finally:
        for logger in loggers:
            finish = getattr(getattr(logger, "experiment", None), "finish", None)
            if callable(finish):
                finish()


@contextmanager
def _explained_memory(config: Config) -> Iterator[None]:
    """A step that does not fit into the memory of a GPU is the user's to mend; what was finished stays."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"data.batch_size={config.data.batch_size}: a step does not fit into the memory of the GPU "
            f"({str(error).partition(' GPU ')[0]}) Use a smaller data.batch_size or data.image_size, "
            "trainer.precision=bf16-mixed, or wait until other programs leave more of it."
        ) from error


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


def _progress() -> list[Callback]:
    if _is_terminal():
        return [Progress()]
    return [NotebookProgress()] if terminal.notebook() else []


def _is_terminal() -> bool:
    return sys.stdout.isatty() and sys.stderr.isatty()
