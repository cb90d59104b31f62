"""Which regularizer helps which network, on which classes, by how much, and is it real?"""

import sys
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path


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


def __getattr__(name: str) -> str:
    """`__version__`, looked up when it is asked for: that takes a tenth of a second, which `--help` has no use for."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("animal-cls")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"
