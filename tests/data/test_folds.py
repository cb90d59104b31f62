"""Folds and groups as properties: every image is tested once, stratified, and what belongs together stays together."""

import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from animal_cls import results
from animal_cls.data.dataset import load
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.table import locate
from animal_cls.data.splits import folds_of, split, together
from animal_cls.errors import UserError

Program = Callable[..., "CompletedProcess[str]"]


def content(*name: object) -> str:
    return hashlib.sha256(repr(name).encode()).hexdigest()


def arrays(found: list[tuple[str, str]]) -> dict[str, Any]:
    """Of (class, content): the labels, hashes and classes."""
    classes = sorted({name for name, _ in found})
    labels = np.array([classes.index(name) for name, _ in found], dtype=np.int64)
    return {"labels": labels, "hashes": np.array([one for _, one in found], dtype="U64"), "classes": classes}


def folds(found: list[tuple[str, str]], n: int, *, seed: int = 0) -> list[int]:
    return folds_of(**arrays(found), folds=n, split_seed=seed).tolist()


def sides(found: list[tuple[str, str]], *, fold: int, n: int = 5, val: float | str = 0.1, seed: int = 0) -> list[str]:
    settings: dict[str, Any] = {"val": val, "test": 0.1, "split_seed": seed, "predefined": None}
    return split(**arrays(found), **settings, folds=n, fold=fold).tolist()


def images(counts: dict[str, int]) -> list[tuple[str, str]]:
    return [(name, content(name, n)) for name, count in counts.items() for n in range(count)]


distinct = st.dictionaries(st.sampled_from("abcde"), st.integers(7, 40), min_size=2).map(images)
with_groups = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 15)), min_size=20, max_size=100).map(
    lambda drawn: [*images({"a": 12, "b": 12, "c": 12}), *((name, content("shared", n)) for name, n in drawn)]
)
patient = settings(deadline=None, max_examples=50)


@patient
@given(distinct, st.integers(2, 7), st.integers(0, 3))
def test_every_class_is_parted_as_evenly_as_it_can_be(found: list[tuple[str, str]], n: int, seed: int) -> None:
    of_class = Counter((name, fold) for (name, _), fold in zip(found, folds(found, n, seed=seed), strict=True))
    for name, total in Counter(name for name, _ in found).items():
        sizes = [of_class[name, fold] for fold in range(n)]
        assert sum(sizes) == total
        assert max(sizes) - min(sizes) <= 1


@patient
@given(with_groups, st.integers(2, 6))
def test_equal_contents_have_one_fold_and_every_fold_all_classes(found: list[tuple[str, str]], n: int) -> None:
    dealt = folds(found, n)
    assert len({(one, fold) for (_, one), fold in zip(found, dealt, strict=True)}) == len({one for _, one in found})
    assert len({(name, fold) for (name, _), fold in zip(found, dealt, strict=True)}) == 3 * n


def test_a_fold_follows_from_contents_alone() -> None:
    found = images({"a": 33, "b": 21})
    mixed = [found[k] for k in np.random.default_rng(0).permutation(len(found))]
    assert dict(zip(found, folds(found, 5), strict=True)) == dict(zip(mixed, folds(mixed, 5), strict=True))
    assert folds(found, 5) != folds(found, 5, seed=1)


def test_one_image_more_moves_few_others() -> None:
    """Classes are cut, not dealt out in turn."""
    found = images({"a": 100, "b": 100})
    before = dict(zip(found, folds(found, 5), strict=True))
    more = [*found, ("a", content("new"))]
    after = dict(zip(more, folds(more, 5), strict=True))
    assert sum(before[one] != after[one] for one in found) <= 4


@patient
@given(distinct, st.sampled_from([0.1, 0.2, "published"]))
def test_every_image_is_tested_in_one_fold_and_val_is_cut_from_the_rest(
    found: list[tuple[str, str]], val: float | str
) -> None:
    made = [sides(found, fold=fold, val=val) for fold in range(5)]
    assert all(sum(side == "test" for side in column) == 1 for column in zip(*made, strict=True))
    totals = Counter(name for name, _ in found)
    for one in made:
        n = Counter((name, side) for (name, _), side in zip(found, one, strict=True))
        for name, total in totals.items():
            left = total - n[name, "test"]
            assert n[name, "val"] == max(1, round(0.2 * left) if val == "published" else round(float(val) * total))


def test_other_folds_have_other_images_in_val() -> None:
    found = images({"a": 200, "b": 200})
    vals = [{one for one, side in zip(found, sides(found, fold=fold), strict=True) if side == "val"} for fold in (0, 1)]
    assert len(vals[0] & vals[1]) < 20, "as by chance: a tenth of 40"


def complaint(found: list[tuple[str, str]], **changes: Any) -> str:
    known: dict[str, Any] = {"val": 0.1, "test": 0.1, "split_seed": 0, "predefined": None, "folds": 5, "fold": 0}
    with pytest.raises(UserError) as caught:
        split(**arrays(found), **(known | changes))
    return str(caught.value)


def test_a_class_with_too_few_images_is_named() -> None:
    assert complaint(images({"a": 30, "owl": 4})) == (
        "data.folds=5: too few images of class owl: it has 4, 4 of them different or of different groups, which leaves "
        "none for some fold (copies of one image, and images of one group, stay in one split, in other classes too). "
        "Use fewer folds, add images of it, or take the class away."
    )


def test_a_predefined_split_has_no_folds() -> None:
    said = complaint(images({"a": 3, "b": 3}), predefined=np.array(["train", "test", "train"] * 2))
    assert said.startswith("data.folds=5: these images bring their own split, which says what is test. Leave data.fo")


MISTAKES = {
    "data.fold=2": "data.fold=2: one of how many? Give their number, too, e.g. data.folds=5 data.fold=2.",
    "data.folds=3": "data.folds=3: which of them is the test split of this run? data.fold=0 to 2; a run of each: "
    "--multirun data.folds=3 data.fold=0,1,2",
    "data.folds=3 data.fold=3": "data.fold=3: of data.folds=3 there are data.fold=0 to 2.",
    "data.folds=3 data.fold=-1": "data.fold=-1: of data.folds=3 there are data.fold=0 to 2.",
    "data.folds=1 data.fold=0": "data.folds=1: at least 2 are needed, e.g. data.folds=5.",
    "data.folds=2 data.fold=0 data.val=0.5": "data.val=0.5 data.folds=2: val and a fold together must stay below 1",
    "data.labels=x.csv": "data.labels=x.csv: data=toy has no use for it. data=table reads such a file.",
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_on_the_command_line_gets_one_message(program: Program, words: str) -> None:
    done = program(*words.split())
    assert done.returncode != 0
    assert MISTAKES[words] in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_linked_in_several_steps_is_together() -> None:
    """0 and 1 are equal, 1 and 2 of one group, 2 and 3 equal; 4 and 5 share no group, for "" is none."""
    hashes = np.array(["b", "b", "a", "a", "d", "c"])
    groups = np.array(["", "p1", "p1", "p2", "", ""])
    assert together(hashes, groups).tolist() == ["a", "a", "a", "a", "d", "c"]
    order = np.array([4, 2, 0, 5, 3, 1])
    assert together(hashes[order], groups[order]).tolist() == together(hashes, groups)[order].tolist()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """48 images of two classes in 12 groups of four, each with images of both classes; two equal files link two."""
    rows = ["path,label,group"]
    for n in range(48):
        grey = 40 if n == 44 else n  # of the groups p10 and p11
        Image.new("L", (64, 64), 5 * grey).save(tmp_path / f"{n:02d}.png")
        rows.append(f"{n:02d}.png,{'ab'[n % 2]},p{n // 4}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "labels.csv"


def splits_by_image(table: Path, tmp_path: Path, fold: int) -> dict[str, str]:
    chosen: dict[str, Any] = {"image_size": 8, "val": 0.2, "test": 0.1, "split_seed": 0, "max_bad_share": 0.0}
    source = locate(root=None, cache_dir=tmp_path, labels=str(table))
    found = load(source, DataSettings(**chosen, cache_dir=tmp_path / "c", folds=3, fold=fold), show_progress=False)
    return dict(zip(found.paths, found.split.tolist(), strict=True))


def test_each_group_is_tested_once_and_never_torn(table: Path, tmp_path: Path) -> None:
    tested: Counter[str] = Counter()
    for fold in range(3):
        split_of = splits_by_image(table, tmp_path, fold)
        of_group: dict[int, set[str]] = {}
        for name, side in split_of.items():
            of_group.setdefault(int(name[:2]) // 4, set()).add(side)
        assert all(len(found) == 1 for found in of_group.values())
        assert of_group[10] == of_group[11], "linked by equal files"
        assert {side for found in of_group.values() for side in found} == {"train", "val", "test"}
        tested.update(name for name, side in split_of.items() if side == "test")
    assert tested == Counter(f"{n:02d}.png" for n in range(48))


@pytest.mark.slow  # three trainings
def test_a_sweep_over_folds_has_a_run_of_each(program: Program, table: Path, tmp_path: Path) -> None:
    done = program(
        "--multirun", "data=table", f"data.labels={table}", "data.folds=3", "data.fold=0,1,2", "data.image_size=64",
        "trainer.max_epochs=1", "hydra.sweep.dir=sweep",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for fold in range(3):
        (run,) = (tmp_path / "sweep").glob(f"*data.fold={fold}*")
        said = results.read_predictions(run)
        tested = [path for path, side in zip(said.paths, said.splits.tolist(), strict=True) if side == "test"]
        assert 12 <= len(tested) <= 20
        assert (tmp_path / f"sweep/tensorboard/simple_cnn/none/fold={fold}/seed=0").exists()
