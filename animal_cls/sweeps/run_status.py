"""What became of each run, as its files say: no other record of a sweep is kept."""

from dataclasses import dataclass
from pathlib import Path

from animal_cls import results
from animal_cls.errors import UserError
from animal_cls.files.locks import holder, is_held, owner_of
from animal_cls.results import LOCK, OWNER, Result

CHECKPOINT = Path("checkpoints", "last.ckpt")
FINISHED = ("done", "skipped")
STATUSES = ("done", "failed", "skipped", "running", "unfinished", "queued", "unreadable")  # as they are counted


@dataclass(frozen=True, kw_only=True)
class RunStatus:
    """One run: of `STATUSES`; unfinished: begun by a process that is dead; queued: not begun, or its folder is gone."""

    status: str
    detail: str = ""  # why it failed or cannot be read, who trains it and how to end that, or from where it can go on
    result: Result | None = None  # where there is one that can be read

    @property
    def is_idle(self) -> bool:
        """Whether it was passed over for good: a method of it has nothing to act on."""
        return self.status == "skipped" and self.result is not None and self.result.idle

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.status in FINISHED


def run_status(folder: Path) -> RunStatus:
    """What the files of the run in `folder` say, whatever is in them.

    A lock that nobody holds means that its process is dead.
    """
    if is_held(folder / LOCK):
        return RunStatus(status="running", detail=holder(folder / OWNER))
    try:
        result = _checked(results.load(folder))
    except (UserError, OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        return RunStatus(status="unreadable", detail=_in_words(error, folder))
    if result is not None:
        return RunStatus(status=result.status, detail=result.reason or "", result=result)
    if not (folder / OWNER).exists():
        return RunStatus(status="queued")
    owner, where = (
        owner_of(folder / OWNER),
        "its last checkpoint" if (folder / CHECKPOINT).exists() else "the beginning",
    )
    return RunStatus(status="unfinished", detail=f"was on {owner['host']} since {owner['since']}; goes on from {where}")


def _checked(result: Result | None) -> Result | None:
    """`result` itself, or `ValueError` where a table cannot show it."""
    if result is not None:
        numbers = [result.seconds, *(split.acc for split in result.splits.values())]
        if result.status not in STATUSES or not isinstance(result.reason, str | None):
            raise ValueError(f"status {result.status!r}")
        if not all(isinstance(number, int | float) for number in numbers):
            raise ValueError("a number is none")
    return result


def _in_words(error: Exception, folder: Path) -> str:
    if isinstance(error, UserError):
        return str(error)
    why = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
    return f"{folder / results.RESULT}: cannot be read ({why})"
