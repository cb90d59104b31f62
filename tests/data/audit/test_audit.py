"""What is written, and where: a new folder, and nothing is ever overwritten."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from animal_cls.data.audit.audit import write
from animal_cls.data.audit.record import Audit
from animal_cls.data.audit.text import text
from animal_cls.errors import UserError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_new_folder_is_made_as_hydra_makes_them(found: Audit) -> None:
    page, record = write(found, None)
    assert re.fullmatch(r"outputs/\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d/images\.html", str(page))
    assert (record.name, record.parent) == ("images.json", page.parent)
    assert sorted(path.name for path in page.parent.iterdir()) == ["images.html", "images.json"]


@pytest.mark.parametrize("name", ["images.html", "images.json"])
def test_nothing_is_overwritten(found: Audit, name: str) -> None:
    Path("there").mkdir()
    (Path("there") / name).write_text("mine")
    with pytest.raises(UserError) as caught:
        write(found, Path("there"))
    assert str(caught.value) == f"--out there: holds {name} already, which is not overwritten. Choose another folder."
    assert [(path.name, path.read_text()) for path in Path("there").iterdir()] == [(name, "mine")]


def test_other_files_of_a_folder_stay(found: Audit) -> None:
    Path("there").mkdir()
    (Path("there") / "notes.txt").write_text("mine")
    write(found, Path("there"))
    assert (Path("there") / "notes.txt").read_text() == "mine"


def test_what_cannot_be_written_is_said(found: Audit) -> None:
    Path("file").touch()
    with pytest.raises(UserError) as caught:
        write(found, Path("file"))
    assert str(caught.value) == "file: cannot be written to (File exists). Choose --out DIR."
    with pytest.raises(UserError, match=r"file/below: cannot be written to \(Not a directory\)"):
        write(found, Path("file/below"))


def test_the_record_names_every_file(found: Audit, hostile: tuple[str, ...]) -> None:
    record = json.loads(write(found, Path("out"))[1].read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert (record["images"], record["unreadable"]) == (90, 6)
    assert record["not_used"] == [{"reason": "no image", "suffix": ".txt", "n": 1}]
    assert record["fingerprint"] == found.facts.fingerprint
    assert record["error"] is None
    assert record["classes"]["dog"]["images"] == 41
    by_kind = {finding["kind"]: finding for finding in record["findings"]}
    assert sorted(group[0]["path"] for group in by_kind["unreadable"]["groups"]) == sorted(f"cat/{n}" for n in hostile)
    assert by_kind["copies_across_classes"]["groups"][0][0].keys() == {"path", "class", "split", "note"}
    assert [finding["severity"] for finding in record["findings"]] == [one.severity for one in found.findings]


def test_the_terminal_is_told_the_first_ten_and_no_name_controls_it(found: Audit) -> None:
    told = text(found)
    assert all(letter.isprintable() or letter == "\n" for letter in told)
    assert r"  - cat/new\nline " in told
    assert "\nWorth a look: Unreadable files: 6 files\n" in told
    assert "\nNote: Equal files in one class: 2 files in 1 group\n" in told
    assert re.search(r"  - dog/0\.png \((train|val|test), 64 x 64\) = dog/copy\.png \(", told)
    assert told.index("Severe: ") < told.index("Worth a look: ") < told.index("Note: ")


def test_of_many_files_ten_are_told(found: Audit) -> None:
    (unreadable,) = [one for one in found.findings if one.kind == "unreadable"]
    many = replace(unreadable, groups=[*unreadable.groups] * 300)
    told = text(replace(found, findings=[many]))
    assert "Unreadable files: 1,800 files" in told
    assert told.count("\n  - cat/") == 10
    assert told.endswith("  - and 1,790 more")


def test_nothing_found_is_said(found: Audit) -> None:
    assert text(replace(found, findings=[])).endswith("\n\nNothing was found that is worth a look.")
