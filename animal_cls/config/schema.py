"""Every key of a run, declared once: type, default, unit, range, whether it is a constructor call, whether it counts.

What iterates over groups or keys (messages, checks, the plan, the identity of an arm, `--help`, the tests of presets)
reads this declaration. A new group is a field of `Config` and a folder of the same name under conf/.
"""

import math
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, cast

from animal_cls.config.values import MAX_PIXELS, PUBLISHED
from animal_cls.files.paths import PACKAGE

PILLOWS_OWN_LIMIT = 178_956_970  # pixels: it refuses larger images whatever we say
KEY = "key"  # where a field's metadata has its `Key`


@dataclass(frozen=True, kw_only=True)
class Key:
    """What is known of a key or a group beside its type and its default."""

    help: str  # what it means, with what its values mean
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    options: tuple[str, ...] = ()  # all values that it may have; empty: any
    outcome: bool = True  # whether it can change a number that a run reports
    call: bool = False  # a constructor call: `_target_` and its arguments
    calls: bool = False  # a mapping of names to constructor calls
    option: str | None = None  # of a group: the option file of the default run


def key(default: Any, help: str, **known: Any) -> Any:  # noqa: A002  # the field's word
    """A field of a section: one value."""
    return field(default=default, metadata={KEY: Key(help=help, **known)})


def group(help: str, *, factory: Any = dict, **known: Any) -> Any:  # noqa: A002
    """A field with further keys, filled by an option file of conf/<its name>/ where it has an `option`."""
    return field(default_factory=factory, metadata={KEY: Key(help=help, **known)})


@cache
def method_names() -> tuple[str, ...]:
    """The methods with a file of their own in regularizers/, found without importing them (they need torch)."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules([str(PACKAGE / "regularizers")])))


@dataclass
class DataConfig:
    """Where images come from and how they become batches."""

    name: str = key("", "of the option; part of what tells data sets apart")
    source: dict[str, Any] = group("what finds, draws or downloads the images", call=True)
    root: str | None = key(None, "folder of class folders; null = where the source keeps its own copy")
    labels: str | None = key(
        None, "of data=table: a CSV file with the columns path, label and, if you like, split, group"
    )
    image_size: int = key(128, "images are squashed to a square of this side", unit="pixels", low=1, high=4096)
    batch_size: int = key(64, "training images of a step", unit="images", low=1)
    val: Any = key(0.1, f'fraction of each class, or "{PUBLISHED}": as in the report')
    test: Any = key(0.1, f'fraction of each class, or "{PUBLISHED}"; with data.folds the fold is the test split')
    folds: int | None = key(None, "of a cross-validation, at least 2, within each class; null = one split")
    fold: int | None = key(None, "which of the data.folds is the test split, from 0")
    splits: Any = key(
        None,
        "of data=folder: its folders that are splits, {train: Training, test: [t1, t2]}; null = as their names say; "
        "none = the folders are classes whatever they are called",
    )
    split_seed: int = key(0, "key of the hash that assigns the images to train, val and test, or to folds")
    limit: int | None = key(None, "of each split, balanced over the classes; null = all", unit="images", low=1)
    group_copies: bool = key(
        False, "near copies (re-encoded, resized, brightened, cut a little, mirrored) stay on one side of the split"
    )
    label_noise: float = key(
        0.0,
        "share of the training images that are given another class than theirs, the same ones in every arm and seed; "
        "val and test stay as they are",
        low=0,
    )
    augment: Any = key(
        "none", "image methods that every arm shares: none, a name, a list of names, or {flip_crop: 1}; see conf/reg/"
    )
    max_bad_share: float = key(
        0.01, "fraction of images that may be unreadable before the run is refused", low=0, high=1, outcome=False
    )
    max_pixels: int = key(
        MAX_PIXELS,
        "width x height of a file; a larger image counts as unreadable and is not decoded",
        unit="pixels",
        low=1,
        high=PILLOWS_OWN_LIMIT,
        outcome=False,
    )
    follow_links: bool = key(False, "also symbolic links that lead out of data.root", outcome=False)
    cache: bool = key(
        True,
        "keep decoded images for later epochs and runs; false decodes every batch anew and writes nothing",
        outcome=False,
    )
    cache_dir: str | None = key(
        None, "folder for drawn and decoded images; null = the user's cache folder", outcome=False
    )


@dataclass
class TrainerConfig:
    """Settings that keep the names they have in Lightning's Trainer."""

    max_epochs: int = key(20, "passes over the training images", unit="epochs", low=1)
    accelerator: str = key("auto", "gpu is cuda or mps", options=("auto", "cpu", "gpu", "cuda", "mps"))
    devices: int = key(1, "that share each batch of one run; on a CPU, processes", low=1)
    sync_batchnorm: bool = key(False, "several GPUs: batch norm over the images of all, not of each")
    precision: str = key(
        "auto",
        "auto is bf16-mixed where the CPU or GPU has bfloat16 natively, else 32-true",
        options=("auto", "32-true", "bf16-mixed", "16-mixed", "bf16-true", "64-true"),
    )
    deterministic: bool = key(
        False, "GPU: only algorithms that repeat bit for bit (slower); on a CPU every run repeats anyway"
    )
    checkpoint_minutes: float = key(
        10.0,
        "of training that a killed run may lose; a checkpoint is written sooner where that takes 5 % of the time",
        unit="minutes",
        low=0,
        outcome=False,
    )
    compile: bool = key(False, "torch.compile: minutes at the start, faster steps on GPUs")
    profiler: str | None = key(
        None, "Lightning's: a table of where the time went at the end", options=("simple", "pytorch"), outcome=False
    )


@dataclass
class LauncherConfig:
    """How the jobs of a sweep are started; conf/launcher/ says which keys an option heeds."""

    name: str = key(
        "serial",
        "one after the other in this process, or by a launcher of Hydra's",
        options=("serial", "parallel", "slurm", "submitit_local", "ray"),
        outcome=False,
    )
    jobs: int | None = key(
        None, "at a time; null = what fits: the cores, or the GPUs x launcher.jobs_per_gpu", low=1, outcome=False
    )
    threads: int | None = key(
        None, "of each job's arithmetic; null = the cores shared among the jobs at a time", low=1, outcome=False
    )
    gpus: int | None = key(
        None,
        "of this machine, null = all; slurm, or ray with an address: of each job, null = 0",
        low=0,
        outcome=False,
    )
    jobs_per_gpu: int = key(1, "that share one GPU, and what the images may take of its memory", low=1, outcome=False)
    partition: str | None = key(None, "slurm: the queue", outcome=False)
    minutes: int = key(60, "slurm, submitit_local: after which a job is ended", unit="minutes", low=1, outcome=False)
    memory_gb: int | None = key(None, "slurm: of the computer's memory, for a job", unit="GB", low=1, outcome=False)
    address: str | None = key(None, "ray: of a cluster that runs; null = one on this machine", outcome=False)
    extra: Any = key(None, "further keys of Hydra's launcher: {account: lab}", outcome=False)


@dataclass
class Config:
    """One run."""

    seed: int = key(
        0,
        "initial weights, order of the images, augmentation, dropout; the splits have their own (data.split_seed)",
        low=0,
        high=2**32 - 1,
    )
    checkpoint: str = key(
        "best", "whose weights are evaluated: the best by val/acc, or the last", options=("best", "last")
    )
    data: DataConfig = group("the images", factory=DataConfig, option="toy")
    model: dict[str, Any] = group("the network, images to logits", call=True, option="simple_cnn")
    reg: dict[str, Any] = group(
        "the strength of each method, 0 = off, or {strength: ..., option: ...}",
        factory=lambda: {"name": "${reg_name:}", **dict.fromkeys(method_names(), 0.0)},
        option="none",
    )
    optimizer: dict[str, Any] = group("a class of torch.optim or one like them", call=True, option="adam")
    scheduler: dict[str, Any] = group("the learning rate over the steps of a run", call=True, option="constant")
    trainer: TrainerConfig = group("names as in Lightning's Trainer", factory=TrainerConfig)
    logger: dict[str, Any] = group("loggers beside TensorBoard", calls=True, option="none", outcome=False)
    callbacks: dict[str, Any] = group("Lightning callbacks", calls=True, option="none")
    launcher: LauncherConfig = group(
        "how the jobs of a sweep are started", factory=LauncherConfig, option="serial", outcome=False
    )

    # Key -> the key that it repeats, as the option files say by interpolation. Not a field: nobody can set it.
    derived = cast("Mapping[str, str]", {})
    # The modules that it may call beside the known ones (config/trusted.py); not a field for the same reason.
    allowed = cast("tuple[str, ...]", ())


def known(entry: "Field[Any]") -> Key:
    """What was declared with a field."""
    return entry.metadata[KEY]


def groups() -> dict[str, Key]:
    """The fields of `Config` that option files fill, in their order."""
    return {entry.name: known(entry) for entry in fields(Config) if known(entry).option is not None}


def defaults() -> list[Any]:
    """Hydra's defaults list: the option of each group in the default run."""
    return ["_self_", *({name: declared.option} for name, declared in groups().items())]


def declared(schema: type = Config, prefix: str = "") -> Iterator[tuple[str, "Field[Any]"]]:
    """Every dotted key of a schema with its field, sections before what is in them."""
    for entry in fields(schema):
        yield f"{prefix}{entry.name}", entry
        if isinstance(entry.default_factory, type) and is_dataclass(entry.default_factory):
            yield from declared(entry.default_factory, f"{prefix}{entry.name}.")


def keys() -> list[str]:
    """Every dotted key that is declared, and those that a group has whatever its option file says."""
    found = []
    for name, entry in declared():
        found.append(name)
        made = entry.default_factory() if callable(entry.default_factory) else None
        found += [f"{name}.{inner}" for inner in made] if isinstance(made, dict) else []
    return found


def texts() -> set[str]:
    """The dotted keys whose value is a text, whatever it looks like: names of files and folders, also of Hydra's."""
    ours = {name for name, entry in declared() if entry.type in (str, str | None) and not known(entry).options}
    return ours | {"model.weights", "hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir"}


def constructor_calls() -> list[str]:
    """The dotted keys that are constructor calls."""
    return [name for name, entry in declared() if known(entry).call]


def constructor_call_maps() -> list[str]:
    """The dotted keys that map names to constructor calls."""
    return [name for name, entry in declared() if known(entry).calls]


def without_outcome() -> list[str]:
    """The dotted keys, and sections, that cannot change a number."""
    return [name for name, entry in declared() if not known(entry).outcome]


def run_name(config: Config) -> str:
    """What a run is, as TensorBoard shows it: model/reg/seed=0, and in a cross-validation model/reg/fold=0/seed=0."""
    fold = "" if config.data.fold is None else f"fold={config.data.fold}/"
    return f"{config.model['name']}/{config.reg['name']}/{fold}seed={config.seed}"
