"""What a process that makes one report after the other, as jobs of a sweep end, need not find out again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from animal_cls.results import METRICS, PREDICTIONS, RESULT, TWIN
from animal_cls.results.arms.arm import Arm
from animal_cls.results.reader import Reader, stamp
from animal_cls.results.runs import Run

FILES = (RESULT, METRICS, PREDICTIONS, TWIN)
Known = TypeVar("Known", Run, Arm)
Made = TypeVar("Made")


def remembered(of: Callable[..., Made]) -> Callable[..., Made]:
    """`of`, which is not called again for the very arguments that it had the last time with this first one.

    Words among the arguments, such as a split's name, have each their own last time. Arms are equal only as one object,
    see `Memory`; what is remembered of an arm goes when the arm does.
    """
    known: WeakKeyDictionary[Any, dict[tuple[str, ...], tuple[tuple[Any, ...], Made]]] = WeakKeyDictionary()

    def found(first: Any, *rest: Any) -> Made:
        last = known.setdefault(first, {})
        words = tuple(one for one in rest if isinstance(one, str))
        if words not in last or last[words][0] != rest:
            last[words] = rest, of(first, *rest)
        return last[words][1]

    return found


@dataclass(kw_only=True, eq=False)
class Memory:
    """The runs and arms of the former report: one of which nothing has changed is the same object again.

    So its files are not read again, and what is `remembered` of it holds.
    """

    reader: Reader = field(default_factory=Reader)
    _runs: dict[Path, tuple[Any, Run]] = field(default_factory=dict)  # with all that tells whether it has changed
    _arms: dict[str, tuple[Any, Arm]] = field(default_factory=dict)

    def same(self, runs: Sequence[Run], arms: Sequence[Arm]) -> tuple[list[Run], list[Arm]]:
        """These runs and arms, the unchanged ones as the objects that they were."""
        self._runs = {run.folder: _kept(self._runs.get(run.folder), _content(run), run) for run in runs}
        now = {folder: run for folder, (_, run) in self._runs.items()}
        self._arms = {arm.name: self._arm(arm, now) for arm in arms}
        return list(now.values()), [arm for _, arm in self._arms.values()]

    def _arm(self, arm: Arm, now: dict[Path, Run]) -> tuple[Any, Arm]:
        runs, done = tuple(now[run.folder] for run in arm.runs), {k: now[run.folder] for k, run in arm.done.items()}
        content = _said(arm, "runs", "done"), runs, done
        return _kept(self._arms.get(arm.name), content, replace(arm, runs=runs, done=done))


def _kept(before: tuple[Any, Known] | None, content: Any, found: Known) -> tuple[Any, Known]:
    """The former object where its content is this one; not a run whose tables were damaged, which is told again."""
    if before is None or before[0] != content:
        return content, found
    is_lost = vars(before[1]).get("predictions", before) is None  # where they were asked for
    return (content, found) if is_lost else before


def _content(run: Run) -> Any:
    """All that a run says, and by which files: what is written to them changes their time, or their number."""
    return _said(run, "result", "read_metrics", "read_predictions"), [stamp(run.folder / name) for name in FILES]


def _said(record: Any, *without: str) -> str:
    """The fields of a record in words, in which 1, 1.0 and True are not the same."""
    return repr([getattr(record, each.name) for each in fields(record) if each.name not in without])
