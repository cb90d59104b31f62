"""A sweep for Weights & Biases: a run for each of its runs, grouped, and one with the verdicts."""

import os
from pathlib import Path
from typing import Any

from animal_cls.errors import UserError
from animal_cls.files.naming import escaped
from animal_cls.report.output import tables
from animal_cls.use.extras import require
from animal_cls.use.publish.record import PublishedRun, PublishedSweep, Told

PROJECT = "animal_cls"  # as conf/logger/wandb.yaml
DONE = "published"  # in the summary of a run that was sent to its end
COLUMNS = (
    "arm",
    "baseline",
    "split",
    "delta",
    "simultaneous_low",
    "simultaneous_high",
    "p_adjusted",
    "verdict",
    "fair",
)
ID = 16  # letters of a key that make an id


def publish(sweep: PublishedSweep, *, where: str | None, name: str | None) -> Told:
    """Send what the project does not have yet, or with WANDB_MODE=offline write it below `where`, to be synced later.

    Raises:
        UserError: wandb is not installed, nobody is logged in, or the server is not reached.
    """
    require("wandb", extra="wandb")
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
    import wandb

    folder = Path(where or ".")
    settings = wandb.Settings(
        silent=True, console="off", disable_git=True, disable_code=True, x_disable_stats=True, x_disable_meta=True
    )
    shared = {"project": name or PROJECT, "group": sweep.name, "dir": str(folder), "settings": settings}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new = sum(_send(wandb, one, shared) for one in sweep.runs)
        verdicts = _send_verdicts(wandb, sweep, shared)
    except (wandb.Error, OSError) as error:
        why = escaped(str(error).strip().splitlines()[0])
        raise UserError(
            f"wandb: not sent ({why}). `wandb login` logs in; WANDB_MODE=offline writes to {folder}."
        ) from None
    project = f"project {shared['project']}, group {sweep.name}"
    is_offline = os.environ.get("WANDB_MODE") == "offline"
    told = f"{project}; offline, in {folder / 'wandb'}: wandb sync sends it" if is_offline else project
    return Told(new=new, known=len(sweep.runs) - new, verdicts=verdicts, where=told)


def _is_written(shared: dict[str, Any], key: str) -> bool:
    """Whether an offline run of this id lies there already, whole."""
    found = Path(shared["dir"], "wandb").glob(f"offline-run-*-{key}")
    return any((folder / DONE).exists() for folder in found)


def _send(wandb: Any, one: PublishedRun, shared: dict[str, Any]) -> bool:
    """Whether it was new."""
    key = one.key[:ID]
    known = {"name": one.run.name, "job_type": "train", "tags": [one.result.model]}
    run = _begun(wandb, key, shared, config=dict(one.config), **known)
    if run is None:
        return False
    for epoch, values in one.curves():
        run.log({**values, "epoch": epoch}, step=epoch)
    run.log({f"figures/{figure.stem}": wandb.Image(str(figure)) for figure in one.figures}, step=one.result.epochs + 1)
    run.summary.update({f"final/{name}": value for name, value in one.numbers.items()} | {"arm": one.run.arm})
    _end(run)
    return True


def _begun(wandb: Any, key: str, shared: dict[str, Any], **values: Any) -> Any:
    """A run that can be written to; None where it was sent to its end before."""
    if _is_written(shared, key):
        return None
    run = wandb.init(id=key, resume="allow", reinit="finish_previous", **shared, **values)
    if run.resumed and run.summary.get(DONE):
        run.finish()
        return None
    return run


def _end(run: Any) -> None:
    run.summary[DONE] = True
    folder, is_offline = Path(run.dir).parent, run.offline
    run.finish()
    if is_offline:
        (folder / DONE).touch()


def _send_verdicts(wandb: Any, sweep: PublishedSweep, shared: dict[str, Any]) -> bool:
    """Whether they were new: the report's texts and tables; other verdicts of the same sweep are another run."""
    key = f"{sweep.key[: ID // 2]}{sweep.verdicts_key[: ID // 2]}"
    notes = "\n\n".join(sweep.answers)
    run = _begun(wandb, key, shared, name=f"{sweep.name}, verdicts", job_type="sweep", notes=notes)
    if run is None:
        return False
    rows = [[getattr(c, column) for column in COLUMNS] for c in sweep.comparisons]
    figures = {f"report/{figure.stem}": wandb.Image(str(figure)) for figure in sweep.figures}
    run.log({"verdicts": wandb.Table(columns=list(COLUMNS), data=rows), **figures})
    for file in tables.write(sweep.study, Path(run.dir)):
        run.save(str(file), base_path=run.dir, policy="end")
    _end(run)
    return True
