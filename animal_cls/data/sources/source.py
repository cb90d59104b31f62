"""What a data source may return, and the images that it has."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from animal_cls.data.sources.arrays import ArraySource
from animal_cls.data.sources.folder import scan
from animal_cls.data.sources.listing import Listing
from animal_cls.data.sources.table import TableSource
from animal_cls.errors import UserError

Source = Path | ArraySource | TableSource  # a folder of class folders, arrays, or a table


def list_images(source: Source, *, follow_links: bool, splits: Mapping[str, Any] | str | None = None) -> Listing:
    """The images of `source`, none of which is decoded yet.

    Raises:
        UserError: it has no labelled images of two classes, or is something else.
    """
    if isinstance(source, Path | str):
        return scan(Path(source), follow_links=follow_links, splits=splits)
    if splits:
        raise UserError(f"data.splits={splits}: only folders have it; a table or arrays bring their split.")
    if isinstance(source, ArraySource):
        return source.listing()
    if isinstance(source, TableSource):
        return source.listing(follow_links=follow_links)
    kind = type(source).__name__
    raise UserError(f"data.source: returned a {kind}; a folder (Path), an ArraySource or a TableSource is needed.")
