"""The form of the log: to animal_cls.log in full, to the terminal the bare messages."""

from typing import Any

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
