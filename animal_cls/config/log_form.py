"""The form of the log: to animal_cls.log in full, to the terminal the bare messages."""

from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

NAME = "animal_cls"  # as an option of Hydra's group hydra/job_logging
LONG = "[%(asctime)s][%(name)s][%(levelname)s] - %(message)s"
FORM: dict[str, Any] = {
    "version": 1,
    "formatters": {"simple": {"format": LONG}, "bare": {"format": "%(message)s"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "bare", "stream": "ext://sys.stdout"},
        "file": {
            "class": "logging.FileHandler",
            "formatter": "simple",
            "filename": "${hydra.runtime.output_dir}/${hydra.job.name}.log",
            "encoding": "utf-8",
            "errors": "backslashreplace",  # names of files that are no text
        },
    },
    "root": {"level": "INFO", "handlers": ["console", "file"]},
    "loggers": {"matplotlib": {"level": "WARNING"}},  # its font cache is no news
    "disable_existing_loggers": False,
}
# What a form that a run has recorded may name.
HANDLERS = (None, "logging.StreamHandler", "logging.FileHandler", "logging.NullHandler")
STREAMS = ("ext://sys.stdout", "ext://sys.stderr")
LOG_FILES = (None, FORM["handlers"]["file"]["filename"])


def is_harmless(job_logging: DictConfig) -> bool:
    """Whether a recorded form of the log writes to the terminal and the run's log alone, in classes of `logging`.

    Python makes objects of any class that such a record names, and opens any file.
    """
    words = OmegaConf.to_container(job_logging, resolve=False)
    return all(_is_harmless_word(*word) for word in _leaves(words))


def _is_harmless_word(key: str, value: Any) -> bool:
    if key == "class":
        return value in HANDLERS
    if key == "filename":
        return value in LOG_FILES
    is_external = isinstance(value, str) and value.partition("://")[0] in ("ext", "cfg")
    return key != "()" and (not is_external or value in STREAMS) and "${" not in str(value)


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value within `value`, with the key that it stands at; the keys of mappings, too, as `()` is one."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name), None
            yield from _leaves(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key)
    else:
        yield key, value
