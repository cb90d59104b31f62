"""The Hydra callback that notes when the jobs of a sweep begin and end."""

import time
from typing import Any

from hydra.experimental.callback import Callback

from benchmarks.stopwatch import mark

OVERRIDE = f"+hydra.callbacks.clock._target_={__name__}.JobClock"


class JobClock(Callback):
    """Marks {"stage": "job", "start": seconds} and {"stage": "job", "end": seconds}.

    Hydra has by then read the job's config, opened its log and written .hydra/.
    """

    def on_job_start(self, **_: Any) -> None:
        mark(stage="job", start=time.monotonic())

    def on_job_end(self, **_: Any) -> None:
        mark(stage="job", end=time.monotonic())
