"""How benchmarks look into a process: through hooks that Lightning and Hydra offer; nothing is patched.

Lightning adds the callbacks of every installed package with an entry point in `lightning.pytorch.callbacks_factory`.
`install` makes a folder that looks like such a package; a process with it on its path writes its times as JSON lines.
Times are of the system's monotonic clock, in seconds, the same in all processes.
"""

import json
import os
from pathlib import Path
from typing import Any

MARKS = "ANIMAL_CLS_BENCHMARK_MARKS"  # the file for the times
BARE = "ANIMAL_CLS_BENCHMARK_BARE"  # with a bare loop between the epochs
PROFILE = "ANIMAL_CLS_BENCHMARK_PROFILE"  # the file for a profile


def install(folder: Path) -> Path:
    """Make the entry point in `folder`, which is to be put on PYTHONPATH; returns it."""
    info = folder / "animal_cls_benchmarks-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: animal_cls_benchmarks\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        "[lightning.pytorch.callbacks_factory]\nstopwatch = benchmarks.stopwatch:callbacks\n"
    )
    return folder


def callbacks() -> list[Any]:
    """What Lightning is to call; nothing unless a benchmark asks for it."""
    if MARKS not in os.environ:
        return []
    from benchmarks.watching import Stopwatch

    found: list[Any] = [Stopwatch(bare=BARE in os.environ)]
    if PROFILE in os.environ:
        from benchmarks.profiling import Profile

        found.append(Profile(Path(os.environ[PROFILE])))
    return found


def mark(**what: Any) -> None:
    """Write a line of the file that `MARKS` names."""
    with Path(os.environ[MARKS]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(what) + "\n")


def read(file: Path) -> list[dict[str, Any]]:
    """What was marked in `file`, in that order; nothing where there is none."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []
