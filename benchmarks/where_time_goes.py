"""Where an epoch of ours spends its time: a table of what each step takes by itself, and torch's own of operators."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from benchmarks.tables import number, table
from benchmarks.training_pass import IMAGES
from benchmarks.workplace import Workplace, conditions_of

EPOCHS = {True: 3, False: 5}  # quick or not; the first one warms up and the last one is for the operators
STEPS = {  # the first of these words that an action's name holds says what it belongs to
    "benchmarks.": "the benchmark itself",
    "Stopwatch": "the benchmark itself",
    "Profile": "the benchmark itself",
    "validation": "validation",
    "dataloader_next": "waiting for batches",
    "batch_transfer": "batches to the device, augmentation",
    "batch_to_device": "batches to the device, augmentation",
    "Strategy.training_step": "forward, loss, metrics of the step",
    "training_step": "forward, loss, metrics of the step",
    "backward": "backward",
    "optimizer": "optimizer",
    "zero_grad": "optimizer",
    "Checkpoint": "checkpoints",
    "checkpoint": "checkpoints",
    "History": "metrics.csv and the log",
    "on_train_epoch_end": "metrics of the epoch",
    "on_train_batch_start": "hooks of the step",
    "on_train_batch_end": "hooks of the step",
}
LOOP = "Lightning's loop and other hooks"


def profile(place: Workplace, network: str) -> str:
    """Train a few epochs and say in two tables where the time went."""
    file = place.folder / "profile.json"
    root = place.images(*IMAGES[network])
    overrides = ["data=folder", f"data.root={root}", f"data.batch_size={place.batch_size}", f"model={network}"]
    epochs = EPOCHS[place.options.quick]
    seen = place.train(*overrides, f"trainer.max_epochs={epochs}", cache=place.folder / "cache", profile=file)
    found = json.loads(file.read_text(encoding="utf-8"))
    title = f"{network}, {conditions_of(seen.result)}, batch {place.batch_size}: {found['epochs']} steady epochs"
    return "\n".join([title, "", *table(["step", "s an epoch", "share"], rows(found)), "", found["operators"]])


def rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Steps in the order of what they take, then the whole with the processor's time."""
    total, epochs = found["seconds"], found["epochs"]
    sums: defaultdict[str, float] = defaultdict(float)
    for action, seconds in found["actions"].items():
        sums[step_of(action)] += seconds
    sums[LOOP] += total - sum(sums.values())  # what lies between the actions
    lines = sorted(sums.items(), key=lambda line: -line[1])
    lines += [("whole", total), ("processor time: user, all cores", found["user"])]
    lines += [("processor time: system, all cores", found["system"])]
    return [[name, number(seconds / epochs), f"{100 * seconds / total:.1f} %"] for name, seconds in lines]


def step_of(action: str) -> str:
    """What one of Lightning's actions belongs to."""
    return next((step for word, step in STEPS.items() if word in action), LOOP)
