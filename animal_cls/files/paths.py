"""Where the package's own files lie."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# In a checkout conf/ lies beside the package, in a wheel inside it; editable installs may hold both, the first counts.
CONF = next(
    (path for path in (PACKAGE.parent / "conf", PACKAGE / "conf") if (path / "config.yaml").is_file()), PACKAGE / "conf"
)


def search_modules_beside(config_dirs: Iterable[Path]) -> None:
    """Let the modules in the folders above `config_dirs` be imported, here and by processes that are started from here.

    They come last, so that none of theirs stands for one of ours.
    """
    for folder in (str(path.expanduser().resolve().parent) for path in config_dirs):
        if folder not in sys.path:
            sys.path.append(folder)
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), folder]))
