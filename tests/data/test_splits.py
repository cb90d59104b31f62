"""Splits as properties: every image once, stratified, decided by contents alone, copies never on two sides."""

import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animal_cls.data.sources.animals10 import RELEASE
from animal_cls.data.splits import fingerprint, split
from animal_cls.errors import UserError

# "images that the report lists": what is left of the release without the unseen test set.
REPORT = {
    "butterfly": 2012,
    "cat": 1528,
    "chicken": 2998,
    "cow": 1766,
    "dog": 4763,
    "elephant": 1346,
    "horse": 2523,
    "sheep": 1720,
    "spider": 4721,
    "squirrel": 1762,
}


def content(*name: object) -> str:
    return hashlib.sha256(repr(name).encode()).hexdigest()


Images = list[tuple[str, str]]  # class, content


def images(counts: dict[str, int]) -> Images:
    """No two alike."""
    return [(name, content(name, n)) for name, count in counts.items() for n in range(count)]


def deal(
    found: Images, *, val: float | str = 0.1, test: float | str = 0.1, seed: int = 0, predefined=None
) -> list[str]:
    classes = sorted({name for name, _ in found})
    labels = np.array([classes.index(name) for name, _ in found], dtype=np.int64)
    hashes = np.array([content for _, content in found], dtype="U64")
    made = None if predefined is None else np.array(predefined)
    sides = split(labels, hashes, classes=classes, val=val, test=test, split_seed=seed, predefined=made)
    assert sides.shape == labels.shape
    return sides.tolist()


def counted(found: Images, sides: list[str]) -> dict[tuple[str, str], int]:
    """(class, side) -> images."""
    return Counter((name, side) for (name, _), side in zip(found, sides, strict=True))


distinct = st.dictionaries(st.sampled_from("abcde"), st.integers(5, 40), min_size=2).map(images)
fractions = st.floats(0.01, 0.39)
seeds = st.integers(0, 2**32)
patient = settings(deadline=None)  # other processes may hold the machine


@patient
@given(distinct, fractions, fractions | st.just(0.0), seeds)
def test_each_class_is_cut_at_the_fractions(found: Images, val: float, test: float, seed: int) -> None:
    sides = deal(found, val=val, test=test, seed=seed)
    assert set(sides) <= {"train", "val", "test"}
    table = counted(found, sides)
    for name, n in Counter(name for name, _ in found).items():
        expected_val, expected_test = max(1, round(val * n)), max(1, round(test * n)) if test else 0
        assert (table[name, "val"], table[name, "test"]) == (expected_val, expected_test)
        assert table[name, "train"] == n - expected_val - expected_test


@patient
@given(distinct, st.randoms(), seeds)
def test_order_and_file_names_do_not_matter(found: Images, chance, seed: int) -> None:
    """`split` never sees a name; so another order is all that renaming can do."""
    before = dict(zip(found, deal(found, seed=seed), strict=True))
    shuffled = chance.sample(found, len(found))
    assert dict(zip(shuffled, deal(shuffled, seed=seed), strict=True)) == before


def test_a_image_more_moves_few_others() -> None:
    """What a plain random permutation would not do: the sets of two versions of a data set hardly mix."""
    found = images({"a": 200, "b": 200})
    before = dict(zip(found, deal(found), strict=True))
    grown = [*found, ("a", content("new"))]
    after = dict(zip(grown, deal(grown), strict=True))
    assert sum(before[image] != after[image] for image in found) <= 2


def test_the_seed_decides_and_zero_is_a_seed() -> None:
    found = images({"a": 100, "b": 100})
    assert deal(found, seed=0) == deal(found, seed=0)
    overlap = [one == "test" == other for one, other in zip(deal(found, seed=0), deal(found, seed=1), strict=True)]
    assert sum(overlap) < 10  # 2 expected of 20


def test_test_is_cut_first() -> None:
    """So val can be chosen anew without touching the test set."""
    found = images({"a": 50, "b": 30})
    tests = [{p for p, side in zip(found, deal(found, val=val), strict=True) if side == "test"} for val in (0.1, 0.5)]
    assert tests[0] == tests[1]


with_copies = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 25)), min_size=30, max_size=150).map(
    lambda drawn: [*images({"a": 8, "b": 8, "c": 8}), *((name, content("shared", n)) for name, n in drawn)]
)


@patient
@given(with_copies, fractions, fractions, seeds)
def test_copies_never_lie_on_two_sides(found: Images, val: float, test: float, seed: int) -> None:
    """Also copies in two classes; and every class still has all three sides."""
    sides = deal(found, val=val, test=test, seed=seed)
    placed = {(copied, side) for (_, copied), side in zip(found, sides, strict=True)}
    assert len(placed) == len({copied for copied, _ in placed})
    assert {(name, side) for (name, _), side in zip(found, sides, strict=True)} == {
        (name, side) for name in "abc" for side in ("train", "val", "test")
    }


def test_copies_count_towards_the_quota() -> None:
    """b has ten images of its own and ten of a's: what a decided is filled up to b's quota of 5, or already above."""
    shared = [content("shared", n) for n in range(10)]
    found = [*(("a", c) for c in shared), *(("b", c) for c in shared), *images({"b": 10})]
    for seed in range(20):
        sides = deal(found, val=0.25, test=0.25, seed=seed)
        table = counted(found, sides)
        assert [table["a", side] for side in ("train", "val", "test")] == [6, 2, 2]
        assert [table["b", side] for side in ("train", "val", "test")] == [10, 5, 5]


def test_copies_that_overfill_a_quota_stay_together() -> None:
    found = [("a", content(n)) for n in range(4)] + [("b", content("x", n)) for n in (1, 1, 1, 2, 2, 2, 3, 3, 3)]
    table = counted(found, deal(found, val=0.1, test=0.1))
    assert [table["b", side] for side in ("train", "val", "test")] == [3, 3, 3]


def test_published_counts_are_the_reports() -> None:
    found = images({name: release.files for name, release in RELEASE.items()})
    table = counted(found, deal(found, val="published", test="published"))
    for name, listed in REPORT.items():
        assert table[name, "train"] + table[name, "val"] == listed
        assert table[name, "val"] == round(0.2 * listed)
        assert table[name, "test"] == (140 if name == "cat" else 100)
    assert sum(table[name, "test"] for name in REPORT) == 1040


def test_published_fractions_for_any_other_data() -> None:
    found = images({"cat": 100, "dog": 200})
    table = counted(found, deal(found, val="published", test="published"))
    assert [table["cat", side] for side in ("train", "val", "test")] == [77, 19, 4]
    assert [table["dog", side] for side in ("train", "val", "test")] == [154, 38, 8]


def test_a_ready_made_split_is_kept_and_its_val_with_it() -> None:
    found = images({"a": 6, "b": 6})
    made = ["train", "train", "val", "test", "val", "train"] * 2
    assert deal(found, predefined=made, val=0.5) == made


@patient
@given(seeds)
def test_a_missing_val_is_cut_from_train(seed: int) -> None:
    found = images({"a": 20, "b": 12})
    made = ["test" if n % 4 == 0 else "train" for n in range(32)]
    sides = deal(found, predefined=made, val=0.2, seed=seed)
    assert [n for n, side in enumerate(sides) if side == "test"] == list(range(0, 32, 4))
    table = counted(found, sides)
    assert (table["a", "val"], table["b", "val"]) == (3, 2)  # a fifth of 15 and of 9


def complaint(found: Images, **how) -> str:
    with pytest.raises(UserError) as caught:
        deal(found, **how)
    return str(caught.value)


def test_a_class_that_is_too_small_is_named() -> None:
    assert complaint(images({"a": 30, "owl": 2})) == (
        "data.root: too few images of class owl: it has 2, and 1 in test, 1 in val leave none to train on "
        "(data.val=0.1, data.test=0.1). Add images of it, take the class away, or lower data.val or data.test "
        "(data.test=0 makes no test set)."
    )
    assert counted(found := images({"a": 30, "owl": 2}), deal(found, test=0))["owl", "train"] == 1


def test_a_class_of_copies_is_named() -> None:
    found = [*images({"a": 30}), *[("owl", content("one"))] * 20, ("owl", content("two"))]
    assert complaint(found).startswith(
        "data.root: too few images of class owl: it has 21, 2 of them different, which leaves none for test "
        "(copies of one image, and images of one group, stay in one split, in other classes too). Add images of it, "
    )
    assert counted(found, deal(found, test=0))["owl", "val"] == 1


def test_a_class_without_readable_training_images_is_named() -> None:
    found = images({"a": 2, "b": 1})
    expected = "data.root: class b has no readable image in train. Put one there."
    assert complaint(found, predefined=["train", "val", "val"]) == expected


def test_fingerprint_is_that_of_classes_and_contents() -> None:
    pairs = [("a", content(1)), ("b", content(2)), ("a", content(3))]
    classes = ["a", "b"]
    hashes = np.array([c for _, c in pairs])
    print_of = fingerprint(np.array([0, 1, 0]), hashes, classes)
    assert print_of == hashlib.sha256("".join(f"{n}\0{c}\n" for n, c in sorted(pairs)).encode()).hexdigest()
    assert print_of == fingerprint(np.array([0, 0, 1]), hashes[[2, 0, 1]], classes)  # another order
    assert print_of == fingerprint(np.array([1, 0, 1]), hashes, ["b", "a"])  # other numbers for the classes
    assert print_of != fingerprint(np.array([0, 1, 1]), hashes, classes)
