"""Write a run's network for other programs, checked against what the run has said."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from animal_cls.commands import entry
from animal_cls.errors import UserError
from animal_cls.files import disk
from animal_cls.files.terminal import say
from animal_cls.use.winner import Chosen, choose

HELP = """\
Write the network of a run, or of the best seed of a sweep's best arm by val, for other programs.

    python -m animal_cls.export RUN                     model.onnx in RUN/export/
    python -m animal_cls.export RUN --to pt2 --to safetensors --out DIR

An export takes images of the run's size, float32 (N, 3, H, W) in [0, 255], and gives calibrated probabilities; classes,
preparation of images and origin are in its metadata. It is compared with the run on val, and not written where they
differ."""

FOLDER = "export"


def main(words: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    flags = parser().parse_args(words)
    chosen = choose([flags.run])
    folder = _one(chosen)
    out = flags.out or folder / FOLDER
    from animal_cls.use import export, trained  # torch takes seconds, which --help and a mistake have no use for

    names = export.formats(flags.to or ["onnx"])
    for name in names:
        if (out / f"model.{name}").exists():
            raise UserError(f"{out / f'model.{name}'}: is there already, and is not written over. Choose --out DIR.")
    one = trained.load(folder, allow=flags.allow, accelerator="cpu")
    if chosen.why:
        say(f"{chosen.why} The export is of {folder}.", to="stderr")
    root = None if flags.unchecked else export.root_of(one, flags.images)
    out.mkdir(parents=True, exist_ok=True)
    for name in names:
        file, part = out / f"model.{name}", out / f".model.{name}.part"
        try:
            compute = export.FORMATS[name](one, part)
            checked = "NOT CHECKED" if root is None else _words(export.check(one, compute, root))
            milliseconds = 1000 * export.seconds_per_image(compute, one.image_size)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        say(f"{file}  {disk.size(file.stat().st_size)}, {milliseconds:.2f} ms an image on this CPU; {checked}")
    return 0


def _words(checked: Any) -> str:
    """What a comparison has shown; `checked` is an `export.Checked`, whose module loads torch."""
    return (
        f"agrees with {checked.of} on {checked.n:,} images of val: same class for all, probabilities differ by at most "
        f"{checked.largest:.1e}"
    )


def _one(chosen: Chosen) -> Path:
    """The run that is best on val, the first of equal ones."""
    pairs = list(zip(chosen.folders, chosen.results, strict=True))
    return max(pairs, key=lambda pair: pair[1].splits["val"].acc if "val" in pair[1].splits else 0.0)[0]


def parser() -> argparse.ArgumentParser:
    made = entry.parser("export", HELP)
    made.add_argument("run", metavar="RUN", type=Path, help="folder of a run or of a sweep")
    made.add_argument("--to", metavar="FORMAT", action="append", help="onnx (default), pt2 or safetensors; repeatable")
    made.add_argument("--out", metavar="DIR", type=Path, help=f"by default {FOLDER}/ in the run's folder")
    made.add_argument("--images", metavar="FOLDER", type=Path, help="where the run's images lie now")
    made.add_argument("--unchecked", action="store_true", help="write it without comparing")
    made.add_argument("--allow", metavar="MODULE", action="append", default=[], help="as of predict")
    return made
