"""The Hydra callback that records when the jobs of a sweep begin and end."""

import time
from typing import Any

from hydra.experimental.callback import Callback

from benchmarks.harness.instrumentation import record

OVERRIDE = f"+hydra.callbacks.job_timer._target_={__name__}.JobTimer"


class JobTimer(Callback):
    """Records "job_start" when Hydra has read the job's config, opened its log and written .hydra/; then "job_end"."""

    def on_job_start(self, **_: Any) -> None:
        record("job_start", time=time.monotonic())

    def on_job_end(self, **_: Any) -> None:
        record("job_end", time=time.monotonic())
