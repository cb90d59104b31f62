"""The embedded images: the same everywhere, in the report's proportions, and worth learning from."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from animal_cls.data.sources import toy

REPORT = {  # images per class, copied from the report's table
    "farfalla": 2012, "gatto": 1528, "gallina": 2998, "mucca": 1766, "cane": 4763,
    "elefante": 1346, "cavallo": 2523, "pecora": 1720, "ragno": 4721, "scoiattolo": 1762,
}  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("toy")
    toy.draw(root, seed=3, total=60, workers=1)
    return root


def contents(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_every_file_is_a_jpeg_in_its_class_folder(drawn: Path):
    files = contents(drawn)
    expected = {f"raw-img/{name}/{i:04}.jpeg" for name, n in toy.counts(60).items() for i in range(n)}
    assert set(files) == expected
    for name in files:
        with Image.open(drawn / name) as image:
            image.load()
            assert (image.format, image.mode) == ("JPEG", "RGB")
            assert 160 <= min(image.size) <= max(image.size) <= 320


def test_images_depend_neither_on_the_workers_nor_on_the_total(drawn: Path, tmp_path: Path):
    toy.draw(tmp_path, seed=3, total=30, workers=2)
    few, many = contents(tmp_path), contents(drawn)
    assert len(few) < len(many)
    assert few == {name: many[name] for name in few}


def test_another_process_with_another_hash_seed_draws_the_same(drawn: Path, tmp_path: Path):
    code = "import pathlib, sys; from animal_cls.data.sources import toy; "
    code += "toy.draw(pathlib.Path(sys.argv[1]), seed=3, total=20, workers=1)"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env={**os.environ, "PYTHONHASHSEED": "7"})
    many = contents(drawn)
    assert contents(tmp_path) == {name: many[name] for name in contents(tmp_path)}


def test_another_seed_draws_other_images():
    a, b = (toy.image("gatto", 0, seed=seed) for seed in (0, 1))
    assert a.tobytes() != b.tobytes()


def test_no_two_files_are_the_same(drawn: Path):
    files = contents(drawn)
    assert len(set(files.values())) == len(files)


def test_sides_and_aspect_vary(drawn: Path):
    sizes = [Image.open(io.BytesIO(jpeg)).size for jpeg in contents(drawn).values()]
    aspects = [width / height for width, height in sizes]
    assert min(aspects) < 0.8
    assert max(aspects) > 1.25
    assert len(set(sizes)) > 30


@settings(max_examples=50, deadline=None)
@given(st.integers(400, 30_000))
def test_counts_keep_the_proportions_of_the_report(total: int):
    counts, whole = toy.counts(total), sum(REPORT.values())
    assert list(counts) == list(REPORT)
    assert abs(sum(counts.values()) - total) <= len(REPORT) / 2
    for name, n in counts.items():
        assert n == pytest.approx(total * REPORT[name] / whole, abs=0.5)


def test_the_default_counts_are_the_reports_at_full_size():
    assert toy.counts(sum(REPORT.values())) == REPORT


def test_a_class_is_recognised_by_the_image_and_not_by_the_frame():
    """Nearest class mean, on colours and layout at 12 x 12: clearly above chance (10 %), and far from perfect."""
    train, test = (
        np.stack([[thumbnail(name, i) for i in numbers] for name in REPORT]) for numbers in (range(30), range(30, 42))
    )
    means = train.mean(axis=1)  # (K, F)
    distances = ((test[:, :, None] - means) ** 2).sum(axis=-1)  # (K, n, K)
    accuracy = (distances.argmin(axis=-1) == np.arange(len(REPORT))[:, None]).mean()
    assert 0.2 < accuracy < 0.6  # of 120 images; chance gives 0.1 with a std of 0.03


def thumbnail(name: str, number: int) -> np.ndarray:
    """The image squashed to 12 x 12 and flattened, (432,), with sides and total light taken out of it."""
    pixels = np.asarray(toy.image(name, number, seed=11).resize((12, 12), Image.Resampling.BOX), dtype=float)
    return (pixels - pixels.mean()).ravel() / pixels.std()


def test_importing_it_is_light():
    heavy = {"torch", "torchvision", "lightning", "hydra"}
    code = f"import sys, animal_cls.data.sources.toy; print(*sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
