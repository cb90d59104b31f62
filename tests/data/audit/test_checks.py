"""Each check finds what was put there for it, and nothing else."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animal_cls.data.audit.findings import SEVERITIES, Finding
from animal_cls.data.audit.record import Audit
from animal_cls.data.decode import FORMATS
from animal_cls.errors import UserError

Draw = Callable[[int], Image.Image]
Inspect = Callable[..., Audit]


def finding(audit: Audit, kind: str) -> Finding:
    (one,) = [found for found in audit.findings if found.kind == kind]
    return one


def names(audit: Audit, kind: str) -> list[list[str]]:
    return [sorted(item.path for item in group) for group in finding(audit, kind).groups]


def notes(audit: Audit, kind: str) -> dict[str, str]:
    return {item.path: item.note for group in finding(audit, kind).groups for item in group}


def test_each_kind_is_found_once_and_the_worst_comes_first(found: Audit) -> None:
    kinds = [one.kind for one in found.findings]
    expected = {
        "copies_across_classes", "near_copies_across_classes", "unreadable", "links_not_followed", "blank", "tiny",
        "copies_within_class", "smaller", "not_compared", "large", "wrong_extension", "animated",
    }  # fmt: skip
    near = {"near_copies_across_splits", "near_copies_within_class"}  # as chance deals the mirrored pair
    assert expected <= set(kinds) <= expected | near
    assert len(kinds) == len(set(kinds))
    severities = [list(SEVERITIES).index(one.severity) for one in found.findings]
    assert severities == sorted(severities)


def test_equal_files_are_found(found: Audit) -> None:
    assert names(found, "copies_across_classes") == [["cat/dog's.png", "dog/1.png"]]
    assert names(found, "copies_within_class") == [["dog/0.png", "dog/copy.png"]]


def test_near_copies_are_found(found: Audit) -> None:
    assert names(found, "near_copies_across_classes") == [["cat/like a dog.webp", "dog/3.png"]]
    all_near = [group for one in found.findings if one.kind.startswith("near") for group in names(found, one.kind)]
    assert ["cat/2.png", "cat/mirrored.jpg"] in all_near
    assert {"cat/blank.png", "cat/tiny.bmp"} & {path for group in all_near for path in group} == set()


def test_images_with_little_to_see_are_found(found: Audit) -> None:
    assert notes(found, "blank") == {"cat/blank.png": "64 x 64"}
    assert notes(found, "tiny") == {"cat/tiny.bmp": "12 x 12"}
    assert notes(found, "smaller") == {"cat/small.png": "20 x 20"}
    assert notes(found, "large") == {"cat/large.jpg": "5,100 x 5,000"}


def test_formats_are_told(found: Audit) -> None:
    assert notes(found, "wrong_extension") == {"cat/png.jpg": "is PNG"}
    assert notes(found, "animated") == {"cat/animated.png": "64 x 64"}


def test_unreadable_files_are_named_with_the_reason(found: Audit, hostile: tuple[str, ...]) -> None:
    reason = f"not an image ({', '.join(FORMATS)} can be read)"
    assert notes(found, "unreadable") == {f"cat/{name}": reason for name in hostile}
    assert finding(found, "unreadable").severity == "warning"


def test_links_are_named(found: Audit) -> None:
    assert names(found, "links_not_followed") == [["cat/link.png"]]


def test_what_is_counted(found: Audit) -> None:
    numbers = found.overview
    assert {name: row["images"] for name, row in numbers.classes.items()} == {"cat": 49, "dog": 41}
    assert all(row["train"] + row["val"] + row["test"] == row["images"] for row in numbers.classes.values())
    assert numbers.formats == {"PNG": 86, "JPEG": 2, "WEBP": 1, "BMP": 1}
    assert numbers.colours == {"RGB": 89, "grey": 1}
    assert numbers.width
    assert (numbers.width.min, numbers.width.median, numbers.width.max) == (12, 64, 5100)
    assert sum(numbers.shapes.values()) == found.n == 90
    assert numbers.shapes["0.7 to 0.9"] == 1  # 70 x 84
    assert numbers.shapes["about square"] == 89
    assert [one.path for one in found.facts.unused] == ["cat/notes.txt"]


def test_images_are_not_decoded_for_their_headers_nor_kept_where_nothing_may_be_written(
    everything: Path, found: Audit, audited: Inspect
) -> None:
    before = sorted(everything.parent.rglob("*"))
    again = audited(everything, None)
    assert sorted(everything.parent.rglob("*")) == before
    assert again.findings == found.findings
    assert again.overview == found.overview


@pytest.fixture
def plain(tmp_path: Path, draw: Draw) -> Path:
    """Ten different images a class."""
    for number, name in enumerate(("cat", "dog")):
        (tmp_path / "images" / name).mkdir(parents=True)
        for k in range(10):
            draw(100 * number + k).save(tmp_path / "images" / name / f"{k}.png")
    return tmp_path / "images"


def test_where_there_is_nothing_to_find_nothing_is_found(plain: Path, audited: Inspect) -> None:
    assert audited(plain, plain.parent / "cache").findings == []


@pytest.mark.parametrize("grouped", [False, True])
def test_near_copies_across_splits_go_away_when_they_are_grouped(
    plain: Path, audited: Inspect, draw: Draw, grouped: bool
) -> None:
    for k in range(10):
        draw(k).save(plain / "cat" / f"{k}.jpg", quality=80)
    audit = audited(plain, plain.parent / "cache", group_copies=grouped)
    kinds = {one.kind for one in audit.findings}
    assert ("near_copies_across_splits" in kinds) == (not grouped)
    if not grouped:
        assert finding(audit, "near_copies_across_splits").advice.endswith(
            "data.group_copies=true keeps each group in one split."
        )
    sides = [{item.split for item in group} for one in audit.findings for group in one.groups]
    assert (max(map(len, sides)) > 1) == (not grouped)


def test_copies_across_a_ready_made_split_are_severe(plain: Path, audited: Inspect, draw: Draw) -> None:
    made = plain.parent / "made"
    shutil.copytree(plain, made / "train")
    (made / "test" / "cat").mkdir(parents=True)
    shutil.copy(plain / "cat" / "0.png", made / "test" / "cat" / "0.png")
    draw(1).save(made / "test" / "cat" / "like 1.jpg", quality=70)
    audit = audited(made, plain.parent / "cache")
    assert names(audit, "copies_across_splits") == [["test/cat/0.png", "train/cat/0.png"]]
    assert names(audit, "near_copies_across_splits") == [["test/cat/like 1.jpg", "train/cat/1.png"]]
    assert [one.severity for one in audit.findings] == ["severe", "severe"]
    assert "move each group into one split" in finding(audit, "near_copies_across_splits").advice


def test_images_that_no_run_can_use_are_looked_at_all_the_same(plain: Path, audited: Inspect) -> None:
    for k in range(6):
        (plain / "cat" / f"{k}.png").write_bytes(b"")
    audit = audited(plain, plain.parent / "cache", max_bad_share=0.1)
    assert isinstance(audit.facts.trouble, UserError)
    assert finding(audit, "unreadable").severity == "severe"
    assert audit.overview.classes == {"cat": {"images": 4}, "dog": {"images": 10}}


def test_a_folder_of_which_nothing_can_be_read_is_looked_at(tmp_path: Path, audited: Inspect) -> None:
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        (tmp_path / "images" / name / "1.jpg").write_bytes(b"")
    audit = audited(tmp_path / "images", tmp_path / "cache")
    assert [one.kind for one in audit.findings] == ["unreadable"]
    assert audit.overview.width is None
    assert audit.n == 0


def test_of_a_large_group_each_class_and_split_comes_first(plain: Path, audited: Inspect, draw: Draw) -> None:
    """Where only the first are shown, the one that makes it a finding must be among them."""
    for k in range(20):
        draw(0).save(plain / "cat" / f"a{k:02d}.jpg", quality=60 + k)
    draw(0).save(plain / "dog" / "zz.jpg", quality=50)
    audit = audited(plain, plain.parent / "cache", group_copies=True)
    (group,) = finding(audit, "near_copies_across_classes").groups
    assert len(group) == 22
    assert [item.class_name for item in group[:2]] == ["cat", "dog"]


def test_many_near_copies_are_one_group(tmp_path: Path, audited: Inspect, draw: Draw) -> None:
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
    pixels = np.asarray(draw(1))
    for k in range(60):
        changed = pixels.copy()
        changed[0, 0] = k  # not equal, but near
        Image.fromarray(changed).save(tmp_path / "images" / "a" / f"{k}.png")
        draw(100 + k).save(tmp_path / "images" / "b" / f"{k}.png")
    groups: list[Any] = list(finding(audited(tmp_path / "images", None), "near_copies_across_splits").groups)
    assert list(map(len, groups)) == [60]
