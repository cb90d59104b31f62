"""A sweep as an experiment of MLflow: a run for the sweep with its verdicts, and in it one for each of its runs."""

import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from animal_cls.errors import UserError
from animal_cls.files.naming import escaped
from animal_cls.report.output import tables
from animal_cls.use.extras import require
from animal_cls.use.publish.record import PublishedRun, PublishedSweep, Told

STORE = "sqlite:///mlflow.db"  # as conf/logger/mlflow.yaml
KEY, VERDICTS = "animal_cls.key", "animal_cls.verdicts"  # tags: what a run is of, and which verdicts were sent
AT_ONCE, LONGEST = 100, 6000  # params of one request, letters of a value


def publish(sweep: PublishedSweep, *, where: str | None, name: str | None) -> Told:
    """Send what the store `where` (an address of MLflow) does not have yet; returns what became of it.

    Raises:
        UserError: MLflow is not installed, or the store cannot be used.
    """
    require("mlflow", extra="mlflow")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    store = where or os.environ.get("MLFLOW_TRACKING_URI") or STORE
    try:
        client = MlflowClient(tracking_uri=store)
        return _publish(client, sweep, name or sweep.name, store)
    except (MlflowException, OSError) as error:
        why = str(error).strip().splitlines()[0]
        raise UserError(f"--where {store}: MLflow cannot use this store ({escaped(why)}).") from None


def _publish(client: Any, sweep: PublishedSweep, name: str, store: str) -> Told:
    found = client.get_experiment_by_name(name)
    experiment = client.create_experiment(name) if found is None else found.experiment_id
    parent = _known(client, experiment, sweep.key) or client.create_run(
        experiment, run_name=sweep.name, tags={KEY: sweep.key}
    )
    new = 0
    for one in sweep.runs:
        known = _known(client, experiment, one.key)
        if known is not None and known.info.status == "FINISHED":
            continue
        if known is not None:  # what an interruption has left
            client.delete_run(known.info.run_id)
        _send(client, experiment, parent.info.run_id, one)
        new += 1
    is_new = parent.data.tags.get(VERDICTS) != sweep.verdicts_key
    if is_new:
        _send_verdicts(client, parent.info.run_id, sweep)
    where = f"experiment {name} in {store}"
    return Told(new=new, known=len(sweep.runs) - new, verdicts=is_new, where=where)


def _known(client: Any, experiment: str, key: str) -> Any:
    """The run of this key, or None."""
    found = client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", max_results=1)
    return found[0] if found else None


def _send(client: Any, experiment: str, parent: str, one: PublishedRun) -> None:
    from mlflow.entities import Metric, Param

    tags = {KEY: one.key, "mlflow.parentRunId": parent, "arm": one.run.arm or "", "model": one.result.model}
    tags |= {"reg": one.result.reg, "seed": str(one.result.seed), "status": one.result.status}
    run = client.create_run(experiment, run_name=one.run.name, tags=tags).info.run_id
    params = [Param(_name(key), _value(value)) for key, value in one.config.items()]
    now = int((one.run.folder / "result.json").stat().st_mtime * 1000)
    metrics = [Metric(_name(name), value, now, epoch) for name, value, epoch in _points(one)]
    for some in _parts(params):
        client.log_batch(run, params=some)
    for some in _parts(metrics):
        client.log_batch(run, metrics=some)
    for file in one.files:
        client.log_artifact(run, str(file))
    for figure in one.figures:
        client.log_artifact(run, str(figure), "figures")
    client.set_terminated(run, "FINISHED")  # last: a run that has another status was interrupted


def _points(one: PublishedRun) -> Iterator[tuple[str, float, int]]:
    """Curves under the names of metrics.csv; what the run came to as final/..., which no epoch has."""
    for epoch, values in one.curves():
        yield from ((name, value, epoch) for name, value in values.items())
    yield from ((f"final/{name}", value, one.result.epochs) for name, value in one.numbers.items())


def _parts(values: Sequence[Any]) -> Iterator[list[Any]]:
    return (list(values[at : at + AT_ONCE]) for at in range(0, len(values), AT_ONCE))


def _name(text: str) -> str:
    """As MLflow takes it."""
    return re.sub(r"[^\w\-. /:]", "_", text)


def _value(value: Any) -> str:
    text = "null" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _send_verdicts(client: Any, run: str, sweep: PublishedSweep) -> None:
    """The report's texts, tables and figures, and the difference of each arm as a number."""
    client.set_tag(run, "mlflow.note.content", "\n\n".join(sweep.answers))
    for c in sweep.comparisons:
        client.set_tag(run, _name(f"verdict/{c.arm} against {c.baseline}"), c.verdict)
        if c.delta is not None:
            client.log_metric(run, _name(f"points/{c.arm} against {c.baseline}"), c.delta)
    with tempfile.TemporaryDirectory() as folder:
        tables.write(sweep.study, Path(folder))
        client.log_artifacts(run, folder, "report")
    for figure in sweep.figures:
        client.log_artifact(run, str(figure), "report/figures")
    client.set_tag(run, VERDICTS, sweep.verdicts_key)
    client.set_terminated(run, "FINISHED")
