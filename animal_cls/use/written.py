"""Predictions as files: a table or lines of JSON as long as one likes, and a page of those that are most in doubt."""

import csv
import heapq
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from animal_cls.data.thumbnails import thumbnail
from animal_cls.errors import UserError
from animal_cls.files import atomic
from animal_cls.files.terminal import say
from animal_cls.use.pages import render
from animal_cls.use.predict import Said, Tally

LINES = (".jsonl", ".ndjson")  # suffixes of lines of JSON; all others are tables
PARTIAL = ".partial"  # behind the name of what was not finished
SHOWN = 300  # images on the page

Write = Callable[[Said], None]


@contextmanager
def opened(out: Path, classes: Sequence[str], *, every: bool, stdout: IO[str] | None = None) -> Iterator[Write]:
    """What writes one prediction after the other to `out`, which is there once all of them are.

    Before, and after an interruption, they lie in a file beside it that is called `.partial`.

    Args:
        every: the probabilities of all classes.
        stdout: write a table there instead.

    Raises:
        UserError: it cannot be written to, or another command writes it.
    """
    if stdout is not None:
        yield _table(stdout, classes, every=every)
        return
    part = out.with_name(out.name + PARTIAL)
    try:
        with part.open("x", encoding="utf-8", errors="backslashreplace", newline="") as file:
            make = _lines if out.suffix in LINES else _table
            write, empty = make(file, classes, every=every), file.tell()
            try:
                atomic.refuse_existing(out)  # which another command may have written since this one looked
                yield write
            except BaseException:
                is_empty = file.tell() == empty
                _say_what_is_left(part, is_empty=is_empty)
                raise
        part.replace(out)
    except FileExistsError:
        raise UserError(
            f"{part}: holds what was predicted by a command that was interrupted, or one that runs. "
            "It is not written over: move it away, or choose --out FILE."
        ) from None
    except OSError as error:
        raise UserError(f"{out}: cannot be written ({error.strerror}). Choose --out FILE.") from None


def _say_what_is_left(part: Path, *, is_empty: bool) -> None:
    if is_empty:
        part.unlink()
    else:
        say(f"{part}: what was predicted until then", to="stderr")


def _table(file: IO[str], classes: Sequence[str], *, every: bool) -> Write:
    """Columns path, predicted, probability, and of all classes prob_NAME; both are empty for what cannot be read."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["path", "predicted", "probability", *(f"prob_{name}" for name in classes if every)])

    def write(said: Said) -> None:
        if said.probabilities is None:
            writer.writerow([said.image.path, *[""] * (2 + len(classes) * every)])
            return
        values = said.probabilities if every else ()
        writer.writerow([said.image.path, classes[said.predicted], *map(str, (said.probabilities.max(), *values))])

    return write


def _lines(file: IO[str], classes: Sequence[str], *, every: bool) -> Write:
    """An object for each image: path, predicted and probability, or path and error."""

    def write(said: Said) -> None:
        record: dict[str, Any] = {"path": said.image.path}
        if said.probabilities is None:
            record["error"] = said.unreadable
        else:
            values = [float(str(value)) for value in said.probabilities]  # its shortest digits
            record |= {"predicted": classes[said.predicted], "probability": max(values)}
            if every:
                record["probabilities"] = dict(zip(classes, values, strict=True))
        file.write(json.dumps(record, ensure_ascii=False) + "\n")

    return write


class Doubtful:
    """The images with the lowest probabilities of so many as come along."""

    def __init__(self, most: int = SHOWN) -> None:
        self.most = most
        self._heap: list[tuple[float, int, Said]] = []  # the surest of them first
        self._n = 0

    def add(self, said: Said) -> None:
        """Keep it, if it is among them."""
        if said.probabilities is None:
            return
        self._n += 1
        push = heapq.heappush if len(self._heap) < self.most else heapq.heappushpop
        push(self._heap, (-said.probability, -self._n, said))

    def sorted(self) -> list[Said]:
        """The most doubtful first."""
        return [said for _, _, said in sorted(self._heap, key=lambda entry: (-entry[0], -entry[1]))]


def write_page(file: Path, doubtful: Doubtful, tally: Tally, *, title: str, notes: Sequence[str]) -> None:
    """One page that needs nothing else: what was predicted, and the images that are most in doubt."""
    shown = doubtful.sorted()
    text = render(
        "predictions.html",
        title=title,
        notes=notes,
        tally=tally,
        images=[(said, thumbnail(Path(said.image.path).parent, Path(said.image.path).name)) for said in shown],
        labels=[tally.label(said.image) for said in shown],
    )
    atomic.write(file, text)
