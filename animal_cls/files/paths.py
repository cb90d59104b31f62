"""Where the package's own files lie."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import platformdirs

PACKAGE = Path(__file__).parents[1]
# In a checkout conf/ lies beside the package, in a wheel inside it; editable installs may hold both, the first counts.
CONF = next(
    (path for path in (PACKAGE.parent / "conf", PACKAGE / "conf") if (path / "config.yaml").is_file()), PACKAGE / "conf"
)


def user_cache_folder() -> Path:
    """Where this user's caches lie; a user without a home has theirs in the folder for temporary files."""
    return _users(platformdirs.user_cache_path, "cache")


def user_config_folder() -> Path:
    """Where this user's own settings lie, as `user_cache_folder`."""
    return _users(platformdirs.user_config_path, "config")


def _users(place: Callable[..., Path], kind: str) -> Path:
    with suppress(RuntimeError):  # HOME is not set, and the system does not know the user
        folder = place("animal_cls", appauthor=False)
        if folder.is_absolute():  # other versions of platformdirs leave a ~ there
            return folder
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"animal_cls-{user}" / kind


def search_modules_beside(config_dirs: Iterable[Path]) -> None:
    """Let the modules in the folders above `config_dirs` be imported, here and by processes that are started from here.

    They come last, so that none of theirs stands for one of ours.
    """
    for folder in (str(path.expanduser().resolve().parent) for path in config_dirs):
        if folder not in sys.path:
            sys.path.append(folder)
            os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), folder]))
