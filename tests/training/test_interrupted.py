"""A run that is ended at any moment and goes on is the run that was never ended, bit for bit."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch

from animal_cls.commands.train import compose
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.files.text import plural
from animal_cls.training import run
from animal_cls.training.signals import Stopped
from tests.interruption import After, small_run
from tests.run_digest import assert_same, run_digest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("undrawn"),
    pytest.mark.filterwarnings("ignore:.*LeafSpec"),
]
EPOCHS, STEPS = 2, 5  # 18 training images in batches of 4, the last two together


@pytest.fixture(scope="module")
def root(image_folder: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_folder(tmp_path_factory.mktemp("data") / "images", per_class=10)


@pytest.fixture(scope="module")
def words(root: Path) -> list[str]:
    return small_run(root, epochs=EPOCHS)


@pytest.fixture(scope="module")
def config(words: list[str]) -> Config:
    return compose(words)


@pytest.fixture(scope="module")
def twin(config: Config, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the run leaves that nothing interrupts."""
    folder = tmp_path_factory.mktemp("twin")
    run.train(config, folder)
    return run_digest(folder)


@pytest.mark.parametrize("steps", range(1, EPOCHS * STEPS + 1))
def test_a_run_goes_on_after_any_step_as_if_nothing_had_been(
    config: Config, twin: dict[str, Any], tmp_path: Path, steps: int
) -> None:
    with pytest.raises(Stopped) as stopped:
        run.train(config, tmp_path, stop=After(steps))
    assert stopped.value.exit_code == 143
    assert not (tmp_path / "result.json").exists()
    run.train(config, tmp_path, go_on=True)
    assert_same(run_digest(tmp_path), twin)


def test_a_run_that_is_ended_again_and_again_arrives(config: Config, twin: dict[str, Any], tmp_path: Path) -> None:
    ended = 0
    while not (tmp_path / "result.json").exists():
        try:
            run.train(config, tmp_path, stop=After(2), go_on=True)
        except Stopped:
            ended += 1
    assert ended == EPOCHS * STEPS // 2
    assert_same(run_digest(tmp_path), twin)


LIGHTNINGS = "{_target_: lightning.pytorch.callbacks.EarlyStopping, monitor: val/acc, mode: max, patience: 1}"


@pytest.mark.parametrize("word", ["reg.early_stopping=1", f"+callbacks.early={LIGHTNINGS}"])
def test_what_was_stopped_early_does_not_train_on(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """It was ended after its training, before it had a result."""
    config = compose([*small_run(root, epochs=4), "optimizer.lr=1e-9", word])
    twin, ended = tmp_path / "twin", tmp_path / "ended"
    for folder in (twin, ended):
        folder.mkdir()
    assert run.train(config, twin).epochs < 4
    with monkeypatch.context() as killed:
        killed.setattr(run.outcome, "evaluated", Mock(side_effect=Stopped(signal.SIGTERM)))
        for go_on in (False, True):
            with pytest.raises(Stopped):
                run.train(config, ended, go_on=go_on)
    run.train(config, ended, go_on=True)
    assert_same(run_digest(ended), run_digest(twin))


@pytest.mark.parametrize("damage", ["cut", "empty", "bits", "pickle"])
def test_a_damaged_checkpoint_means_a_new_beginning(
    config: Config, twin: dict[str, Any], tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Stopped):
        run.train(config, tmp_path, stop=After(7))
    last = tmp_path / "checkpoints" / "last.ckpt"
    whole = last.read_bytes()
    proof = tmp_path / "carried out"
    if damage == "pickle":

        class Evil:
            def __reduce__(self) -> tuple[Any, ...]:
                return os.mkdir, (str(proof),)

        torch.save({"callbacks": Evil()}, last)
    else:
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 64]) + whole[middle + 64 :]
        last.write_bytes({"cut": whole[:middle], "empty": b"", "bits": flipped}[damage])
    run.train(config, tmp_path, go_on=True)
    assert "the run starts anew" in caplog.text
    assert not proof.exists(), "code in a checkpoint was carried out"
    left = run_digest(tmp_path)
    [warning] = left["result.json: warnings"]
    assert warning.startswith(f"{last} cannot be used (")
    assert warning.endswith("): the run starts anew; kept as they were: last.ckpt.damaged, best.ckpt.old")
    left["result.json: warnings"] = []
    assert_same(left, twin)


def test_a_run_that_was_moved_is_the_run_that_stayed(config: Config, twin: dict[str, Any], tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    with pytest.raises(Stopped):
        run.train(config, before, stop=After(7))
    before.rename(after)
    run.train(config, after, go_on=True)
    assert_same(run_digest(after), twin)
    assert not before.exists()


def test_a_damaged_best_checkpoint_costs_nothing_where_the_last_one_has_its_weights(
    config: Config, twin: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(Stopped):
        run.train(config, tmp_path, stop=After(STEPS))
    best = tmp_path / "checkpoints" / "best.ckpt"
    best.write_bytes(best.read_bytes()[:-100])
    run.train(config, tmp_path, go_on=True)
    left = run_digest(tmp_path)
    [warning] = left["result.json: warnings"]
    assert warning.endswith("it is made again from last.ckpt, which has the same weights")
    left["result.json: warnings"] = []
    assert_same(left, twin)


def test_what_does_not_add_up_ends_without_a_result(config: Config, tmp_path: Path) -> None:
    """The best weights of another seed, which somebody has copied into the folder."""
    short = {seed: replace(config, seed=seed, trainer=replace(config.trainer, max_epochs=1)) for seed in (0, 1)}
    for name, of_seed in zip(("one", "two"), short.values(), strict=True):
        of_seed.derived = config.derived  # no field of it
        (tmp_path / name).mkdir()
        with pytest.raises(Stopped):
            run.train(of_seed, tmp_path / name, stop=After(STEPS))
    best = [tmp_path / name / "checkpoints" / "best.ckpt" for name in ("one", "two")]
    best[0].write_bytes(best[1].read_bytes())
    with pytest.raises(
        UserError, match=r"The run does not add up: best\.ckpt is of another run\. No result is written"
    ):
        run.train(short[0], tmp_path / "one", go_on=True)
    assert not (tmp_path / "one" / "result.json").exists()
    assert best[0].read_bytes() == best[1].read_bytes()


def test_a_run_goes_on_with_as_many_threads_as_it_began_with(config: Config, tmp_path: Path) -> None:
    """Also before its first checkpoint."""
    run.begin(config, tmp_path)
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        result = run.train(config, tmp_path, go_on=True)
    finally:
        torch.set_num_threads(before)
    assert result.device == f"cpu ({plural(before, 'thread')})"
    assert [environment.threads for environment in result.environments] == [before]
    assert result.warnings == []


@pytest.mark.parametrize("has_checkpoint", [True, False])
def test_other_images_are_refused(config: Config, root: Path, tmp_path: Path, has_checkpoint: bool) -> None:
    """Also by a run that was killed before its first checkpoint."""
    with pytest.raises(Stopped):
        run.train(config, tmp_path, stop=After(3))
    if not has_checkpoint:
        (tmp_path / "checkpoints" / "last.ckpt").unlink()
    file = next(root.rglob("*.png"))
    content = file.read_bytes()
    file.unlink()
    try:
        with pytest.raises(UserError, match=r"the images have changed since the run in .+ began, so it cannot go on"):
            run.train(config, tmp_path, go_on=True)
    finally:
        file.write_bytes(content)
