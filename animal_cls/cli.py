"""Hydra in, one run out (the only file with @hydra.main)."""

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import hydra
from filelock import FileLock, Timeout
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from animal_cls import results
from animal_cls.config import Config, parse
from animal_cls.errors import UserError, WeightsUnavailable
from animal_cls.messages import in_our_words, is_mistake, quoted_if_needed
from animal_cls.places import CONF
from animal_cls.report.run.summary import accuracies, summary
from animal_cls.results import Result
from animal_cls.sweep import job_folder, planned_skip

kept = logging.getLogger("animal_cls.file")  # what the log keeps and the terminal need not see

ConfigStore.instance().store(name="schema", node=Config)
OmegaConf.register_new_resolver("job_folder", job_folder, replace=True)


def run() -> int:
    """Hand the command line to Hydra; returns the exit code. A mistake of the user's gets one message, no traceback."""
    wanted = os.environ.get("HYDRA_FULL_ERROR")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise, so that we choose the words
    sys.argv = [sys.argv[0], *as_meant(sys.argv[1:])]
    try:
        main()
    except BrokenPipeError:  # `--help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if wanted == "1" or not is_mistake(error):
            raise
        print(in_our_words(error), file=sys.stderr)
        return 1
    finally:
        os.environ.pop("HYDRA_FULL_ERROR") if wanted is None else os.environ.update(HYDRA_FULL_ERROR=wanted)
    return 0


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def main(cfg: DictConfig) -> None:
    """One run in the folder that Hydra made. In a sweep a failure is recorded and the next job goes on."""
    hydra_config = HydraConfig.get()
    folder = Path(hydra_config.runtime.output_dir)
    in_sweep = hydra_config.mode == RunMode.MULTIRUN
    try:
        with FileLock(folder / ".lock", blocking=False):
            result = _train(parse(cfg), folder, in_sweep=in_sweep)
    except Timeout:
        _refuse(f"{folder}: another process is training in this folder. Wait for it or choose another one.")
    except WeightsUnavailable as error:
        _say("skipped") if in_sweep else _refuse(str(error))  # a sweep has given the reason before its first job
    except UserError as error:
        _say(f"failed: {error}") if in_sweep else _refuse(str(error))
    except Exception as error:
        if not in_sweep:
            raise
        _say(f"failed: {type(error).__name__}: {error} (the traceback is in {folder / 'animal_cls.log'})")
    else:
        text = summary(result, folder, tensorboard=folder / "tensorboard")
        kept.info("%s", text)
        _say(accuracies(result) if in_sweep else text)


def as_meant(words: Sequence[str]) -> list[str]:
    """The command line as Hydra can read it: quotes around values such as ~/pictures or /图片, --multirun in front."""
    flags = [word for word in words if word in ("-m", "--multirun")]
    return flags + [quoted_if_needed(word) for word in words if word not in flags]


def compose(overrides: Sequence[str]) -> Config:
    """The config of `overrides`, as the command line would give it.

    Raises:
        UserError: an override that does not fit.
    """
    try:
        with hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            return parse(hydra.compose("config", overrides=as_meant(overrides)))
    except Exception as error:
        if not is_mistake(error):
            raise
        raise UserError(in_our_words(error)) from None


def _train(config: Config, folder: Path, *, in_sweep: bool) -> Result:
    """Train, and leave a result.json that says so where that does not work."""
    from animal_cls import experiment  # not before it is needed: torch takes seconds

    results.refuse_finished(folder)
    try:
        if in_sweep and (reason := planned_skip(folder)):
            raise WeightsUnavailable(reason)
        return experiment.run(config, folder)
    except Exception as error:
        expected = isinstance(error, UserError)
        kept.error("%s", error, exc_info=None if expected else error)
        status = "skipped" if isinstance(error, WeightsUnavailable) else "failed"
        reason = str(error) if expected else f"{type(error).__name__}: {error}"
        results.save(experiment.without_splits(config, status=status, reason=reason), folder)
        raise


def _say(text: str) -> None:
    print(text, flush=True)


def _refuse(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise SystemExit(1)
