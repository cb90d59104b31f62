"""A read error is not damage, damage costs no file, and no path of the run's folder is kept."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from animal_cls.training import checkpoints
from animal_cls.training.checkpoints import Files

LAST, BEST = "last.ckpt", "best.ckpt"


def content(epoch: int, accs: list[float]) -> dict[str, Any]:
    """Of last.ckpt: written in `epoch`, after as many whole epochs as there are accuracies."""
    rows = [{"epoch": k, "val/acc": acc} for k, acc in enumerate(accs)]
    weights = {"network.w": torch.full((3,), float(epoch))}
    return {
        "epoch": epoch,
        "global_step": 5 * len(accs),
        "pytorch-lightning_version": "2.6.6",
        "state_dict": weights,
        "optimizer_states": [1],
        "animal_cls": {"classes": ["cat"]},
        "callbacks": {"History": {"rows": rows}},
        "evaluated": {"network.w": weights["network.w"] + 0.5},
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two epochs are over, the first was the best; a third is going on."""
    torch.save(content(2, [0.9, 0.8]), tmp_path / LAST)
    torch.save({"epoch": 0, "state_dict": {}, "animal_cls": {}}, tmp_path / BEST)
    return tmp_path


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_where_there_is_nothing_a_run_begins(tmp_path: Path) -> None:
    assert checkpoints.newest(tmp_path) is None
    assert checkpoints.newest(tmp_path / "gone") is None


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.ENOMEM, errno.EACCES])
@pytest.mark.parametrize("name", [LAST, BEST])
def test_a_read_error_stops_and_changes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, code: int, name: str
) -> None:
    before, plain = files(folder), Path.read_bytes

    def fail(path: Path) -> bytes:
        if path.name == name:
            raise OSError(code, os.strerror(code), str(path))
        return plain(path)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        with pytest.raises(OSError, match=os.strerror(code)):
            checkpoints.newest(folder)
    assert files(folder) == before


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes")])
def test_a_lack_of_memory_is_not_damage(folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    before = files(folder)
    monkeypatch.setattr(torch, "load", fail)
    with pytest.raises(OSError, match=os.strerror(errno.ENOMEM)):
        checkpoints.newest(folder)
    assert files(folder) == before


def test_a_damaged_last_checkpoint_is_renamed_and_so_is_the_best_of_it(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    best = (folder / BEST).read_bytes()
    for number in ("", "1"):  # a second one replaces none
        (folder / LAST).write_bytes(f"broken {number}".encode())
        assert checkpoints.newest(folder) is None
        assert (folder / f"last.ckpt.damaged{number}").read_bytes() == f"broken {number}".encode()
    assert files(folder).keys() == {"last.ckpt.damaged", "last.ckpt.damaged1", "best.ckpt.old"}
    assert (folder / "best.ckpt.old").read_bytes() == best
    assert "the run starts anew; kept as they were: last.ckpt.damaged, best.ckpt.old" in caplog.messages[0]


def test_a_whole_file_of_something_else_is_no_checkpoint(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.save([1, 2], folder / LAST)
    assert checkpoints.newest(folder) is None
    assert "last.ckpt cannot be used (it is no checkpoint of a run)" in caplog.text


@pytest.mark.parametrize("damage", [b"broken", None])
def test_a_damaged_best_checkpoint_does_not_throw_away_a_good_last_one(
    folder: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / BEST).unlink()
    if damage:
        (folder / BEST).write_bytes(damage)
    found = checkpoints.newest(folder)
    assert found is not None
    assert found["epoch"] == 2
    assert files(folder).keys() == ({LAST, "best.ckpt.damaged"} if damage else {LAST})
    assert "the weights of the best epoch so far (epoch 1 of 2, val acc 90.0 %) are lost" in caplog.text


def test_a_damaged_best_checkpoint_is_made_again_from_a_last_one_of_its_epoch(folder: Path) -> None:
    last = content(1, [0.8, 0.9])
    torch.save(last, folder / LAST)
    (folder / BEST).write_bytes(b"broken")
    assert checkpoints.newest(folder) is not None
    made = torch.load(folder / BEST, weights_only=True)
    assert made.keys() == {"epoch", "global_step", "pytorch-lightning_version", "state_dict", "animal_cls"}
    assert made["epoch"] == 1
    assert torch.equal(made["state_dict"]["network.w"], last["evaluated"]["network.w"]), "what was validated"
    assert (folder / "best.ckpt.damaged").read_bytes() == b"broken"


def test_no_path_of_the_folder_is_kept_so_that_it_can_be_moved(tmp_path: Path) -> None:
    """With Lightning's own ModelCheckpoint, which forgets its best score where its folder is another one."""
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    state = ModelCheckpoint(dirpath=before / "own", monitor="val/acc").state_dict()
    state |= {"best_model_path": f"{before}/own/a.ckpt", "best_k_models": {f"{before}/own/a.ckpt": torch.tensor(0.9)}}
    elsewhere = {"other": f"{before}hand/x", "itself": str(before), "many": [f"{before}/y"]}
    Files(before).save_checkpoint({"epoch": 1, "callbacks": {"M": state, "E": elsewhere}}, before / LAST)
    assert f"{before}/".encode() not in (before / LAST).read_bytes()
    before.rename(after)
    found = Files(after).load_checkpoint(after / LAST)["callbacks"]
    assert found["M"]["dirpath"] == f"{after}/own"
    assert found["M"]["best_k_models"] == {f"{after}/own/a.ckpt": torch.tensor(0.9)}
    assert found["E"] == {"other": f"{before}hand/x", "itself": str(after), "many": [f"{after}/y"]}
    again = ModelCheckpoint(dirpath=after / "own", monitor="val/acc")
    again.load_state_dict(found["M"])
    assert again.best_model_path == f"{after}/own/a.ckpt"
