"""`predict` as it is typed: tables, lines, pages, what is said, and what a mistake gets."""

import csv
import io
import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from animal_cls import results
from animal_cls.use import trained
from animal_cls.use.images import Named
from animal_cls.use.predict import Said, Tally
from animal_cls.use.words import UNCALIBRATED, calibration
from tests.use.conftest import CLASSES

Program = Callable[..., "CompletedProcess[str]"]


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_folder_of_class_folders(program: Program, plain: Path, photos: Path, tmp_path: Path) -> None:
    done = program("predict", str(plain), str(photos), "--all", "--uncalibrated")
    assert done.returncode == 0, done.stderr
    rows = table((tmp_path / "predictions.csv").read_text())
    assert list(rows[0]) == ["path", "predicted", "probability", *(f"prob_{name}" for name in CLASSES)]
    said = results.read_predictions(plain)
    order = [said.paths.index(Path(row["path"]).relative_to(photos).as_posix()) for row in rows]
    assert sorted(order) == list(range(30))
    assert [row["predicted"] for row in rows] == [CLASSES[k] for k in said.predicted[order]]
    found = np.array([[row[f"prob_{name}"] for name in CLASSES] for row in rows], dtype=np.float32)
    np.testing.assert_allclose(found, said.probabilities[order], rtol=1e-5)
    assert [np.float32(row["probability"]) for row in rows] == found.max(axis=1).tolist()
    accuracy = (said.predicted == said.labels).mean()
    assert f"By the names of their folders: {100 * accuracy:.1f} % of 30 are right." in done.stderr
    assert "Probabilities are as the network has them, not calibrated." in done.stderr
    assert "simple_cnn, reg=none, seed 0, best checkpoint" in done.stderr


def test_several_runs_are_averaged(program: Program, train: Callable[..., Path], plain: Path, photos: Path) -> None:
    other = train("seed=1")
    words = str(photos / "cat"), "--all", "--uncalibrated", "--out", "-"
    each = [table(program("predict", str(run), *words).stdout) for run in (plain, other)]
    both = table(program("predict", str(plain), str(other), *words).stdout)
    for mean, first, second in zip(both, *each, strict=True):
        for name in CLASSES:
            wanted = (float(first[f"prob_{name}"]) + float(second[f"prob_{name}"])) / 2
            assert float(mean[f"prob_{name}"]) == pytest.approx(wanted, rel=1e-5)


def test_lines_of_json_and_what_cannot_be_read(program: Program, plain: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    done = program("predict", str(plain), str(photos / "cat/00.png"), "broken.jpg", "--out", "said.jsonl")
    assert done.returncode == 0
    lines = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    assert [line["path"] for line in lines] == [str(photos / "cat/00.png"), "broken.jpg"]
    assert lines[0].keys() == {"path", "predicted", "probability"}
    assert lines[1]["error"].startswith("not an image")
    assert "1 cannot be read: broken.jpg (not an image" in done.stderr
    assert not list(tmp_path.glob("*.partial"))


def test_a_list_on_standard_input_and_a_table_on_standard_output(
    program: Program,
    plain: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [str(photos / f"dog/0{k}.png") for k in (3, 1)]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(names)))
    done = program("predict", str(plain), "-", "--out", "-")
    assert [row["path"] for row in table(done.stdout)] == names


def test_of_several_runs_those_that_are_not_calibrated_are_named(plain: Path) -> None:
    one = trained.load(plain)
    bare = replace(one, folder=Path("bare"), temperature=None)
    said = f"Probabilities are calibrated on val: temperature {one.temperature:.2f}."
    assert calibration([one]) == f"{said} That is a guess, from {one.result.splits['val'].n} images of val."
    many = replace(one.result.splits["val"], n=50)
    assert calibration([replace(one, result=replace(one.result, splits={"val": many}))]) == said
    assert calibration([bare, bare]) == UNCALIBRATED
    assert calibration([one, bare]).endswith("Not calibrated, as there is no val to fit one: bare.")


def test_the_page_has_the_least_sure_first(program: Program, plain: Path, photos: Path, tmp_path: Path) -> None:
    assert program("predict", str(plain), str(photos), "--page").returncode == 0
    page = (tmp_path / "predictions.html").read_text()
    shown = [float(value) for value in re.findall(r"</b> ([\d.]+) %", page)]
    assert shown == sorted(shown)
    assert len(shown) == page.count("data:image/jpeg;base64,") == 30
    assert "<script" not in page


def test_what_was_predicted_before_an_interruption_is_kept(
    program: Program, plain: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Tally, said: Said) -> None:
        self.counts[said.predicted] += 1
        if self.n == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(Tally, "add", interrupted)
    done = program("predict", str(plain), str(photos))
    assert done.returncode == 130
    assert [path.name for path in tmp_path.glob("pred*")] == ["predictions.csv.partial"]
    assert len(table((tmp_path / "predictions.csv.partial").read_text())) == 4
    assert "predictions.csv.partial: what was predicted until then" in done.stderr


def test_nothing_is_written_over(program: Program, plain: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "predictions.csv").write_text("mine")
    done = program("predict", str(plain), str(photos))
    assert (done.returncode, done.stderr.splitlines()) == (
        1,
        ["predictions.csv: is there already, and is not written over. Choose another name, or move it away."],
    )
    assert (tmp_path / "predictions.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["{run}"], "{run}: and of which images? Name files, folders, patterns, or - for a list."),
        (["{run}", "nothing.png"], "nothing.png: no such file or folder. Name images, folders of them, or patterns."),
        (["{run}", "empty"], "empty: no image there. Folders are searched for files called as images."),
        (["empty", "a.png"], "empty: holds neither a run (result.json) nor a sweep (plan.json). Runs land in"),
    ],
)
def test_a_mistake_is_one_line(
    program: Program,
    plain: Path,
    tmp_path: Path,
    words: list[str],
    message: str,
) -> None:
    (tmp_path / "empty").mkdir()
    done = program("predict", *(word.format(run=plain) for word in words))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(message.format(run=plain))
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("pred*"))


def test_folders_as_kaggle_calls_them_are_the_classes_of_a_run_that_was_trained_on_such() -> None:
    tally = Tally(classes=["cat", "dog"])
    for folder, predicted in (("gatto", 0), ("cane", 0), ("dog", 1), ("pecora", 1)):  # a sheep is none of its classes
        probabilities = np.eye(2, dtype=np.float32)[predicted]
        tally.add(Said(image=Named(path=f"{folder}/1.jpg", folders=(folder,)), probabilities=probabilities))
    np.testing.assert_array_equal(tally.confusion, [[1, 0], [1, 1]])
    assert tally.strange == {"pecora": 1}
    italian = Tally(classes=["cane", "cat"])  # a class that is called so itself
    assert italian.label(Named(path="x", folders=("cane",))) == 0


def test_folders_that_the_run_does_not_know_are_named(
    program: Program,
    plain: Path,
    photos: Path,
    tmp_path: Path,
) -> None:
    for name, of in (("cat", "cat"), ("fox", "owl")):
        (tmp_path / "new" / name).mkdir(parents=True)
        (tmp_path / "new" / name / "1.png").write_bytes((photos / of / "01.png").read_bytes())
    done = program("predict", str(plain), "new")
    assert re.search(r"By the names of their folders: (0|100)\.0 % of 1 are right", done.stderr)
    assert "Folders called like no class of the run, which do not count there: fox" in done.stderr


def test_what_an_interrupted_command_left_is_not_written_over(
    program: Program, plain: Path, photos: Path, tmp_path: Path
) -> None:
    part = tmp_path / "out.csv.partial"
    part.write_text("what was predicted")
    outcome = program("predict", str(plain), str(photos), "--out", str(tmp_path / "out.csv"))
    assert outcome.returncode == 1
    assert f"{part}: holds what was predicted by a command that was interrupted" in outcome.stderr
    assert part.read_text() == "what was predicted"
    assert not (tmp_path / "out.csv").exists()


def test_no_image_that_can_be_read_is_no_success(program: Program, plain: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_text("no image")
    outcome = program("predict", str(plain), str(tmp_path / "broken.jpg"), "--out", str(tmp_path / "out.csv"))
    assert outcome.returncode == 1
    assert outcome.stderr.splitlines()[-1] == f"{tmp_path / 'broken.jpg'}: no image there could be read."
    assert (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("verb", ["predict", "explain"])
def test_images_that_are_not_there_are_missed_before_a_network_is_loaded(
    verb: str, program: Program, made_up: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(f"animal_cls.commands.{verb}._{verb}", lambda *_: loaded.append(verb))
    done = program(verb, str(made_up), "nothing.png")
    assert (done.returncode, loaded) == (1, [])
    assert done.stderr == "nothing.png: no such file or folder. Name images, folders of them, or patterns.\n"
