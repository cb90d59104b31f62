"""A table as a data source: the right labels, splits and pixels, and one message for each mistake."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from animal_cls.config.schema import Config
from animal_cls.data.module import ImageDataModule
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.source import list_images
from animal_cls.data.sources.table import TableSource, locate
from animal_cls.errors import UserError

N = 20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Twenty grey images in one folder, called after their grey; no folder says a class."""
    (tmp_path / "images" / "deep").mkdir(parents=True)
    for grey in range(N):
        Image.new("L", (9, 9), 10 * grey).save(tmp_path / "images" / "deep" / f"{grey}.png")
    return tmp_path / "images"


def write(root: Path, lines: list[str], heading: str = "path,label") -> Path:
    file = root / "labels.csv"
    file.write_text("\n".join([heading, *lines]) + "\n", encoding="utf-8")
    return file


def data_of(source: TableSource, tmp_path: Path, **changes: Any) -> ImageDataModule:
    chosen: dict[str, Any] = {"image_size": 4, "val": 0.2, "test": 0.2, "split_seed": 0, "max_bad_share": 0.0}
    chosen |= {"cache_dir": tmp_path / "cache"}
    settings = DataSettings(**(chosen | changes))
    data = ImageDataModule(lambda: source, settings, batch_size=7, seed=0)
    data.prepare_data()
    return data


@pytest.mark.parametrize("way", ["relative", "absolute", "roundabout"])
def test_batches_carry_the_labels_and_pixels_that_the_table_names(root: Path, tmp_path: Path, way: str) -> None:
    before = {"relative": "", "absolute": f"{root}/", "roundabout": "x/../"}[way]
    file = write(root, [f"{before}deep/{grey}.png,{'even' if grey % 2 == 0 else 'odd'}" for grey in range(N)])
    data = data_of(locate(root=None, cache_dir=tmp_path, labels=str(file)), tmp_path)
    assert data.images.classes == ["even", "odd"]
    assert sorted(data.images.paths) == sorted(f"deep/{grey}.png" for grey in range(N))
    greys = []
    for batch in [*data.train_dataloader(), *data.val_dataloader(), *data.test_dataloader()]:
        for pixels, label, index in zip(batch.images, batch.labels, batch.indices, strict=True):
            grey = int(Path(data.images.paths[index]).stem)
            assert int(pixels[0, 0, 0]) == 10 * grey
            assert int(label) == grey % 2
            greys.append(grey)
    assert sorted(greys) == list(range(N))
    assert {split: len(data.indices(split)) for split in ("train", "val", "test")} == {"train": 12, "val": 4, "test": 4}


def test_the_split_of_a_table_is_kept(root: Path, tmp_path: Path) -> None:
    wanted = {f"deep/{grey}.png": ("test", "val", "train")[min(grey // 4, 2)] for grey in range(N)}
    lines = [f"{split},{Path(path).stem[-1]},{path},by hand" for path, split in wanted.items()]
    file = write(root, lines, heading="\ufeffSplit,label , path,note")
    data = data_of(locate(root=str(root), cache_dir=tmp_path, labels=str(file)), tmp_path, limit=None)
    assert dict(zip(data.images.paths, data.images.split.tolist(), strict=True)) == wanted
    assert data.images.classes == [str(digit) for digit in range(10)]


def test_a_table_lies_where_it_wants_and_names_what_it_wants(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.csv"
    file.write_text("path,label\n" + "".join(f"deep/{grey}.png,{grey % 3}\n" for grey in range(12)))
    listing = list_images(locate(root=str(root), cache_dir=tmp_path, labels=str(file)), follow_links=False)
    assert (len(listing.paths), listing.classes, listing.predefined) == (12, ["0", "1", "2"], None)


def test_links_out_of_the_root_are_followed_only_if_that_is_wanted(root: Path, tmp_path: Path) -> None:
    Image.new("L", (9, 9), 255).save(tmp_path / "secret.png")
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    (root / "folder").symlink_to(tmp_path)
    paths = [f"deep/{grey}.png" for grey in range(4)]
    rows = [(path, "ab"[k % 2]) for k, path in enumerate([*paths, "link.png", "folder/secret.png"])]
    source = TableSource(root=root, rows=rows)
    listing = list_images(source, follow_links=False)
    assert sorted(listing.paths) == paths
    assert listing.not_followed == ["folder/secret.png", "link.png"]
    assert len(list_images(source, follow_links=True).paths) == 6


def test_an_image_that_is_changed_is_seen_by_the_next_job(root: Path, tmp_path: Path) -> None:
    source = TableSource(root=root, rows=[(f"deep/{grey}.png", str(grey % 2)) for grey in range(N)])
    first = data_of(source, tmp_path).images
    Image.new("RGB", (10, 10), (1, 2, 3)).save(root / "deep" / "0.png")
    second = data_of(source, tmp_path).images
    assert first.fingerprint != second.fingerprint
    np.testing.assert_array_equal(second.take(np.array([second.paths.index("deep/0.png")]))[0, 0, 0], [1, 2, 3])


GOOD = [f"deep/{grey}.png,{grey % 2}" for grey in range(N)]
NEEDED = "A CSV file with the columns path, label and, if you like, split and group is needed."
APART = "Its columns are not parted by commas, which they have to be."
MISTAKES = {
    "gone": (
        [*GOOD, "deep/77.png,1", "deep/x.png,0"],
        "path,label",
        "2 of its 22 images are not in {root}: deep/77.png",
    ),
    "unlabelled": ([*GOOD, "deep/1.png,"], "path,label", "row 21 has no label: deep/1.png"),
    "short": ([*GOOD, "deep/1.png"], "path,label", "row 21 has no label: deep/1.png"),
    "unnamed": ([*GOOD, ",1"], "path,label", "row 21 has no path: ,1"),
    "columns": (GOOD, "file,label", f"has no column path, only file, label. {NEEDED}"),
    "semicolons": (
        ["a;b"],
        "path;label",
        f"has no column path, label, only path;label. {APART} {NEEDED}",
    ),
    "one class": ([f"deep/{n}.png,a" for n in range(5)], "path,label", "one class only, a. At least two are needed."),
    "twice": ([*GOOD, "deep/../deep/3.png,1"], "path,label", "names more than once: deep/3.png."),
    "outside": ([*GOOD, "../x.png,1"], "path,label", "row 21: ../x.png is outside of {root}. Name a folder that holds"),
    "no rows": ([], "path,label", "has no rows. Each names an image and its class."),
    "split": (
        [f"{line},{'train' if n else 'tests'}" for n, line in enumerate(GOOD)],
        "path,label,split",
        "no such split: tests. Each image needs train, val or test, or none has a split.",
    ),
    "torn group": (
        [f"{line},{'train' if n % 5 else 'test'},{'p' if n < 8 else n}" for n, line in enumerate(GOOD)],
        "path,label,split,group",
        "groups whose images lie in several splits: p. Give each one split, or leave out the splits: then groups stay",
    ),
    "quotes": (['"deep/1.png,1'], "path,label", f"cannot be read as a table (unexpected end of data). {NEEDED}"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_one_message(root: Path, tmp_path: Path, mistake: str) -> None:
    lines, heading, message = MISTAKES[mistake]
    file = write(root, lines, heading)
    with pytest.raises(UserError) as caught:
        list_images(locate(root=None, cache_dir=tmp_path, labels=str(file)), follow_links=False)
    assert str(caught.value).startswith(f"data.labels={file}: {message.format(root=root)}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_table_is_refused(root: Path, tmp_path: Path) -> None:
    def message(labels: Path | None, chosen: Path | None = None) -> str:
        with pytest.raises(UserError) as caught:
            list_of(labels, chosen)
        return str(caught.value)

    def list_of(labels: Path | None, chosen: Path | None) -> None:
        source = locate(root=chosen and str(chosen), cache_dir=tmp_path, labels=labels and str(labels))
        list_images(source, follow_links=False)

    nowhere = tmp_path / "nowhere.csv"
    assert message(nowhere) == f"data.labels={nowhere}: no such file."
    assert message(root).startswith(f"data.labels={root}: cannot be read as a table (Is a directory). A CSV")
    assert "cannot be read as a table ('utf-8' codec can't decode" in message(root / "deep" / "1.png")
    assert message(None).startswith("data.labels: data=table needs a CSV file, e.g. data.labels=")
    assert message(write(root, GOOD), nowhere).startswith(f"data.root={nowhere}: no such folder.")


def test_the_option_is_a_constructor_call_of_the_table() -> None:
    from animal_cls.commands.train import compose

    config = compose(["data=table", "data.labels=x.csv", "data.root=y"])
    assert isinstance(config, Config)
    assert config.data.source == {"_target_": "animal_cls.data.sources.table.locate"}
    assert config.data.labels == "x.csv"
    with pytest.raises(UserError, match=r"data\.source\.labels: the chosen option has no such key"):
        compose(["data=table", "data.source.labels=x.csv"])


@pytest.mark.parametrize("column", ["group", "Group", None])
def test_images_of_one_group_stay_in_one_split(root: Path, tmp_path: Path, column: str | None) -> None:
    """Groups of two neighbours, one of each class; without the column some are torn."""
    file = write(root, [f"{line},{n // 2}" for n, line in enumerate(GOOD)], f"path,label,{column or 'remark'}")
    source = locate(root=None, cache_dir=tmp_path, labels=str(file))
    images = data_of(source, tmp_path, val=0.2, test=0.2).images
    splits: dict[int, set[str]] = {}
    for path, split in zip(images.paths, images.split.tolist(), strict=True):
        splits.setdefault(int(Path(path).stem) // 2, set()).add(split)
    assert all(len(found) == 1 for found in splits.values()) == bool(column)
    assert {split for found in splits.values() for split in found} == {"train", "val", "test"}
