"""Which regularizer helps which network, on which classes, by how much, and is it real?"""

from pathlib import Path

# `python -m animal_cls.resume` is commands/resume.py
__path__.append(str(Path(__file__).with_name("commands")))


def __getattr__(name: str) -> str:
    """`__version__`, looked up when it is asked for: that takes a tenth of a second, which `--help` has no use for."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("animal-cls")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"
