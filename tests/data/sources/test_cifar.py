"""CIFAR-10 and CIFAR-100 from a made-up archive in torchvision's format, from folders, and without either."""

import hashlib
import pickle
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from animal_cls.commands.train import compose
from animal_cls.data.dataset import ImageSet, load
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.cifar import locate
from animal_cls.errors import UserError

# From Python 3.12 on, of torchvision's own unpacking; it is shown to nobody who does not ask for it.
pytestmark = pytest.mark.filterwarnings("ignore:Python 3.14 will, by default, filter extracted tar archives")

KINDS = {10: datasets.CIFAR10, 100: datasets.CIFAR100}
EACH = 6  # images of each class and batch


def write(file: Path, record: dict[str, Any]) -> str:
    """Pickled as the original is; returns the checksum."""
    file.write_bytes(pickle.dumps(record))
    return hashlib.md5(file.read_bytes()).hexdigest()


def batch_of(seed: int, classes: int, key: str) -> dict[str, Any]:
    """EACH images of each class in rows of 3072: the red, green and blue planes."""
    rng = np.random.default_rng(seed)
    labels = np.arange(EACH * classes) % classes
    return {"data": rng.integers(0, 256, (len(labels), 3072), dtype=np.uint8), key: labels.tolist()}


@pytest.fixture(params=[10, 100])
def kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Torchvision's class, which takes the archive that lies in tmp_path/made for the original."""
    classes = request.param
    kind, folder = KINDS[classes], tmp_path / "made" / KINDS[classes].base_folder
    folder.mkdir(parents=True)
    key = "labels" if classes == 10 else "fine_labels"
    names = [f"class {k:02d}" for k in range(classes)]
    lists = {}
    for part, number in (("train_list", 10), ("test_list", 20)):
        files = [name for name, _ in getattr(kind, part)]
        sums = [write(folder / name, batch_of(number + k, classes, key)) for k, name in enumerate(files)]
        lists[part] = [list(pair) for pair in zip(files, sums, strict=True)]
    meta = kind.meta | {"md5": write(folder / kind.meta["filename"], {kind.meta["key"]: names})}
    archive = tmp_path / "made" / kind.filename
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folder, kind.base_folder)
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    for name, value in {**lists, "meta": meta, "tgz_md5": md5, "url": "http://127.0.0.1:9/x.tar.gz"}.items():
        monkeypatch.setattr(kind, name, value)
    return kind


def classes_of(kind: Any) -> int:
    return next(n for n, one in KINDS.items() if one is kind)


def images_of(source: Any, tmp_path: Path) -> ImageSet:
    chosen: dict[str, Any] = {"image_size": 32, "val": 0.2, "test": 0.1, "split_seed": 0, "max_bad_share": 0.0}
    return load(source, DataSettings(**chosen, cache_dir=tmp_path / "decoded"), show_progress=False)


def check(source: Any, kind: Any, tmp_path: Path) -> None:
    """Pixels, labels and the test split are those of the archive; val is cut from its training images."""
    images, classes = images_of(source, tmp_path), classes_of(kind)
    by_name = {name: k for k, name in enumerate(images.paths)}
    label_key = "labels" if classes == 10 else "fine_labels"
    for part, prefix, start in (("train_list", "train", 10), ("test_list", "test", 20)):
        batches = [batch_of(start + k, classes, label_key) for k in range(len(getattr(kind, part)))]
        planes = np.concatenate([batch["data"] for batch in batches]).reshape(-1, 3, 32, 32)
        labels = [label for batch in batches for label in batch[label_key]]
        for n in (0, 1, len(labels) - 1):
            at = by_name[f"{prefix}/class {labels[n]:02d}/{n:05d}"]
            assert images.classes[images.labels[at]] == f"class {labels[n]:02d}"
            assert (images.take(np.array([at]))[0] == planes[n].transpose(1, 2, 0)).all()
    official = np.array([name.startswith("test/") for name in images.paths])
    assert ((images.split == "test") == official).all()
    n_train = EACH * len(kind.train_list)
    assert (images.split == "val").sum() == classes * round(0.2 * n_train)
    assert len(set(images.hashes.tolist())) == len(images.paths), "by their pixels"


@pytest.mark.parametrize("root", ["made", "made/{folder}"])
def test_a_copy_in_torchvisions_layout_is_read(kind: Any, tmp_path: Path, root: str) -> None:
    place = tmp_path / root.format(folder=kind.base_folder)
    check(locate(root=str(place), cache_dir=tmp_path / "cache", classes=classes_of(kind)), kind, tmp_path)
    assert not (tmp_path / "cache").exists()


def test_an_archive_is_unpacked_where_it_lies(kind: Any, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    (tmp_path / "made" / kind.filename).rename(packed / kind.filename)
    check(locate(root=str(packed), cache_dir=tmp_path / "cache", classes=classes_of(kind)), kind, tmp_path)


def test_an_archive_in_the_cache_folder_needs_no_network(kind: Any, tmp_path: Path) -> None:
    (tmp_path / "cache" / "cifar").mkdir(parents=True)
    (tmp_path / "made" / kind.filename).rename(tmp_path / "cache" / "cifar" / kind.filename)
    for _ in range(2):
        check(locate(root=None, cache_dir=tmp_path / "cache", classes=classes_of(kind)), kind, tmp_path)


def message(root: Path | None, kind: Any, tmp_path: Path) -> str:
    with pytest.raises(UserError) as caught:
        locate(root=root and str(root), cache_dir=tmp_path / "cache", classes=classes_of(kind))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_a_network_the_way_out_is_said(kind: Any, tmp_path: Path) -> None:
    said = message(None, kind, tmp_path)
    assert said.startswith(f"data.root: {kind.__name__} is not to be had, its download failed (")
    assert f"put {kind.filename} into {tmp_path / 'cache' / 'cifar'}" in said
    assert said.endswith("data.root=/path/to/it")


def test_a_damaged_copy_is_said_and_left_alone(kind: Any, tmp_path: Path) -> None:
    file = tmp_path / "made" / kind.base_folder / kind.test_list[0][0]
    file.write_bytes(file.read_bytes()[:-9])
    before = file.read_bytes()
    assert "the copy there is not whole (Dataset not found or corrupted" in message(tmp_path / "made", kind, tmp_path)
    assert file.read_bytes() == before


def test_a_damaged_archive_is_said_and_left_alone(kind: Any, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / kind.filename).write_bytes(b"half of it")
    assert f"(the checksum of {kind.filename} is another one)" in message(packed, kind, tmp_path)
    assert [path.name for path in packed.iterdir()] == [kind.filename]


def test_folders_of_images_are_read_with_their_test_split(tmp_path: Path) -> None:
    for n in range(40):
        file = tmp_path / ("test" if n < 8 else "train") / ("cat", "dog")[n % 2] / f"{n}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (32, 32), n).save(file)
    images = images_of(locate(root=str(tmp_path), cache_dir=tmp_path / "cache"), tmp_path)
    assert [path.startswith("test/") for path in images.paths] == (images.split == "test").tolist()
    assert (images.split == "val").sum() == 6


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    def said(root: Path) -> str:
        return message(root, datasets.CIFAR10, tmp_path)

    assert said(tmp_path) == (
        f"data.root={tmp_path}: holds neither cifar-10-batches-py/, cifar-10-python.tar.gz nor train/ and test/ with a "
        "folder for each class. Leave data.root out to have it downloaded."
    )
    assert said(tmp_path / "x").startswith(f"data.root={tmp_path / 'x'}: no such folder. It may hold cifar-10-batches")


def test_another_number_of_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^data\.source\.classes=20: there are CIFAR-10 and CIFAR-100"):
        locate(root=None, cache_dir=tmp_path, classes=20)


@pytest.mark.parametrize(("words", "side"), [([], 32), (["data.image_size=64"], 64)])
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_the_option_has_images_of_32_pixels_unless_they_are_wanted_larger(
    name: str, words: list[str], side: int
) -> None:
    assert compose([f"data={name}", *words]).data.image_size == side
