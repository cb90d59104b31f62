"""What counts as an image, a class and a split."""

import os
from pathlib import Path

import pytest
from PIL import Image

from animal_cls.data.sources.folder import locate, scan
from animal_cls.data.sources.unused import HIDDEN, NO_CLASS, NO_IMAGE, NO_SPLIT, OWN_OUTPUT, UNREAD_FORMAT, counted
from animal_cls.errors import UserError


def plant(root: Path, *paths: str) -> Path:
    """Empty files: a scan goes by names."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def message(root: Path) -> str:
    with pytest.raises(UserError) as caught:
        scan(root)
    return str(caught.value)


def test_images_are_sorted_class_by_class(tmp_path: Path) -> None:
    found = scan(plant(tmp_path, "b/2.png", "b/10.PNG", "a/z.JPeG", "a/y/deep/x.webp", "a/1.bmp", "c d/ü.jpg"))
    assert found.classes == ["a", "b", "c d"]
    assert found.paths == ["a/1.bmp", "a/y/deep/x.webp", "a/z.JPeG", "b/10.PNG", "b/2.png", "c d/ü.jpg"]
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 2]
    assert (found.root, found.predefined, found.unused) == (tmp_path, None, [])


def test_hidden_files_and_what_is_no_image_are_ignored_and_counted(tmp_path: Path) -> None:
    plant(tmp_path, "a/1.jpg", "b/1.jpg")
    plant(
        tmp_path, "readme.txt", "a/.hidden.jpg", "b/notes.TXT", "b/jpg", ".git/x.jpg", "__MACOSX/a/1.jpg", "loose.jpg"
    )
    found = scan(tmp_path)
    assert found.paths == ["a/1.jpg", "b/1.jpg"]
    assert sorted((one.path, one.reason) for one in found.unused) == [
        (".git", HIDDEN),  # once, whatever it holds
        ("__MACOSX", HIDDEN),
        ("a/.hidden.jpg", HIDDEN),
        ("b/jpg", NO_IMAGE),
        ("b/notes.TXT", NO_IMAGE),
        ("loose.jpg", NO_CLASS),
        ("readme.txt", NO_IMAGE),
    ]


def test_raw_img_is_entered_and_italian_becomes_english(tmp_path: Path) -> None:
    found = scan(plant(tmp_path, "raw-img/gatto/1.jpg", "raw-img/cane/1.jpg", "raw-img/ragno/1.jpg", "translate.py"))
    assert found.root == tmp_path / "raw-img"
    assert found.classes == ["cat", "dog", "spider"]
    assert found.paths == ["gatto/1.jpg", "cane/1.jpg", "ragno/1.jpg"]  # sorted by class, not by folder


def test_one_foreign_folder_keeps_all_names(tmp_path: Path) -> None:
    assert scan(plant(tmp_path, "gatto/1.jpg", "cane/1.jpg", "lupo/1.jpg")).classes == ["cane", "gatto", "lupo"]


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Val"])
def test_a_ready_made_split_is_kept(tmp_path: Path, val: str) -> None:
    plant(tmp_path, "train/a/1.jpg", "train/b/1.jpg", "test/a/2.jpg", f"{val}/b/n/3.jpg", "stray/4.jpg", "train/5.jpg")
    found = scan(tmp_path)
    assert found.predefined is not None
    assert dict(zip(found.paths, found.predefined.tolist(), strict=True)) == {
        "test/a/2.jpg": "test",
        "train/a/1.jpg": "train",
        "train/b/1.jpg": "train",
        f"{val}/b/n/3.jpg": "val",
    }
    assert [found.classes[k] for k in found.labels] == ["a", "a", "b", "b"]
    assert [(one.path, one.reason) for one in found.unused] == [("stray/4.jpg", NO_SPLIT), ("train/5.jpg", NO_CLASS)]


def test_a_split_without_val_is_a_split(tmp_path: Path) -> None:
    found = scan(plant(tmp_path, "train/gatto/1.jpg", "train/cane/1.jpg", "test/cane/1.jpg"))
    assert found.predefined is not None
    assert found.predefined.tolist() == ["train", "test", "train"] or found.predefined.tolist() == [
        "test",
        "train",
        "train",
    ]
    assert found.classes == ["cat", "dog"]


def test_train_may_be_a_class(tmp_path: Path) -> None:
    found = scan(plant(tmp_path, "train/1.jpg", "plane/1.jpg", "test/1.jpg"))
    assert found.classes == ["plane", "test", "train"]
    assert found.predefined is None


def test_train_may_be_a_class_with_folders_inside(tmp_path: Path) -> None:
    found = scan(plant(tmp_path, "train/steam/1.jpg", "train/diesel/1.jpg", "plane/1.jpg"))
    assert found.classes == ["plane", "train"]
    assert found.predefined is None


def test_accents_compare_however_they_are_stored(tmp_path: Path) -> None:
    plant(tmp_path, "train/be\u0301/1.jpg", "train/a/1.jpg", "val/b\u00e9/1.jpg")  # from a Mac, from elsewhere
    found = scan(tmp_path)
    assert found.classes == ["a", "b\u00e9"]
    assert found.paths == ["train/a/1.jpg", "train/be\u0301/1.jpg", "val/b\u00e9/1.jpg"]  # as they are on the disk
    assert found.warnings == ["Folders whose names differ only in how their accents are stored are one class: b\u00e9"]


@pytest.mark.parametrize("name", ["animals10.zip", "animals10.tar.gz", "A.TGZ"])
def test_an_archive_is_to_be_unpacked(tmp_path: Path, name: str) -> None:
    plant(tmp_path, name)
    assert message(tmp_path / name) == (
        f"data.root={tmp_path / name}: is an archive. Unpack it and give the folder that holds a folder for each "
        "class: data.root=/path/to/images"
    )
    assert message(tmp_path) == (
        f"data.root={tmp_path}: holds no class folders: an archive lies in it ({name}); unpack it."
    )


@pytest.mark.parametrize(
    ("planted", "expected"),
    [
        ([], "holds no class folders: it is empty; put the images of each class there, in a folder of its own."),
        (
            ["1.jpg", "2.png"],
            "holds no class folders: 2 images lie directly in it; put each class in a folder of its own.",
        ),
        (["x.txt", ".y"], "holds no class folders: 2 other or hidden files lie in it, no folders; "),
        (["a/1.jpg"], "one class only, a. At least two are needed, each in a folder of its own beside a/."),
        (["w/a/1.jpg", "w/b/1.jpg"], "one class only, w. The folders inside may be the classes: data.root={root}/w"),
        (
            ["a/1.jpg", "b/x.txt", "c/.1.jpg"],
            "no image in the class folder b, c (only 1 .txt, 1 .jpg). Put images there (.jpg, .jpeg, .jpe, .jfif, ",
        ),
        (["gatto/1.jpg", "Gatto/1.jpg"], "the folders Gatto, gatto are one class, cat. Merge or rename them."),
        (
            ["train/a/1.jpg", "val/a/1.jpg", "val/b/1.jpg"],
            "train/ has no images of b, which the other splits have. Put some into train/, or move those folders ",
        ),
        (["train/a/1.jpg", "val/a/1.jpg"], "one class only, a. At least two are needed"),
        (
            ["train/a/1.jpg", "train/b/1.jpg", "test/1.jpg"],
            "test, train is no complete split: test without class folders. "
            "To split it by fractions: data.root={root}/train",
        ),
        (["train/a/1.jpg", "train/b/1.jpg"], "train and one of val and test are needed. To split it by fractions: "),
        (
            ["train/a/1.jpg", "val/a/1.jpg", "valid/a/1.jpg"],
            "train, val, valid name one split twice. Keep one folder for each, or say which to use: "
            "'data.splits={{train: train, val: [val, valid]}}'",
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, planted: list[str], expected: str) -> None:
    text = message(plant(tmp_path, *planted))
    assert text.startswith(f"data.root={tmp_path}: ")
    assert expected.format(root=tmp_path) in text


def test_a_missing_root_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    expected = f"data.root=pics: no such folder (looked for {tmp_path}/pics). Give the folder of your class folders: "
    assert message(Path("pics")).startswith(expected)


def test_a_root_that_is_a_file_is_said(tmp_path: Path) -> None:
    assert ": is a file. Give the folder that holds a folder for each class" in message(plant(tmp_path, "x") / "x")


def test_names_of_broken_encoding_are_said(tmp_path: Path) -> None:
    plant(tmp_path, "a/1.jpg", "b/1.jpg")
    try:
        (tmp_path / "b" / "caf\udce9.jpg").touch()  # Latin-1 bytes in a file name
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    assert r"the name of 'b/caf\udce9.jpg' is not valid UTF-8. Rename it." in message(tmp_path)


def test_locate_needs_a_root(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        locate(root=None, cache_dir=tmp_path)
    expected = "data.root: data=folder needs the folder of your class folders, e.g. data.root=/path/to/images"
    assert str(caught.value) == expected


def test_locate_knows_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate(root="~/my images", cache_dir=tmp_path) == tmp_path / "my images"


def test_images_are_known_by_their_beginning_where_the_name_does_not_say_so(tmp_path: Path) -> None:
    plant(tmp_path, "a/1.jpg", "b/1.JFIF", "b/2.tif", "b/3.heic", "b/LICENSE", "b/notes.txt")
    for name in ("b/none", "b/4.jpg_large"):
        Image.new("L", (4, 4)).save(tmp_path / name, "PNG")
    os.mkfifo(tmp_path / "b" / "pipe")  # opening it would wait for ever
    found = scan(tmp_path)
    assert found.paths == ["a/1.jpg", "b/1.JFIF", "b/2.tif", "b/4.jpg_large", "b/none"]
    assert found.notes == [
        "2 files (1 .jpg_large, 1 without a suffix) used as images, which they are by their contents: "
        "b/4.jpg_large, b/none"
    ]
    assert counted(found.unused) == [
        {"reason": NO_IMAGE, "suffix": "", "n": 2},
        {"reason": UNREAD_FORMAT, "suffix": ".heic", "n": 1},
        {"reason": NO_IMAGE, "suffix": ".txt", "n": 1},
    ]


def test_our_own_outputs_are_no_classes(tmp_path: Path) -> None:
    run = ".hydra/config.yaml"
    plant(
        tmp_path, "a/1.jpg", "b/1.jpg", f"outputs/2026-01-01/12-00-00/{run}", f"multirun/day/time/job/{run}", f"r/{run}"
    )
    plant(tmp_path, "outputs/2026-01-01/12-00-00/figures/curves.png", "r/figures/curves.png", "a/1/images.html")
    plant(tmp_path, "a/1/images.json", "a/1/thumbnail.png")
    found = scan(tmp_path)
    assert found.paths == ["a/1.jpg", "b/1.jpg"]
    assert sorted(one.path for one in found.unused) == [
        "a/1/", "multirun/day/time/job/", "outputs/2026-01-01/12-00-00/", "r/",
    ]  # fmt: skip
    assert {one.reason for one in found.unused} == {OWN_OUTPUT}


def test_images_in_a_folder_of_the_name_of_our_outputs_are_used(tmp_path: Path) -> None:
    assert scan(plant(tmp_path, "outputs/1.jpg", "inputs/1.jpg")).classes == ["inputs", "outputs"]
