"""A YAML file of any content is read, or refused at once in a message that names it."""

import time
from pathlib import Path

import pytest
import yaml

from animal_cls.config import yaml_text
from animal_cls.errors import UserError

BILLIONS = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{k}: &a{k} [{','.join([f'*a{k - 1}'] * 9)}]\n" for k in range(1, 12)
)
MERGED = "a0: &a0 {x: 1}\n" + "".join(f"a{k}: &a{k} {{p: *a{k - 1}, q: *a{k - 1}}}\n" for k in range(1, 30))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BILLIONS.encode(), ": has more than 100,000 values once its aliases (*) are written out."),
        (MERGED.encode(), ": has more than 100,000 values once its aliases (*) are written out."),
        (b"a: " + b"[" * 5000, ": has more than 50 lists and mappings within each other."),
        (b"a: " + b"{a: " * 60 + b"}" * 60, ": has more than 50 lists and mappings within each other."),
        (b"#" * 4_000_001, ": has 4,000,001 bytes; a file of settings has at most 4,000,000."),
        (b"\xef\xbb\xbfseed: 1", ": begins with a byte order mark. Save it as UTF-8 without BOM."),
        ("seed: 1\n# Größe".encode("latin-1"), ", line 2: is not UTF-8 (the byte 0xf6). Save it as UTF-8."),
        ("seed: 1".encode("utf-16"), ", line 1: is not UTF-8 (the byte 0xff). Save it as UTF-8."),
        (b"seed: 1\nseed: 2", ", line 2: is not YAML (found duplicate key seed)."),
        (b"a:\n\tb", ", line 2: is not YAML (found character '\\t' that cannot start any token)."),
        (b"a: b: c", ", line 1: is not YAML (mapping values are not allowed here)."),
        (b"a: \x00", ": is not YAML (special characters are not allowed)."),
        (b"a: *nobody", ", line 1: is not YAML (found undefined alias 'nobody')."),
        (
            b"!!python/object/apply:os.system [x]",
            ", line 1: is not YAML (could not determine a constructor for the tag "
            "'tag:yaml.org,2002:python/object/apply:os.system').",
        ),
    ],
    ids=range(14),
)
def test_what_cannot_be_read_is_named_at_once(content: bytes, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content)
    began = time.monotonic()
    with pytest.raises(UserError) as refused:
        yaml_text.read(file)
    assert str(refused.value) == f"{file}{message}"
    assert time.monotonic() - began < 10  # seconds; without the look ahead it takes the memory of the machine


def test_what_can_be_read_is_read_as_omegaconf_does(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("a: &a {lr: 1e-3}\nb: [*a, *a]\nday: 2026-01-01\n")
    assert yaml_text.read(file) == {"a": {"lr": 0.001}, "b": [{"lr": 0.001}] * 2, "day": "2026-01-01"}
    assert yaml.safe_load(file.read_text())["a"]["lr"] == "1e-3", "YAML alone reads a text"
