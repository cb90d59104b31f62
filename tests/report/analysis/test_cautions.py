"""What stands beside the answer: networks at chance, few images, the published split of other images."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from animal_cls.report.build import build_study
from animal_cls.results import LabelNoise

Write = Callable[..., Path]
Share = Callable[[int, int], list[bool]]


def test_a_network_that_says_one_class_of_everything_is_said(tmp_path: Path, write_run: Write, share: Share) -> None:
    lost = {"cat": share(30, 30), "dog": share(0, 30)}
    for seed, val in enumerate((lost, lost, {"cat": share(20, 30), "dog": share(20, 30)})):
        write_run(tmp_path / f"{seed}", {"train": val, "val": val}, seed=seed)
    (told,) = build_study([tmp_path]).cautions
    assert told.startswith("simple_cnn/none: 2 of 3 runs take every image of val for cat: they are at chance")


def test_a_network_no_better_than_a_die_is_said(tmp_path: Path, write_run: Write, share: Share) -> None:
    write_run(tmp_path / "a", {"val": {"cat": share(10, 30), "dog": share(20, 30)}})
    (told,) = build_study([tmp_path]).cautions
    assert told == "simple_cnn/none: 1 of 1 run recognises the classes of val no more often than chance does."


def test_few_images_of_a_class_are_said(tmp_path: Path, write_run: Write, share: Share) -> None:
    write_run(tmp_path / "a", {"val": {"cat": share(20, 25), "dog": share(4, 5), "owl": share(18, 19)}})
    (told,) = build_study([tmp_path]).cautions
    assert told.startswith(
        "2 of 3 classes have fewer than 20 images in val (dog 5, owl 19): one image more or less is 20"
    )
    more = {"val": {"cat": share(20, 25), "dog": share(20, 25), "owl": share(18, 19)}}
    write_run(tmp_path / "b", more, changes={"data.limit": 90}, data_fingerprint="e" * 64)
    told = " ".join(build_study([tmp_path]).cautions)
    assert re.findall(r"(simple_cnn/none .*?\)): (\d) of 3 classes have fewer", told) == [
        ("simple_cnn/none (data.limit=90)", "1"),
        ("simple_cnn/none (data.limit=null)", "2"),
    ]


@pytest.mark.parametrize("share_of_test", ["published", 0.1])
def test_the_published_split_of_other_images_is_said(
    tmp_path: Path, write_run: Write, share: Share, share_of_test: object
) -> None:
    hits = {"val": {"cat": share(20, 25), "dog": share(20, 25)}}
    write_run(tmp_path / "a", hits, changes={"data.val": "published", "data.test": share_of_test})
    (told,) = build_study([tmp_path]).cautions
    keys = "data.val=published" + " and data.test=published" * (share_of_test == "published")
    assert told.startswith(f"{keys}: the published split was made for Animals-10, and these are other images")


def test_only_the_runs_without_test_images_are_in_no_verdict_on_test(
    tmp_path: Path, write_run: Write, share: Share
) -> None:
    hits = {split: {"cat": share(20, 25), "dog": share(20, 25)} for split in ("val", "test")}
    for seed in range(4):
        write_run(tmp_path / f"none{seed}", hits, seed=seed)
        for reg, tested in (("dropout", 3), ("l2", 1)):
            write_run(tmp_path / f"{reg}{seed}", hits if seed < tested else {"val": hits["val"]}, reg=reg, seed=seed)
    told = build_study([tmp_path]).cautions
    assert [text for text in told if "no verdict" in text] == [
        "simple_cnn/dropout: 1 of its 4 runs has no test images, so this run is in no verdict on test.",
        "simple_cnn/l2: 3 of its 4 runs have no test images, so these runs are in no verdict on test.",
    ]


def test_where_nothing_spoils_it_nothing_is_said(tmp_path: Path, write_run: Write, share: Share) -> None:
    write_run(tmp_path / "a", {"val": {"cat": share(20, 25), "dog": share(20, 25)}})
    study = build_study([tmp_path])
    assert study.cautions == ()
    assert (
        study.reading_aid.endswith("One seed cannot tell chance from a finding (simple_cnn/none)") or study.reading_aid
    )


def test_of_wrong_labels_it_is_said_how_many_are_learnt(tmp_path: Path, write_run: Write, share: Share) -> None:
    hits = {"train": {"cat": share(20, 25), "dog": share(20, 25)}, "val": {"cat": share(20, 25), "dog": share(20, 25)}}
    for seed, repeated in enumerate((0.5, 0.7)):
        noise = LabelNoise(images=50, replaced=10, acc=0.9, repeated=repeated)
        write_run(tmp_path / f"{seed}", hits, seed=seed, changes={"data.label_noise": 0.2}, label_noise=noise)
    study = build_study([tmp_path])
    (told,) = study.cautions
    assert told.startswith("data.label_noise: training labels are wrong on purpose. Accuracies are by the true ones")
    assert told.endswith("Of the wrong labels are repeated: simple_cnn/none 60.0 %.")
    gap = next(row for row in study.arm_rows if row.metric == "gap")
    assert gap.mean == pytest.approx(0.9 - 0.8), "by the labels that were given"


def test_of_many_arms_at_chance_some_are_named(tmp_path: Path, write_run: Write, share: Share) -> None:
    for k in range(7):
        hits = {"val": {"cat": share(30, 30), "dog": share(0, 30)}}
        write_run(tmp_path / str(k), hits, changes={"optimizer.lr": 0.01 * (k + 1)})
    told = build_study([tmp_path]).cautions
    assert sum("takes every image of val for cat" in sentence for sentence in told) == 5
    assert "2 more arms are at chance: the networks have not learned, whatever regularizes them." in told
