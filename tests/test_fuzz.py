"""Whatever is typed and whatever lies in an image's file: one message, never a traceback, never a hang."""

import io
import json
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from animal_cls.commands.prepare import prepare
from animal_cls.commands.train import compose
from animal_cls.config.schema import Config, groups, keys
from animal_cls.data.audit.page import render
from animal_cls.data.audit.record import as_json
from animal_cls.data.decode import UnreadableImage, decode, read
from animal_cls.data.header import header
from animal_cls.errors import UserError
from animal_cls.sweeps.compose import job_folder

AT_MOST = timedelta(seconds=20)  # an example; hypothesis fails where one takes longer
FUZZ = settings(
    max_examples=200,
    deadline=AT_MOST,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    derandomize=True,
)

# What means something to Hydra or to YAML, beside any letters.
PIECES = [
    "=",
    ",",
    "'",
    '"',
    "[",
    "]",
    "{",
    "}",
    "${",
    ":",
    "\\",
    "+",
    "~",
    "@",
    "null",
    "???",
    "1e999",
    "${seed}",
    "${oc.env:HOME}",
    "${nowhere}",
    "nan",
    "-inf",
    "0x1f",
    "1_000",
    "l2",
    "🦊",
]
PIECES += [" ", "\n"]
GROUPS = [*groups(), "experiment", "debug", "sweep", "hydra/launcher", "hydra.run.dir", "hydra.mode"]
VALUES = st.one_of(
    st.text(max_size=12),
    st.lists(st.sampled_from(PIECES), max_size=5).map("".join),
    st.integers().map(str),
    st.floats().map(str),
)
KEYS = st.one_of(
    st.sampled_from([*keys(), *GROUPS, "model.dropout", "model._target_", "optimizer.lr", "data.source._target_"]),
    st.text(max_size=12),
)
WORDS = st.one_of(
    st.tuples(st.sampled_from(["", "+", "++", "~"]), KEYS, VALUES).map(
        lambda parts: f"{parts[0]}{parts[1]}={parts[2]}"
    ),
    VALUES,
)


@FUZZ
@given(st.lists(WORDS, min_size=1, max_size=3))
def test_words(words: list[str]) -> None:
    try:
        config = compose(words)
    except UserError as error:
        message = str(error)
    else:
        message = "none"
        assert isinstance(config, Config)
        name = job_folder(words)
        assert name not in ("", ".", "..")
        assert not set(name) & set("/\\\n\0")
    assert message.strip()
    assert "Traceback" not in message


def images() -> list[bytes]:
    """A true file of each format, small enough that changed bytes hit what matters."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 10, 3), dtype=np.uint8))
    files = []
    for kind, mode in (("PNG", "RGB"), ("PNG", "P"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("WEBP", "RGB"), ("GIF", "P")):
        file = io.BytesIO()
        image.convert(mode).save(file, kind)
        files.append(file.getvalue())
    file = io.BytesIO()
    image.save(file, "BMP")
    return [*files, file.getvalue()]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Any bytes, or a true file in which some were changed, cut out or put in."""
    content = bytearray(draw(st.one_of(st.binary(max_size=300), st.sampled_from(images()))))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        new = draw(st.one_of(st.binary(max_size=8), st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff"])))
        content[at : at + draw(st.integers(0, 8))] = new
    return bytes(content)


@FUZZ
@given(damaged())
def test_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "fuzzed.png"
    file.write_bytes(content)
    found = header(file)
    assert found is None or (found.width > 0 and found.height > 0)
    try:
        pixels, reason = decode(read(file), image_size=8), ""
    except UnreadableImage as error:
        pixels, reason = None, str(error)
    assert pixels is None or (pixels.shape, pixels.dtype) == ((8, 8, 3), np.uint8)
    assert pixels is not None or len(reason.splitlines()) == 1


@settings(FUZZ, max_examples=25)
@given(st.lists(damaged(), min_size=1, max_size=6))
def test_a_folder_of_them(tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]) -> None:
    """`prepare` looks at every file and shows its thumbnail, whatever it holds."""
    root = tmp_path_factory.mktemp("fuzz")
    for name in ("cat", "dog"):
        (root / name).mkdir()
        for k, content in enumerate(contents):
            (root / name / f"{k}.jpg").write_bytes(content)
        Image.new("RGB", (9, 9), (len(name), 80, 80)).save(root / name / "fine.png")
    words = ["data=folder", f"data.root={root}", "data.image_size=8", "data.max_bad_share=1", "data.cache=false"]
    found = prepare([*words, f"data.cache_dir={root}/cache"])
    assert 2 <= found.n <= 2 * len(contents) + 2
    assert render(found).startswith("<!doctype html>")
    json.loads(as_json(found))
