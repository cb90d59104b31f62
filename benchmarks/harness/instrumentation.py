"""Times from inside other processes, by hooks that Lightning and Hydra offer; nothing is patched.

Lightning adds the callbacks of every installed package with an entry point in `lightning.pytorch.callbacks_factory`.
`install` makes a folder that looks like such a package; a process with it on its path writes its events as JSON lines.
Times are of the system's monotonic clock, in seconds, the same in all processes.
"""

import json
import os
import pkgutil
from pathlib import Path
from typing import Any

EVENTS = "ANIMAL_CLS_BENCHMARK_EVENTS"  # environment: the file that events are written to
CALLBACK = "ANIMAL_CLS_BENCHMARK_CALLBACK"  # environment: module:class of the Lightning callback that records them
TIMING = "benchmarks.harness.timing_callback:TimingCallback"


def install(folder: Path) -> Path:
    """Make the entry point in `folder`, which is to be put on PYTHONPATH; returns it."""
    info = folder / "animal_cls_benchmarks-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: animal_cls_benchmarks\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[lightning.pytorch.callbacks_factory]\ntiming = benchmarks.harness.instrumentation:callbacks\n"
    )
    return folder


def callbacks() -> list[Any]:
    """The callbacks that Lightning adds to its Trainer; none unless a benchmark asks for them."""
    return [pkgutil.resolve_name(os.environ[CALLBACK])()] if EVENTS in os.environ else []


def record(event: str, **values: Any) -> None:
    """Append a line to the file that `EVENTS` names."""
    with Path(os.environ[EVENTS]).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"event": event, **values}) + "\n")


def read(file: Path) -> list[dict[str, Any]]:
    """The events in `file`, in the order of writing; none where there is no file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
