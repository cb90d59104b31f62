"""A digest of all that a run leaves but the time: to see whether two runs are one and the same."""

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

# What differs between equal runs: times, digests of what has times in it, and how and where the run was started.
IGNORED = ("seconds", "images_per_second", "checksum", "files", "command", "host")


def run_digest(folder: Path) -> dict[str, Any]:
    """Part of the run in `folder` -> what it holds: equal for two runs exactly where they are equal bit for bit.

    Of checkpoints it is the SHA-256 of every tensor (weights, the optimizer's state) and every number, of TensorBoard's
    curves every point, so that a second line would be seen.
    """
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        metrics = [{name: value for name, value in row.items() if name not in IGNORED} for row in csv.DictReader(file)]
    result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return {
        "metrics.csv": metrics,
        "predictions.csv": hashlib.sha256((folder / "predictions.csv").read_bytes()).hexdigest(),
        **{f"result.json: {name}": value for name, value in result.items() if name not in IGNORED},
        **{f"{name}.ckpt": _checkpoint(folder / "checkpoints" / f"{name}.ckpt") for name in ("best", "last")},
        "curves": _curves(folder),
    }


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The parts in which two runs differ."""
    return [part for part in one.keys() | other.keys() if one.get(part) != other.get(part)]


def _checkpoint(file: Path) -> dict[str, Any]:
    content = torch.load(file, map_location="cpu", weights_only=True)
    kept = {key: content[key] for key in ("epoch", "global_step", "state_dict", "optimizer_states") if key in content}
    return dict(_leaves(kept, ""))


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, torch.Tensor):
        yield name, f"{value.dtype} {hashlib.sha256(value.contiguous().numpy().tobytes()).hexdigest()}"
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}/{key}")
    elif isinstance(value, list | tuple):
        for key, inner in enumerate(value):
            yield from _leaves(inner, f"{name}/{key}")
    else:
        yield name, value


def _curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for number, events in enumerate(sorted({path.parent for path in folder.rglob("events.out.tfevents.*")})):
        curves = EventAccumulator(str(events), size_guidance={"scalars": 0}).Reload()
        for tag in curves.Tags()["scalars"]:
            found[f"{number} {tag}"] = [(event.step, event.value) for event in curves.Scalars(tag)]
    return found


def assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    """That two digests are the same, part by part."""
    assert [(one[part], other[part]) for part in differences(one, other)] == []
