"""What a name says of a split, and that it says nothing where that is not certain."""

import numpy as np
import pytest

from animal_cls.data.sources.labels import predefined
from animal_cls.data.sources.split_names import meaning, splits_of
from animal_cls.errors import UserError


@pytest.mark.parametrize(
    ("split", "names"),
    [
        ("train", "train Training TRAIN training_set trainset TrainImages seg_train train2017 01_train train_data trn"),
        ("train", "train+val trainval train_val TrainVal"),  # val is cut from them
        ("val", "val valid Validation valset val2017 dev dev_set development"),
        ("test", "test Testing test_set TestSet seg_test tst testing-data"),
        ("eval", "eval evaluation holdout"),
    ],
)
def test_names_of_splits(split: str, names: str) -> None:
    for name in names.split():
        found = meaning(name)
        assert found is not None, name
        assert found.split == split, name


@pytest.mark.parametrize(
    "name", ["valley", "contest", "Testament", "devil", "trainer", "fold_1", "train_test", "test or val", "", "1"]
)
def test_other_names_say_nothing(name: str) -> None:
    assert meaning(name) is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["train", "dev", "eval"], {"train": "train", "dev": "val", "eval": "test"}),
        (["train", "eval", "test"], {"train": "train", "eval": "val", "test": "test"}),
        (["train", "eval"], {"train": "train"}),  # it may be either
        (["cat", "Training"], {"Training": "train"}),
    ],
)
def test_eval_is_what_the_others_are_not(names: list[str], expected: dict[str, str]) -> None:
    assert splits_of(names) == expected


def test_a_table_may_call_splits_so_too() -> None:
    labels = np.array([0, 1, 0, 1])
    found = predefined(["Training", "trainset", "dev", "Eval"], labels, ["a", "b"], where="x")
    assert found is not None
    assert found.tolist() == ["train", "train", "val", "test"]
    with pytest.raises(UserError, match="x: no such split: eval"):
        predefined(["train", "train", "eval", "eval"], labels, ["a", "b"], where="x")
