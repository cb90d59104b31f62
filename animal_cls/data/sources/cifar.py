"""CIFAR-10 and CIFAR-100, 60,000 images of 32 pixels: a copy that is there, or else torchvision's download."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from animal_cls.data.sources.arrays import ArraySource
from animal_cls.errors import UserError
from animal_cls.files import downloads

FOLDER = "cifar"  # below the cache folder

log = logging.getLogger(__name__)


def locate(*, root: str | None, cache_dir: Path, classes: int = 10) -> Path | ArraySource:
    """The images with their official test split: those in `root`, else those in `cache_dir`, else downloaded there.

    `root` holds torchvision's folder (cifar-10-batches-py) or archive, or is such a folder; or it holds train/ and
    test/ with a folder of image files for each class.

    Args:
        classes: 10 or 100.

    Raises:
        UserError: `root` holds neither, what is there is damaged, or nothing is there and it cannot be downloaded.
    """
    kind = _kind(classes)
    if root:
        return _in(Path(root).expanduser(), kind)
    folder = cache_dir / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{kind.base_folder}.lock"):
            return _arrays(kind, folder, download=True)
    except Exception as error:  # whatever torchvision and urllib raise: network, disk, a damaged file
        raise UserError(_ways_out(kind, folder, f"its download failed ({_reason(error)})")) from None


def _kind(classes: int) -> Any:
    from torchvision import datasets  # takes a second, and whoever has other images does without

    kinds = {10: datasets.CIFAR10, 100: datasets.CIFAR100}
    if classes not in kinds:
        raise UserError(f"data.source.classes={classes}: there are CIFAR-10 and CIFAR-100; use 10 or 100.")
    return kinds[classes]


def _in(root: Path, kind: Any) -> Path | ArraySource:
    """The copy that the user has named; nothing is downloaded into it."""
    folder = root.parent if root.name == kind.base_folder else root
    if (folder / kind.base_folder).is_dir() or (folder / kind.filename).is_file():
        try:
            _unpack(kind, folder)
            return _arrays(kind, folder, download=False)
        except (RuntimeError, OSError, EOFError) as error:
            raise UserError(_ways_out(kind, folder, f"the copy there is not whole ({_reason(error)})")) from None
    if (folder / "train").is_dir() and (folder / "test").is_dir():
        return folder
    what = "holds neither" if root.is_dir() else "no such folder. It may hold"
    raise UserError(
        f"data.root={root}: {what} {kind.base_folder}/, {kind.filename} {'nor' if root.is_dir() else 'or'} train/ and "
        "test/ with a folder for each class. Leave data.root out to have it downloaded."
    )


def _unpack(kind: Any, folder: Path) -> None:
    """Unpack the archive of a user, unless that has been done; one that is damaged is left as it is."""
    from torchvision.datasets.utils import check_integrity, extract_archive

    archive = folder / kind.filename
    if (folder / kind.base_folder).is_dir():
        return
    if not check_integrity(archive, kind.tgz_md5):
        raise RuntimeError(f"the checksum of {kind.filename} is another one")
    with FileLock(folder / f"{kind.base_folder}.lock"):
        extract_archive(archive, folder)


def _arrays(kind: Any, folder: Path, *, download: bool) -> ArraySource:
    """Both splits as torchvision reads them, after it has compared the files' checksums."""
    if download and not (folder / kind.base_folder).is_dir() and not (folder / kind.filename).exists():
        log.info("Downloading %s (170 MB) into %s", kind.url, folder)
    with downloads.time_limit():
        splits = {
            "train": kind(folder, train=True, download=download),
            "test": kind(folder, train=False),
        }
    labels = np.concatenate([found.targets for found in splits.values()]).astype(np.int64)
    names = splits["train"].classes
    return ArraySource(
        images=np.concatenate([found.data for found in splits.values()]),
        labels=labels,
        classes=names,
        split=np.concatenate([[name] * len(found.targets) for name, found in splits.items()]),
        names=[
            f"{split}/{names[label]}/{index:05d}"
            for split, found in splits.items()
            for index, label in enumerate(found.targets)
        ],
    )


def _reason(error: Exception) -> str:
    """`urlopen error ...`, in one line of bearable length."""
    return " ".join((str(error) or type(error).__name__).split())[:200]


def _ways_out(kind: Any, folder: Path, trouble: str) -> str:
    return (
        f"data.root: {kind.__name__} is not to be had, {trouble}. Download {kind.url} elsewhere and put "
        f"{kind.filename} into {folder.absolute()}, where it is unpacked by the next run; or name a folder that "
        f"has it, or its {kind.base_folder}/, or train/ and test/ with a folder for each class: data.root=/path/to/it"
    )
