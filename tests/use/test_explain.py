"""`explain` as it is typed: maps of runs and of two arms of a sweep, their table and page, and what a mistake gets."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animal_cls import results
from animal_cls.use import explain, extras, maps, overlays, trained
from animal_cls.use.explain import Explained, Look, Means
from animal_cls.use.images import Named, decoded
from tests.report.output.page.test_browser import Tab, browser  # noqa: F401  # a fixture
from tests.use.conftest import CLASSES

pytest.importorskip("captum", reason="needs captum: pip install -e '.[explain]'")

Program = Callable[..., "CompletedProcess[str]"]


@pytest.fixture(scope="session")
def sweep(train: Callable[..., Path], plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds of none and one of dropout, which is the best on val whatever it has learned."""
    folder, jobs = tmp_path_factory.mktemp("sweep"), []
    for name, run in (("none0", plain), ("none1", train("seed=1")), ("dropout0", train("reg=dropout"))):
        shutil.copytree(run, folder / name)
        result = trained.finished(folder / name)
        worse = {"val": result.splits["val"].__class__(**{**vars(result.splits["val"]), "acc": 0.0})}
        if name != "dropout0":
            (folder / name / "result.json").unlink()
            results.save(result.__class__(**{**vars(result), "splits": result.splits | worse}), folder / name)
        jobs.append({"folder": name, "name": name, "overrides": []})
    (folder / "plan.json").write_text(json.dumps({"jobs": jobs}))
    return folder


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "maps.csv").read_text())))


def test_a_run_and_a_file_that_is_no_image(program: Program, plain: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    done = program("explain", str(plain), str(photos / "cat/00.png"), str(photos / "owl/01.png"), "broken.jpg")
    assert done.returncode == 0, done.stderr
    first, second, broken = rows(tmp_path / "explained")
    one = trained.load(plain)
    (batch,) = decoded([Named(path=row["path"]) for row in (first, second)], image_size=64, batch_size=2)
    said = one.probabilities(batch.pixels)
    assert [row["predicted"] for row in (first, second)] == [CLASSES[k] for k in said.argmax(axis=1)]
    np.testing.assert_allclose([float(row["probability"]) for row in (first, second)], said.max(axis=1), rtol=1e-5)
    layer, target = maps.find_layer(one), said.argmax(axis=1)
    pair = maps.grad_cam(one, batch.pixels, target, layer)[0], maps.occlusion(one, batch.pixels, target)[0]
    assert float(first["agreement"] or "nan") == pytest.approx(maps.agreement(*pair) or np.nan, abs=1e-3, nan_ok=True)
    assert broken == {"path": "broken.jpg", **dict.fromkeys(list(broken)[1:], "")}
    assert "1 of 3 cannot be read" in done.stderr
    with Image.open(tmp_path / "explained" / first["file"]) as sheet:
        assert sheet.size == (3 * 256 + 2 * 4, 256)
        np.testing.assert_array_equal(np.asarray(sheet)[:256:4, :256:4], batch.pixels[0])


def test_of_a_sweep_the_best_arm_beside_its_baseline(
    program: Program, sweep: Path, photos: Path, tmp_path: Path
) -> None:
    done = program("explain", str(sweep), str(photos / "cat"), "--only", "gradcam", "--class", "owl")
    assert done.returncode == 0, done.stderr
    found = rows(tmp_path / "explained")
    assert [row["arm"] for row in found] == ["simple_cnn/dropout", "simple_cnn/none"] * 10
    assert {row["class"] for row in found} == {"owl"}
    assert "simple_cnn/dropout has the highest accuracy on val of 2 arms" in done.stderr
    assert "simple_cnn/none: seed 0, seed 1; Grad-CAM of features.9 (2 x 2 places)" in done.stderr
    page = (tmp_path / "explained" / "index.html").read_text()
    assert "simple_cnn/<wbr>dropout less simple_cnn/<wbr>none" in page
    assert page.count("data:image/jpeg;base64,") == 3 + 10 * 3


def test_arms_that_are_named(program: Program, sweep: Path, photos: Path, tmp_path: Path) -> None:
    words = "--only", "gradcam", "--arms", "simple_cnn/none", "simple_cnn/dropout", "--out", "other"
    assert program("explain", *words, "--", str(sweep), str(photos / "cat/00.png")).returncode == 0
    assert [row["arm"] for row in rows(tmp_path / "other")] == ["simple_cnn/none", "simple_cnn/dropout"]


def test_of_several_runs_maps_are_averaged(sweep: Path, photos: Path) -> None:
    networks = [trained.load(sweep / name) for name in ("none0", "none1")]
    named = [Named(path=str(photos / "dog" / f"0{k}.png")) for k in range(3)]
    each = [list(explain.explain(explain.sides([("", [one])], methods=["gradcam"], layer=None), named,
                                 methods=["gradcam"], target=1)) for one in networks]  # fmt: skip
    both = explain.explain(
        explain.sides([("", networks)], methods=["gradcam"], layer=None), named, methods=["gradcam"], target=1
    )
    for mean, first, second in zip(both, *each, strict=True):
        wanted = (first.looks[0].maps["gradcam"] + second.looks[0].maps["gradcam"]) / 2
        np.testing.assert_allclose(mean.looks[0].maps["gradcam"], wanted, atol=1e-6)


def explained(target: int, value: float, agreement: float | None) -> Explained:
    look = Look(probabilities=np.eye(3)[target], maps={"gradcam": np.full((2, 2), value)}, agreement=agreement)
    return Explained(image=Named(path="a"), pixels=np.zeros((2, 2, 3), np.uint8), target=target, looks=[look])


def test_mean_maps_are_by_class() -> None:
    means = Means(classes=CLASSES, arms=["one"])
    for one in (explained(0, 0.2, 0.5), explained(0, 0.6, None), explained(2, 1.0, 0.1)):
        means.add(one)
    means.add(Explained(image=Named(path="b"), unreadable="empty"))
    assert (means.n, means.unread, means.counts) == (3, 1, {0: 2, 2: 1})
    np.testing.assert_allclose(means.mean(0, 0, "gradcam"), 0.4)
    np.testing.assert_allclose(means.mean(2, 0, "gradcam"), 1.0)
    assert means.agreement(0) == pytest.approx(0.3)


def test_a_strong_place_hides_the_image_and_none_leaves_it() -> None:
    pixels = np.full((2, 2, 3), 100, np.uint8)
    shown = overlays.overlay(pixels, np.array([[0.0, 1.0], [0.5, 0.0]]))
    assert shown[0, 0].tolist() == shown[1, 1].tolist() == [100, 100, 100]
    assert shown[0, 1].tolist() == [216, 193, 92]  # a quarter of 100, three of (255, 224, 90)
    change = overlays.difference(np.array([[-1.0, 0.0, 1.0]]))
    assert change[0].tolist() == [[213, 94, 0], [247, 247, 247], [0, 90, 160]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{run}"], "{run}: and of which images? Name files, folders, patterns, or - for a list."),
        (["empty", "a.png"], "empty: holds neither a run (result.json) nor a sweep (plan.json)."),
        (["{run}", "empty"], "empty: no image there. Folders are searched for files called as images."),
        (["{run}", "{cat}", "--class", "cut"], "--class cut: no such class. Did you mean cat? Classes: cat, dog, owl."),
        (["{run}", "{cat}", "--layer", "features.91"], "--layer features.91: {run}: simple_cnn has no such layer. Did"),
        (["{run}", "{cat}", "--out", "empty"], "empty: is there already, and is not written over."),
        (["{run}", "{cat}", "--arms", "a", "b"], "--arms: {run} is a run. Arms are those of a sweep: name its folder."),
        (
            ["{sweep}", "{cat}", "--arms", "simple_cnn/nona", "b"],
            "--arms simple_cnn/nona: no such arm. Did you mean simple_cnn/none? Arms: simple_cnn/none, simple_cnn/drop",
        ),
    ],
)
def test_a_mistake_is_one_line(
    program: Program, plain: Path, sweep: Path, photos: Path, tmp_path: Path, words: list[str], message: str
) -> None:
    (tmp_path / "empty").mkdir()
    known = {"run": plain, "sweep": sweep, "cat": photos / "cat/00.png"}
    done = program("explain", *(word.format(**known) for word in words))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(message.format(**known))
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "explained").exists()


def test_a_missing_package_says_how_to_get_it(program: Program, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None if name == "captum" else object())
    done = program("explain", str(plain), "a.png")
    assert done.stderr == "captum: not installed. python -m pip install 'animal-cls[explain]'\n"


@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_in_a_browser(
    program: Program, sweep: Path, photos: Path, tmp_path: Path, browser: Any, width: int  # noqa: F811
) -> None:  # fmt: skip
    assert program("explain", str(sweep), str(photos / "cat/00.png"), "--only", "gradcam").returncode == 0
    tab = Tab(browser, tmp_path / "explained" / "index.html", viewport={"width": width, "height": 700})
    tab.page.wait_for_load_state("networkidle")
    assert (tab.troubles, tab.requests) == ([], [])
    assert tab.page.evaluate("document.documentElement.scrollWidth") == width
    assert tab.page.evaluate("[...document.images].every((image) => image.naturalWidth >= 224)")
    tab.context.close()
