"""With data.group_copies=true no group of near copies is on two sides of the split."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from animal_cls.data import copy_groups
from animal_cls.data.copy_groups import group_identities
from animal_cls.data.dataset import ImageSet, load
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.folder import scan
from animal_cls.errors import UserError

CLASSES = ("cat", "dog")


def scene(seed: int) -> Image.Image:
    """Soft coloured noise; another seed is another image."""
    cells = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return Image.fromarray(cells).resize((64, 64), Image.Resampling.BICUBIC)


def draw(root: Path, copies: Mapping[str, Sequence[int]]) -> Path:
    """`copies[name][k]` near copies of the k-th image of a class, as JPEG files of different quality."""
    for number, (name, counts) in enumerate(copies.items()):
        (root / name).mkdir(parents=True)
        for k, n in enumerate(counts):
            for copy in range(n):
                scene(1000 * number + k).save(root / name / f"{k}-{copy}.jpg", quality=90 - 5 * copy)
    return root


def run(root: Path, **changes: Any) -> ImageSet:
    return load(root, settings_for(root, **changes), show_progress=False)


def settings_for(root: Path, **changes: Any) -> DataSettings:
    chosen: dict[str, Any] = {"image_size": 16, "val": 0.2, "test": 0.2, "split_seed": 0, "max_bad_share": 0.0}
    chosen |= {"cache_dir": root.parent / "cache"}
    return DataSettings(**(chosen | changes))


def sides_of(images: ImageSet) -> dict[str, set[str]]:
    """Which sides the near copies of each image are on, by class/number."""
    sides: dict[str, set[str]] = {}
    for path, side in zip(images.paths, images.split.tolist(), strict=True):
        sides.setdefault(path.rpartition("-")[0].rpartition("renamed ")[2], set()).add(side)
    return sides


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twenty different images a class, of every fourth one three near copies."""
    return draw(tmp_path / "images", {name: [3 if k % 4 == 0 else 1 for k in range(20)] for name in CLASSES})


def test_near_copies_are_torn_apart_unless_that_is_not_wanted(root: Path) -> None:
    torn = [name for name, sides in sides_of(run(root)).items() if len(sides) > 1]
    assert torn, "else there is nothing to test"
    whole = run(root, group_copies=True)
    assert all(len(sides) == 1 for sides in sides_of(whole).values())
    for label in range(2):
        of_class = whole.split[whole.labels == label].tolist()
        assert {side: of_class.count(side) for side in ("train", "val", "test")} == {"train": 18, "val": 6, "test": 6}


def together(images: ImageSet) -> set[frozenset[str]]:
    """The paths of each group that has more than one image."""
    groups: dict[int, set[str]] = {}
    for path, group in zip(images.paths, images.groups.tolist(), strict=True):
        groups.setdefault(group, set()).add(path)
    return {frozenset(paths) for paths in groups.values() if len(paths) > 1}


def test_images_know_what_belongs_together_as_far_as_they_were_compared(root: Path) -> None:
    """Equal files always, near copies once something has looked for them, whatever the split follows."""
    (root / "cat" / "1-same.jpg").write_bytes((root / "cat" / "1-0.jpg").read_bytes())
    equal = {frozenset({"cat/1-0.jpg", "cat/1-same.jpg"})}
    near = {frozenset(f"{name}/{k}-{copy}.jpg" for copy in range(3)) for name in CLASSES for k in range(0, 20, 4)}
    before = run(root)
    assert (together(before), before.has_groups, before.near_copies) == (equal, True, False)
    grouped = run(root, group_copies=True)
    assert (together(grouped), grouped.near_copies) == (equal | near, True)
    after = run(root)  # now they are remembered
    assert (together(after), after.near_copies) == (equal | near, True)
    assert after.split.tolist() == before.split.tolist()


def test_a_limit_leaves_the_groups_of_what_it_chooses(root: Path) -> None:
    few, whole = (run(root, group_copies=True, limit=limit) for limit in (10, None))
    kept = set(few.paths)
    assert together(few) == {part for paths in together(whole) if len(part := paths & kept) > 1} != set()


def test_the_default_changes_no_split_and_no_fingerprint(root: Path) -> None:
    plain, grouped = run(root), run(root, group_copies=True)
    assert plain.fingerprint == grouped.fingerprint
    assert plain.hashes.tolist() == grouped.hashes.tolist()
    assert plain.split.tolist() == run(root, group_copies=False).split.tolist() != grouped.split.tolist()


def test_groups_depend_on_contents_alone(root: Path) -> None:
    """Neither on names, nor on the order they give, nor on the size that the network is given."""
    before = run(root, group_copies=True)
    for n, path in enumerate(sorted((root / "cat").iterdir(), reverse=True)):
        path.rename(path.with_name(f"{n:02d} renamed {path.name}"))
    after = run(root, group_copies=True, image_size=40)
    assert before.paths != after.paths
    sides = [dict(zip(found.hashes.tolist(), found.split.tolist(), strict=True)) for found in (before, after)]
    assert sides[0] == sides[1]


def test_a_group_is_called_by_its_smallest_hash(root: Path) -> None:
    found = run(root)
    kept = settings_for(root, cache_dir=root.parent / "c")
    identities = group_identities(scan(root), found.hashes, kept, show_progress=False)
    members: dict[str, list[str]] = {}
    for path, content in zip(found.paths, found.hashes.tolist(), strict=True):
        members.setdefault(path.rpartition("-")[0], []).append(content)
    smallest = [min(members[path.rpartition("-")[0]]) for path in found.paths]
    assert identities.tolist() == smallest


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    copies=st.fixed_dictionaries({name: st.lists(st.integers(1, 4), min_size=8, max_size=14) for name in CLASSES}),
    seed=st.integers(0, 99),
    val=st.floats(0.1, 0.4),
)
def test_no_group_is_on_two_sides(
    tmp_path_factory: pytest.TempPathFactory, copies: dict[str, list[int]], seed: int, val: float
) -> None:
    root = draw(tmp_path_factory.mktemp("any") / "images", copies)
    found = run(root, group_copies=True, split_seed=seed, val=val)
    assert all(len(sides) == 1 for sides in sides_of(found).values())
    for label in range(2):
        assert set(found.split[found.labels == label]) == {"train", "val", "test"}


def test_copies_in_two_classes_stay_together(tmp_path: Path) -> None:
    root = draw(tmp_path / "images", {"cat": [1] * 20, "dog": [1] * 20})
    for k in range(10):
        scene(k).resize((70, 84)).save(root / "dog" / f"like cat {k}.png")
    found = run(root, group_copies=True)
    side = dict(zip(found.paths, found.split.tolist(), strict=True))
    assert {side[f"cat/{k}-0.jpg"] == side[f"dog/like cat {k}.png"] for k in range(10)} == {True}
    assert {side[f"cat/{k}-0.jpg"] for k in range(20)} == {"train", "val", "test"}


def test_they_are_searched_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[int] = []
    search = copy_groups.groups
    monkeypatch.setattr(copy_groups, "groups", lambda pixels: searched.append(len(pixels)) or search(pixels))
    first = run(root, group_copies=True).split.tolist()
    assert run(root, group_copies=True, split_seed=1).split.tolist() != first
    assert run(root, group_copies=True).split.tolist() == first
    assert searched == [60]
    scene(99).save(root / "cat" / "new.png")
    run(root, group_copies=True)
    assert searched == [60, 61]


@pytest.mark.parametrize("content", ["", "{}", '{"groups": 3}', '{"groups": [["b", "a"]]}', '{"groups": [["x", "y"]]}'])
def test_a_damaged_memory_is_replaced(root: Path, content: str, caplog: pytest.LogCaptureFixture) -> None:
    first = run(root, group_copies=True).split.tolist()
    (file,) = (root.parent / "cache" / "near_copies").iterdir()
    whole = file.read_text()
    file.write_text(content)
    assert run(root, group_copies=True).split.tolist() == first
    assert file.read_text() == whole
    assert f"{file} is damaged: the images are compared again" in caplog.text


def test_a_ready_made_split_is_kept_and_its_near_copies_are_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root = tmp_path / "images"
    draw(root / "train", {"cat": [1] * 5, "dog": [1] * 5})
    draw(root / "val", {"cat": [2] * 2, "dog": []})
    found = run(root, group_copies=True)
    assert [path.partition("/")[0] for path in found.paths] == found.split.tolist()
    assert "4 images of val and test are near copies of training images: their accuracy is too good" in caplog.text


def test_a_class_of_near_copies_is_refused_with_the_reason(tmp_path: Path) -> None:
    root = draw(tmp_path / "images", {"cat": [1] * 9, "dog": [9, 9]})
    with pytest.raises(UserError) as caught:
        run(root, group_copies=True)
    assert str(caught.value).startswith(
        "data.root: too few images of class dog: it has 18, 2 of them different, which leaves none for "
    )
    assert str(caught.value).endswith(
        " With data.group_copies=true also near copies stay in one split; without it there is more to assign."
    )
    run(root)


def test_what_is_found_is_said(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run(root, group_copies=True)
    assert "Comparing 60 images with one another, once" in caplog.text
    assert "30 different images have near copies: 10 groups" in caplog.text
    (file,) = (root.parent / "cache" / "near_copies").iterdir()
    assert [len(group) for group in json.loads(file.read_text())["groups"]] == [3] * 10
