"""The three ways to a run or a sweep: train it, start it, or find what is there."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from animal_cls.api.run import Run
from animal_cls.api.study import Sweep
from animal_cls.api.verbs import run_verb
from animal_cls.errors import UserError
from animal_cls.use.winner import is_run

FLAGS = "--config-dir", "--allow"  # which are arguments here


def train(
    *overrides: str,
    seed: int | None = None,
    epochs: int | None = None,
    folder: str | Path | None = None,
    config_dir: str | Path | None = None,
    allow: Sequence[str] = (),
    **others: object,
) -> Run:
    """Train one run, as `animal-cls OVERRIDES` does: the same config, checks, lock, files and log, bit for bit.

    Args:
        overrides: what would be typed, a word each: "model=resnet18", "reg=[dropout,mixup]", "optimizer.lr=0.01".
        seed: of weights, order of images and methods; short for "seed=...".
        epochs: passes over the training images; short for "trainer.max_epochs=...".
        folder: where the run is to lie; by default outputs/DATE/TIME in the working folder.
        config_dir: a folder of option files of your own, as --config-dir.
        allow: modules whose code those files may call, as --allow.
        others: nothing else is an argument.

    Returns:
        The finished run. Interrupted (the stop button, Ctrl-C) it ends after its present step with a checkpoint and
        raises `KeyboardInterrupt`; `ac.load(folder).resume()` goes on with it.

    Raises:
        UserError: an override that does not fit, images that cannot be read, a folder in use: whatever you can mend.
    """
    words = _words(overrides, others, seed=seed, epochs=epochs, config_dir=config_dir, allow=allow)
    if plan := [word for word in words if word.startswith("sweep=")]:
        raise UserError(f"{plan[0]}: is a plan of many runs. Start it by sweep({plan[0]!r}).")
    words += [] if folder is None else [f"hydra.run.dir={folder}"]
    return Run(run_verb("train", words).only_folder())


def sweep(
    *overrides: str,
    seeds: int | Iterable[int] | None = None,
    epochs: int | None = None,
    folder: str | Path | None = None,
    config_dir: str | Path | None = None,
    allow: Sequence[str] = (),
    **others: object,
) -> Sweep:
    """Train many runs one after the other, as `animal-cls --multirun OVERRIDES` does, with a report that grows.

    Args:
        overrides: as of `train`, with several values where runs are to differ ("reg=none,dropout"), or a plan by its
            name ("sweep=ablation").
        seeds: how many of each arm (5 is 0, 1, 2, 3, 4), or which.
        epochs: as of `train`.
        folder: where the sweep is to lie; by default multirun/DATE/TIME in the working folder.
        config_dir: as of `train`.
        allow: as of `train`.
        others: as of `train`.

    Returns:
        The sweep. A run that fails or is skipped does not stop the others: `status()` says which, and why. Interrupted
        it raises `KeyboardInterrupt`; `ac.load(folder).resume()` goes on.

    Raises:
        UserError: the plan does not hold; nothing was started.
    """
    words = _words(overrides, others, epochs=epochs, config_dir=config_dir, allow=allow)
    if seeds is not None:
        if isinstance(seeds, str):
            raise UserError(f"seeds={seeds!r}: a number of seeds is needed, as seeds=5, or which, as seeds=[0, 1].")
        chosen = range(seeds) if isinstance(seeds, int) else list(seeds)
        if not chosen:
            raise UserError(f"seeds={seeds}: no seed, so no run. seeds=5 trains five runs of each arm.")
        words.append(f"seed={','.join(map(str, chosen))}")
    if not any(word.startswith("sweep=") for word in words):
        words.append("--multirun")
    words += [] if folder is None else [f"hydra.sweep.dir={folder}"]
    return Sweep(run_verb("train", words).only_folder())


def load(folder: str | Path) -> Run | Sweep:
    """The run or sweep in `folder`, finished or not, whoever started it: Python or the command line.

    A folder of runs that somebody has put together is taken as a sweep.

    Raises:
        UserError: it holds neither.
    """
    path = Path(folder)
    return Run(path) if is_run(path) else Sweep(path)


def _words(
    overrides: Sequence[str],
    others: Mapping[str, object],
    *,
    seed: int | None = None,
    epochs: int | None,
    config_dir: str | Path | None,
    allow: Sequence[str],
) -> list[str]:
    """The command line that is meant."""
    for word in overrides:
        if not isinstance(word, str) or word.startswith("-") or not ("=" in word or word.startswith("~")):
            way_out = f"{', '.join(FLAGS)} are arguments here: config_dir=..., allow=[...]."
            raise UserError(f"{word}: not of the form key=value, e.g. 'model=resnet18'. {way_out}")
    for name, value in others.items():
        word = f"{name}={value}"
        raise UserError(
            f"{name}={value!r}: is no argument here. An override is a word, before the arguments: {word!r}."
        )
    words = list(overrides)
    words += [] if seed is None else [f"seed={seed}"]
    words += [] if epochs is None else [f"trainer.max_epochs={epochs}"]
    words += [] if config_dir is None else ["--config-dir", str(config_dir)]
    return [*words, *(part for module in allow for part in ("--allow", module))]
