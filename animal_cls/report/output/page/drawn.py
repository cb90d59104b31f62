"""The figures that an earlier report of the same sweep has drawn: what they show has often not changed since."""

import hashlib
import hmac
import io
import json
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import matplotlib

from animal_cls import files, report
from animal_cls.files import atomic
from animal_cls.report.figures.drawing import Drawing, Files

KEYS = ".drawn.json"  # beside the figures: name -> what it was drawn from and what came of it


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """The figures in a folder, as far as they are known to be of this sweep and unchanged.

    The page holds figures as they are, so that those that somebody else has put there must not get into it: a key is
    made with a secret that lives as long as the sweep.
    """

    folder: Path
    secret: bytes  # empty where there is none: then nothing is known

    def files(self, drawing: Drawing) -> Files | None:
        """A figure that was drawn from the same, or `None` where it has to be drawn."""
        if (known := self._known.get(drawing.name)) is None:
            return None
        svg, png = (self.content(drawing, kind) for kind in ("svg", "png"))
        return None if svg is None or known != self._key(drawing, svg, png) else Files(svg=svg.decode(), png=png)

    def content(self, drawing: Drawing, kind: str) -> bytes | None:
        """That of its file of that kind, svg or png, whoever has written it; None where there is none."""
        return _content(self.folder / f"{drawing.name}.{kind}")

    def keep(self, made: Sequence[tuple[Drawing, Files]]) -> None:
        """Note what these figures, which are in the folder now, were drawn from."""
        if self.secret:
            keys = {drawing.name: self._key(drawing, one.svg.encode(), one.png) for drawing, one in made}
            atomic.write(self.folder / KEYS, json.dumps(keys))

    @cached_property
    def _known(self) -> dict[str, Any]:
        try:
            known = json.loads((self.folder / KEYS).read_bytes()) if self.secret else {}
        except (OSError, ValueError, RecursionError):
            return {}
        return known if isinstance(known, dict) else {}

    def _key(self, drawing: Drawing, svg: bytes, png: bytes | None) -> str:
        """What a figure shows and how, and its files, as one word that nobody can make who lacks the secret."""
        key = hmac.new(self.secret, program() + content(drawing), "sha256")
        for file in (svg, b"" if png is None else png):
            key.update(b"%d " % len(file) + file)
        return key.hexdigest()


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


@cache
def program() -> bytes:
    """What draws, 32 bytes: another version of it may draw the same numbers in another way."""
    sources = sorted(path for room in (report, files) for path in Path(room.__path__[0]).rglob("*.py"))
    return hashlib.sha256(b"".join([matplotlib.__version__.encode(), *map(Path.read_bytes, sources)])).digest()


def content(drawing: Drawing) -> bytes:
    """All that a figure is drawn from, without regard to which of its equal parts are one object."""
    written = io.BytesIO()
    pickler = pickle.Pickler(written)
    pickler.fast = True
    pickler.dump((drawing.title, drawing.draw))
    return written.getvalue()
