"""One run on several devices: the run of one device, in parts; and what becomes of its processes."""

import itertools
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.data.batch import Batch, Part
from animal_cls.errors import UserError
from animal_cls.rng import step_seed
from animal_cls.training import build, forward, hardware, ranks, run
from animal_cls.training.ranks import Link
from animal_cls.training.signals import Stopped
from tests.interruption import After
from tests.run_digest import differences, run_digest

METHODS = ["reg=[mixup,erasing,sam,l1,ema,gradient_noise]", "data.augment=flip", "data.label_noise=0.3"]
ON_TWO_CORES = pytest.mark.skipif(hardware.count("cpu") < 2, reason="one core")


def test_parts_are_the_batch() -> None:
    """Three ranks have each image once; weighted by their parts, their means are the mean over the batch."""
    for n in (1, 2, 3, 7, 9):
        batch = Batch(images=torch.rand(n, 3, 2, 2), labels=torch.arange(n), indices=np.arange(n), is_training=True)
        parts = [batch.part(Part(rank=rank, ranks=3)) for rank in range(3)]
        counted = [part for part in parts if part.weight]
        assert sorted(i for part in counted for i in part.indices) == list(range(n))
        assert all(len(part.labels) for part in parts)  # a rank without an image could not train
        means = [part.weight * part.images.mean() for part in parts]
        torch.testing.assert_close(torch.stack(means).mean(), batch.images.mean())


def test_evaluation_counts_each_image_once() -> None:
    indices = np.arange(2)
    found = [indices[Part(rank=rank, ranks=3).of(2, is_training=False)].tolist() for rank in range(3)]
    assert found == [[0], [1], []]


def test_streams_of_a_step_differ() -> None:
    places = itertools.product((0, 1), (0, 1), (0, 1, 2))
    seeds = {step_seed(seed=seed, step=step, stream=stream) for seed, step, stream in places}
    assert len(seeds) == 12


class Output(NamedTuple):
    logits: torch.Tensor
    aux_logits: torch.Tensor


def test_weights_that_reach_no_logits_are_found() -> None:
    class WithHead(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.auxiliary = nn.Linear(12, 2), nn.Linear(12, 2)

        def forward(self, images: torch.Tensor) -> Output:
            flat = images.flatten(1)
            return Output(self.body(flat), self.auxiliary(flat))

    assert forward.has_idle_weights(WithHead(), 2)
    assert not forward.has_idle_weights(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["reg=freeze"], "trainer.devices=2: reg=freeze trains on one device only, because torch shares"),
        (
            ["reg.augmix={strength:3,jsd:12}"],
            "trainer.devices=2: reg=augmix trains on one device only, because with jsd",
        ),
        (["trainer.sync_batchnorm=true"], "trainer.sync_batchnorm=true: torch can share batch norm among GPUs only"),
    ],
)
def test_what_cannot_be_shared_is_refused(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.setattr(hardware, "count", lambda _: 2)
    with pytest.raises(UserError, match=f"^{message}"):
        build.check(configure("trainer.devices=2", *words))


@pytest.mark.parametrize(
    ("device", "there", "message"),
    [
        ("cpu", 1, "trainer.devices=2: this process has 1 core. Use trainer.devices=1."),
        ("cuda", 1, "trainer.devices=2: this process has 1 GPU. Use trainer.devices=1."),
    ],
)
def test_more_devices_than_there_are(
    configure: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, device: str, there: int, message: str
) -> None:
    monkeypatch.setattr(hardware, "device_type", lambda _: device)
    monkeypatch.setattr(hardware, "count", lambda _: there)
    with pytest.raises(UserError, match=f"^{message}$"):
        build.check(configure("trainer.devices=2"))


def test_a_part_of_one_image_is_refused_where_batch_norm_cannot_train_on_it(configure: Callable[..., Config]) -> None:
    config = configure("trainer.devices=2", "data.batch_size=3", "data.image_size=64")
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 2))
    with pytest.raises(UserError, match=r"^data.batch_size=3, the smallest batch on 2 devices: .*=4 or more"):
        forward.check_smallest_batch(config, network)
    forward.check_smallest_batch(configure("trainer.devices=2", "data.batch_size=4"), network)
    with pytest.raises(UserError, match="the smallest batch on 2 devices"):  # of 6 images, 4 and 2
        forward.check_smallest_batch(configure("trainer.devices=2", "data.batch_size=4"), network, images=6)


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
@ON_TWO_CORES
@pytest.mark.parametrize("words", [[], METHODS], ids=["none", "methods"])
def test_two_devices_train_as_one(configure: Callable[..., Config], tmp_path: Path, words: list[str]) -> None:
    """The same curve and weights, but for the order in which numbers are added.

    18 images in batches of 5: parts of unequal sizes. In float64, for Adam makes much of a rounding in float32.
    """
    words = ["trainer.precision=64-true", "data.batch_size=5", *words]
    alone, both = tmp_path / "alone", tmp_path / "both"
    for folder, devices in ((alone, 1), (both, 2)):
        folder.mkdir()
        run.train(configure(*words, f"trainer.devices={devices}"), folder)
    ours, theirs = results.read_metrics(both), results.read_metrics(alone)
    for column in set(ours) - {"seconds"}:
        np.testing.assert_allclose(ours[column], theirs[column], rtol=2e-7)  # of 7 digits
    weights = [torch.load(folder / "checkpoints" / "last.ckpt")["state_dict"] for folder in (both, alone)]
    for name, value in weights[0].items():
        torch.testing.assert_close(value, weights[1][name], rtol=1e-8, atol=1e-9)
    assert not multiprocessing.active_children()


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
@ON_TWO_CORES
def test_a_run_on_two_devices_goes_on_as_if_it_had_not_been_ended(
    configure: Callable[..., Config], tmp_path: Path
) -> None:
    """Bit for bit; dropout's masks are others in each process."""
    config = configure("trainer.devices=2", "data.batch_size=5", *METHODS, "reg.dropout=0.3")
    twin, ended = tmp_path / "twin", tmp_path / "ended"
    for folder in (twin, ended):
        folder.mkdir()
    run.train(config, twin)
    with pytest.raises(Stopped):
        run.train(config, ended, stop=After(2), go_on=True)
    run.train(config, ended, go_on=True)
    assert differences(run_digest(ended), run_digest(twin)) == []


def refuse(link: Link) -> None:
    raise UserError(f"data.root={link.wait()}: is gone.")


def fail(link: Link) -> None:
    link.wait()
    raise ZeroDivisionError("by rank 1")


def die(link: Link) -> None:
    link.wait()
    os.kill(os.getpid(), 9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "kind", "message"),
    [
        (refuse, UserError, "^data.root=here: is gone.$"),
        (fail, RuntimeError, "(?s)^rank 1 of the run failed:\nTraceback.*ZeroDivisionError: by rank 1"),
        (die, RuntimeError, r"^rank 1 of the run ended \(exit code -9\)$"),
    ],
)
def test_what_goes_wrong_in_another_process_is_said(
    work: Callable[[Link], None], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message), ranks.started(2, work, threads=1) as others:
        others.let("here")
    assert not multiprocessing.active_children()


def stay(link: Link) -> None:
    link.ready()
    time.sleep(600)


START = """
from animal_cls.training import ranks
from tests.training.test_ranks import stay
if __name__ == "__main__":
    with ranks.started(2, stay, threads=1) as others:
        others.let(None)
        print(others.processes[0].pid, flush=True)
        others.processes[0].join()
"""


@pytest.mark.slow
def test_no_process_outlives_its_run(tmp_path: Path) -> None:
    script = tmp_path / "start.py"
    script.write_text(START, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        other = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    other.wait(timeout=60)
