"""python -m animal_cls.prepare: fetch, check, decode and split the pictures, without training on them."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from animal_cls.call import call
from animal_cls.config import Config
from animal_cls.data import animals10, inventory
from animal_cls.data.cache import default_cache_dir
from animal_cls.data.dataset import PictureSet, load, named
from animal_cls.data.folder import scan
from animal_cls.errors import UserError

HELP = """\
Fetch, check, decode and split the pictures of a run, without training.

    python -m animal_cls.prepare data=animals10                 download the report's photographs, or check a copy
    python -m animal_cls.prepare data=folder data.root=FOLDER   look at your own class folders
    python -m animal_cls.prepare data=toy                       draw the embedded pictures

Takes every override that `python -m animal_cls` takes; these matter here: data, data.root, data.image_size, data.val,
data.test, data.split_seed, data.max_bad_share, data.cache_dir. What is decoded here is there when a run starts."""


def main(argv: list[str] | None = None) -> int:
    """Run the verb on `argv` (default: the command line); the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # to stderr
    try:
        flags, overrides = _parser().parse_known_args(argv)
        print(_parser().format_help() if flags.help else _answer(flags, overrides), flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the next run continues from here.", file=sys.stderr)
        return 130  # as shells report Ctrl-C
    except BrokenPipeError:  # `--help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m animal_cls.prepare",
        usage="%(prog)s [--verify] [overrides] | --list | --remove KEY ...",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        add_help=False,
    )
    parser.add_argument("-h", "--help", action="store_true", help="this text")
    parser.add_argument("--verify", action="store_true", help="also read every file that seems unchanged, and compare")
    parser.add_argument(
        "--list", action="store_true", help="the decoded pictures that are kept, with size and last use"
    )
    parser.add_argument(
        "--remove", nargs="+", metavar="KEY", help="remove those of these keys (their beginnings do), or all"
    )
    return parser


def _answer(flags: argparse.Namespace, overrides: list[str]) -> str:
    if flags.remove:
        keys = [word for word in flags.remove if "=" not in word]
        cache_dir = _cache_dir(overrides + [word for word in flags.remove if "=" in word])
        gone = inventory.remove(cache_dir, keys)
        return f"removed {len(gone)} of the caches in {cache_dir}: {_size(sum(cache.bytes for cache in gone))}"
    if flags.list:
        cache_dir = _cache_dir(overrides)
        return _listed(inventory.caches(cache_dir), cache_dir)
    return summary(*prepare(overrides, verify=flags.verify))


def _cache_dir(overrides: list[str]) -> Path:
    from animal_cls.cli import compose  # Hydra, which --help has no use for

    chosen = compose(overrides).data.cache_dir
    return Path(chosen).expanduser() if chosen else default_cache_dir()


def _listed(caches: list[inventory.Cache], cache_dir: Path) -> str:
    if not caches:
        return f"no decoded pictures in {cache_dir}"
    rows = []
    for cache in caches:
        about = cache.about
        what = f"{about.root}{'' if cache.has_root else ' (not there any more)'}" if about else "of another version"
        size = f"{about.image_size} px" if about else ""
        used = f"{cache.last_use:%Y-%m-%d %H:%M}"
        rows.append([cache.key[:8], f"{cache.pictures:,}", size, _size(cache.bytes), used, what])
    total = f"{len(caches)} caches in {cache_dir}: {_size(sum(cache.bytes for cache in caches))}"
    return f"{table(['key', 'pictures', 'side', 'size', 'last use', 'of'], rows)}\n{total}"


def _size(n: int) -> str:
    return f"{n / 1e9:.2f} GB" if n >= 1e9 else f"{n / 1e6:.1f} MB"


def prepare(overrides: list[str], *, verify: bool = False) -> tuple[Config, PictureSet]:
    """The pictures that the overrides choose, decoded and split.

    Raises:
        UserError: an override that does not exist, or pictures that cannot be used.
    """
    from animal_cls.cli import compose  # Hydra, which --help has no use for

    config = compose(overrides)
    data = config.data
    cache_dir = Path(data.cache_dir).expanduser() if data.cache_dir else default_cache_dir()
    pictures = load(
        call(config.data.source, "data.source", root=config.data.root, cache_dir=cache_dir),
        image_size=data.image_size,
        cache_dir=cache_dir,
        val=data.val,
        test=data.test,
        split_seed=data.split_seed,
        max_bad_share=data.max_bad_share,
        show_progress=True,
        cache=data.cache,
        verify=verify,
    )
    return config, pictures


def summary(config: Config, pictures: PictureSet) -> str:
    """What was found, as plain text."""
    parts = [
        f"{len(pictures.paths):,} pictures of {len(pictures.classes)} classes in {pictures.root}",
        table(["class", "pictures", "train", "val", "test"], _counts(pictures)),
        f"ignored: {pictures.ignored:,} hidden files and files that are no pictures",
        f"unreadable: {len(pictures.bad):,}" + (f": {named(pictures.bad)}" if pictures.bad else ""),
        f"fingerprint: {pictures.fingerprint}",
    ]
    if config.data.name != "toy" and set(pictures.classes) == set(animals10.RELEASE):
        parts.append(_beside_the_release(pictures))
    return "\n".join(parts)


def _counts(pictures: PictureSet) -> list[list[str]]:
    rows = []
    for label, name in enumerate(pictures.classes):
        sides = pictures.split[pictures.labels == label]
        rows.append([name, f"{len(sides):,}", *(f"{(sides == side).sum():,}" for side in ("train", "val", "test"))])
    sums = (f"{(pictures.split == side).sum():,}" for side in ("train", "val", "test"))
    return [*rows, ["total", f"{len(pictures.paths):,}", *sums]]


def _beside_the_release(pictures: PictureSet) -> str:
    """The copy of Animals-10, class by class, beside the full release."""
    hashes = dict(zip(pictures.paths, pictures.hashes.tolist(), strict=True))
    rows, equal = [], 0
    for row in animals10.compare(scan(pictures.root), hashes=hashes):
        equal += not row.difference
        verdict = row.difference or "equal"
        rows.append([row.name, f"{row.here.files:,}", f"{row.release.files:,}", f"{row.here.bytes:,}", verdict])
    title = f"Beside the release of Animals-10 ({animals10.URL}): {equal} of {len(rows)} classes are equal to it"
    return f"\n{title}\n{table(['class', 'files', 'release', 'bytes', 'contents'], rows)}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Plain columns: the first to the left, the others to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = []
    for row in [head, *rows]:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        lines.append("  ".join([row[0].ljust(len(first)), *others]))
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
