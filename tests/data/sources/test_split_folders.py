"""Folders that are splits are understood or asked for, and never become classes by themselves."""

from pathlib import Path
from typing import Any

import pytest

from animal_cls.data.sources.folder import scan
from animal_cls.errors import UserError


def plant(root: Path, *folders: str, classes: str = "ab") -> Path:
    """A file in each class folder of each of `folders`, or in the folder itself where there are no `classes`."""
    for folder in folders:
        for name in classes or [""]:
            (root / folder / name).mkdir(parents=True, exist_ok=True)
            (root / folder / name / "1.jpg").touch()
    return root


def message(root: Path, splits: Any = None) -> str:
    with pytest.raises(UserError) as caught:
        scan(root, splits=splits)
    return str(caught.value)


def splits_in(root: Path, splits: Any = None) -> dict[str, str]:
    """The folder of each image, and its split."""
    found = scan(root, splits=splits)
    assert found.classes == ["a", "b"]
    assert found.predefined is not None
    return {
        path.rpartition("/")[0][:-2]: side for path, side in zip(found.paths, found.predefined.tolist(), strict=True)
    }


@pytest.mark.parametrize(
    "layout",
    [
        {"Training": "train", "Testing": "test"},
        {"training_set": "train", "test_set": "test"},
        {"seg_train/seg_train": "train", "seg_test/seg_test": "test"},
        {"training": "train", "validation": "val"},
        {"train": "train", "dev": "val", "eval": "test"},
        {"train+val": "train", "test": "test"},
        {"trainset": "train", "valset": "val", "testset": "test"},
        {"TRAIN": "train", "VALID": "val"},
        {"animals_train": "train", "animals_test": "test"},
        {"train2017": "train", "val2017": "val"},
    ],
    ids=str,
)
def test_names_that_are_certain_are_understood(tmp_path: Path, layout: dict[str, str]) -> None:
    assert splits_in(plant(tmp_path, *layout)) == layout


def test_what_was_understood_is_said(tmp_path: Path) -> None:
    assert scan(plant(tmp_path, "Training", "Testing")).notes == [
        "The folders are splits: Testing/ is test, Training/ is train. If they are classes: data.splits=none"
    ]
    assert scan(plant(tmp_path / "x", "train", "valid")).notes == []


@pytest.mark.parametrize(
    ("folders", "suggested"),
    [
        (["fold_1", "fold_2", "fold_3"], "{train: [fold_1, fold_2], test: fold_3}"),
        (["1", "2"], '{train: "1", test: "2"}'),
        (["train", "eval"], "{train: train, test: eval}"),
        (["train", "extra"], "{train: train, test: extra}"),
        (["bullet_train", "test_tube"], "{train: bullet_train, test: test_tube}"),
        (["Übung", "die Prüfung"], '{train: "die Prüfung", test: "Übung"}'),
    ],
    ids=str,
)
def test_equal_insides_are_no_classes_without_a_question(tmp_path: Path, folders: list[str], suggested: str) -> None:
    root = plant(tmp_path, *folders)
    said = message(root)
    assert said.startswith(
        f"data.root={root}: {', '.join(sorted(folders))} each hold folders named a, b, so they may be"
    )
    assert f"for example 'data.splits={suggested}'. If they are the classes: data.splits=none" in said
    found = scan(root, splits="none")
    assert (found.classes, found.predefined) == (sorted(folders), None)


def test_one_folder_more_does_not_hide_it(tmp_path: Path) -> None:
    plant(plant(tmp_path, "fold_1", "fold_2", "fold_3"), "samples", classes="")
    assert "fold_1, fold_2, fold_3 each hold folders named a, b" in message(tmp_path)


def test_a_split_inside_of_each_class_is_refused(tmp_path: Path) -> None:
    for name in ("cat/train", "cat/test", "dog/train", "dog/test"):
        plant(tmp_path, name, classes="")
    assert "cat, dog each hold folders named test, train: a split inside of each class is not read" in message(tmp_path)


def test_classes_of_different_insides_need_no_question(tmp_path: Path) -> None:
    plant(plant(tmp_path, "cat", classes="pq"), "dog", classes="rs")
    assert scan(tmp_path).classes == ["cat", "dog"]


@pytest.mark.parametrize("folders", [["Training", "Testing"], ["train_set", "test_set"]])
def test_flat_splits_are_no_classes(tmp_path: Path, folders: list[str]) -> None:
    said = message(plant(tmp_path, *folders, classes=""))
    assert f"{', '.join(sorted(folders))} is no complete split: {', '.join(sorted(folders))} without class fold" in said
    assert said.endswith("or if these folders are classes: data.splits=none")


def test_splits_are_as_they_are_said_to_be(tmp_path: Path) -> None:
    plant(tmp_path, "fold_1", "fold_2", "more/fold_3", "rest")
    given = {"train": ["fold_1", "fold_2"], "test": "more/fold_3/"}
    assert splits_in(tmp_path, given) == {"fold_1": "train", "fold_2": "train", "more/fold_3": "test"}
    found = scan(tmp_path, splits=given)
    assert sorted((one.path, one.reason) for one in found.unused) == [
        ("rest/a/1.jpg", "in a folder that is no split"),
        ("rest/b/1.jpg", "in a folder that is no split"),
    ]


@pytest.mark.parametrize(
    ("splits", "expected"),
    [
        ({"train": "one", "test": "tow"}, "data.splits.test=tow: no such folder in {root}. There are: flat, one, two."),
        ({"train": "one", "test": "../x"}, "data.splits.test=../x: no such folder in {root}."),
        ({"train": "one", "test": "one"}, "data.splits.test=one: is given to train, too."),
        ({"train": "one", "test": "one/a"}, "data.splits.test=one/a: 1 image but no class folders in {root}/one/a."),
        ({"train": "one", "test": "flat"}, "data.splits.test=flat: 1 image but no class folders in {root}/flat."),
        ({"train": ["one", "two", "one"], "test": "two"}, "data.splits.train=one: is given to train, too."),
        ({"train": "one", "test": "."}, "data.splits.test=.: the name of a folder in {root} is needed."),
    ],
    ids=str,
)
def test_what_is_wrong_with_them_is_said(tmp_path: Path, splits: dict[str, Any], expected: str) -> None:
    plant(plant(tmp_path, "one", "two"), "flat", classes="")
    assert message(tmp_path, splits).startswith(expected.format(root=tmp_path))


def test_names_that_differ_in_capital_letters_are_said(tmp_path: Path) -> None:
    for name in ("train/Cat", "train/dog", "val/cat", "val/dog"):
        plant(tmp_path, name, classes="")
    assert "train/ has no images of cat, which the other splits have, but of Cat: small and capital" in message(
        tmp_path
    )
