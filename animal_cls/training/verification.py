"""What a run asks of itself at its end: are the weights that it evaluates those of the epoch that it names?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from animal_cls.errors import UserError
from animal_cls.files import tensor_files
from animal_cls.results import METRICS, resume_command
from animal_cls.training.checkpoints import BEST

# Of the largest logit: by so much may rounding move one where images form other batches, as they do in the evaluation
# of all splits together. Below float32, and where GPUs round the factors of products, as 8 bits of mantissa do.
EXACT, ROUNDED = 1e-4, 2e-2


def require_best(folder: Path, rows: Sequence[Mapping[str, float]], description: Mapping[str, Any]) -> None:
    """Raise `UserError` where best.ckpt of the run in `folder` cannot be read, or is not what `check_best` asks for."""
    file = folder / "checkpoints" / BEST
    try:
        content = tensor_files.read(file)
    except FileNotFoundError:
        raise lost_best(file.parent, rows) from None
    except tensor_files.Unreadable as error:
        raise UserError(
            f"{file}: cannot be used ({error}). All files are kept as they are. Go on with the run, which makes it "
            f"again if it can: {resume_command(folder)}"
        ) from None
    check_best(content, rows, description)


def check_best(content: Mapping[str, Any], rows: Sequence[Mapping[str, float]], description: Mapping[str, Any]) -> None:
    """Raise `UserError` where best.ckpt is not of the first epoch with the highest val/acc, or of another run.

    Args:
        content: of best.ckpt.
        rows: of metrics.csv.
        description: what the checkpoints of this run say of it.
    """
    best = max(rows, key=lambda row: row["val/acc"])
    if content["epoch"] != best["epoch"]:
        raise _not_as_said(
            f"{BEST} has the weights of epoch {content['epoch'] + 1}, while by {METRICS} epoch {best['epoch'] + 1:.0f} "
            f"is the best (val acc {100 * best['val/acc']:.2f} %)"
        )
    if content["animal_cls"] != description:
        raise _not_as_said(f"{BEST} is of another run")


def check_accuracy(logits: Tensor, labels: Tensor, row: Mapping[str, float], *, rounded: bool) -> None:
    """Raise `UserError` where the evaluated val accuracy is not the one that `row` of metrics.csv has.

    An image may change sides only where its two highest logits are as near as rounding moves them.

    Args:
        logits: (N, K) of the val images, N > 0.
        labels: (N,).
        rounded: whether the network computes with fewer bits than float32.
    """
    correct = (logits.argmax(dim=1) == labels).sum().item()
    expected = row["val/acc"] * len(labels)
    if abs(correct - expected) > _undecided(logits, ROUNDED if rounded else EXACT) + 0.01:
        raise _not_as_said(
            f"the evaluated val accuracy is {100 * correct / len(labels):.2f} %, while in epoch {row['epoch'] + 1:.0f} "
            f"of {METRICS} it is {100 * row['val/acc']:.2f} %"
        )


def _undecided(logits: Tensor, tolerance: float) -> int:
    """How many images have their two highest logits within `tolerance` of the largest of theirs."""
    first, second = logits.double().topk(min(2, logits.shape[1]), dim=1).values[:, [0, -1]].unbind(dim=1)
    return int((first - second <= tolerance * logits.double().abs().amax(dim=1)).sum())


def rounds(device: torch.device, precision: str) -> bool:
    """Whether products are computed with fewer bits than float32 has; of a GPU it is assumed."""
    return device.type != "cpu" or not precision.startswith(("32", "64"))


def lost_best(folder: Path, rows: Sequence[Mapping[str, float]]) -> UserError:
    """What to say where there is no best.ckpt at the end."""
    best = max(rows, key=lambda row: row["val/acc"])
    return UserError(
        f"{folder / BEST}: is not there, and no later epoch was better than epoch {best['epoch'] + 1:.0f}, whose "
        "weights it had. All else is kept. The same command in another folder (hydra.run.dir=...) makes them again."
    )


def _not_as_said(what: str) -> UserError:
    return UserError(
        f"The run does not add up: {what}. No result is written, and all files are kept as they are. Were files of it "
        "exchanged, or its images or packages? Start the run again in another folder (hydra.run.dir=...)."
    )
