"""What became of each run, as its files say: no other record of a sweep is kept."""

import json
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from animal_cls import results
from animal_cls.results import LOCK, OWNER

CHECKPOINT = Path("checkpoints", "last.ckpt")
FINISHED = ("done", "skipped")


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """One run: done, failed, skipped, running, unfinished (begun by a process that is dead) or queued."""

    status: str
    detail: str = ""  # why it failed or was skipped, who trains it, or from where it can go on

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.status in FINISHED


def run_status(folder: Path) -> RunStatus:
    """What the files of the run in `folder` say; a lock that nobody holds means that its process is dead."""
    owner = _owner(folder)
    if _is_held(folder / LOCK):
        return RunStatus(status="running", detail=f"on {owner['host']}, process {owner['pid']}, since {owner['since']}")
    result = results.load(folder)
    if result is not None:
        return RunStatus(status=result.status, detail=result.reason or "")
    if not (folder / OWNER).exists():
        return RunStatus(status="queued")
    where = "its last checkpoint" if (folder / CHECKPOINT).exists() else "the beginning"
    return RunStatus(status="unfinished", detail=f"was on {owner['host']} since {owner['since']}; goes on from {where}")


def _owner(folder: Path) -> dict[str, str]:
    unknown = {"host": "?", "pid": "?", "since": "?"}
    try:
        return unknown | {name: str(value) for name, value in json.loads((folder / OWNER).read_bytes()).items()}
    except (OSError, ValueError, AttributeError):
        return unknown


def _is_held(lock: Path) -> bool:
    if not lock.exists():
        return False
    try:
        with FileLock(lock, blocking=False):
            return False
    except Timeout:
        return True
    except OSError:  # a folder that cannot be written: nobody trains there
        return False
