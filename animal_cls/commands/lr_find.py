"""Find a learning rate: a short training whose rate grows from step to step, its curve, and a suggestion."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path

from animal_cls.commands import entry, train
from animal_cls.config import trusted
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.files import atomic, disk
from animal_cls.files.new_folders import dated_folder
from animal_cls.files.terminal import say
from animal_cls.sweeps.search.space import Range, is_range, range_of
from animal_cls.training import rate_curve
from animal_cls.training.rate_curve import Curve, Suggestion

KEY, LOW, HIGH, STEPS = "optimizer.lr", 1e-7, 1.0, 100
PLACE, CURVE, TABLE = "lr_find", "curve.png", "curve.csv"
SOURCE = "Smith 2015, https://arxiv.org/abs/1506.01186"
HELP = f"""\
Find a learning rate: a short training whose rate grows from step to step, its curve, and a suggestion.

    python -m animal_cls lr_find model=resnet18 reg=mixup
    python -m animal_cls lr_find model=simple_cnn optimizer=sgd {KEY}=1e-5..10 --steps 200

The suggestion is the rate at which the loss falls fastest ({SOURCE}).
It says how fast the training begins, not what is right most often at its end: that is found by
python -m animal_cls search {KEY}=1e-4..1e-2"""


def main(words: Sequence[str]) -> int:
    """Test the range that the words name; returns the exit code."""
    asked, rest = parser().parse_known_args(words)
    if flags := [word for word in rest if word.startswith("-")]:
        raise UserError(f"{flags[0]}: no such flag. See: python -m animal_cls lr_find --help")
    if asked.steps < rate_curve.FEWEST:
        raise UserError(f"--steps {asked.steps}: at least {rate_curve.FEWEST} are needed to tell a slope from noise.")
    fixed, ends = _split(rest)
    out = (asked.out or dated_folder(PLACE)).absolute()
    atomic.refuse_existing(out / CURVE, out / TABLE)
    with trusted.naming(asked.allow):
        config = _config(fixed, asked.config_dir)
        from animal_cls.training import range_test  # torch

        curve = range_test.range_test(config, rate_curve.rates_between(ends.low, ends.high, asked.steps))
    dirs = [word for folder in asked.config_dir for word in ("--config-dir", str(folder))]
    try:
        found = rate_curve.suggestion(curve)
    except UserError as error:
        _keep(curve, None, [*dirs, *fixed], out)
        raise UserError(f"{error} The curve: {out / CURVE}") from None
    _keep(curve, found, [*dirs, *fixed], out)
    _tell(curve, found, [*dirs, *fixed], out)
    return 0


def parser() -> argparse.ArgumentParser:
    """The flags of this command; what else is there are overrides and the range."""
    made = entry.parser("lr_find", HELP)
    made.add_argument("--steps", type=int, default=STEPS, metavar="N", help="training steps, by default %(default)s")
    made.add_argument("--out", type=Path, metavar="DIR", help=f"where to; by default {PLACE}/DATE/TIME")
    made.add_argument("--config-dir", action="append", default=[], type=Path, metavar="DIR", help="as of a run")
    made.add_argument("--allow", action="append", default=[], metavar="MODULE", help="as of a run")
    return made


def _split(words: Sequence[str]) -> tuple[list[str], Range]:
    """The overrides of the training, and the range of its rate.

    Raises:
        UserError: a range of something else, or one that begins at 0 or below.
    """
    ranges = [range_of(word) for word in words if is_range(word)]
    if other := [one for one in ranges if one.key != KEY]:
        raise UserError(
            f"{other[0].word}: lr_find varies {KEY} alone. Others are varied by: python -m animal_cls search"
        )
    if len(ranges) > 1:
        raise UserError(f"{KEY}: has two ranges. Give it one.")
    ends = ranges[0] if ranges else Range(key=KEY, low=LOW, high=HIGH)
    if ends.low <= 0:
        raise UserError(
            f"{ends.word}: the rate grows by factors, so that it begins above 0, e.g. {KEY}={LOW:g}..{HIGH:g}."
        )
    fixed = [word for word in words if not is_range(word)]
    if typed := [word for word in fixed if word.startswith(f"{KEY}=")]:
        raise UserError(f"{typed[0]}: is what lr_find looks for. Leave it out, or give it two ends: {KEY}=1e-6..1.")
    return fixed, ends


def _config(words: Sequence[str], config_dirs: Sequence[Path]) -> Config:
    """The config of the training, on one device; raises `UserError` where its optimizer has no rate to find."""
    config = train.composer(config_dirs)(words)
    if not isinstance(config.optimizer.get("lr"), int | float):
        raise UserError(f"optimizer={config.optimizer['name']}: has no {KEY} to find. Choose one that has.")
    if config.trainer.devices > 1:
        raise UserError(f"trainer.devices={config.trainer.devices}: lr_find trains on one. Leave it out.")
    return config


def _keep(curve: Curve, found: Suggestion | None, fixed: Sequence[str], out: Path) -> None:
    """Write the curve as a picture and as a table, whatever it shows."""
    from animal_cls.report.figures.style import GREEN, VERMILLION
    from animal_cls.training.figures.rates import rates_figure
    from animal_cls.training.figures.run_figures import save

    inner = curve.rates[curve.half : -curve.half]
    points, means = list(zip(curve.rates, curve.losses, strict=True)), list(zip(inner, curve.means, strict=True))
    marks = {"steepest fall": (found.steepest, GREEN), "lowest": (found.lowest, VERMILLION)} if found else {}
    title = f"Learning rate range test\n{' '.join(fixed) or 'the default run'}"
    disk.make_folder(out, "--out")
    mean_of = {rate: f"{mean:.6g}" for rate, mean in means}
    rows = [f"{rate:.6g},{loss:.6g},{mean_of.get(rate, '')}" for rate, loss in points]
    atomic.write(out / TABLE, "\n".join(["rate,loss,mean", *rows]) + "\n")
    save(rates_figure(points, means, marks=marks, title=title), out / CURVE)


def _tell(curve: Curve, found: Suggestion, fixed: Sequence[str], out: Path) -> None:
    """Say what the curve shows."""
    end = "the loss diverged" if curve.ended == "diverged" else "end of the range"
    say(f"{len(curve.rates)} steps from {curve.rates[0]:.3g}, ended at {curve.rates[-1]:.3g}: {end}")
    say(f"lowest    {found.lowest:.2g}, where the loss no longer falls: larger rates are too large")
    if found.is_open:
        wider = f"{KEY}={curve.rates[0]:g}..{10 * curve.rates[-1]:g}"
        say(f"          it still fell at the end of the range: widen it, e.g. {wider}")
    say(f"suggested {found.steepest:.2g}, where the loss falls fastest ({SOURCE})")
    say(f"curve     {out / CURVE}\ntable     {out / TABLE}")
    say(f"to use it python -m animal_cls {shlex.join([*fixed, f'{KEY}={found.steepest:.2g}'])}")
