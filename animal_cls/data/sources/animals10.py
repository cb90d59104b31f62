"""Animals-10, the report's 26,179 photographs: where a copy lies, how to get one, and whether it is whole."""

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from animal_cls.data.decode import UnreadableImage, read
from animal_cls.errors import UserError
from animal_cls.files import downloads

if TYPE_CHECKING:  # folder.py takes the English names from here
    from animal_cls.data.sources.listing import Listing

HANDLE = "alessiocorrado99/animals10"
URL = f"https://www.kaggle.com/datasets/{HANDLE}"
FOLDERS = {  # as Kaggle ships them, inside raw-img/
    "cane": "dog",
    "cavallo": "horse",
    "elefante": "elephant",
    "farfalla": "butterfly",
    "gallina": "chicken",
    "gatto": "cat",
    "mucca": "cow",
    "pecora": "sheep",
    "ragno": "spider",
    "scoiattolo": "squirrel",
}


@dataclass(frozen=True, kw_only=True)
class ClassFiles:
    """All files of one class. `digest`: SHA-256 of the files' SHA-256s in hex, sorted, each followed by a newline."""

    files: int
    bytes: int
    digest: str


RELEASE = {
    name: ClassFiles(files=files, bytes=size, digest=digest)
    for name, files, size, digest in (
        ("butterfly", 2112, 61877367, "c461b194a418c494dee820a98086d4770021fa7b4e96b1e253736e043c8af2a1"),
        ("cat", 1668, 151144282, "4c8078cce3126008f4a1257f9a5367d03135168e23302953ca3a7750df648f2a"),
        ("chicken", 3098, 51842424, "0a5975dafa976baf976a5429b757a01b7771c9787eb435d90baa65f2b7057134"),
        ("cow", 1866, 25833171, "88e4dea18cfab5932bc419e5e7db7b20973f067fca7a34959aa46db20092ae11"),
        ("dog", 4863, 60686716, "67e4d7ce434dcb67c05616b11ffb11380cd169149d840a43cbaf1fcf11f69919"),
        ("elephant", 1446, 58509473, "941d4b609ae3e228c6fbbab278086a9502fb9209ad111c261c7ad5d4d39d12f3"),
        ("horse", 2623, 37420509, "ec8c78ebd22dcd1a0c4b74494b0999163a501f0adea726c891a7947dff3daf8f"),
        ("sheep", 1820, 62629703, "995f0e4f9fa2e938b7ef341bcb32d143f934c253fba30945bf29be0ef076858f"),
        ("spider", 4821, 78999493, "25270e2a2e47d9fa6541d02b71db9a324a120c4a373fe73f71835445dca91653"),
        ("squirrel", 1862, 25409193, "3ec5d033241485dafa0079c86c6f6c988937adb93b505f1f7395fbc537b051f3"),
    )
}
# What the course kept as its unseen test set: the release minus the counts in the report.
HELD_OUT = {name: 140 if name == "cat" else 100 for name in RELEASE}


def locate(*, root: str | None, cache_dir: Path) -> Path:
    """The folder of Animals-10: `root` where it is given, else a former download, else a new one.

    Downloads go where kagglehub puts them, so `cache_dir`, which every data source is given, is not used.

    Raises:
        UserError: there is no copy and none can be downloaded.
    """
    if root:
        return Path(root).expanduser()
    return _former_download() or _download()


def _former_download() -> Path | None:
    """The newest version that kagglehub has unpacked completely, found without importing it."""
    cache = Path(os.environ.get("KAGGLEHUB_CACHE") or "~/.cache/kagglehub").expanduser()
    versions = cache / "datasets" / HANDLE / "versions"
    found = {int(path.name): path for path in versions.glob("*") if path.name.isdecimal() and path.is_dir()}
    return next((found[number] for number in sorted(found, reverse=True) if _unpacked(found[number])), None)


def _unpacked(version: Path) -> bool:
    """False where unpacking was cut short: kagglehub deletes N.archive after it, then writes N.complete."""
    dataset = version.parent.parent
    complete = (dataset / f"{version.name}.complete").exists()
    return complete or not (dataset / f"{version.name}.archive").exists()


def _download() -> Path:
    try:
        kagglehub = import_module("kagglehub")  # an extra: not everyone has it
    except ImportError:
        raise UserError(_ways_out("and the downloader is not installed")) from None
    size = sum(release.bytes for release in RELEASE.values())
    print(
        f"Animals-10 is not on this machine yet: downloading it from {URL} ({size / 1e6:,.0f} MB).\n"
        "The licence of these images is not stated by their source: whether you may use them is for you to decide. "
        "Ctrl-C stops.",
        file=sys.stderr,
        flush=True,
    )
    try:
        with downloads.time_limit():
            return Path(kagglehub.dataset_download(HANDLE))
    except Exception as error:  # whatever kagglehub and its libraries raise: network, disk, refusal
        raise UserError(_ways_out(f"and its download failed ({_reason(error)})")) from None


def _reason(error: Exception) -> str:
    kind = type(error).__name__
    if "Connect" in kind or "Timeout" in kind:
        return "kaggle.com cannot be reached"
    return f"{kind}: {' '.join(str(error).split()):.200}"


def _ways_out(trouble: str) -> str:
    return (
        f"data.root: no copy of Animals-10 was found, {trouble}. Either download {URL} in a browser, unpack it, "
        "and name the folder that holds raw-img/: data.root=/path/to/animals10; "
        "or let the program download it, with a network and: pip install 'animal-cls[download]'. "
        "data=toy needs neither."
    )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One class of a copy beside the same class of the release."""

    name: str
    here: ClassFiles
    release: ClassFiles

    @property
    def difference(self) -> str:
        """What differs, in words; empty where the class equals the release, file for file."""
        missing = self.release.files - self.here.files
        if missing:
            return f"{abs(missing):,} files {'missing' if missing > 0 else 'too many'}"
        if self.here.bytes != self.release.bytes:
            return f"{self.here.bytes - self.release.bytes:+,} bytes"
        return "" if self.here.digest == self.release.digest else "other contents"


def compare(folder: "Listing", *, hashes: Mapping[str, str]) -> list[Comparison]:
    """Each class of `folder` beside the release.

    Args:
        folder: a copy whose classes are the ten.
        hashes: path -> SHA-256 of the file in hex; files that are not in it are read, and what cannot be read is a file
            of no bytes.
    """
    files: dict[str, list[tuple[int, str]]] = {name: [] for name in RELEASE}
    for path, label in zip(folder.paths, folder.labels, strict=True):
        files[folder.classes[label]].append(_contents(folder.root / path, hashes.get(path)))
    return [Comparison(name=name, here=_summary(files[name]), release=RELEASE[name]) for name in RELEASE]


def _contents(file: Path, content: str | None) -> tuple[int, str]:
    """Bytes and SHA-256 of a file; the latter is computed only where it is not known."""
    try:
        if content:
            return file.stat().st_size, content
        source = read(file)
        return len(source), hashlib.sha256(source).hexdigest()
    except (OSError, UnreadableImage):
        return 0, ""


def _summary(files: list[tuple[int, str]]) -> ClassFiles:
    lines = "".join(f"{content}\n" for content in sorted(content for _, content in files))
    digest = hashlib.sha256(lines.encode()).hexdigest()
    return ClassFiles(files=len(files), bytes=sum(size for size, _ in files), digest=digest)
