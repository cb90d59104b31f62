"""Decoded images on disk: rows of pixels that only grow, and a journal that says what each row is.

A line of the journal is written after its row is on the disk, carries a checksum of itself and one of the row, and
later lines replace earlier ones of the same file. So a process can be killed at any byte: what is not whole is not
believed, and everything before it stays. Readers take no lock.
"""

import hashlib
import json
import os
import weakref
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np

from animal_cls.files import atomic
from animal_cls.files.processors import cores

FORMAT = 4  # raised when other pixels would come of the same files, or when the layout of the folder changes
MANIFEST, JOURNAL, ROWS = "manifest.json", "journal", "rows.{generation}"
CHECKED = 256  # rows whose checksums are compared at once
NO_ROW = -1


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a store is of: a folder of images at one size."""

    format: int
    root: str  # absolute
    image_size: int  # pixels, square
    max_pixels: int  # of a file; a larger one counts as unreadable


@dataclass(frozen=True)
class Entry:
    """What is known of one file."""

    path: str  # relative to the root
    stamp: str  # size, time of change; another one means that the file has changed
    hash: str = ""  # SHA-256 of the file in hex; "" = it could not be read
    row: int = NO_ROW  # where its pixels lie
    checksum: int = 0  # CRC-32 of the row
    unreadable: str = ""  # why it could not be read
    remark: str = ""  # what is to be said of it


class Store:
    """The decoded images of one folder at one size.

    Args:
        folder: where they lie; made when something is added.
        manifest: what they are of.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder, self.manifest = folder, manifest
        self.row_bytes = manifest.image_size**2 * 3
        self.entries: dict[str, Entry] = {}
        self.by_hash: dict[str, Entry] = {}
        self.generation, self.damaged = 0, 0  # which file of rows; lines of the journal that are not whole
        self.headed = False  # whether the journal begins as it should
        self.refresh()

    @property
    def rows_file(self) -> Path:
        """The rows, as one uint8 array (rows, H, W, 3) without a header."""
        return self.folder / ROWS.format(generation=self.generation)

    def count_rows(self) -> int:
        """Whole rows on the disk, those that no image uses included."""
        try:
            return self.rows_file.stat().st_size // self.row_bytes
        except FileNotFoundError:
            return 0

    def refresh(self) -> None:
        """Read the journal anew; lines that are not whole are counted in `damaged` and passed over."""
        self.entries, self.by_hash, self.damaged = {}, {}, 0
        try:
            lines = (self.folder / JOURNAL).read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        head = _values(lines[0])
        self.headed = head is not None and len(head) == 2
        self.generation = head[1] if head and self.headed else _newest_generation(self.folder)
        rows = self.count_rows()
        for line in lines[1:-1]:  # after the last newline is nothing, or a line that was cut short
            entry = _entry(line)
            if entry is None or entry.row >= rows:
                self.damaged += 1
            else:
                self._know(entry)

    def _know(self, entry: Entry) -> None:
        self.entries[entry.path] = entry
        if entry.row != NO_ROW:
            self.by_hash[entry.hash] = entry

    def forget(self, entries: Iterable[Entry]) -> None:
        """Do not believe these entries any more, nor others that share their rows."""
        gone = {(entry.row, entry.checksum) for entry in entries}
        for known in (self.entries, self.by_hash):
            for name in [name for name, entry in known.items() if (entry.row, entry.checksum) in gone]:
                del known[name]

    def begin(self) -> None:
        """Make the folder ready for `add`; the caller holds the lock."""
        self.folder.mkdir(parents=True, exist_ok=True)
        atomic.remove_parts(self.folder)
        atomic.write(self.folder / MANIFEST, json.dumps(asdict(self.manifest)))
        if self.damaged or not self.headed:
            self._write_journal(self.entries.values())
        for file in self.folder.glob("rows.*"):  # of before a compaction, which nobody can be about to open any more
            if file != self.rows_file:
                file.unlink()

    def add(self, images: Iterable[tuple[Entry, bytes | None]]) -> None:
        """Append entries with the pixels of those whose contents are new.

        When this returns, the operating system has them, so that a process that is killed loses nothing. The disk may
        get them later: what is lost with the power has another checksum then. The row of an entry is filled in here.
        The caller holds the lock.
        """
        placed: list[Entry] = []
        fresh: dict[str, Entry] = {}
        with self.rows_file.open("r+b" if self.rows_file.exists() else "w+b") as file:
            row = file.seek(0, os.SEEK_END) // self.row_bytes
            file.seek(row * self.row_bytes)  # over a row that was cut short
            for entry, pixels in images:
                if entry.hash:
                    same = fresh.get(entry.hash) or self.by_hash.get(entry.hash)
                    if same is None:
                        assert pixels is not None, "neither known nor decoded"
                        file.write(pixels)  # not into a map: a full disk would kill the process instead of raising
                        entry = replace(entry, row=row)
                        row += 1
                    else:
                        entry = replace(entry, row=same.row, checksum=same.checksum, remark=same.remark)
                    fresh[entry.hash] = entry
                if self.entries.get(entry.path) != entry:
                    placed.append(entry)
        with (self.folder / JOURNAL).open("r+b") as file:
            if end := file.seek(0, os.SEEK_END):
                file.seek(end - 1)
                if file.read(1) != b"\n":
                    file.write(b"\n")  # ends a line that was cut short, so that it spoils no other
            file.write(b"".join(_line(list(astuple(entry))) for entry in placed))
        for entry in placed:
            self._know(entry)

    def _write_journal(self, entries: Iterable[Entry]) -> None:
        lines = [_line([FORMAT, self.generation]), *(_line(list(astuple(entry))) for entry in entries)]
        atomic.write(self.folder / JOURNAL, b"".join(lines))
        self.headed = True

    def compact(self, paths: Sequence[str]) -> None:
        """Keep the rows of `paths` alone; the caller holds the lock. Processes that read the old rows go on.

        The old rows stay until the next `begin`, for a process that has read the old journal but not opened them yet.
        """
        old, kept = self.rows_file, [self.entries[path] for path in paths]
        self.generation += 1
        new_rows: dict[int, int] = {}
        with old.open("rb") as source, self.rows_file.open("wb") as file:
            for entry in kept:
                if entry.row not in new_rows and entry.row != NO_ROW:
                    source.seek(entry.row * self.row_bytes)
                    file.write(source.read(self.row_bytes))
                    new_rows[entry.row] = len(new_rows)
            atomic.to_disk(file)
        moved = [replace(entry, row=new_rows.get(entry.row, NO_ROW)) for entry in kept]
        self._write_journal(moved)
        self.refresh()

    def not_as_written(self, entries: Iterable[Entry]) -> list[Entry]:
        """Those of `entries` whose row has another checksum now; all their rows are read, on all cores."""
        wanted = sorted((entry for entry in entries if entry.row != NO_ROW), key=lambda entry: entry.row)
        parts = [wanted[start : start + CHECKED] for start in range(0, len(wanted), CHECKED)]
        if not parts:
            return []
        pixels = Rows(self.rows_file, self.manifest.image_size)

        def compare(part: list[Entry]) -> list[Entry]:
            read = pixels.take(np.array([entry.row for entry in part]))
            return [entry for entry, row in zip(part, read, strict=True) if zlib.crc32(row) != entry.checksum]

        with ThreadPoolExecutor(cores()) as pool:
            return [entry for found in pool.map(compare, parts) for entry in found]


class Rows:
    """The pixels of a store, read where they are asked for.

    Read, not mapped: the pages of a map count as the process's memory, which would grow with the number of images.
    """

    def __init__(self, file: Path, image_size: int) -> None:
        self.file, self.image_size = file, image_size
        self._open = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0))  # so that the rows outlive a compaction
        weakref.finalize(self, os.close, self._open)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Pixels (n, H, W, 3) uint8 of `rows` (n,); safe to call from many threads.

        Raises:
            OSError: the file ends before, or its disk is gone.
        """
        shape = (len(rows), self.image_size, self.image_size, 3)
        taken = np.empty(shape, dtype=np.uint8)
        if not len(rows):
            return taken
        into, size = taken.data.cast("B"), taken[0].nbytes
        ends = [*(np.flatnonzero(np.diff(rows) != 1) + 1).tolist(), len(rows)]
        start = 0
        for end in ends:  # rows that lie side by side are read at once
            self._read(int(rows[start]) * size, into[start * size : end * size])
            start = end
        return taken

    def _read(self, offset: int, into: memoryview) -> None:
        while into:
            if hasattr(os, "preadv"):
                count = os.preadv(self._open, [into], offset)
            else:  # Windows
                chunk = np.memmap(self.file, np.uint8, "r", offset, (len(into),))
                into[:], count = chunk.tobytes(), len(into)
            if not count:
                raise OSError(f"{self.file} ends at byte {offset:,}")
            offset, into = offset + count, into[count:]


def key(manifest: Manifest) -> str:
    """The name of the folder of a store."""
    return hashlib.sha256(json.dumps(asdict(manifest)).encode(errors="surrogatepass")).hexdigest()[:32]


def read_manifest(folder: Path) -> Manifest | None:
    """What the store in `folder` is of; None where there is none of this version."""
    try:
        manifest = Manifest(**json.loads((folder / MANIFEST).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return manifest if manifest.format == FORMAT else None


def _line(values: list[object]) -> bytes:
    text = json.dumps(values).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _values(line: bytes) -> list | None:
    """What a line says, or None where it is not whole."""
    checksum, _, text = line.partition(b" ")
    try:
        return json.loads(text) if int(checksum, 16) == zlib.crc32(text) else None
    except ValueError:
        return None


def _entry(line: bytes) -> Entry | None:
    values = _values(line)
    return Entry(*values) if values and len(values) == len(fields(Entry)) else None


def _newest_generation(folder: Path) -> int:
    return max((int(file.suffix[1:]) for file in folder.glob("rows.*") if file.suffix[1:].isdigit()), default=0)
