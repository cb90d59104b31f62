"""Arrays as a data source: the right labels, splits and pixels, and one message for each mistake."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animal_cls.data.audit.audit import audit_images
from animal_cls.data.audit.page import render
from animal_cls.data.audit.text import text
from animal_cls.data.dataset import ImageSet, load
from animal_cls.data.module import ImageDataModule
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.arrays import ArraySource
from animal_cls.data.sources.source import list_images
from animal_cls.errors import UserError
from animal_cls.training.instantiate import call

N = 40
CLASSES = ["owl", "cat"]  # not in the order of their names: that of the labels counts


def noise(n: int = N, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, *(shape or (12, 10, 3))), dtype=np.uint8)


IMAGES, LABELS = noise(), np.arange(N) % 2


def settings(folder: Path, **changes: Any) -> DataSettings:
    chosen: dict[str, Any] = {"image_size": 8, "val": 0.2, "test": 0.1, "split_seed": 0, "max_bad_share": 0.0}
    chosen |= {"cache_dir": folder}
    return DataSettings(**(chosen | changes))


def run(folder: Path, source: ArraySource, **changes: Any) -> ImageSet:
    return load(source, settings(folder, **changes), show_progress=False)


def test_batches_carry_the_labels_and_pixels_of_the_arrays(tmp_path: Path) -> None:
    """As if the arrays had been saved as PNG files in class folders."""
    for index, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        file = tmp_path / "images" / CLASSES[label] / f"{index:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    files = load(tmp_path / "images", settings(tmp_path), show_progress=False)
    source = ArraySource(images=IMAGES, labels=LABELS, classes=CLASSES)
    data = ImageDataModule(lambda: source, settings(tmp_path), batch_size=7, seed=0)
    data.prepare_data()
    assert data.images.classes == CLASSES
    assert data.images.paths == [f"{name}/{k:02d}" for name in CLASSES for k in range(N) if CLASSES[k % 2] == name]
    row = {path.removesuffix(".png"): index for index, path in enumerate(files.paths)}
    seen = 0
    for batch in [*data.train_dataloader(), *data.val_dataloader(), *data.test_dataloader()]:
        for pixels, label, index in zip(batch.images, batch.labels, batch.indices, strict=True):
            path = data.images.paths[index]
            assert path.split("/")[0] == CLASSES[label]
            np.testing.assert_array_equal(pixels.permute(1, 2, 0), files.take(np.array([row[path]]))[0])
            seen += 1
    assert seen == N
    assert {split: len(data.indices(split)) for split in ("train", "val", "test")} == {"train": 28, "val": 8, "test": 4}


@pytest.mark.parametrize("shape", [(8, 8, 3), (8, 8), (12, 9)])
def test_arrays_of_any_size_and_grey_ones_become_squares(tmp_path: Path, shape: tuple[int, ...]) -> None:
    images = noise(N, *shape)
    found = run(tmp_path, ArraySource(images=images, labels=LABELS, classes=CLASSES))
    pixels = found.take(np.arange(N))
    assert (pixels.shape, pixels.dtype) == ((N, 8, 8, 3), np.uint8)
    order = [int(path.split("/")[1]) for path in found.paths]
    if shape[:2] == (8, 8):
        whole = images if len(shape) == 3 else np.repeat(images[..., None], 3, axis=-1)
        np.testing.assert_array_equal(pixels, whole[order])
    else:
        assert (pixels == pixels[..., :1]).all()


def test_splits_and_fingerprint_are_decided_by_the_contents_alone(tmp_path: Path) -> None:
    source = ArraySource(images=IMAGES, labels=LABELS, classes=CLASSES)
    order = np.random.default_rng(1).permutation(N)
    other = ArraySource(images=IMAGES[order], labels=LABELS[order], classes=CLASSES, names=[f"n{k}" for k in order])
    first, second = run(tmp_path, source), run(tmp_path, other, image_size=16, group_copies=True, cache=False)
    splits = [dict(zip(found.hashes.tolist(), found.split.tolist(), strict=True)) for found in (first, second)]
    assert splits[0] == splits[1]
    assert first.fingerprint == second.fingerprint
    changed = IMAGES.copy()
    changed[3, 0, 0, 0] ^= 1
    assert run(tmp_path, ArraySource(images=changed, labels=LABELS)).fingerprint != first.fingerprint


def test_a_split_that_is_brought_along_is_kept(tmp_path: Path) -> None:
    split = ["validation" if k < 6 else "Train" for k in range(N)]
    found = run(tmp_path, ArraySource(images=IMAGES, labels=LABELS, classes=CLASSES, split=split))
    assert {int(path.split("/")[1]) for path, name in zip(found.paths, found.split, strict=True) if name == "val"} == {
        *range(6)
    }
    assert set(found.split) == {"train", "val"}


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["b", "a"] * 20, ["a", "b"]),
        ([10, 9] * 20, ["9", "10"]),
        (["10", "9"] * 20, ["9", "10"]),
        (np.array([3, 1], dtype=np.uint8).repeat(20), ["1", "3"]),
    ],
)
def test_classes_are_called_as_the_labels_are(tmp_path: Path, labels: Any, classes: list[str]) -> None:
    found = run(tmp_path, ArraySource(images=IMAGES, labels=labels))
    assert found.classes == classes
    for path, label in zip(found.paths, found.labels, strict=True):
        assert str(labels[int(path.split("/")[1])]) == classes[label]


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "list": ({"images": [1]}, "images are a list; a numpy array is needed."),
    "shape": ({"images": IMAGES[0, 0]}, "images have the shape (10, 3); (N, H, W, 3) or (N, H, W) is needed."),
    "first": (
        {"images": IMAGES.transpose(0, 3, 1, 2)},
        "images have the shape (40, 3, 12, 10); (N, H, W, 3) or (N, H, W) is needed. "
        "Colours come last: images.transpose(0, 2, 3, 1).",
    ),
    "dtype": ({"images": IMAGES / 255}, "images are float64; uint8 from 0 to 255 is needed."),
    "none": ({"images": IMAGES[:0], "labels": []}, "images have the shape (0, 12, 10, 3): there are none."),
    "count": ({"labels": LABELS[1:]}, "39 labels of 40 images; one of each is needed."),
    "kind": ({"labels": LABELS / 2}, "label 0 is 0.0, a float64; a whole number or a name is needed."),
    "mixed": ({"labels": ["a", 1] * 20}, "some labels are numbers and some are names; all of one kind are needed."),
    "empty": ({"labels": ["a", ""] * 20}, "image 1 has no label."),
    "unknown": ({"labels": LABELS + 1}, "labels that are none of the 2 classes: 2."),
    "one": ({"labels": [7] * N, "classes": None}, "one class only, 7. At least two are needed."),
    "twice": ({"classes": ["a", "a"]}, "two classes have one name: a, a."),
    "names": ({"names": ["x"] * N}, "names that several images have: x."),
    "split": (
        {"split": ["train"] * 39 + ["tset"]},
        "no such split: tset. Each image needs train, val or test, or none has a split.",
    ),
    "partly": (
        {"split": ["train"] * 39 + [""]},
        "no such split: (empty). Each image needs train, val or test, or none has a split.",
    ),
    "alone": ({"split": ["val"] * N}, "all images are in val; train and one of val and test are needed."),
    "untrained": ({"split": ["train", "test"] * 20}, "no images of cat are in train. Put some there."),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_message(mistake: str) -> None:
    changes, message = MISTAKES[mistake]
    source = ArraySource(**({"images": IMAGES, "labels": LABELS, "classes": CLASSES} | changes))
    with pytest.raises(UserError) as caught:
        list_images(source, follow_links=False)
    assert re.sub(r"np\.float64\((.*?)\)", r"\1", str(caught.value)) == f"data.source: {message}"


def test_what_is_no_source_is_refused() -> None:
    with pytest.raises(UserError) as caught:
        list_images(3, follow_links=False)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "data.source: returned a int; a folder (Path), an ArraySource or a TableSource is needed."
    )


def test_a_function_of_ones_own_is_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mylib.py").write_text(
        "import numpy as np\n"
        "from animal_cls.data.sources.arrays import ArraySource\n\n"
        "def numbers(*, root, cache_dir, n):\n"
        "    images = np.random.default_rng(0).integers(0, 256, (n, 9, 9), dtype=np.uint8)\n"
        "    return ArraySource(images=images, labels=np.arange(n) % 3)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    source = call({"_target_": "mylib.numbers", "n": 30}, "data.source", root=None, cache_dir=tmp_path)
    found = run(tmp_path, source)
    assert (len(found.paths), found.classes) == (30, ["0", "1", "2"])
    assert not list(tmp_path.glob("decoded")), "arrays need no cache"


def test_images_that_a_limit_leaves_out_are_in_no_other_split(tmp_path: Path) -> None:
    images = IMAGES.copy()
    images[2::2] = images[0]  # nearly all owls are copies
    images[4] = IMAGES[4]
    images[6] = IMAGES[6]
    source = ArraySource(images=images, labels=LABELS, classes=CLASSES)
    chosen = settings(tmp_path, limit=3)
    found = run(tmp_path, source, limit=3)
    audit = audit_images(list_images(source, follow_links=False), found, chosen)
    kinds = {finding.kind for finding in audit.findings}
    assert set(audit.facts.splits) == {"", "train", "val", "test"}
    assert "copies_within_class" in kinds
    assert "copies_across_splits" not in kinds


def test_arrays_are_audited_like_files(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    images = IMAGES.copy()
    images[5] = images[4]  # of another class
    images[7] = 200  # blank
    source, chosen = ArraySource(images=images, labels=LABELS, classes=CLASSES), settings(tmp_path)
    audit = audit_images(list_images(source, follow_links=False), run(tmp_path, source), chosen)
    kinds = {finding.kind: finding.files for finding in audit.findings}
    assert (kinds["copies_across_classes"], kinds["blank"]) == (2, 1)
    assert "wrong_extension" not in kinds
    assert text(audit).startswith("40 images of 2 classes in arrays\n")
    assert "formats  array 40\n" in text(audit)
    assert "data:image/jpeg;base64," in render(audit)


def test_groups_of_arrays_stay_in_one_split_and_may_be_numbers(tmp_path: Path) -> None:
    groups = np.arange(N) // 4
    images = run(tmp_path, ArraySource(images=IMAGES, labels=LABELS, classes=CLASSES, groups=groups))
    of_group: dict[int, set[str]] = {}
    for path, split in zip(images.paths, images.split.tolist(), strict=True):
        of_group.setdefault(int(groups[int(path.partition("/")[2])]), set()).add(split)
    assert all(len(found) == 1 for found in of_group.values())
    with pytest.raises(UserError, match=r"^data\.source: 3 groups of 40 images; one of each is needed\.$"):
        ArraySource(images=IMAGES, labels=LABELS, groups=[1, 2, 3]).listing()
