"""Which regularizer helps which network, on which classes, by how much, and is it real?"""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from animal_cls.api import Report, Run, Sweep, UserError, load, sweep, train

__all__ = ["Report", "Run", "Sweep", "UserError", "load", "sweep", "train"]


class _Verbs:
    """Lets `python -m animal_cls.resume` start __main__.py, which calls the verb commands/resume.py by its name.

    So a verb is one file without a line about how it is started, and is loaded once, under one name.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        here = Path(__file__).parent
        verb = name.removeprefix(f"{__name__}.").removesuffix(".__main__")  # report is a package, too
        is_verb = name.startswith(f"{__name__}.") and (here / "commands" / f"{verb}.py").is_file()
        return spec_from_file_location(name, here / "__main__.py") if is_verb else None


sys.meta_path.append(_Verbs)


def __getattr__(name: str) -> Any:
    """`__version__` and what `__all__` names, looked up when it is asked for: `--help` has no use for either."""
    if name in __all__:
        from animal_cls import api

        return getattr(api, name)
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("animal-cls")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})
