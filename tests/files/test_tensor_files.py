"""No damage of a file that torch has saved goes unnoticed, and nothing in it is carried out."""

import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from animal_cls.files import tensor_files
from animal_cls.files.tensor_files import Unreadable

CONTENT = {"weights": torch.arange(40, dtype=torch.float32), "epoch": 3, "names": ["cat", "dog"]}


def same(found: Any) -> bool:
    return (
        isinstance(found, dict)
        and found.keys() == CONTENT.keys()
        and torch.equal(found["weights"], CONTENT["weights"])
        and [found["epoch"], found["names"]] == [3, ["cat", "dog"]]
    )


def test_damage_in_any_byte_is_noticed(tmp_path: Path) -> None:
    """Some bytes of the container mean nothing: then the content is the same. No other content, no other exception."""
    path = tmp_path / "file.pt"
    torch.save(CONTENT, path)
    whole = path.read_bytes()

    def outcome(content: bytes) -> str:
        path.write_bytes(content)
        try:
            return "the same" if same(tensor_files.read(path)) else "another"
        except Unreadable:
            return "refused"

    flipped = Counter(outcome(whole[:k] + bytes([whole[k] ^ 255]) + whole[k + 1 :]) for k in range(len(whole)))
    assert set(flipped) == {"the same", "refused"}
    at = whole.index(CONTENT["weights"].numpy().tobytes())
    inside = {outcome(whole[:k] + bytes([whole[k] ^ 1]) + whole[k + 1 :]) for k in range(at, at + 160)}
    assert inside == {"refused"}
    assert {outcome(whole[:k]) for k in range(0, len(whole) - 1, 7)} == {"refused"}


class Evil:
    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.proof,)


@pytest.mark.parametrize(
    "write", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content, protocol=2))]
)
def test_code_is_not_carried_out(tmp_path: Path, write: Any) -> None:
    proof, path = tmp_path / "carried out", tmp_path / "file.pt"
    write({"weights": torch.zeros(1), "evil": Evil(proof)}, path)
    with pytest.raises(Unreadable, match=r"^it is damaged or holds something else than tensors$"):
        tensor_files.read(path)
    assert not proof.exists()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        tensor_files.read(tmp_path / "gone.pt")
