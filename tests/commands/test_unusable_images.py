"""Images that cannot be trained on, and places where they cannot be kept: each gets one message."""

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from animal_cls import results
from animal_cls.data.decode import FORMATS
from tests.folder_contents import contents

Program = Callable[..., "CompletedProcess[str]"]
ClassFolders = Callable[..., Path]
SMALL = ("data=folder", "data.image_size=64", "trainer.max_epochs=1", "trainer.accelerator=cpu")
NO_TEST = "Add images of it, take the class away, or lower data.val or data.test (data.test=0 makes no test set)."
NOT_AN_IMAGE = f"(not an image ({', '.join(FORMATS)} can be read))"

# Environment or option -> how the message begins that says where the decoded images cannot be kept.
CACHES = {
    "ANIMAL_CLS_CACHE=file": "data.cache_dir=file: cannot be written (Not a directory). Mend that, or",
    "ANIMAL_CLS_CACHE=/proc/x": "data.cache_dir=/proc/x: cannot be written (No such file or directory). Mend",
    "data.cache_dir=file": "data.cache_dir=file: cannot be written (Not a directory). Mend that, or",
    "data.cache_dir=/proc/x": "data.cache_dir=/proc/x: cannot be written (No such file or directory). Mend",
}


@pytest.mark.parametrize("word", CACHES)
def test_caches(
    word: str, program: Program, image_folder: ClassFolders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    words = [*SMALL, f"data.root={image_folder(tmp_path / 'images')}", "hydra.run.dir=run"]
    if word.startswith("data."):
        words.append(word)
    else:
        monkeypatch.setenv(*word.split("="))
    outcome = program(*words)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith(CACHES[word])
    assert len(outcome.stderr.splitlines()) == 1
    assert (tmp_path / "file").read_bytes() == b""


# How images are made, and the message. `{root}` is their folder.


def nothing(root: Path, draw: ClassFolders) -> None:
    root.mkdir()


def no_folder(root: Path, draw: ClassFolders) -> None:
    pass


def a_file(root: Path, draw: ClassFolders) -> None:
    root.touch()


def no_class_folders(root: Path, draw: ClassFolders) -> None:
    draw(root, classes=["cat"], per_class=3)
    for path in (root / "cat").iterdir():
        path.rename(root / path.name)
    (root / "cat").rmdir()


def one_class(root: Path, draw: ClassFolders) -> None:
    draw(root, classes=["cat"])


def a_small_class(root: Path, draw: ClassFolders) -> None:
    draw(root)
    for path in sorted((root / "dog").iterdir())[2:]:
        path.unlink()


def all_unreadable(root: Path, draw: ClassFolders) -> None:
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        (root / name / "a.png").write_bytes(b"no image")


def some_unreadable(root: Path, draw: ClassFolders) -> None:
    draw(root)
    (root / "cat" / "00.png").write_bytes(b"no image")


IMAGES: dict[Callable[[Path, ClassFolders], None], str] = {
    no_folder: ("data.root={root}: no such folder. Give the folder of your class folders: data.root=/path/to/images"),
    a_file: (
        "data.root={root}: is a file. Give the folder that holds a folder for each class: data.root=/path/to/images"
    ),
    nothing: (
        "data.root={root}: holds no class folders: it is empty; put the images of each class there, "
        "in a folder of its own."
    ),
    no_class_folders: (
        "data.root={root}: holds no class folders: 3 images lie directly in it; put each class in a folder of its own."
    ),
    one_class: (
        "data.root={root}: one class only, cat. At least two are needed, each in a folder of its own beside cat/."
    ),
    a_small_class: (
        "data.root: too few images of class dog: it has 2, and 1 in test, 1 in val leave none to train on "
        f"(data.val=0.1, data.test=0.1). {NO_TEST}"
    ),
    all_unreadable: (
        f"data.root={{root}}: none of its 2 images can be read: cat/a.png {NOT_AN_IMAGE}; dog/a.png {NOT_AN_IMAGE}."
    ),
    some_unreadable: (
        "data.root={root}: 1 of 24 images (0.042) cannot be read, more than data.max_bad_share=0.01 allows: "
        f"cat/00.png {NOT_AN_IMAGE}. Repair them, move them away, or allow more of them."
    ),
}


@pytest.mark.parametrize("make", IMAGES, ids=lambda make: make.__name__)
def test_images(
    make: Callable[[Path, ClassFolders], None], program: Program, image_folder: ClassFolders, tmp_path: Path
) -> None:
    root = tmp_path / "images"
    make(root, image_folder)
    before = contents(root)
    outcome = program(*SMALL, f"data.root={root}", "hydra.run.dir=run")
    message = IMAGES[make].replace("{root}", str(root))
    assert (outcome.returncode, outcome.stderr) == (1, message + "\n")
    assert contents(root) == before
    recorded = results.load(tmp_path / "run")
    assert recorded is not None
    assert (recorded.status, recorded.reason) == ("failed", message)
    log = (tmp_path / "run" / "animal_cls.log").read_text()
    assert message in log
    assert "Traceback" not in log, "a user's mistake is no fault of ours"
