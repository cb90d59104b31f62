"""What is certain of a run before its first checkpoint, and who may begin or go on in a folder."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from animal_cls import results
from animal_cls.config.schema import Config
from animal_cls.errors import UserError
from animal_cls.results import Environment
from animal_cls.training import outcome, run, start
from animal_cls.training.start import Start

HERE = Environment(
    versions={"torch": "2.14.1", "numpy": "2.4.6", "platform": "Linux"},
    commit="abc",
    threads=2,
    device="cpu AVX2",
    precision="32-true",
    host="one",
)
BEGAN = Start(config={"seed": 0, "data": {"val": 0.1}}, derived={"model.dropout": "reg.dropout"}, environments=[HERE])


def refusal(folder: Path) -> str | None:
    try:
        start.refuse_begun(folder)
    except UserError as error:
        return str(error)
    return None


def test_it_comes_back_equal_and_no_damage_is_accepted(tmp_path: Path) -> None:
    assert start.read(tmp_path) is None
    start.write(BEGAN, tmp_path)
    assert start.read(tmp_path) == BEGAN
    path = tmp_path / "start.json"
    whole = path.read_text()
    cut = [whole[:k] for k in range(0, len(whole) - 1, 7)]
    for content in [*cut, whole.replace('"seed": 0', '"seed": 7'), "[]", "{}", "null"]:
        path.write_text(content)
        with pytest.raises(
            UserError, match=r"start\.json: damaged or edited \(.*Put it back as it was; or move it away"
        ):
            start.read(tmp_path)


@pytest.mark.parametrize("error", [PermissionError, OSError])
def test_what_cannot_be_read_now_is_not_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[OSError]
) -> None:
    def fail(_: Path) -> bytes:
        raise error(5, "Input/output error")

    start.write(BEGAN, tmp_path)
    monkeypatch.setattr(Path, "read_bytes", fail)
    with pytest.raises(error):
        start.read(tmp_path)


def test_an_unfinished_run_is_refused_with_the_command_that_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "it's mine"
    (folder / "checkpoints").mkdir(parents=True)
    assert refusal(folder) is None
    start.write(BEGAN, folder)
    assert refusal(folder) == (
        f"{folder}: holds an unfinished run, which is not written over. "
        f"""Go on with it: python -m animal_cls.resume '{tmp_path}/it'"'"'s mine' """
        "(or choose another folder: hydra.run.dir=... or hydra.sweep.dir=...)"
    )


@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt", "best.ckpt.damaged"])
def test_a_run_that_failed_before_it_learned_anything_may_be_begun_again(
    configure: Callable[..., Config], tmp_path: Path, name: str
) -> None:
    (tmp_path / "checkpoints").mkdir()
    start.write(BEGAN, tmp_path)
    results.save(outcome.without_splits(configure(), status="failed", reason="a typo"), tmp_path)
    assert refusal(tmp_path) is None
    (tmp_path / "checkpoints" / name).write_bytes(b"")
    assert "holds an unfinished run" in (refusal(tmp_path) or "")
    with pytest.raises(UserError, match="holds an unfinished run"):
        run.train(configure(), tmp_path)
    assert (tmp_path / "checkpoints" / name).exists()


def test_the_keys_of_another_config_are_named() -> None:
    began = {"seed": 0, "data": {"val": 0.1, "sizes": (1, 2)}, "reg": {}}
    assert start.differences({"seed": 0, "data": {"val": 0.1, "sizes": [1, 2]}, "reg": {}, "later": 1}, began) == ""
    other = {"seed": 7, "data": {"sizes": [1]}, "reg": {}}
    assert start.differences(other, began) == (
        "seed is 7 and was 0; data.val is null and was 0.1; data.sizes is [1] and was [1, 2]"
    )
    many = start.differences({}, {str(k): k for k in range(8)})
    assert many.endswith("4 is null and was 4; and 3 more keys differ")


def test_a_run_goes_on_only_as_it_began(configure: Callable[..., Config], tmp_path: Path) -> None:
    config = configure()
    start.require_same(config, tmp_path)  # nothing has begun
    run.begin(config, tmp_path)
    start.require_same(config, tmp_path)
    with pytest.raises(start.OtherConfig, match=r"seed is 7 and was 0\. A run goes on as it began"):
        start.require_same(configure("seed=7"), tmp_path)


def test_a_process_with_other_means_is_added_and_one_with_the_same_is_not(tmp_path: Path) -> None:
    start.write(BEGAN, tmp_path)
    assert start.add(replace(HERE, epoch=3), tmp_path) == [HERE]
    newer = replace(HERE, epoch=4, threads=1, host="two", versions={"torch": "2.15.0", "numpy": "2.4.6"})
    assert start.add(newer, tmp_path) == [HERE, newer]
    assert start.read(tmp_path) == replace(BEGAN, environments=[HERE, newer])
    assert start.changes([HERE, newer, HERE]) == ["torch 2.14.1, then 2.15.0", "threads 2, then 1"]
    assert start.changes([HERE, replace(HERE, host="two", epoch=9)]) == []


def test_other_versions_are_warned_of_and_both_are_kept(
    configure: Callable[..., Config], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = configure()
    run.begin(config, tmp_path)
    began = start.read(tmp_path)
    assert began is not None
    assert began.config == json.loads(json.dumps(asdict(config)))
    first = began.environments[0]
    older = replace(first, versions={**first.versions, "pillow": "1.0"})
    start.write(replace(began, environments=[older]), tmp_path)
    with caplog.at_level(logging.WARNING):
        assert run._environments(config, tmp_path, None) == [older, first]
    [message] = caplog.messages
    assert message.startswith("The run goes on with other means than it began with (pillow 1.0, then ")
