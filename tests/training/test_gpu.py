"""Whole runs on a GPU, where there is one: what has no stand-in."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import torch

from animal_cls import results

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU that torch can use")]
Program = Callable[..., CompletedProcess[str]]


@pytest.fixture
def words(image_folder: Callable[..., Path], tmp_path: Path) -> list[str]:
    root = image_folder(tmp_path / "images", per_class=20)
    small = ["data=folder", f"data.root={root}", "data.image_size=64", "data.batch_size=8", "trainer.max_epochs=3"]
    return [*small, "data.augment=flip_crop", "reg=[dropout,mixup]", "trainer.deterministic=true"]


@pytest.mark.parametrize("model", ["simple_cnn", "resnet18"])
def test_a_run_on_a_gpu_leaves_all_its_files_and_repeats(program: Program, words: list[str], model: str) -> None:
    for name in ("one", "two"):
        ended = program(*words, f"model={model}", f"hydra.run.dir={name}")
        assert ended.returncode == 0, ended.stderr
    result = results.load(Path("one"))
    assert result is not None
    assert result.device == torch.cuda.get_device_name()
    assert {path.name for path in Path("one/figures").iterdir()} >= {"curves.png", "samples.png"}
    assert Path("one/predictions.csv").read_bytes() == Path("two/predictions.csv").read_bytes()
