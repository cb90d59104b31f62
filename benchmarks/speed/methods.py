"""What each method costs: a training step of ResNet18 with it in terms of one without, and the memory beyond it.

`python -m benchmarks.speed.methods [NAME ...] [--steps 5]` measures every method
at its card's first value, or those that are named, and writes animal_cls/regularizers/costs.json, which
`python -m animal_cls reg` shows.

One thread, and its processor seconds: waiting for others on the machine is no cost. A figure is a median, with its
interval of 95 %. A method whose own hooks do all its work is timed inside them; one that changes what others compute,
against none.
"""

import argparse
import gc
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from statistics import median
from typing import Any

import torch
from lightning.fabric import Fabric
from scipy.stats import binom
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile

from animal_cls.commands.reg import COSTS, cards
from animal_cls.commands.train import compose
from animal_cls.config.schema import method_names
from animal_cls.data.batch import Batch
from animal_cls.models import normalization_of
from animal_cls.regularizers import own_class, uses
from animal_cls.training import build
from animal_cls.training.classifier import Classifier
from benchmarks.harness.conditions import ask_torch, conditions

HOOKS = ("draw", "sample", "batch", "groups", "gradients", "weights", "evaluated", "ends")
INDIRECT = ("side", "network", "step")  # after these the network computes something else
NEEDS = {"r_drop": ["reg.dropout=0.3"]}  # what a method cannot act without
PROFILED = 2  # steps, in the second of which everything that is kept is there


class Run:
    """A run whose training steps are taken one at a time, as Lightning takes them but without its Trainer."""

    def __init__(self, words: Sequence[str]) -> None:
        config = compose(["model=resnet18", "data=toy", "data.image_size=128", "data.batch_size=64", *words])
        parts = build.parts(config, num_classes=10)
        for record in parts.records:
            assert record.acted, f"{record.key}: {record.reason}"
        self.data = build.images(config, parts.methods)
        self.data.prepare_data()
        classes, normalization = self.data.images.classes, normalization_of(parts.network)
        module = Classifier(parts.network, classes=classes, normalization=normalization, methods=parts.methods)
        self.module, self.optimizer = Fabric(accelerator="cpu").setup(module.train(), parts.optimizer)
        self.methods, self.batches, self.done, self.inside = parts.methods, self._endless(), 0, 0.0
        for method, hook in ((method, hook) for method in self.methods for hook in HOOKS if uses(method, hook)):
            setattr(method, hook, self._timed(getattr(method, hook)))
        for method in (method for method in self.methods if uses(method, "loss")):
            method.loss = self._timed_loss(method.loss)  # type: ignore[method-assign]

    @property
    def is_direct(self) -> bool:
        """Whether its methods cost what their own hooks take."""
        indirect = [(method, hook) for method in self.methods for hook in INDIRECT if uses(method, hook)]
        changing = [hook for method, hook in indirect if hook != "network" or method.acts_on == "network"]
        return not changing and all(method.acts_on != "another key" for method in self.methods)  # others only look

    def _timed(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            began = time.thread_time()
            outcome = hook(*args)
            self.inside += time.thread_time() - began
            return outcome

        return call

    def _timed_loss(self, hook: Callable[..., Tensor]) -> Callable[..., Tensor]:
        """Both passes of what the hook adds, by themselves; the step goes on with the loss as it was."""

        def call(network: nn.Module, images: Tensor, logits: Tensor, targets: Tensor, loss: Tensor) -> Tensor:
            began = time.thread_time()
            ends = [value.detach().requires_grad_() for value in (logits, loss)]
            objective = hook(network, images, ends[0], targets, ends[1])
            torch.autograd.grad(objective, [*ends, *network.parameters()], allow_unused=True)
            self.inside += time.thread_time() - began
            return loss

        return call

    def _endless(self) -> Iterator[Batch]:
        while True:
            yield from self.data.train_dataloader()

    def step(self, progress: float = 1.0) -> float:
        """Processor seconds of one step: reading and changing a batch, both passes, the optimizer.

        An epoch has one step, so that all is done that a method does after an epoch.
        """
        began = time.process_time()
        for method in self.methods:
            method.progress = progress
        module: Any = self.module.module
        module.on_train_batch_start(batch := self.data.finish(next(self.batches)), 0)
        module.optimizer_step(0, self.done, self.optimizer, lambda: self._closure(batch))
        self.done += 1
        return time.process_time() - began

    def _closure(self, batch: Batch) -> Any:
        loss = self.module.training_step(batch, self.done)
        self.optimizer.zero_grad()
        loss.backward()
        self.module.module.on_before_optimizer_step(self.optimizer)
        return loss


def measured(name: str, none: Run, none_peak: int, *, pairs: int) -> dict[str, Any]:
    """What costs.json says of a method."""
    card = own_class(name).card
    assert card is not None
    run, peak = profiled([f"reg.{name}={card.values[0]:g}", *NEEDS.get(name, [])])
    ratios = list(inside(run, pairs) if run.is_direct else in_turns(run, none, pairs))
    step, low, high = (round(x, 3) for x in (median(ratios), *of_median(ratios)))
    cpu = conditions(ask_torch())["processor"].partition(",")[0]
    found = {"strength": card.values[0], "step": step, "spread": [low, high], "steps": pairs}
    return found | {"megabytes": round((peak - none_peak) / 1e6), "on": f"{cpu}, torch {torch.__version__}"}


def of_median(values: Sequence[float]) -> tuple[float, float]:
    """An interval of at least 95 % of their median, by the sign test; of fewer than six, the smallest and largest."""
    rank = max(int(binom.ppf(0.025, len(values), 0.5)), 1)
    return sorted(values)[rank - 1], sorted(values)[-rank]


def inside(run: Run, steps: int) -> Iterator[float]:
    """Time of a step / of what of it lies outside the methods' hooks."""
    for turn in range(steps):
        run.inside = 0.0
        seconds = run.step((turn + 1) / steps)
        yield seconds / (seconds - run.inside)


def in_turns(run: Run, none: Run, pairs: int) -> Iterator[float]:
    """Time of a step / of one of `none` beside it, in turns AB BA."""
    for turn in range(pairs):
        way = 1 if turn % 2 else -1
        own, other = [each.step((turn + 1) / pairs) for each in (run, none)[::way]][::way]
        yield own / other


def profiled(words: Sequence[str]) -> tuple[Run, int]:
    """A run after its first steps, and the bytes of tensors that there were at most since before it was built."""
    gc.collect()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run = Run(words)
        for _ in range(PROFILED):
            run.step()
    recorded: Any = profiler.profiler  # torch declares neither its results nor an event's bytes
    events = [event for event in recorded.kineto_results.events() if event.name() == "[memory]"]
    return run, max(accumulate(event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())))


def stale(costs: Mapping[str, Any]) -> list[str]:
    """The names in costs.json that are no method, or were measured at another value than their card's first."""
    known = {name: card for name, (_, card) in cards().items()}
    return [name for name, cost in costs.items() if name not in known or cost["strength"] != known[name].values[0]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and save method by method."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed.methods")
    parser.add_argument("names", nargs="*", metavar="NAME", help="methods; default: all")
    parser.add_argument("--steps", type=int, default=5, help="of each method that count")
    args = parser.parse_args(arguments)
    torch.set_num_threads(1)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    none, none_peak = profiled(["reg=none"])
    for name in args.names or method_names():
        costs = json.loads(COSTS.read_text(encoding="utf-8"))
        costs[name] = measured(name, none, none_peak, pairs=args.steps)
        kept = {name: costs[name] for name in sorted(costs.keys() - stale(costs))}
        lines = ",\n".join(f' "{name}": {json.dumps(cost)}' for name, cost in kept.items())
        COSTS.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
        print(name, costs[name], flush=True)


if __name__ == "__main__":
    main()
