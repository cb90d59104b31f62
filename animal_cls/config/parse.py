"""From what Hydra composed to a typed and checked config."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from animal_cls.config import yaml_text
from animal_cls.config.checks import check, unknown_key
from animal_cls.config.methods import STRENGTH, augment_section, reg_name, with_options
from animal_cls.config.schema import Config
from animal_cls.config.text_keys import with_own_keys, with_text_keys
from animal_cls.errors import UserError
from animal_cls.files.paths import CONF

REFERENCE = re.compile(r"\$\{([\w.@]+)\}")  # a value that only repeats another key


def _reg_name(*, _parent_: DictConfig) -> str:
    return reg_name(OmegaConf.to_container(_parent_, resolve=False))  # type: ignore[arg-type]  # a mapping


OmegaConf.register_new_resolver("reg_name", _reg_name, replace=True)


def parse(cfg: DictConfig) -> Config:
    """The typed and checked config of a composed one; `derived` says which of its keys only repeat others.

    Raises:
        UserError: a key that does not exist, a wrong type, or a value out of range.
    """
    try:
        cfg = _normalized(cfg)
        container = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
        config = OmegaConf.to_object(OmegaConf.merge(_schema(), container))
    except ConfigKeyError as error:
        raise unknown_key(str(error.full_key)) from None
    except MissingMandatoryValue as error:
        raise UserError(f"{error.full_key}: has no value yet. Give it one: {error.full_key}=...") from None
    except OmegaConfBaseException as error:
        raise UserError(f"{error.full_key or 'config'}: {str(error.msg).splitlines()[0]}") from None
    assert isinstance(config, Config)
    _check_name_of(config.reg)
    check(config)
    config.derived = derived(OmegaConf.to_container(cfg, resolve=False))
    return config


@cache
def _schema() -> DictConfig:
    return OmegaConf.structured(Config)  # nobody changes it: to merge is to copy


def _normalized(cfg: DictConfig) -> DictConfig:
    """A copy in which a method has all its options, and `data.augment` is a mapping of methods."""
    cfg = cfg.copy()
    OmegaConf.set_readonly(cfg, False)
    OmegaConf.set_struct(cfg, False)
    reg = OmegaConf.to_container(cfg.reg, resolve=False) if OmegaConf.is_dict(cfg.get("reg")) else {}
    for name, value in reg.items():  # type: ignore[union-attr]  # a mapping
        if (whole := with_options(str(name), value)) != value:
            cfg.reg[name] = whole
    augment = OmegaConf.select(cfg, "data.augment")
    value = OmegaConf.to_container(augment) if OmegaConf.is_config(augment) else augment
    if "data" not in cfg or OmegaConf.is_dict(cfg.data):
        OmegaConf.update(cfg, "data.augment", augment_section(value, config_folders()), merge=False, force_add=True)
    _follow_strengths(cfg)
    return cfg


def _follow_strengths(cfg: DictConfig) -> None:
    """Let what refers to a method with options, as `${reg.weight_decay}`, have its strength alone."""
    for key, value in _leaves(OmegaConf.to_container(cfg, resolve=False)):
        match = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if match and OmegaConf.is_dict(method := OmegaConf.select(cfg, match[1])) and STRENGTH in method:
            OmegaConf.update(cfg, key, f"${{{match[1]}.{STRENGTH}}}")


def config_folders() -> tuple[Path, ...]:
    """Where option files are looked for: a --config-dir before our own."""
    hydra = GlobalHydra.instance()
    sources = hydra.config_loader().get_sources() if hydra.is_initialized() else []
    own = [Path(source.path) for source in sources if source.scheme() == "file"]
    return (*(folder for folder in own if folder != CONF), CONF)


def _check_name_of(reg: Mapping[str, Any]) -> None:
    made = reg_name(reg)
    if reg.get("name", made) != made:
        raise UserError(f"reg.name={reg['name']}: is made from the strengths that are not 0 ({made}); leave it out.")


def derived(container: Any) -> dict[str, str]:
    """Key -> the key that it repeats, of an unresolved config: `model.dropout: ${reg.dropout}`."""
    found = {name: match[1] for name, value in _leaves(container) if (match := REFERENCE.fullmatch(str(value)))}
    return {name: _origin(target, found).removesuffix(f".{STRENGTH}") for name, target in found.items()}


def _origin(target: str, found: Mapping[str, str]) -> str:
    while target in found:
        target = found[target]
    return target


def _leaves(container: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(container, Mapping):
        for name, value in container.items():
            yield from _leaves(value, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(container, list):
        for number, value in enumerate(container):
            yield from _leaves(value, f"{prefix}[{number}]")
    else:
        yield prefix, container


def load(file: Path) -> Config:
    """The config that a run was started with, from its .hydra/config.yaml.

    Raises:
        UserError: the file is missing, damaged, or of a version with other keys.
    """
    try:
        cfg = OmegaConf.create(yaml_text.read(file))
        assert isinstance(cfg, DictConfig)
        return parse(cfg)
    except UserError as error:
        raise UserError(str(error) if str(error).startswith(str(file)) else f"{file}: {error}") from None
    except Exception as error:  # damaged YAML, in as many ways as there are
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{file}: cannot be read ({reason}). Start the run again in another folder.") from None


def to_plain(config: Config) -> dict[str, Any]:
    """A config as values that JSON keeps, from which `restore` makes it again."""
    return {**with_text_keys(asdict(config)), "derived": dict(config.derived)}


def restore(plain: Mapping[str, Any]) -> Config:
    """The config of `to_plain(config)`; raises `UserError` where it is of a version with other keys."""
    config = parse(OmegaConf.create({name: with_own_keys(value) for name, value in plain.items() if name != "derived"}))
    config.derived = dict(plain.get("derived", {}))
    return config
