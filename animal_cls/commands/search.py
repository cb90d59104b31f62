"""Search for strengths and other numbers: trials on what earlier ones showed, judged on val."""

import argparse
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from animal_cls.commands import entry, resume, train
from animal_cls.config import trusted
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.files.atomic import refuse_existing
from animal_cls.files.new_folders import dated_folder
from animal_cls.files.terminal import say
from animal_cls.files.text import aligned, percent
from animal_cls.results import PLAN, flat
from animal_cls.results.searches import FOUND, Found, ranked
from animal_cls.results.searches import TRIALS as TABLE
from animal_cls.sweeps.going_on import working_in
from animal_cls.sweeps.search import confirmation, processes, space, study
from animal_cls.sweeps.search.processes import Compose
from animal_cls.sweeps.search.space import Range
from animal_cls.sweeps.search.study import Search

PLACE, TRIALS = "searches", 40
SHOWN = 5  # trials, the best first
HELP = """\
Search for strengths and other numbers: trials on what earlier ones showed, judged on val.

    python -m animal_cls search reg=mixup reg.mixup=0.05..2 optimizer.lr=1e-4..1e-2 --trials 40 --jobs 2
    python -m animal_cls search reg=[mixup,ema]                between the values of the methods' cards
    python -m animal_cls search searches/2026-11-26/10-00-00   go on with one that was stopped, or help with it

A trial is a run like any other, in a folder of its own. The best one is the luckiest as well: what it gains is shown by
new seeds beside a baseline, in the sweep that is named at the end (--confirm 5 runs it)."""


def main(words: Sequence[str]) -> int:
    """Search as the words ask; returns the exit code."""
    asked, rest = parser().parse_known_args(words)
    study.require()
    if flags := [word for word in rest if word.startswith("-")]:
        raise UserError(f"{flags[0]}: no such flag. See: python -m animal_cls search --help")
    for flag, value, least in (("jobs", asked.jobs, 1), ("trials", asked.trials, 1), ("confirm", asked.confirm, 2)):
        if value is not None and value < least:
            raise UserError(f"--{flag} {value}: at least {least} is needed.")
    with trusted.naming(asked.allow):
        search, folder = _there(rest, asked) if len(rest) == 1 and "=" not in rest[0] else _new(rest, asked)
        compose = train.composer([Path(one) for one in search.config_dirs])
        if asked.helper:
            return processes.help_with(search, folder, compose, leader=asked.helper)
        say(f"folder   {folder}\nsampler  {search.sampler}\npruner   {search.pruner}")
        say("\n".join(f"range    {one}" for one in search.ranges))
        found = processes.together(search, folder, compose, jobs=asked.jobs)
        return _outcome(search, folder, found, confirm=asked.confirm)


def parser() -> argparse.ArgumentParser:
    """The flags of this command; what else is there are overrides, ranges or a folder."""
    made = entry.parser("search", HELP)
    made.add_argument("--trials", type=int, metavar="N", help=f"how many, by default {TRIALS}, or as it began")
    made.add_argument("--jobs", type=int, default=1, metavar="N", help="trials at a time, by default %(default)s")
    made.add_argument("--dir", type=Path, help=f"where to; by default {PLACE}/DATE/TIME")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="of the sampler, by default %(default)s")
    made.add_argument("--confirm", type=int, metavar="SEEDS", help="run the sweep that shows the gain")
    made.add_argument("--config-dir", action="append", default=[], type=Path, metavar="DIR", help="as of a run")
    made.add_argument("--allow", action="append", default=[], metavar="MODULE", help="as of a run")
    made.add_argument("--helper", metavar="LOCK", help=argparse.SUPPRESS)  # of the process that has started this one
    return made


def _new(words: Sequence[str], asked: argparse.Namespace) -> tuple[Search, Path]:
    """A search that begins, or goes on in `--dir`.

    Raises:
        UserError: a key that is not there, a method that has nothing to act on, another search in the folder.
    """
    fixed, ranges = space.split(words)
    search = Search(
        fixed=tuple(fixed),
        ranges=tuple(ranges),
        trials=asked.trials or TRIALS,
        epochs=1,
        seed=asked.seed,
        cwd=str(Path.cwd()),
        config_dirs=tuple(str(one.absolute()) for one in asked.config_dir),
    )
    folder = (asked.dir or dated_folder(PLACE)).absolute()
    if (folder / study.SEARCH).exists():
        there = study.require_same(search, folder)
        return replace(there, trials=asked.trials or there.trials), folder
    refuse_existing(*(folder / name for name in (study.JOURNAL, FOUND, TABLE)))
    compose = train.composer([Path(one) for one in search.config_dirs])
    usual = compose(search.fixed)
    ends = [_tried(search, end, compose) for end in ("low", "high")]
    _require_images(usual)
    search = replace(search, epochs=max(end.trainer.max_epochs for end in ends), usual=_usual(usual, ranges))
    study.write(search, folder)
    trusted.remember(folder, {name for config in (usual, *ends) for name in trusted.needed(config)})
    return search, folder


def _usual(config: Config, ranges: Sequence[Range]) -> dict[str, Any]:
    """The seed, and the values of the keys that are varied, where they are not."""
    known = flat(asdict(config))
    return {"seed": config.seed} | {one.key: known[one.key] for one in ranges if one.key in known}


def _tried(search: Search, end: str, compose: Compose) -> Config:
    """The config of a trial at one end of all ranges, whose parts can be made."""
    from animal_cls.training import build  # torch

    config = compose([*search.fixed, *space.words_of({one.key: getattr(one, end) for one in search.ranges})])
    idle = [record.without_effect for record in build.probe(config).records if record.without_effect]
    if idle:
        raise UserError(f"search: {'; '.join(idle)}. A search of its strength would try the same run again and again.")
    return config


def _require_images(config: Config) -> None:
    """Raise `UserError` where there are no images to try anything on, or none of val to tell by which is better."""
    from animal_cls.training import build  # torch

    data = build.images(config)
    data.prepare_data()
    if not len(data.indices("val")):
        raise UserError("data.val=0: a search is judged on val, which has no image. Use e.g. data.val=0.1.")


def _there(words: Sequence[str], asked: argparse.Namespace) -> tuple[Search, Path]:
    folder = Path(words[0]).absolute()
    search = study.read(folder)
    return replace(search, trials=asked.trials or search.trials), folder


def _outcome(search: Search, folder: Path, found: Found, *, confirm: int | None) -> int:
    """Print the best trials, what mattered and the sweep that shows a gain; the exit code, of that sweep if it ran."""
    states = Counter(trial.state for trial in found.trials)
    say(f"\n{len(found.trials)} trials: {', '.join(f'{n} {state}' for state, n in sorted(states.items()))}")
    where = [
        f"folder  {folder}",
        f"table   {folder / TABLE}",
        f"curves  tensorboard --logdir {shlex.quote(str(folder))}",
    ]
    if found.best is None:
        reasons = dict.fromkeys(trial.reason for trial in found.trials if trial.reason)
        say("\n".join(["No trial came to its end.", *list(reasons)[:SHOWN], *where]))
        return 1
    best = ranked(found.trials)[:SHOWN]
    rows = [[str(one.number), percent(one.val_acc or 0), " ".join(space.words_of(one.tried))] for one in best]
    say("\n".join(aligned([["trial", "val acc", "tried"], *rows])))
    shares = ", ".join(f"{key} {percent(share)}" for key, share in found.importance.items())
    say(f"importance  {shares or 'not said from so few trials or of one key'}")
    say("\n".join([*confirmation.said(found), *where]))
    say(f"report  python -m animal_cls.report {shlex.quote(str(folder))}")
    return _confirmed(search, folder, found, seeds=confirm) if confirm else 0


def _confirmed(search: Search, folder: Path, found: Found, *, seeds: int) -> int:
    """Run the sweep that shows the gain of the best, or go on with it; returns its exit code."""
    assert found.best is not None
    place = folder / f"confirm_trial_{found.best.number}_seeds_{seeds}"
    if (place / PLAN).exists():
        return resume.main([str(place)])
    with working_in(search.cwd):
        return train.main([*confirmation.words(search, found.best.tried, seeds=seeds), f"hydra.sweep.dir={place}"])
