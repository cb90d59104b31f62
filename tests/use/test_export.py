"""Exports compute what the run has said, say what they are, and are not written where they do not agree."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import torch

from animal_cls.data.decode import decode
from animal_cls.use import export, extras, trained

Program = Callable[..., "CompletedProcess[str]"]


def pixels(photos: Path, n: int) -> np.ndarray:
    files = sorted(photos.glob("*/*.png"))[:n]
    return np.stack([decode(file.read_bytes(), image_size=64) for file in files])


@pytest.mark.slow  # ten seconds
def test_onnxruntime_computes_the_same_for_any_number_of_images(
    program: Program, train: Callable[..., Path], photos: Path, tmp_path: Path
) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    run = train("reg=[dropout,tta]")
    done = program("export", str(run), "--out", "exported")
    assert done.returncode == 0, done.stderr
    assert re.search(r"agrees with those of predictions\.csv on 6 images of val: same class for all", done.stdout)
    session = onnxruntime.InferenceSession(tmp_path / "exported/model.onnx", providers=["CPUExecutionProvider"])
    one = trained.load(run)
    for n in (1, 2, 7):
        images = pixels(photos, n)
        (found,) = session.run(None, {"images": images.transpose(0, 3, 1, 2).astype(np.float32)})
        np.testing.assert_allclose(found, one.probabilities(images), atol=1e-5)
    known = json.loads(session.get_modelmeta().custom_metadata_map["animal_cls"])
    assert (known["classes"], known["temperature"]) == (one.result.classes, one.temperature)
    assert "64" in known["input"]


def test_torch_export_and_safetensors(program: Program, plain: Path, photos: Path, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors")
    done = program("export", str(plain), "--to", "pt2", "--to", "safetensors", "--out", "exported")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("same class for all") == 2
    extra = {"animal_cls": ""}
    module = torch.export.load(tmp_path / "exported/model.pt2", extra_files=extra).module()
    one, images = trained.load(plain), pixels(photos, 3)
    found = module(torch.from_numpy(images).permute(0, 3, 1, 2).float()).detach().numpy()
    np.testing.assert_allclose(found, one.probabilities(images), atol=1e-5)
    with safetensors.safe_open(tmp_path / "exported/model.safetensors", "pt") as file:
        assert json.loads(file.metadata()["animal_cls"]) == json.loads(extra["animal_cls"])
        assert set(file.keys()) == set(one.classifier.network.state_dict())


def test_a_run_in_half_precision_is_compared_with_its_network_in_float32(
    program: Program, train: Callable[..., Path], tmp_path: Path
) -> None:
    """What it said in bfloat16 is further from that than an export may be."""
    run = train("trainer.precision=bf16-mixed")
    done = program("export", str(run), "--to", "pt2", "--out", "exported")
    assert done.returncode == 0, done.stderr
    assert "agrees with the network's in float32 on 6 images of val" in done.stdout


def test_what_does_not_agree_is_not_written(
    program: Program, plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an exporter that takes a running mean for a constant, and says nothing."""
    honest = export.Deployed.forward
    monkeypatch.setattr(export.Deployed, "forward", lambda self, images: honest(self, images + 30))
    done = program("export", str(plain), "--to", "pt2", "--out", "exported")
    assert done.returncode == 1
    assert re.search(
        r"^The export does not agree with the run: \d of 6 images of val have another class, and probabilities "
        r"differ by up to [\d.e-]+ \(0\.001 is allowed\)\. It is not written\.$",
        done.stderr,
        re.M,
    )
    assert not list((tmp_path / "exported").iterdir())


def test_agreement_bears_ties_and_nothing_else() -> None:
    wanted = np.array([[0.5, 0.5], [0.2, 0.8]])
    assert export._compared(wanted + np.array([[-1e-7, 1e-7], [0, 0]]), wanted, "").n == 2
    for wrong in ([[0.4, 0.6], [0.2, 0.8]], [[0.5, 0.5], [0.202, 0.798]], [[0.5, 0.5], [np.nan, 0.8]]):
        with pytest.raises(export.UserError, match="does not agree"):
            export._compared(np.array(wrong), wanted, "")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "tflite"], "--to tflite: no such format. Formats: onnx, pt2, safetensors."),
        (
            ["--to", "pt2", "--images", "gone"],
            "gone: the run's images do not lie there, so the export cannot be checked.",
        ),
        (["--to", "pt2", "--images", "."], "an image of val, by which the export is checked, cannot be read"),
    ],
)
def test_a_mistake_is_one_line(program: Program, plain: Path, tmp_path: Path, words: list[str], message: str) -> None:
    done = program("export", str(plain), "--out", "exported", *words)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert message in done.stderr


def test_a_missing_package_says_how_to_get_it(program: Program, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None if "onnx" in name else object())
    done = program("export", str(plain), "--out", "exported")
    assert done.stderr.endswith(
        "onnx, onnxscript, onnxruntime: not installed. python -m pip install 'animal-cls[onnx]'\n"
    )


def test_without_a_check_it_is_said(program: Program, plain: Path, tmp_path: Path) -> None:
    done = program("export", str(plain), "--to", "pt2", "--unchecked", "--out", "exported")
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("NOT CHECKED")
    again = program("export", str(plain), "--to", "pt2", "--unchecked", "--out", "exported")
    assert again.stderr == "exported/model.pt2: is there already, and is not written over. Choose --out DIR.\n"
