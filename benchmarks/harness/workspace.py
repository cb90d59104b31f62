"""What the parts share: their folder, their options, and the commands that they start."""

import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from animal_cls import results
from animal_cls.results import Result
from benchmarks.harness import images, instrumentation
from benchmarks.harness.instrumentation import TIMING
from benchmarks.harness.processes import Finished, run

ASK_TORCH = "import json; from benchmarks.harness.conditions import ask_torch; print(json.dumps(ask_torch()))"
NETWORKS = ("simple_cnn", "resnet18")
PUBLISHED_IMAGES = 25_139  # of the report: what a GPU is measured with


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A process that has ended, with the events that were recorded inside it."""

    process: Finished
    recorded: list[dict[str, Any]]
    folder: Path  # that it left its files in

    def events(self, name: str) -> list[dict[str, Any]]:
        """The events of one kind."""
        return [event for event in self.recorded if event["event"] == name]

    @cached_property
    def epochs(self) -> list[dict[str, Any]]:
        """The epochs of its only training."""
        (fit,) = self.events("fit")
        return fit["epochs"]

    @cached_property
    def result(self) -> Result:
        """The run's result.json."""
        result = results.load(self.folder)
        assert result is not None, f"{self.folder} has no result"
        return result

    @property
    def conditions(self) -> str:
        """How the run computed."""
        return f"{self.result.precision} on {self.result.device}"


@dataclass
class Workspace:
    """A folder for everything that is made on the way, which its owner deletes, and what the command line says."""

    folder: Path
    quick: bool = False
    repeats: int | None = None  # None: what fits into the time
    data: Path | None = None  # class folders; None: the embedded images
    largest: int = 250_000  # images of part (d)

    def __post_init__(self) -> None:
        self._numbers = itertools.count()

    @cached_property
    def plugin(self) -> Path:
        """The folder on whose account Lightning loads our callback in other processes."""
        return instrumentation.install(self.folder / "plugin")

    @cached_property
    def torch(self) -> dict[str, Any]:
        """What torch knows of the machine; asked in a process of its own, because it takes seconds and memory."""
        return json.loads(run(["-c", ASK_TORCH], folder=self.new_folder("torch")).output)

    @property
    def batch_size(self) -> int:
        """Images: the default, or on a GPU the report's."""
        return 256 if self.torch["gpu"] else 64

    def times(self, full: int, quick: int = 1) -> int:
        """How often something is repeated: `repeats`, or else so often."""
        return self.repeats or (quick if self.quick else full)

    def new_folder(self, name: str) -> Path:
        """An empty folder."""
        folder = self.folder / f"{next(self._numbers):03}-{name}"
        folder.mkdir(parents=True)
        return folder

    def images(self, full: int, quick: int) -> Path:
        """A folder of class folders with so many images, the same for all that ask for this number."""
        n = quick if self.quick else PUBLISHED_IMAGES if self.torch["gpu"] else full
        folder = self.folder / f"images-{n}"
        return folder if folder.exists() else images.folder_of(n, folder, data=self.data)

    def trace(self, words: Sequence[str], *, folder: Path | None = None, callback: str = TIMING) -> Trace:
        """Run Python with `words` and a Lightning callback in it; `folder` is where it leaves its files."""
        events = self.folder / f"events-{next(self._numbers)}.jsonl"
        env = {instrumentation.EVENTS: str(events), instrumentation.CALLBACK: callback}
        process = run(words, folder=self.new_folder("process"), path=[self.plugin], env=env)
        short = " ".join(word for word in words if "/" not in word or word.startswith("experiment="))  # no folders
        print(f"  {process.seconds:6.1f} s  {short}", file=sys.stderr, flush=True)
        return Trace(process=process, recorded=instrumentation.read(events), folder=folder or self.folder)

    def command(self, root: Path, *overrides: str, cache: Path | None = None, callback: str = TIMING) -> Trace:
        """`python -m animal_cls` on the images of `root`; a sweep if "--multirun" is the first override.

        Args:
            cache: of decoded images; None: the one that all share.
        """
        folder, key = self.new_folder("run"), "sweep" if "--multirun" in overrides else "run"
        words = [*overrides, "data=folder", f"data.root={root}", f"hydra.{key}.dir={folder}"]
        words += [f"data.cache_dir={cache or self.folder / 'cache'}"]
        return self.trace(["-m", "animal_cls", *words], folder=folder, callback=callback)

    def train(
        self, network: str, root: Path, *, epochs: int, cache: Path | None = None, callback: str = TIMING
    ) -> Trace:
        """`command` with a network, so many epochs, and `batch_size`."""
        words = [f"model={network}", f"trainer.max_epochs={epochs}", f"data.batch_size={self.batch_size}"]
        return self.command(root, *words, cache=cache, callback=callback)
