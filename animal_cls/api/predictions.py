"""What networks say of images, as a table."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

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
    every = list(predict(loaded, named(images), tta=tta, batch_size=batch_size))
    if not every:
        raise UserError(f"{images!r}: no image there. Folders are searched for files called as images.")
    nothing = np.full(len(classes), np.nan, dtype=np.float32)
    said = np.stack([nothing if one.probabilities is None else one.probabilities for one in every])
    names = [None if one.probabilities is None else classes[one.predicted] for one in every]
    known = {"path": [one.image.path for one in every], "predicted": names, "probability": said.max(axis=1)}
    probabilities = {f"prob_{name}": said[:, k] for k, name in enumerate(classes)}
    return table(known | probabilities | {"unreadable": [one.unreadable for one in every]})
