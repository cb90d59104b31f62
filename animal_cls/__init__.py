"""Which regularizer helps which network, on which classes, by how much, and is it real?"""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("animal-cls")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"
