"""The checks of a config that YAML cannot make: ranges and options as declared, and what concerns several keys."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from animal_cls.config.methods import active
from animal_cls.config.schema import (
    PUBLISHED,
    Config,
    DataConfig,
    constructor_call_maps,
    constructor_calls,
    declared,
    known,
)
from animal_cls.config.schema import keys as all_keys
from animal_cls.errors import UserError
from animal_cls.files.text import did_you_mean

ONE_MACHINE = (
    "one run is on one machine, whose processes it starts itself (trainer.devices=2). Several machines do several runs "
    "at a time: launcher=slurm or launcher=ray."
)


def check(config: Config) -> None:
    """Raise `UserError` for the first value that is out of range."""
    for name, entry in declared():
        value, rule = value_of(config, name), known(entry)
        if value is None:
            continue
        if rule.options:
            _one_of(name, value, rule.options)
        if rule.low > -math.inf:
            _within(name, value, low=rule.low, high=rule.high, unit=rule.unit)
    for section in constructor_calls():
        if "." not in section:
            _check_name(section, value_of(config, section).get("name"))
    for section in constructor_call_maps():
        for name, written in value_of(config, section).items():
            if not isinstance(written, Mapping) or "_target_" not in written:
                raise UserError(f"{section}.{name}={written}: a constructor call is needed: {{_target_: ..., ...}}.")
    _check_fractions(config.data)
    _check_folds(config.data)
    _check_label_noise(config.data.label_noise)
    _check_splits(config.data.splits)
    _check_extra(config.launcher.extra)
    _check_methods(config)
    if config.trainer.sync_batchnorm and config.trainer.devices == 1:
        raise UserError(
            "trainer.sync_batchnorm=true: one device has nothing to share; it needs trainer.devices=2 or more."
        )
    _check_lr(config.optimizer)


def _check_methods(config: Config) -> None:
    shared = {call.name for call in active(config.data.augment, "data.augment")}
    for call in active(config.reg, "reg"):
        if call.name in shared:
            raise UserError(
                f"{call.key}={call.strength}: data.augment has {call.name}, too; a run takes a method once."
            )


def value_of(config: Any, name: str) -> Any:
    """The value of a dotted key."""
    for step in name.split("."):
        config = getattr(config, step)
    return config


def _check_lr(optimizer: dict[str, Any]) -> None:
    """Where the optimizer's option names its learning rate, as ours do."""
    if "lr" not in optimizer:
        return
    lr = optimizer["lr"]
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


def _check_folds(data: DataConfig) -> None:
    folds, fold = data.folds, data.fold
    if folds is None and fold is None:
        return
    if folds is None:
        raise UserError(
            f"data.fold={fold}: one of how many? Give their number, too, e.g. data.folds=5 data.fold={fold}."
        )
    if folds < 2:
        raise UserError(f"data.folds={folds}: at least 2 are needed, e.g. data.folds=5.")
    several = f"--multirun data.folds={folds} data.fold={','.join(map(str, range(folds)))}"
    if fold is None:
        raise UserError(
            f"data.folds={folds}: which of them is the test split of this run? data.fold=0 to {folds - 1}; "
            f"a run of each: {several}"
        )
    if not 0 <= fold < folds:
        raise UserError(f"data.fold={fold}: of data.folds={folds} there are data.fold=0 to {folds - 1}.")
    if data.val != PUBLISHED and data.val + 1 / folds >= 1:
        raise UserError(
            f"data.val={data.val} data.folds={folds}: val and a fold together must stay below 1, or nothing is left to "
            "train on."
        )


def _check_label_noise(share: float) -> None:
    if share >= 1:
        raise UserError(
            f"data.label_noise={share}: a share of the training images below 1 is needed, e.g. data.label_noise=0.2; "
            "with 1 no label would be right."
        )


def _check_splits(splits: Any) -> None:
    """What can be said without looking into the folder."""
    example = "e.g. 'data.splits={train: Training, test: [Testing1, Testing2]}'"
    if splits is None or splits == "none":
        return
    if not isinstance(splits, Mapping):
        raise UserError(f"data.splits={splits}: the folder of each split is needed, {example}, or none.")
    if unknown := [str(name) for name in splits if name not in ("train", "val", "test")]:
        raise UserError(f"data.splits={splits}: {', '.join(unknown)} is no split. There are train, val and test.")
    if "train" not in splits or len(splits) < 2:
        raise UserError(f"data.splits={splits}: train and one of val and test are needed, {example}.")
    for name, folders in splits.items():
        given = folders if isinstance(folders, list) else [folders]
        if not given or not all(isinstance(folder, str | int) and str(folder) for folder in given):
            raise UserError(f"data.splits.{name}={folders}: the name of a folder, or a list of names, is needed.")


def _check_extra(extra: Any) -> None:
    if extra is not None and not isinstance(extra, Mapping):
        raise UserError(f"launcher.extra={extra}: keys and values are needed, e.g. 'launcher.extra={{account: lab}}'.")
    for name in ("nodes", "tasks_per_node"):
        if (count := (extra or {}).get(name, 1)) != 1:
            raise UserError(f"launcher.extra.{name}={count}: {ONE_MACHINE}")


def _within(key: str, value: float, *, low: float, high: float = math.inf, unit: str = "") -> None:
    if not (low <= value <= high) or math.isinf(value):
        upper = f" and at most {high}" if high < math.inf else ""
        raise UserError(f"{key}={value}: must be at least {low}{upper}{f' ({unit})' if unit else ''}.")


def _one_of(key: str, value: str, options: Iterable[str]) -> None:
    options = list(options)
    if value not in options:
        raise UserError(f"{key}={value}: no such option.{did_you_mean(value, options)} Options: {', '.join(options)}.")


def unknown_key(full_key: str) -> UserError:
    """The message for a key that no config has."""
    if full_key in ("trainer.num_nodes", "launcher.num_nodes"):
        return UserError(f"{full_key}: {ONE_MACHINE}")
    known_keys = all_keys()
    section, _, word = full_key.rpartition(".")
    siblings = [key for key in known_keys if key.rpartition(".")[0] == section]
    where = f"of {section}" if section and siblings else "at the top"
    names = [key.rpartition(".")[2] for key in siblings or known_keys if (section and siblings) or "." not in key]
    guess = did_you_mean(word, names, section=section) if siblings else did_you_mean(full_key, known_keys)
    return UserError(f"{full_key}: no such key.{guess} Keys {where}: {', '.join(names)}.")
