"""Where Animals-10 is found, how it is fetched, and how a copy is told from the release. Never online."""

import hashlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from animal_cls.data.sources import animals10
from animal_cls.data.sources.animals10 import FOLDERS, HELD_OUT, RELEASE, ClassFiles, compare, locate
from animal_cls.data.sources.folder import scan
from animal_cls.errors import UserError


@pytest.fixture(autouse=True)
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where kagglehub would keep the versions of the data set; empty."""
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub" / "datasets" / "alessiocorrado99" / "animals10" / "versions"


def stand_in(monkeypatch: pytest.MonkeyPatch, download) -> None:
    module = ModuleType("kagglehub")
    module.dataset_download = download  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "kagglehub", module)


def offline(handle: str) -> str:
    raise AssertionError(f"{handle} must not be downloaded")


def test_a_given_root_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, offline)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert locate(root="~/animals", cache_dir=tmp_path) == tmp_path / "animals"


def test_the_newest_former_download_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, versions: Path) -> None:
    stand_in(monkeypatch, offline)
    for name in ("2", "9", "10", "notes"):
        (versions / name / "raw-img").mkdir(parents=True)
    assert locate(root=None, cache_dir=tmp_path) == versions / "10"


def test_a_former_download_is_looked_for_in_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(monkeypatch, offline)
    monkeypatch.delenv("KAGGLEHUB_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".cache/kagglehub/datasets/alessiocorrado99/animals10/versions/2"
    folder.mkdir(parents=True)
    assert locate(root=None, cache_dir=tmp_path) == folder


def test_a_download_that_was_cut_short_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, versions: Path
) -> None:
    """Kagglehub unpacks N.archive into N, deletes the archive, and writes N.complete."""
    stand_in(monkeypatch, offline)
    for name in ("1", "2"):
        (versions / name).mkdir(parents=True)
    (versions.parent / "2.archive").touch()
    assert locate(root=None, cache_dir=tmp_path) == versions / "1"
    (versions.parent / "2.complete").touch()
    assert locate(root=None, cache_dir=tmp_path) == versions / "2"


def test_licence_and_size_are_said_before_the_download(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, versions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = []

    def download(handle: str) -> str:
        said.append(capsys.readouterr())
        (versions / "2" / "raw-img").mkdir(parents=True)
        return str(versions / "2")

    stand_in(monkeypatch, download)
    assert locate(root=None, cache_dir=tmp_path) == versions / "2"
    [(out, err)] = said
    assert "downloading it from https://www.kaggle.com/datasets/alessiocorrado99/animals10 (614 MB)" in err
    assert "The licence of these images is not stated by their source: whether you may use them is for you" in err
    assert out == ""
    stand_in(monkeypatch, offline)
    assert locate(root=None, cache_dir=tmp_path) == versions / "2"  # the next run finds it


WAYS_OUT = (
    "Either download https://www.kaggle.com/datasets/alessiocorrado99/animals10 in a browser, unpack it, and name the "
    "folder that holds raw-img/: data.root=/path/to/animals10; or let the program download it, with a network and: "
    "pip install 'animal-cls[download]'. data=toy needs neither."
)


def complaint(tmp_path: Path) -> str:
    with pytest.raises(UserError) as caught:
        locate(root=None, cache_dir=tmp_path)
    assert caught.value.__suppress_context__  # no kagglehub traceback above the message
    return str(caught.value)


def test_a_missing_downloader_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    expected = f"data.root: no copy of Animals-10 was found, and the downloader is not installed. {WAYS_OUT}"
    assert complaint(tmp_path) == expected


def test_a_missing_network_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class ConnectTimeout(Exception):  # requests calls its own so
        """HTTPSConnectionPool(...): Max retries exceeded, and so on for lines."""

    def download(handle: str) -> str:
        raise ConnectTimeout

    stand_in(monkeypatch, download)
    assert complaint(tmp_path) == (
        "data.root: no copy of Animals-10 was found, and its download failed (kaggle.com cannot be reached). "
        + WAYS_OUT
    )


def test_any_other_failure_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def download(handle: str) -> str:
        raise OSError(28, "No space left\non device")

    stand_in(monkeypatch, download)
    assert "its download failed (OSError: [Errno 28] No space left on device). Either" in complaint(tmp_path)


def test_the_tables_are_the_reports() -> None:
    assert set(FOLDERS.values()) == set(RELEASE) == set(HELD_OUT)
    assert FOLDERS["ragno"] == "spider"
    assert sum(release.files for release in RELEASE.values()) == 26179
    assert sum(release.bytes for release in RELEASE.values()) == 614352331
    assert all(len(release.digest) == 64 for release in RELEASE.values())
    assert sum(HELD_OUT.values()) == 26179 - 25139


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Ten classes of two files each."""
    for folder in FOLDERS:
        (tmp_path / "raw-img" / folder).mkdir(parents=True)
        for n in (1, 2):
            (tmp_path / "raw-img" / folder / f"{n}.jpg").write_bytes(f"{folder} {n}".encode())
    return tmp_path


def released(monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    """Let the release's cats be the two files of `copy`, except for `changes`."""
    shas = sorted(hashlib.sha256(source).hexdigest() for source in (b"gatto 1", b"gatto 2"))
    digest = hashlib.sha256(f"{shas[0]}\n{shas[1]}\n".encode()).hexdigest()
    cats = {"files": 2, "bytes": 14, "digest": digest} | changes
    monkeypatch.setitem(RELEASE, "cat", ClassFiles(**cats))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({}, ""),
        ({"files": 1668}, "1,666 files missing"),
        ({"files": 1}, "1 files too many"),
        ({"bytes": 1014}, "-1,000 bytes"),
        ({"digest": "0" * 64}, "other contents"),
    ],
)
def test_a_copy_is_compared_with_the_release(
    copy: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, object], difference: str
) -> None:
    released(monkeypatch, **changes)
    rows = compare(scan(copy), hashes={})
    assert [row.name for row in rows] == list(RELEASE)
    assert rows[1].name == "cat"
    assert rows[1].difference == difference


def test_known_hashes_are_not_computed_again(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = scan(copy)
    known = {path: hashlib.sha256((folder.root / path).read_bytes()).hexdigest() for path in folder.paths}
    before = compare(folder, hashes={})
    monkeypatch.setattr(Path, "read_bytes", offline)
    assert compare(folder, hashes=known) == before


def test_digests_fit_the_manifest_of_the_release() -> None:
    """Computed from the names, sizes and SHA-256s of all 26,179 files, where that list is at hand."""
    manifest = Path(__file__).parents[4] / "shared/data/animals10-manifest.tsv.gz"  # beside the checkout, if at all
    if not manifest.exists():
        pytest.skip("the list of the release's files is not on this machine")
    import gzip

    lines = gzip.decompress(manifest.read_bytes()).decode().splitlines()[1:]
    rows = [line.split("\t") for line in lines]
    for folder, name in FOLDERS.items():
        own = [(int(size), sha) for where, _, size, sha in rows if where == folder]
        assert animals10._summary(own) == RELEASE[name]
