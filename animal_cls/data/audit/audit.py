"""From a folder of images to what is written about it."""

from datetime import datetime
from pathlib import Path

from animal_cls.data.audit.checks import findings
from animal_cls.data.audit.facts import gather
from animal_cls.data.audit.overview import beside_the_release, overview
from animal_cls.data.audit.page import render
from animal_cls.data.audit.record import Inspection, as_json
from animal_cls.data.dataset import ImageSet
from animal_cls.data.sources.folder import ClassFolders
from animal_cls.errors import UserError
from animal_cls.files import atomic

PAGE, RECORD = "images.html", "images.json"


def look(
    folder: ClassFolders,
    *,
    images: ImageSet | UserError,
    image_size: int,
    max_pixels: int,
    max_bad_share: float,
    cache_dir: Path | None,
    is_drawn: bool = False,
) -> Inspection:
    """Check every file of `folder`.

    Args:
        images: what a run would use, or why it cannot use them.
        cache_dir: where the decoded images are kept, if they are.
        is_drawn: the images are our own, which have the classes of Animals-10 but are not to be compared with it.

    Raises:
        UserError: the cache cannot be written.
    """
    facts = gather(
        folder,
        images=images,
        image_size=image_size,
        max_pixels=max_pixels,
        max_bad_share=max_bad_share,
        cache_dir=cache_dir,
    )
    return Inspection(
        made=f"{datetime.now():%Y-%m-%d %H:%M:%S}",
        facts=facts,
        overview=overview(facts),
        findings=findings(facts),
        release=[] if is_drawn else beside_the_release(folder, facts),
    )


def write(inspection: Inspection, out: Path | None) -> list[Path]:
    """Write the page and the record into `out`, or a new folder below outputs/; return their paths.

    Raises:
        UserError: `out` holds those of another look, or cannot be written to.
    """
    try:
        folder = _new_folder(datetime.now()) if out is None else _free(out)
        atomic.write(folder / RECORD, as_json(inspection))
        atomic.write(folder / PAGE, render(inspection))
    except OSError as error:
        where = "outputs" if out is None else out
        raise UserError(f"{where}: cannot be written to ({error.strerror}). Choose --out DIR.") from None
    return [folder / PAGE, folder / RECORD]


def _new_folder(now: datetime) -> Path:
    """As Hydra names that of a run; one that another process has just made is left alone."""
    day = Path(f"outputs/{now:%Y-%m-%d}")
    day.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        folder = day / (f"{now:%H-%M-%S}" + (f"-{number}" if number > 1 else ""))
        try:
            folder.mkdir()
            return folder
        except FileExistsError:
            number += 1


def _free(out: Path) -> Path:
    if taken := [name for name in (PAGE, RECORD) if (out / name).exists()]:
        raise UserError(f"--out {out}: holds {taken[0]} already, which is not overwritten. Choose another folder.")
    out.mkdir(parents=True, exist_ok=True)
    return out
