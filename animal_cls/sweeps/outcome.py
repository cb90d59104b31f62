"""What a sweep came to: its table, where its files are, and how what is missing can be had."""

import shlex
from contextlib import suppress
from pathlib import Path

from animal_cls import results
from animal_cls.errors import UserError
from animal_cls.files.naming import escaped
from animal_cls.files.terminal import say
from animal_cls.sweeps.plan import REPORT, TENSORBOARD, Plan, read_plan, write_plan
from animal_cls.sweeps.run_status import run_status
from animal_cls.sweeps.summary import sweep_table


def print_outcome(folder: Path, plan: Plan) -> bool:
    """Print the table of a sweep and where its files are; returns whether nothing is left to do and a job is done.

    Args:
        plan: as it was when the sweep began or was resumed; an empty one where a search decided as it went.
    """
    _keep_plan(folder, plan)
    rows = [(name, run_status(folder / job)) for name, job in jobs_of(folder, plan)]
    left = [found for _, found in rows if found.status != "done" and not found.is_idle]
    is_done = any(found.status == "done" for _, found in rows) and not left
    where = [f"folder  {folder}", f"curves  tensorboard --logdir {shlex.quote(str(folder / TENSORBOARD))}"]
    if (page := folder / REPORT / "index.html").exists():
        where.append(f"report  {page}")
    if plan.jobs and not is_done:
        where.append(f"go on   python -m animal_cls.resume {shlex.quote(str(folder))}")
    say(f"\n{sweep_table(rows)}\n\n" + "\n".join(map(escaped, where)))
    return is_done


def jobs_of(folder: Path, plan: Plan) -> list[tuple[str, str]]:
    """The names of a sweep's jobs and their folders below `folder`: as planned, or else those that have a result."""
    found = sorted(path.parent.relative_to(folder).as_posix() for path in folder.rglob(results.RESULT))
    return [(job.name, job.folder) for job in plan.jobs] or [(name, name) for name in found]


def _keep_plan(folder: Path, plan: Plan) -> None:
    """Write plan.json again where it has vanished meanwhile: what is missing can then be resumed."""
    try:
        if plan.jobs and not read_plan(folder).jobs:
            say(f"{folder}: its plan had vanished in mid-sweep, and is written anew.", to="stderr")
            with suppress(UserError):  # the folder is gone and cannot be made: the table says what is left
                write_plan(plan, folder)
    except UserError as error:
        say(str(error), to="stderr")
