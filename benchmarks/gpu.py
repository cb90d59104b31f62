"""How busy a GPU is, by nvidia-smi."""

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import mean

QUERY = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-i", "0", "-lms", "250")

Samples = list[tuple[float, float]]  # (seconds on the monotonic clock, percent of the time that a kernel ran)


@contextmanager
def sampled(cuda: bool) -> Iterator[Samples]:
    """The list fills four times a second with what the first GPU does; without one it stays empty."""
    samples: Samples = []
    if not cuda:
        yield samples
        return
    with subprocess.Popen(QUERY, stdout=subprocess.PIPE, text=True) as process:

        def read() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                samples.append((time.monotonic(), float(line)))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            yield samples
        finally:
            process.terminate()
            thread.join()


def within(samples: Samples, spans: Sequence[tuple[float, float]]) -> list[float]:
    """The mean percent of each span of time in which there was a sample."""
    inside = [[percent for at, percent in samples if start <= at <= end] for start, end in spans]
    return [mean(span) for span in inside if span]
