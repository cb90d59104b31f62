"""The decoders that are compared do the work."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.harness.workspace import Workspace
from benchmarks.speed import decoding


def test_every_repeat_of_every_way_is_timed(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    root = image_folder(tmp_path / "images")
    trace = decoding.start(Workspace(tmp_path / "work"), root, image_size=16, repeats=2, bare=True)
    (event,) = trace.events("decoding")
    assert {name: len(values) for name, values in event["seconds"].items()} == {
        "building": 2,
        "threads": 2,
        "processes": 2,
    }
    assert all(value > 0 for values in event["seconds"].values() for value in values)
    assert (trace.folder / decoding.CACHE).exists()


def test_a_repeat_starts_without_the_cache_of_the_one_before(tmp_path: Path, image_folder: Callable[..., Path]) -> None:
    root = image_folder(tmp_path / "images")
    decoding.build(root, tmp_path, image_size=16)
    left = tmp_path / decoding.CACHE / "left"
    left.touch()
    decoding.build(root, tmp_path, image_size=16)
    assert not left.exists()
