"""What has become of a run's files since its result was written, by their checksums."""

import hashlib
from pathlib import Path

from animal_cls.files import plain
from animal_cls.results.record import BEST_WEIGHTS, METRICS, PREDICTIONS, RESULT, TWIN, Result, load

LARGE = 1_000_000  # bytes


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of the tables and of the best weights in `folder`, for `Result.files`."""
    return {
        name: _digest(folder / name) for name in (METRICS, PREDICTIONS, TWIN, BEST_WEIGHTS) if (folder / name).exists()
    }


def damage(folder: Path, result: Result) -> str:
    """What a finished run has lost since its result was written, `predictions.csv is gone`; "" where nothing is.

    Files over 1 MB are read only where they were written to after the result: reports come often.
    """
    if result.status != "done":
        return ""
    try:
        written = (folder / RESULT).stat().st_mtime_ns
    except OSError as error:
        return f"{RESULT} cannot be read ({error.strerror})"
    found = {name: _damage(folder / name, str(digest), written) for name, digest in result.files.items()}
    return ", ".join(f"{name} {what}" for name, what in found.items() if what)


def _damage(file: Path, digest: str, written: int) -> str | None:
    try:
        status = file.stat()
        if status.st_size > LARGE and status.st_mtime_ns <= written:
            return None
        return None if _digest(file) == digest else f"is not the one that {RESULT} speaks of"
    except FileNotFoundError:
        return "is gone"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def verified(table: Path, result: Result | None = None) -> bytes:
    """The content of a table; raises `ValueError` where it is not the one that the result.json beside it speaks of."""
    content = plain.read(table)
    known = expected_digest(table) if result is None else result.files.get(table.name)
    if known is not None and sha256(content) != known:
        raise ValueError(f"its checksum is not the one that {RESULT} has")
    return content


def sha256(content: bytes) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def expected_digest(table: Path) -> str | None:
    """The SHA-256 that the result.json beside a table has of it."""
    result = load(table.parent)
    return result.files.get(table.name) if result else None
