"""Fetch, check, decode and split the images, without training on them."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from animal_cls.commands import entry
from animal_cls.data.audit.audit import audit_images, write
from animal_cls.data.audit.record import Audit
from animal_cls.data.audit.text import text
from animal_cls.data.cache import inventory
from animal_cls.data.dataset import ImageSet, load_listed
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.listing import Listing
from animal_cls.data.sources.source import list_images
from animal_cls.errors import UserError
from animal_cls.files import disk
from animal_cls.files.text import aligned
from animal_cls.training.instantiate import locate

HELP = """\
Fetch, check, decode and split the images of a run, without training.

    python -m animal_cls.prepare data=animals10                 download the report's photographs, or check a copy
    python -m animal_cls.prepare data=folder data.root=FOLDER   audit your own class folders
    python -m animal_cls.prepare data=toy                       draw the embedded images
    python -m animal_cls.prepare data=table data.labels=FILE    images that a CSV file labels
    python -m animal_cls.prepare data=cifar10                   download CIFAR-10, or look at a copy

Says how many images there are, and what is wrong with them: unreadable files, copies and near copies, also across
classes and splits, blank, tiny and huge ones; on the terminal, and with small images and all names in images.html
and images.json.

Takes every override that `python -m animal_cls` takes; these matter here: data, data.root, data.labels,
data.image_size, data.val, data.test, data.folds, data.fold, data.splits, data.split_seed, data.group_copies,
data.max_bad_share, data.max_pixels, data.follow_links, data.limit, data.cache_dir.
What is decoded here is there when a run starts."""


def main(words: Sequence[str]) -> int:
    """Run the verb on overrides and flags; returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # to stderr
    flags, overrides = _parser().parse_known_args(words)
    if flags.list or flags.remove:
        print(_of_caches(flags, overrides))
    else:
        _report(prepare(overrides, verify=flags.verify), flags.out)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = entry.parser(
        "prepare", HELP, usage="%(prog)s [--verify] [--out DIR] [overrides] | --list | --remove KEY ..."
    )
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="where images.html and .json go; by default a new folder in outputs/"
    )
    parser.add_argument("--verify", action="store_true", help="also read every file that seems unchanged, and compare")
    parser.add_argument("--list", action="store_true", help="the decoded images that are kept, with size and last use")
    parser.add_argument(
        "--remove", nargs="+", metavar="KEY", help="remove those of these keys (their beginnings do), or all"
    )
    return parser


def _report(audit: Audit, out: Path | None) -> None:
    """Print what was found, write it, and end with why the images cannot be used, if they cannot."""
    print(text(audit), flush=True)
    print("", *write(audit, out), sep="\n", flush=True)
    if audit.facts.trouble:
        raise audit.facts.trouble


def _of_caches(flags: argparse.Namespace, overrides: list[str]) -> str:
    if flags.remove:
        keys = [word for word in flags.remove if "=" not in word]
        cache_dir = _cache_dir(overrides + [word for word in flags.remove if "=" in word])
        gone = inventory.remove(cache_dir, keys)
        return f"removed {len(gone)} of the caches in {cache_dir}: {disk.size(sum(cache.bytes for cache in gone))}"
    cache_dir = _cache_dir(overrides)
    return _listed(inventory.caches(cache_dir), cache_dir)


def _cache_dir(overrides: list[str]) -> Path:
    from animal_cls.commands.train import compose  # Hydra, which --help has no use for

    return DataSettings.of(compose(overrides).data).cache_dir


def _listed(caches: list[inventory.Cache], cache_dir: Path) -> str:
    if not caches:
        return f"no decoded images in {cache_dir}"
    rows = []
    for cache in caches:
        manifest = cache.manifest
        what = (
            f"{manifest.root}{'' if cache.has_root else ' (not there any more)'}" if manifest else "of another version"
        )
        size = f"{manifest.image_size} px" if manifest else ""
        used = f"{cache.last_use:%Y-%m-%d %H:%M}"
        rows.append([cache.key[:8], f"{cache.images:,}", size, disk.size(cache.bytes), used, what])
    total = f"{len(caches)} caches in {cache_dir}: {disk.size(sum(cache.bytes for cache in caches))}"
    head = ["key", "images", "side", "size", "last use", "of"]
    return "\n".join([*aligned([head, *rows], right=(1, 2, 3)), total])


def prepare(overrides: Sequence[str], *, verify: bool = False) -> Audit:
    """Decode and split the images that the overrides choose, as a run would, and audit them.

    Raises:
        UserError: an override that does not exist, or no labelled images.
    """
    from animal_cls.commands.train import compose  # Hydra, which --help has no use for

    data = compose(overrides).data
    settings = DataSettings.of(data)
    listing = list_images(locate(data, settings.cache_dir), follow_links=settings.follow_links, splits=settings.splits)
    return audit_images(listing, _usable(listing, settings, verify), settings, is_drawn=data.name == "toy")


def _usable(listing: Listing, settings: DataSettings, verify: bool) -> ImageSet | UserError:
    """The images of a run, or why they cannot be used: then it is all the more worth to audit them."""
    try:
        return load_listed(listing, settings, show_progress=True, verify=verify, compare=True)
    except UserError as error:
        return error
