"""Search for strengths and other numbers: trials on what earlier ones showed, judged on val."""

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from animal_cls.commands import train
from animal_cls.config import trusted
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.files.processors import cores
from animal_cls.files.terminal import say
from animal_cls.files.text import aligned, percent
from animal_cls.sweeps.going_on import working_in
from animal_cls.sweeps.search import space, study, trials
from animal_cls.sweeps.search.study import Search
from animal_cls.training.signals import Stopped

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
    if asked.jobs < 1 or (asked.trials is not None and asked.trials < 1):
        raise UserError(f"--jobs {asked.jobs} --trials {asked.trials or TRIALS}: at least 1 of each is needed.")
    search, folder = _there(rest, asked) if len(rest) == 1 and "=" not in rest[0] else _new(rest, asked)
    if asked.helper:
        _work(search, folder, offset=asked.helper)
        return 0
    say(f"folder   {folder}\nsampler  {search.sampler}\npruner   {search.pruner}")
    say("\n".join(f"range    {one}" for one in search.ranges))
    _together(search, folder, asked.jobs)
    return _outcome(search, folder, asked)


def parser() -> argparse.ArgumentParser:
    """The flags of this command; what else is there are overrides, ranges or a folder."""
    made = argparse.ArgumentParser(
        prog="python -m animal_cls.search",
        description=HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("--trials", type=int, metavar="N", help=f"how many, by default {TRIALS}, or as it began")
    made.add_argument("--jobs", type=int, default=1, metavar="N", help="trials at a time, by default %(default)s")
    made.add_argument("--dir", type=Path, help=f"where to; by default {PLACE}/DATE/TIME")
    made.add_argument("--seed", type=int, default=0, metavar="N", help="of the sampler, by default %(default)s")
    made.add_argument("--confirm", type=int, default=0, metavar="SEEDS", help="run the sweep that shows the gain")
    made.add_argument("--allow", action="append", default=[], metavar="MODULE", help="as of a run")
    made.add_argument("--helper", type=int, default=0, help=argparse.SUPPRESS)
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
        allowed=tuple(asked.allow),
    )
    epochs = max(_tried(search, end).trainer.max_epochs for end in ("low", "high"))
    folder = (asked.dir or Path(PLACE, f"{datetime.now():%Y-%m-%d/%H-%M-%S}")).absolute()
    search = replace(search, epochs=epochs)
    study.write(search, folder)
    return search, folder


def _tried(search: Search, end: str) -> Config:
    """The config of a trial at one end of all ranges, whose parts can be made."""
    from animal_cls.training import build  # torch

    config = _compose([*search.fixed, *trials.words_of({one.key: getattr(one, end) for one in search.ranges})])
    idle = [record.without_effect for record in build.probe(config).records if record.without_effect]
    if idle:
        raise UserError(f"search: {'; '.join(idle)}. A search of its strength would try the same run again and again.")
    return config


def _there(words: Sequence[str], asked: argparse.Namespace) -> tuple[Search, Path]:
    folder = Path(words[0]).absolute()
    search = study.read(folder)
    return replace(search, trials=asked.trials or search.trials), folder


def _compose(overrides: Sequence[str]) -> Config:
    return train.compose(overrides)


def _work(search: Search, folder: Path, *, offset: int) -> None:
    with trusted.naming(search.allowed), working_in(search.cwd):
        trials.start(search, folder, _compose, offset=offset).work()


def _together(search: Search, folder: Path, jobs: int) -> None:
    """Do the trials in so many processes, this one among them; each asks for the next when it is ready."""
    command = [sys.executable, "-m", "animal_cls", "search", str(folder), "--trials", str(search.trials), "--helper"]
    environment = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, cores() // jobs)))}
    apart = None if sys.platform == "win32" else 0  # Ctrl-C is for this process, which passes it on
    helpers = [
        subprocess.Popen([*command, str(1000 * k)], env=environment, process_group=apart) for k in range(1, jobs)
    ]
    try:
        with _threads(jobs):
            _work(search, folder, offset=len(_all(search, folder)))
        for helper in helpers:
            helper.wait()
    except (Stopped, KeyboardInterrupt) as stopped:
        for helper in helpers:
            with suppress(OSError):
                helper.send_signal(getattr(stopped, "signum", 15))
        for helper in helpers:
            helper.wait()
        stopped.way_on = f"python -m animal_cls search {shlex.quote(str(folder))}"  # type: ignore[union-attr]
        raise


def _threads(jobs: int) -> Any:
    from animal_cls.training import hardware

    return hardware.threads(max(1, cores() // jobs) if jobs > 1 else None)


def _all(search: Search, folder: Path) -> list[Any]:
    return study.opened(search, folder).get_trials(deepcopy=False)


def _outcome(search: Search, folder: Path, asked: argparse.Namespace) -> int:
    """Print the best trials, what mattered and the sweep that shows a gain; the exit code, of that sweep if it ran."""
    done = [one for one in _all(search, folder) if one.state.name == "COMPLETE"]
    states = [one.state.name.lower() for one in _all(search, folder)]
    say(f"\n{len(states)} trials: {', '.join(f'{states.count(name)} {name}' for name in sorted(set(states)))}")
    if not done:
        say(f"No trial came to its end. See why: {folder / trials.TABLE}")
        return 1
    best = sorted(done, key=lambda one: -one.value)
    rows = [[str(one.number + 1), percent(one.value), " ".join(trials.words_of(one.params))] for one in best[:SHOWN]]
    say("\n".join(aligned([["trial", "val acc", "tried"], *rows])))
    say(_importance(search, folder, done))
    sweep = confirmation(search, best[0].params, seeds=asked.confirm or 5)
    say(
        "The best of many trials is lucky as well: this is no gain yet. The sweep that would show one, with new seeds "
        f"and the baseline beside it:\n  python -m animal_cls {shlex.join(sweep)}"
    )
    say(f"folder  {folder}\ntable   {folder / trials.TABLE}")
    say(f"report  python -m animal_cls.report {shlex.quote(str(folder))}")
    return train.main([*sweep, f"hydra.sweep.dir={folder / 'confirm'}"]) if asked.confirm else 0


def _importance(search: Search, folder: Path, done: Sequence[Any]) -> str:
    """How much of the differences between trials each key explains, where there are enough to say."""
    import optuna

    if len(done) < 2 * study.STARTUP or len(search.ranges) < 2:
        return "importance of the keys: not said from so few trials or of one key"
    shares = optuna.importance.get_param_importances(
        study.opened(search, folder), evaluator=optuna.importance.PedAnovaImportanceEvaluator()
    )
    return "importance  " + ", ".join(f"{key} {percent(share)}" for key, share in shares.items())


def confirmation(search: Search, params: dict[str, Any], *, seeds: int) -> list[str]:
    """The words of the sweep that compares the best of a search with its baseline, in seeds that no trial had."""
    used = {word for word in search.fixed if word.startswith("seed=")}
    first = 1 + max([int(word.partition("=")[2]) for word in used], default=0)
    methods = [word for word in search.fixed if word.startswith("reg=")]
    plan = "sweep=strengths" if methods and "[" not in methods[-1] else "sweep=leave_one_out"
    fixed = [word for word in search.fixed if word not in used]
    fresh = ",".join(str(first + k) for k in range(seeds))
    head = [plan] if methods and methods[-1] != "reg=none" else ["--multirun"]
    return [*head, *fixed, *trials.words_of(params), f"seed={fresh}"]
