"""From labelled images to what is written about them."""

from datetime import datetime
from pathlib import Path

from animal_cls.data.audit.checks import findings
from animal_cls.data.audit.facts import gather
from animal_cls.data.audit.overview import beside_the_release, overview
from animal_cls.data.audit.page import render
from animal_cls.data.audit.recall import remember
from animal_cls.data.audit.record import Audit, as_json
from animal_cls.data.dataset import ImageSet
from animal_cls.data.settings import DataSettings
from animal_cls.data.sources.listing import Listing
from animal_cls.data.splits import fingerprint
from animal_cls.errors import UserError
from animal_cls.files import atomic
from animal_cls.files.new_folders import dated_folder

PAGE, RECORD = "images.html", "images.json"


def audit_images(
    listing: Listing, images: ImageSet | UserError, settings: DataSettings, *, is_drawn: bool = False
) -> Audit:
    """Check every image of `listing`.

    Args:
        images: what a run would use, or why it cannot use them.
        is_drawn: the images are our own, which have the classes of Animals-10 but are not to be compared with it.

    Raises:
        UserError: the cache cannot be written.
    """
    facts = gather(listing, images, settings)
    found = findings(facts)
    readable = facts.readable
    remember(found, fingerprint(facts.labels[readable], facts.contents[readable], facts.classes), settings)
    return Audit(
        made=f"{datetime.now():%Y-%m-%d %H:%M:%S}",
        facts=facts,
        overview=overview(facts),
        findings=found,
        release=[] if is_drawn else beside_the_release(listing, facts),
    )


def write(audit: Audit, out: Path | None) -> list[Path]:
    """Write the page and the record into `out`, or a new folder below outputs/; return their paths.

    Raises:
        UserError: `out` holds those of another audit, or cannot be written to.
    """
    try:
        folder = dated_folder("outputs") if out is None else _free(out)
        atomic.write(folder / RECORD, as_json(audit))
        atomic.write(folder / PAGE, render(audit))
    except OSError as error:
        where = "outputs" if out is None else out
        raise UserError(f"{where}: cannot be written to ({error.strerror}). Choose --out DIR.") from None
    return [folder / PAGE, folder / RECORD]


def _free(out: Path) -> Path:
    if there := [name for name in (PAGE, RECORD) if (out / name).exists()]:
        raise UserError(f"--out {out}: holds {there[0]} already, which is not overwritten. Choose another folder.")
    out.mkdir(parents=True, exist_ok=True)
    return out
