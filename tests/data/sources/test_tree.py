"""Links lead neither out of a folder of images, unless that is wanted, nor around in it for ever."""

import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from animal_cls.data.dataset import load
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.contents import SUFFIXES
from animal_cls.data.sources.folder import scan
from animal_cls.errors import UserError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two classes with an image each, beside a folder `elsewhere` with more."""
    return plant(tmp_path, "elsewhere/cats/1.jpg", "elsewhere/dog.jpg", "root/cat/0.jpg", "root/dog/0.jpg") / "root"


def plant(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def link(path: Path, target: Path | str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def message(root: Path) -> str:
    with pytest.raises(UserError) as caught:
        scan(root)
    return str(caught.value)


def test_links_that_lead_out_are_followed_only_if_wanted(root: Path) -> None:
    link(root / "cat" / "more", root.parent / "elsewhere" / "cats")
    link(root / "dog" / "1.jpg", "../../elsewhere/dog.jpg")
    link(root / "dog" / "2.jpg", root.parent / "gone.jpg")  # whether anything is there must not be found out
    link(root / "dog" / "notes.txt", "/etc/hostname")
    found = scan(root)
    assert found.paths == ["cat/0.jpg", "dog/0.jpg"]
    assert found.not_followed == ["cat/more", "dog/1.jpg", "dog/2.jpg"]
    assert [one.path for one in found.unused] == ["dog/notes.txt"]
    found = scan(root, follow_links=True)
    assert found.paths == ["cat/0.jpg", "cat/more/1.jpg", "dog/0.jpg", "dog/1.jpg", "dog/2.jpg"]
    assert found.not_followed == []


def test_a_link_by_way_of_one_within_the_root_leads_out_too(root: Path) -> None:
    link(root / "dog" / "door", root.parent / "elsewhere")
    link(root / "cat" / "1.jpg", root / "dog" / "door" / "dog.jpg")
    link(root / "cat" / "cats", "../dog/door/cats")
    assert scan(root).not_followed == ["cat/1.jpg", "cat/cats", "dog/door"]
    assert scan(root).paths == ["cat/0.jpg", "dog/0.jpg"]


def test_a_neighbour_whose_name_begins_like_the_root_is_outside(root: Path) -> None:
    plant(root.parent, "root2/1.jpg")
    link(root / "cat" / "1.jpg", root.parent / "root2" / "1.jpg")
    assert scan(root).not_followed == ["cat/1.jpg"]


def test_links_within_the_root_are_fine(root: Path) -> None:
    plant(root, "cat/deep/1.jpg")
    link(root / "dog" / "1.jpg", "../cat/deep/1.jpg")
    link(root / "dog" / "all", root / "cat" / "deep")
    link(root / "dog" / "dangling.jpg", "nothing.jpg")  # to be named as unreadable, not passed over
    link(root / "dog" / "itself.jpg", "itself.jpg")
    found = scan(root)
    assert found.paths[2:] == ["dog/0.jpg", "dog/1.jpg", "dog/all/1.jpg", "dog/dangling.jpg", "dog/itself.jpg"]
    assert found.not_followed == []


def test_the_root_may_be_a_link(root: Path) -> None:
    link(root / "dog" / "1.jpg", root / "cat" / "0.jpg")
    link(root.parent / "alias", root)
    found = scan(root.parent / "alias")
    assert found.paths == ["cat/0.jpg", "dog/0.jpg", "dog/1.jpg"]
    assert found.root == root.parent / "alias"


def test_a_link_from_raw_img_to_what_lies_beside_it_is_within(root: Path) -> None:
    plant(root, "raw-img/a/1.jpg", "raw-img/b/1.jpg", "more/1.jpg")
    link(root / "raw-img" / "a" / "more", "../../more")
    assert scan(root).paths == ["a/1.jpg", "a/more/1.jpg", "b/1.jpg"]


def test_cycles_end(root: Path) -> None:
    link(root / "cat" / "up", root)
    link(root / "cat" / "here", root / "cat")
    link(root / "cat" / "other", root / "dog")
    link(root / "dog" / "other", root / "cat")
    link(root / "dog" / "loop", root / "dog" / "loop")
    found = scan(root)
    assert found.paths == ["cat/0.jpg", "cat/other/0.jpg", "dog/0.jpg", "dog/other/0.jpg"]


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder with a class of which an image lies 1,200 folders deep, which Python's own means cannot remove."""
    folder = str(plant(tmp_path / "deep", "b/1.jpg", "a/0.jpg") / "a")
    for _ in range(1200):
        folder += "/d"
        os.mkdir(folder)  # noqa: PTH102
    shutil.copy(tmp_path / "deep" / "b" / "1.jpg", folder)
    yield tmp_path / "deep"
    subprocess.run(["rm", "-rf", tmp_path / "deep"], check=True)


def test_folders_may_be_nested_deeper_than_calls(deep: Path) -> None:
    assert [len(path.split("/")) for path in scan(deep).paths] == [2, 1202, 2]


def test_folders_that_are_all_linked_to_one_another_end_soon(tmp_path: Path) -> None:
    """More than 14! paths lead through them; each class gets each image once."""
    names = [f"c{n:02d}" for n in range(14)]
    plant(tmp_path, *(f"{name}/{name}.jpg" for name in names))
    for name in names:
        for other in set(names) - {name}:
            link(tmp_path / name / other, tmp_path / other)
    found = scan(tmp_path)
    assert len(found.paths) == 14 * 14
    assert {Path(path).name for path in found.paths if path.startswith("c05/")} == {f"{name}.jpg" for name in names}


def test_a_class_folder_that_is_a_link_is_refused_with_the_way_out(root: Path) -> None:
    link(root / "owl", root.parent / "elsewhere" / "cats")
    assert message(root) == (
        f"data.root={root}: owl is a link that leads out of it (to {root.parent}/elsewhere/cats). Such links are "
        "followed only if you want it: data.follow_links=true. Or move it away."
    )
    assert scan(root, follow_links=True).classes == ["cat", "dog", "owl"]
    link(root / "emu", root.parent / "elsewhere")
    assert "emu, owl are 2 links that lead out of it (the first to " in message(root)


def test_linked_splits_are_refused_too(tmp_path: Path) -> None:
    root = plant(tmp_path / "root", "train/a/1.jpg", "train/b/1.jpg", "val/a/1.jpg")
    elsewhere = plant(tmp_path / "elsewhere", "a/1.jpg", "b/1.jpg")
    link(root / "val" / "b", elsewhere / "b")
    link(root / "test", elsewhere)
    link(root / "extra", elsewhere)  # no split: no part of the data anyway
    assert f"{root}: test, val/b are 2 links that lead out of it" in message(root)
    predefined = scan(root, follow_links=True).predefined
    assert predefined is not None
    assert set(predefined) == {"train", "val", "test"}


def test_raw_img_may_be_a_link(root: Path) -> None:
    link(root / "raw-img", root.parent / "elsewhere")
    assert message(root).startswith(f"data.root={root}: raw-img is a link that leads out of it (to {root.parent}/else")


def test_what_is_missing_because_of_links_says_so(root: Path) -> None:
    """Class folders of linked files, as tools make them that choose a part of a data set."""
    (root / "cat" / "0.jpg").unlink()
    link(root / "cat" / "1.jpg", root.parent / "elsewhere" / "cats" / "1.jpg")
    assert message(root) == (
        f"data.root={root}: no image in the class folder cat. Put images there ({', '.join(SUFFIXES)}), "
        "or move the folder away. 1 link leads out of data.root and is not followed: cat/1.jpg. "
        "To follow links: data.follow_links=true"
    )


def test_a_run_says_which_links_it_does_not_follow(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name, shade in (("cat", 1), ("dog", 101)):
        for n in range(9):
            Image.new("L", (9, 9), shade + n).save(root / name / f"{n}.jpg")
    for n in range(12):
        link(root / "dog" / f"more{n:02d}.jpg", root.parent / "elsewhere" / "dog.jpg")
    settings = DataSettings(
        image_size=4, val=0.2, test=0.1, split_seed=0, max_bad_share=1, cache_dir=root.parent / "cache"
    )
    assert len(load(root, settings, show_progress=False).paths) == 18
    names = ", ".join(f"dog/more{n:02d}.jpg" for n in range(10))
    assert (
        f"12 links lead out of data.root and are not followed: {names}, and 2 more. "
        "To follow links: data.follow_links=true"
    ) in [record.message for record in caplog.records if record.levelno == logging.WARNING]
    caplog.clear()
    images = load(root, replace(settings, follow_links=True), show_progress=False)
    assert len(images.unreadable) == 12
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert not [message for message in warnings if "links" in message]
