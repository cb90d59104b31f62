"""What networks say of images, as a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from animal_cls.api.table import Table, table
from animal_cls.api.verbs import isolated
from animal_cls.errors import UserError


def predicted(
    folders: Sequence[Path],
    images: Any,
    *,
    tta: bool,
    calibrate: bool,
    batch_size: int | None,
    accelerator: str,
    allow: Sequence[str],
) -> Table:
    """A row per image, of what the runs in `folders` say on average; arguments as of `Run.predict`."""
    from animal_cls.use import trained  # torch takes seconds
    from animal_cls.use.in_memory import named
    from animal_cls.use.predict import predict

    with isolated():
        loaded = [trained.load(folder, allow=allow, accelerator=accelerator, calibrate=calibrate) for folder in folders]
        trained.same_size(loaded)
    classes = loaded[0].result.classes
    rows = []
    for said in predict(loaded, named(images), tta=tta, batch_size=batch_size):
        known = [None] * (2 + len(classes))
        if said.probabilities is not None:
            known = [classes[said.predicted], said.probabilities.max(), *said.probabilities]
        rows.append((said.image.path, *known, said.unreadable))
    if not rows:
        raise UserError(f"{images!r}: no image there. Folders are searched for files called as images.")
    return table(rows, ["path", "predicted", "probability", *(f"prob_{name}" for name in classes), "unreadable"])
