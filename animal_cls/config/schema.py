"""The types of conf/, and the checks that YAML cannot make."""

import difflib
import math
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from animal_cls.config.values import MAX_PIXELS, PUBLISHED
from animal_cls.errors import UserError
from animal_cls.files.paths import PACKAGE

AUGMENTS = ("none", "flip_crop")
ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")
PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed", "bf16-true", "64-true")
CHECKPOINTS = ("best", "last")
PILLOWS_OWN_LIMIT = 178_956_970  # pixels: it refuses larger images whatever we say


def method_names() -> list[str]:
    """The regularizers with a file of their own in regularizers/, found without importing them (they need torch)."""
    return sorted(module.name for module in pkgutil.iter_modules([str(PACKAGE / "regularizers")]))


# The vector of strengths. Two are numbers handed to a library (dropout to the networks, weight_decay to the optimizer);
# every file in regularizers/ adds one of its own name. 0 = off.
STRENGTHS = ("dropout", "weight_decay", *method_names())
RegConfig = make_dataclass(
    "RegConfig",
    [("name", str, field(default="none")), *((name, float, field(default=0.0)) for name in STRENGTHS)],
    namespace={"__doc__": "The regularizer: a vector of strengths, all zero in `reg=none`."},
)


@dataclass
class DataConfig:
    """Where images come from and how they become batches."""

    name: str = ""
    source: dict[str, Any] = field(default_factory=dict)
    root: str | None = None
    image_size: int = 128
    batch_size: int = 64
    val: Any = 0.1  # a fraction or "published"
    test: Any = 0.1
    split_seed: int = 0
    group_copies: bool = False
    augment: str = "none"
    max_bad_share: float = 0.01
    max_pixels: int = MAX_PIXELS
    follow_links: bool = False
    cache: bool = True
    cache_dir: str | None = None
    limit: int | None = None


@dataclass
class TrainerConfig:
    """Settings that keep the names they have in Lightning's Trainer."""

    max_epochs: int = 20
    accelerator: str = "auto"
    devices: int = 1
    precision: str = "auto"
    deterministic: bool = False
    checkpoint_minutes: float = 10.0
    compile: bool = False  # these two Lightning has not


@dataclass
class Config:
    """One run. `model` and `optimizer` are constructor calls: `_target_` and its arguments."""

    seed: int = 0
    checkpoint: str = "best"
    data: DataConfig = field(default_factory=DataConfig)
    model: dict[str, Any] = field(default_factory=dict)
    reg: RegConfig = field(default_factory=RegConfig)  # type: ignore[valid-type]  # made above, from the files
    optimizer: dict[str, Any] = field(default_factory=dict)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)


def parse(cfg: DictConfig) -> Config:
    """The typed and checked config of a composed one.

    Raises:
        UserError: a key that does not exist, a wrong type, or a value out of range.
    """
    try:
        container = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
        config = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Config), container))
    except ConfigKeyError as error:
        raise unknown_key(str(error.full_key)) from None
    except MissingMandatoryValue as error:
        raise UserError(f"{error.full_key}: has no value yet. Give it one: {error.full_key}=...") from None
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key or 'config'}: {str(error.msg).splitlines()[0]}") from None
    assert isinstance(config, Config)
    check(config)
    return config


def load(file: Path) -> Config:
    """The config that a run was started with, from its .hydra/config.yaml.

    Raises:
        UserError: the file is missing, damaged, or of a version with other keys.
    """
    try:
        cfg = OmegaConf.load(file)
        assert isinstance(cfg, DictConfig)
        return parse(cfg)
    except UserError as error:
        raise UserError(f"{file}: {error}") from None
    except Exception as error:  # damaged YAML, in as many ways as there are
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{file}: cannot be read ({reason}). Start the run again in another folder.") from None


def restore(plain: dict[str, Any]) -> Config:
    """The config of `asdict(config)`; raises `UserError` where it is of a version with other keys."""
    return parse(OmegaConf.create(plain))


def check(config: Config) -> None:
    """Raise `UserError` for the first value that is out of range."""
    data, trainer, reg = config.data, config.trainer, config.reg
    _within("seed", config.seed, low=0, high=2**32 - 1)
    _one_of("checkpoint", config.checkpoint, CHECKPOINTS)
    _check_name("model", config.model.get("name"))
    _check_name("reg", reg.name)
    _within("data.image_size", data.image_size, low=1, high=4096, unit="pixels")
    _within("data.batch_size", data.batch_size, low=1, unit="images")
    _one_of("data.augment", data.augment, AUGMENTS)
    _within("data.max_bad_share", data.max_bad_share, low=0, high=1)
    _within("data.max_pixels", data.max_pixels, low=1, high=PILLOWS_OWN_LIMIT, unit="pixels")
    if data.limit is not None:
        _within("data.limit", data.limit, low=1, unit="images of each split")
    _check_fractions(data)
    for name in STRENGTHS:
        _within(f"reg.{name}", getattr(reg, name), low=0)
    if reg.dropout >= 1:
        raise UserError(f"reg.dropout={reg.dropout}: a probability in [0, 1) is needed: 1 would drop everything.")
    _within("trainer.max_epochs", trainer.max_epochs, low=1, unit="epochs")
    _within("trainer.checkpoint_minutes", trainer.checkpoint_minutes, low=0, unit="minutes")
    _one_of("trainer.accelerator", trainer.accelerator, ACCELERATORS)
    _one_of("trainer.precision", trainer.precision, PRECISIONS)
    if trainer.devices != 1:
        raise UserError(
            f"trainer.devices={trainer.devices}: one run trains on one device; use trainer.devices=1. "
            "To use several devices, start several runs side by side, each with its own CUDA_VISIBLE_DEVICES."
        )
    lr = config.optimizer.get("lr")
    if not isinstance(lr, int | float) or isinstance(lr, bool) or not 0 < lr < math.inf:
        raise UserError(f"optimizer.lr={lr}: a number above 0 is needed, e.g. optimizer.lr=0.001.")


def _check_name(section: str, name: Any) -> None:
    """Names of options become names of folders."""
    if not isinstance(name, str) or not name or name.startswith(".") or "/" in name:
        raise UserError(
            f"{section}.name={name}: a name without / is needed, as a line `name: ...` in the option's file gives it."
        )


def _check_fractions(data: DataConfig) -> None:
    for key, value, low_words in (("data.val", data.val, "above 0"), ("data.test", data.test, "from 0")):
        if value == PUBLISHED:
            continue
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise UserError(f"{key}={value}: a fraction of the images is needed, e.g. {key}=0.1, or {key}={PUBLISHED}.")
        if not (0 <= value < 1) or (key == "data.val" and value == 0):
            raise UserError(f"{key}={value}: a fraction {low_words} to below 1 is needed, e.g. {key}=0.1.")
    if PUBLISHED not in (data.val, data.test) and data.val + data.test >= 1:
        raise UserError(
            f"data.val={data.val} data.test={data.test}: together they must stay below 1, "
            "or nothing is left to train on."
        )


def _within(key: str, value: float, *, low: float, high: float = math.inf, unit: str = "") -> None:
    if not (low <= value <= high) or math.isinf(value):
        upper = f" and at most {high}" if high < math.inf else ""
        raise UserError(f"{key}={value}: must be at least {low}{upper}{f' ({unit})' if unit else ''}.")


def _one_of(key: str, value: str, options: Iterable[str]) -> None:
    options = list(options)
    if value not in options:
        raise UserError(f"{key}={value}: no such option.{did_you_mean(value, options)} Options: {', '.join(options)}.")


def run_name(config: Config) -> str:
    """What a run is, as TensorBoard shows it: model/reg/seed=0."""
    return f"{config.model['name']}/{config.reg.name}/seed={config.seed}"


def unknown_key(full_key: str) -> UserError:
    """The message for a key that no config has."""
    known = keys(Config)
    section, _, word = full_key.rpartition(".")
    siblings = [key for key in known if key.rpartition(".")[0] == section]
    where = f"of {section}" if section and siblings else "at the top"
    names = [key.rpartition(".")[2] for key in siblings or known if (section and siblings) or "." not in key]
    guess = did_you_mean(word, names, section=section) if siblings else did_you_mean(full_key, known)
    return UserError(f"{full_key}: no such key.{guess} Keys {where}: {', '.join(names)}.")


def did_you_mean(word: str, options: Iterable[str], *, section: str = "") -> str:
    """` Did you mean X?` for the option nearest to `word`, or nothing; both are in `section`, if there is one."""
    matches = difflib.get_close_matches(word, list(options), n=1, cutoff=0.6)
    return f" Did you mean {section}{'.' if section else ''}{matches[0]}?" if matches else ""


def keys(schema: type, prefix: str = "") -> list[str]:
    """Every dotted key of a dataclass."""
    found = []
    for entry in fields(schema):
        nested = entry.default_factory if isinstance(entry.default_factory, type) else None
        found.append(f"{prefix}{entry.name}")
        if nested is not None and is_dataclass(nested):
            found += keys(nested, f"{prefix}{entry.name}.")
    return found
