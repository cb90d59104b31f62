"""What a shell is offered behind Tab."""

from pathlib import Path

import pytest

from animal_cls.config.completion import offers

OPTIONS = {"experiment": ["recipe", "report/a", "report/b"], "reg": ["l1", "l2", "mixup"]}


def offered(line: str, shell: str = "bash") -> list[str]:
    def keys(line: str) -> list[str]:
        return [f"<{line}>"]

    return offers(line, shell=shell, verbs=["help", "prepare", "report", "resume"], options=OPTIONS, keys=keys)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("animal-cls res", ["resume", "<animal-cls res>"]),
        ("animal-cls help re", ["report", "resume"]),
        ("animal-cls resume mul", []),  # the shell looks for files itself
        ("animal-cls report ", []),
        ("animal-cls experiment=re", ["experiment=recipe", "experiment=report/a", "experiment=report/b"]),
        ("animal-cls seed=1 experiment=report/", ["experiment=report/a", "experiment=report/b"]),
        ("animal-cls reg=[mixup,l", ["reg=[mixup,l1", "reg=[mixup,l2"]),
        ("animal-cls -m reg=l1,m", ["reg=l1,mixup"]),
        ("animal-cls prepare reg=m", ["reg=mixup"]),
        ("animal-cls prepare data.", ["<animal-cls data.>"]),
        ("animal-cls model=x trainer.m", ["<animal-cls model=x trainer.m>"]),
    ],
)
def test_what_is_offered(line: str, words: list[str]) -> None:
    assert offered(line) == words


def test_fish_is_given_the_files_that_it_does_not_look_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "multirun" / "day").mkdir(parents=True)
    (tmp_path / "my.txt").touch()
    assert offered("animal-cls resume m", "fish") == ["multirun/", "my.txt"]
    assert offered("animal-cls resume multirun/", "fish") == ["multirun/day/"]
    assert offered("animal-cls resume nowhere/x", "fish") == []
