"""What the parts share: their folder, their options, and the commands that they start."""

import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from animal_cls import results
from animal_cls.results import Result
from benchmarks import images, stopwatch
from benchmarks.processes import Finished, run

ASK_TORCH = "import json; from benchmarks.conditions import torch_says; print(json.dumps(torch_says()))"
NETWORKS = ("simple_cnn", "resnet18")
PUBLISHED_IMAGES = 25_139  # of the report: what a GPU is measured with


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says."""

    quick: bool = False
    repeats: int | None = None  # None: what fits into the time
    data: Path | None = None  # class folders; None: the embedded images
    epochs_scale: float | None = None  # share of the epochs of part (b) that are really run; None as above
    largest: int = 250_000  # images of part (d)

    def times(self, full: int, quick: int = 1) -> int:
        """How often something is repeated: as told, or else so often."""
        return self.repeats or (quick if self.quick else full)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A process that has ended, with what the stopwatch saw inside it."""

    process: Finished
    marks: list[dict[str, Any]]
    folder: Path  # that it left its files in

    def stages(self, name: str) -> list[dict[str, Any]]:
        """The marks of one kind."""
        return [mark for mark in self.marks if mark["stage"] == name]

    @cached_property
    def epochs(self) -> list[dict[str, Any]]:
        """The epochs of its only training."""
        (fit,) = self.stages("fit")
        return fit["epochs"]

    @cached_property
    def result(self) -> Result:
        """The run's result.json."""
        result = results.load(self.folder)
        assert result is not None, f"{self.folder} has no result"
        return result


@dataclass
class Workplace:
    """A folder for everything that is made on the way, which its owner deletes."""

    folder: Path
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        self._numbers = itertools.count()

    @cached_property
    def hook(self) -> Path:
        """What has to be on the path of a process to be looked into."""
        return stopwatch.install(self.folder / "hook")

    @cached_property
    def torch(self) -> dict[str, Any]:
        """What torch says of the machine; asked in a process of its own, because it takes seconds and memory."""
        return json.loads(run(["-c", ASK_TORCH], folder=self.new_folder("torch")).output)

    @property
    def cuda(self) -> bool:
        """Whether runs will use a GPU."""
        return bool(self.torch["cuda"])

    @property
    def batch_size(self) -> int:
        """Images: the default, or on a GPU the report's."""
        return 256 if self.cuda else 64

    def new_folder(self, name: str) -> Path:
        """An empty folder."""
        folder = self.folder / f"{next(self._numbers):03}-{name}"
        folder.mkdir(parents=True)
        return folder

    def images(self, full: int, quick: int) -> Path:
        """A folder of class folders with so many images, the same for all that ask for this number."""
        n = quick if self.options.quick else PUBLISHED_IMAGES if self.cuda else full
        folder = self.folder / f"images-{n}"
        return folder if folder.exists() else images.folder_of(n, folder, data=self.options.data)

    def look(
        self, words: Sequence[str], *, folder: Path | None = None, bare: bool = False, profile: Path | None = None
    ) -> Seen:
        """Run Python with `words` and the stopwatch inside it; `folder` is where it leaves its files."""
        marks = self.folder / f"marks-{next(self._numbers)}.jsonl"
        env = {stopwatch.MARKS: str(marks)} | ({stopwatch.BARE: "1"} if bare else {})
        env |= {} if profile is None else {stopwatch.PROFILE: str(profile)}
        process = run(words, folder=self.new_folder("process"), path=[self.hook], env=env)
        print(f"  {process.seconds:6.1f} s  {_short(words)}", file=sys.stderr, flush=True)
        return Seen(process=process, marks=stopwatch.read(marks), folder=folder or self.folder)

    def train(self, *overrides: str, cache: Path, bare: bool = False, profile: Path | None = None) -> Seen:
        """`python -m animal_cls` with these overrides, and the decoded images in `cache`."""
        folder = self.new_folder("run")
        words = ["-m", "animal_cls", *overrides, f"data.cache_dir={cache}", f"hydra.run.dir={folder}"]
        return self.look(words, folder=folder, bare=bare, profile=profile)


def _short(words: Sequence[str]) -> str:
    """A command line without the folders, which say nothing."""
    return " ".join(word for word in words if "/" not in word or word.startswith("experiment="))


def conditions_of(result: Result) -> str:
    """How a run computed."""
    return f"{result.precision} on {result.device}"
