"""A result.json of any content is a row of "runs that are in no number", or a run; never the end of a report."""

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from animal_cls import results
from animal_cls.report.build import build_study
from animal_cls.report.output import page, tables
from animal_cls.results.record import _checksum

Write = Callable[..., Path]

ODD = (
    *(None, True, -1, 0, 10**30, 1e308, float("nan"), float("inf"), "", "x", [], {}, [1], {"a": 1}, "a\0b", "\ud800"),
    *("../../x", "~nobody/x", "1" * 5000, ["cat", "cat"], {"a": {"b": {}}}),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value of a record; of a list, to its first two."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else list(enumerate(value))[:2] if isinstance(value, list) else ()
    for key, item in inside:
        yield from places(item, (*path, key))


def changed(record: dict[str, Any], rng: random.Random) -> str:
    """The record with one value gone, replaced, or of another length."""
    *way, last = rng.choice(list(places(record)))
    at: Any = record
    for key in way:
        at = at[key]
    how = rng.random()
    if how < 0.15:
        del at[last]
    elif how < 0.3 and isinstance(at[last], list):
        at[last] = at[last] + at[last][:1]
    else:
        at[last] = rng.choice(ODD)
    return json.dumps(record)


def damaged(text: str, rng: random.Random) -> bytes:
    """Cut off, with a byte of another value, nested too deep, with a key twice, or with a changed value."""
    kind, content = rng.random(), text.encode()
    if kind < 0.1:
        return content[: rng.randrange(len(content))]
    if kind < 0.15:
        at = rng.randrange(len(content))
        return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
    if kind < 0.2:
        depth = rng.choice([39, 60, 900, 100_000])
        return text.replace('"config": {', '"config": {"deep": ' + "[" * depth + "]" * depth + ", ", 1).encode()
    if kind < 0.25:
        return text.replace('"seed": 1', f'"seed": 1, "seed": {json.dumps(rng.choice(ODD))}', 1).encode()
    return changed(json.loads(text), rng).encode()


@pytest.fixture
def sweep(tmp_path: Path, write_run: Write) -> tuple[Path, str]:
    """Two good runs, one of another network to be damaged, and what its result.json holds, without a checksum."""
    hits = {split: {"cat": [True, True, False], "dog": [True, False]} for split in ("train", "val", "test")}
    for reg in ("none", "dropout"):
        write_run(tmp_path / f"good-{reg}", hits, reg=reg)
    bad = write_run(tmp_path / "bad", hits, reg="dropout", model="other", seed=1) / "result.json"
    record = json.loads(bad.read_text()) | {"schema": 1}
    del record["checksum"]
    return bad, json.dumps(record)


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_result_stops_no_report(sweep: tuple[Path, str], seed: int) -> None:
    """Six damages each; whoever looks for more raises the numbers."""
    (bad, text), rng = sweep, random.Random(seed)
    for _ in range(6):
        bad.write_bytes(content := damaged(text, rng))
        study = build_study([bad.parents[1]])
        tables.write(study, bad.parents[1] / "report")
        good = [run for run in study.runs if run.folder.name.startswith("good")]
        assert {run.status for run in good} == {"done"}, content
        assert any(c.delta is not None for c in study.comparisons if c.arm == "simple_cnn/dropout"), content
        (odd,) = [run for run in study.runs if run.folder.name == "bad"]
        assert odd.status != "unreadable" or str(bad) in (odd.reason or ""), content
    assert page.render(study, {})


def test_an_odd_value_under_a_fitting_checksum_stops_no_report(sweep: tuple[Path, str]) -> None:
    (bad, text), rng = sweep, random.Random(9)
    for _ in range(8):
        record = json.loads(changed(json.loads(text), rng)) | {"schema": results.SCHEMA}
        bad.write_text(json.dumps(record | {"checksum": _checksum(record)}))
        assert len(build_study([bad.parents[1]]).runs) == 3
