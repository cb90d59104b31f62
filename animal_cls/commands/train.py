"""Train one run, or start a sweep with --multirun or sweep=NAME; what is meant where no verb is named."""

import argparse
import io
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import field, make_dataclass
from itertools import islice
from pathlib import Path

import hydra
from hydra._internal.hydra import Hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from animal_cls.commands import entry
from animal_cls.commands.help import config_dirs, options
from animal_cls.config import completion, log_form, option_files, trusted
from animal_cls.config.hydra_errors import format_hydra_error, is_mistake, quoted_if_needed
from animal_cls.config.parse import config_folders, parse
from animal_cls.config.schema import Config, LauncherConfig, defaults
from animal_cls.errors import UserError
from animal_cls.files.new_folders import dated_folder
from animal_cls.files.paths import CONF, search_modules_beside
from animal_cls.sweeps.compose import job_folder, option_folders
from animal_cls.sweeps.job import run_job_reporting
from animal_cls.sweeps.plan import planned_job
from animal_cls.sweeps.words import install

# Hydra reads the schema with the option of each group in the default run.
Root = make_dataclass("Root", [("defaults", list, field(default_factory=defaults))], bases=(Config,))
_composed_mode = Hydra.get_mode

NAME = "config"  # of the file of the default run
SET_MODE = ("sweep", "hydra")  # words that make a sweep of a run, beside --multirun; of our options, no others do
NO_MODE = ("hydra.run.", "hydra.sweep.", "hydra.job")
ALONE = ("-m", "--multirun", "--resolve")  # flags of Hydra's
WITH_VALUE = ("--config-dir", "-cd", "--config-path", "-cp", "--config-name", "-cn", "--package", "-p", "--cfg", "-c")
PICKLED = ("--experimental-rerun",)
TYPED_TARGET = re.compile(r"_target_\s*[=:]\s*['\"]?([\w.]+)")  # what is typed is named thereby


def register() -> None:
    """Tell Hydra of the schema, the form of the log and the names of folders, which its config refers to."""
    ConfigStore.instance().store(name="schema", node=Root)
    ConfigStore.instance().store(group="hydra/job_logging", name=log_form.NAME, node=log_form.FORM)
    OmegaConf.register_new_resolver("job_folder", job_folder, replace=True)
    OmegaConf.register_new_resolver("dated_folder", lambda at: str(dated_folder(at)), replace=True, use_cache=True)


register()


def main(words: Sequence[str]) -> int:
    """Hand overrides and flags to Hydra; returns the exit code."""
    if asked := [word for word in words if word in completion.FLAGS]:
        return _complete(words[words.index(asked[0]) + 1 :])
    allowed, words = _allowed(words)
    with trusted.naming([*allowed, *TYPED_TARGET.findall(" ".join(words))]):
        for folder in config_dirs(words):
            trusted.remember(folder, allowed)
            if trusted.is_opened(folder):  # not before: it may hold plugins of Hydra, which are run when it starts
                search_modules_beside([folder])
        sys.argv = [sys.argv[0], *normalize_overrides(words)]
        option_files.install()
        install()
        option_files.refuse_hidden(config_dirs(words))
        Hydra.get_mode = _mode  # type: ignore[method-assign]
        _run_in_words(config_dirs(words))
    return 0


def _mode(program: Hydra, config_name: str | None, overrides: list[str]) -> RunMode | None:
    """The mode that words or option files set, for which Hydra composes the whole config, as it does afterwards."""
    words = [word.lstrip("+~") for word in overrides]
    may_set = any(word.startswith(SET_MODE) and not word.startswith(NO_MODE) for word in words)
    if config_name != NAME or config_folders() != (CONF,) or may_set:
        return _composed_mode(program, config_name, overrides)
    return None


def _run_in_words(option_folders: Sequence[Path]) -> None:
    """Run, and say what is wrong with an option file with the name of the file."""
    try:
        with _raising_hydra():
            run()
    except Exception as error:
        if isinstance(error, UserError) or not is_mistake(error) or os.environ.get("HYDRA_FULL_ERROR") == "1":
            raise
        raise UserError(format_hydra_error(error, option_folders)) from error


def _complete(words: Sequence[str]) -> int:
    """Print what a shell asks for behind -sc: the lines that turn completion on, or the words that it can offer."""
    what, _, shell = (words or [""])[0].partition("=")
    if what != "query":
        if Path(sys.argv[0]).suffix == ".py":
            raise UserError(
                "python -m animal_cls has no completion: a shell completes the script that is installed with the "
                'package. Turn it on by: eval "$(animal-cls -sc install=bash)"'
            )
        with _raising_hydra():
            sys.argv = [sys.argv[0], "-sc", *words]
            run()
        return 0
    with suppress(Exception):  # whatever is wrong with the line so far: nothing is printed into it
        line = os.environ.get("COMP_LINE", "")
        found = options([CONF, *config_dirs(line.split())])
        offered = completion.offers(line, shell=shell, verbs=entry.verbs(), options=found, keys=_hydras_offers)
        print(("\n" if shell == "fish" else " ").join(offered))
    return 0


def _hydras_offers(line: str) -> list[str]:
    """What Hydra offers for a command line without a verb."""
    said = io.StringIO()
    os.environ["COMP_LINE"], sys.argv = line, [sys.argv[0], "-sc", "query=bash"]
    with suppress(Exception, SystemExit), redirect_stdout(said), redirect_stderr(io.StringIO()), _raising_hydra():
        run()
    return said.getvalue().split()


def _allowed(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The modules that `--allow MODULE` names, and the other words, which are for Hydra."""
    parser = argparse.ArgumentParser(prog="python -m animal_cls", add_help=False, allow_abbrev=False)
    parser.add_argument("--allow", action="append", default=[], metavar="MODULE")
    found, rest = parser.parse_known_args(list(words))
    return found.allow, rest


@hydra.main(version_base="1.3", config_path=str(CONF), config_name=NAME)
def run(cfg: DictConfig) -> None:
    """One run in the folder that Hydra made. In a sweep a failure is recorded and the next job goes on."""
    hydra_config = HydraConfig.get()
    folder, sweep = Path(hydra_config.runtime.output_dir), None
    if hydra_config.mode == RunMode.MULTIRUN:
        sweep = Path(hydra_config.runtime.cwd, hydra_config.sweep.dir)
    planned = planned_job(sweep, folder) if sweep is not None else None
    try:
        config = parse(cfg)
        config.launcher = LauncherConfig()  # the sweep's: a run is the same whoever starts it
        config.allowed = trusted.of_command(config, option_folders(hydra_config))
        trusted.refuse_unknown(config)
        trusted.remember(folder, trusted.needed(config))
        skip, idle = (planned.skip, planned.idle) if planned is not None else (None, False)
        run_job_reporting(config, folder, sweep=sweep, skip=skip, idle=idle, records=_records(cfg))
    except UserError as error:  # an `Exception` would bring a line of Hydra's before the message
        raise SystemExit(str(error)) from None


def _records(cfg: DictConfig) -> dict[str, str]:
    """What Hydra itself would leave in .hydra/ before the run has its folder for itself: path -> YAML."""
    hydra_cfg = HydraConfig.instance().cfg
    assert hydra_cfg is not None
    return {
        ".hydra/config.yaml": OmegaConf.to_yaml(cfg),
        ".hydra/hydra.yaml": OmegaConf.to_yaml(hydra_cfg),
        ".hydra/overrides.yaml": OmegaConf.to_yaml(HydraConfig.get().overrides.task),
    }


@contextmanager
def _raising_hydra() -> Iterator[None]:
    """Within it Hydra raises what is wrong instead of printing it, so that we choose the words."""
    wanted = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        os.environ.pop("HYDRA_FULL_ERROR") if wanted is None else os.environ.update(HYDRA_FULL_ERROR=wanted)


def normalize_overrides(words: Sequence[str]) -> list[str]:
    """The command line as Hydra can read it: quotes around values such as ~/images or /图片, flags in front.

    Raises:
        UserError: a list of options where one is needed, or a flag of Hydra's that carries out what a file holds.
    """
    for word in words:
        option_files.check_one_option(*word.partition("=")[::2])
        if word.partition("=")[0] in PICKLED:
            raise UserError(f"{word}: a pickle can hold any code. Go on with a run by: python -m animal_cls.resume DIR")
    flags, overrides = _parted(words)
    return flags + [quoted_if_needed(word) for word in overrides]


def _parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Flags of Hydra's with their values, and what else there is: Hydra takes no override behind a flag in between."""
    flags, others, left = list[str](), list[str](), iter(words)
    for word in left:
        if word in WITH_VALUE:
            flags += [word, *islice(left, 1)]
        elif word in ALONE or word.partition("=")[0] in WITH_VALUE:
            flags.append(word)
        else:
            others.append(word)
    return flags, others


def compose(overrides: Sequence[str]) -> Config:
    """The config of `overrides`, as the command line would give it.

    Raises:
        UserError: an override that does not fit.
    """
    try:
        with hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            config = parse(hydra.compose("config", overrides=normalize_overrides(overrides)))
            config.allowed = trusted.ALL  # typed, and our own option files
            return config
    except Exception as error:
        if not is_mistake(error):
            raise
        raise UserError(format_hydra_error(error)) from None


def composer(config_dirs: Sequence[Path]) -> Callable[[Sequence[str]], Config]:
    """`compose` with the options in these folders beside our own, which may call what the user has named for them."""
    for folder in config_dirs:
        trusted.remember(folder, trusted.named())
        if trusted.is_opened(folder):
            search_modules_beside([folder])
    option_files.install()
    option_files.refuse_hidden(config_dirs)
    places = ",".join(f"'file://{folder.absolute()}'" for folder in config_dirs)

    def composed(overrides: Sequence[str]) -> Config:
        config = compose([f"hydra.searchpath=[{places}]", *overrides] if config_dirs else overrides)
        config.allowed = trusted.of_command(config, config_dirs)
        trusted.refuse_unknown(config)
        return config

    return composed
