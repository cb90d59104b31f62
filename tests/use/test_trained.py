"""A run's network from its folder alone says what the run itself has said, to the last bit."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from animal_cls import results
from animal_cls.data.decode import decode
from animal_cls.errors import UserError
from animal_cls.use import trained
from animal_cls.use.trained import Trained

Train = Callable[..., Path]


def said_again(one: Trained, photos: Path) -> np.ndarray:
    """Uncalibrated probabilities of all images of the run, in the batches in which it was evaluated."""
    paths, size = results.read_predictions(one.folder).paths, one.batch_size
    pixels = np.stack([decode((photos / path).read_bytes(), image_size=one.image_size) for path in paths])
    return np.concatenate([one.probabilities(pixels[at : at + size]) for at in range(0, len(paths), size)])


@pytest.mark.parametrize(
    "overrides",
    [
        ("reg=dropout",),
        ("reg=ema", "checkpoint=last"),  # other weights than those that were trained
        ("reg=tta",),  # another way to the logits
        ("model=resnet20", "reg=[weight_standardization,ghost_batch_norm]", "reg.ghost_batch_norm=3"),
        ("trainer.precision=bf16-mixed",),
    ],
    ids=" ".join,
)
def test_it_says_what_the_run_has_said_to_the_bit(train: Train, photos: Path, overrides: tuple[str, ...]) -> None:
    folder = train(*overrides)
    found = said_again(trained.load(folder, calibrate=False), photos)
    np.testing.assert_array_equal(found, results.read_predictions(folder).probabilities)


def test_neither_images_nor_pretrained_weights_are_asked_for(
    train: Train, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights that a network began with, and the images, may be gone by now."""
    began = train("model=resnet20", "trainer.max_epochs=1") / "checkpoints" / "best.ckpt"
    beginning = shutil.copy(began, tmp_path / "beginning.ckpt")
    folder = train("model=resnet20", f"model.weights={beginning}", "trainer.max_epochs=1")
    Path(beginning).unlink()
    monkeypatch.setattr("animal_cls.data.dataset.load", lambda *_, **__: pytest.fail("images were looked for"))
    found = said_again(trained.load(folder, calibrate=False), photos)
    np.testing.assert_array_equal(found, results.read_predictions(folder).probabilities)


def test_probabilities_are_calibrated_by_the_temperature_of_the_run(plain: Path, photos: Path) -> None:
    one, bare = trained.load(plain), trained.load(plain, calibrate=False)
    assert one.result.temperature is not None
    assert (one.temperature, bare.temperature) == (one.result.temperature, None)
    pixels = np.stack([decode(path.read_bytes(), image_size=64) for path in sorted(photos.glob("*/0*.png"))])
    wanted = (bare.logits(pixels) / one.result.temperature).softmax(dim=1).numpy()
    np.testing.assert_array_equal(one.probabilities(pixels), wanted)
    assert not np.allclose(wanted, bare.probabilities(pixels))


def test_a_run_of_before_temperatures_has_one_fitted_to_what_it_said_of_val(plain: Path, tmp_path: Path) -> None:
    old = Path(shutil.copytree(plain, tmp_path / "old"))
    result = trained.finished(old)
    (old / "result.json").unlink()
    results.save(replace(result, temperature=None), old)
    assert trained.load(old).temperature == result.temperature


def test_a_mirror_image_is_seen_too_but_not_twice(train: Train, plain: Path, photos: Path) -> None:
    pixels = np.stack([decode(path.read_bytes(), image_size=64) for path in sorted(photos.glob("cat/*.png"))])
    one = trained.load(plain, calibrate=False)
    views = [one.probabilities(side) for side in (pixels, np.ascontiguousarray(pixels[:, :, ::-1]))]
    torch.testing.assert_close(one.logits(pixels, tta=True).exp().numpy(), np.mean(views, axis=0), rtol=1e-4, atol=1e-6)
    with_views = trained.load(train("reg=tta"))
    np.testing.assert_array_equal(with_views.logits(pixels, tta=True), with_views.logits(pixels))


def spoil(folder: Path, what: str) -> None:
    file = folder / "checkpoints" / "best.ckpt"
    if what == "gone":
        file.unlink()
    elif what == "damaged":
        file.write_bytes(file.read_bytes()[:-1000])
    else:
        torch.save({"state_dict": {"network.other": torch.zeros(1)}}, file)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("gone", "is gone, so the run has no weights to use. Train it again."),
        ("damaged", "its weights cannot be used ("),
        ("of another network", "its weights cannot be used (Error(s) in loading state_dict for Classifier:). Train"),
    ],
)
def test_weights_that_cannot_be_used_are_one_message(plain: Path, tmp_path: Path, what: str, message: str) -> None:
    folder = Path(shutil.copytree(plain, tmp_path / "run"))
    spoil(folder, what)
    with pytest.raises(UserError, match=f"^{re.escape(f'{folder}/checkpoints/best.ckpt: {message}')}"):
        trained.load(folder)


def test_foreign_code_is_refused_until_it_is_named(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs.py").write_text("from animal_cls.models.simple_cnn import SimpleCNN as Theirs\n")
    monkeypatch.syspath_prepend(tmp_path)
    folder = Path(shutil.copytree(plain, tmp_path / "run"))
    result = trained.finished(folder)
    config = result.config | {"model": result.config["model"] | {"_target_": "theirs.Theirs"}}
    (folder / "result.json").unlink()
    results.save(replace(result, config=config), folder)
    with pytest.raises(UserError, match=r"model\._target_=theirs\.Theirs: is code from outside .* --allow theirs"):
        trained.load(folder)
    assert trained.load(folder, allow=["theirs"]).result.model == "simple_cnn"
    trained.load(folder)  # remembered


def test_a_device_that_is_not_there_is_one_message(plain: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(UserError, match=r"^--accelerator=cuda: this machine has none .* Use --accelerator=auto or"):
        trained.load(plain, accelerator="cuda")


def test_the_images_and_their_table_may_be_gone(train: Train, photos: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(photos, tmp_path / "moved"))
    folder = train(f"data.root={moved}")
    shutil.rmtree(moved)
    found = said_again(trained.load(folder, calibrate=False), photos)
    np.testing.assert_array_equal(found, results.read_predictions(folder).probabilities)
