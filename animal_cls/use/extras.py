"""Packages that only one verb needs: loaded when it is used, and how to get them where they are not there."""

import importlib.util

from animal_cls.errors import UserError


def require(*packages: str, extra: str) -> None:
    """Raise `UserError`, which says how to install them, where packages are missing."""
    if missing := [name for name in packages if importlib.util.find_spec(name) is None]:
        raise UserError(f"{', '.join(missing)}: not installed. python -m pip install 'animal-cls[{extra}]'")
