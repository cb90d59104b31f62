"""Started by `python -m animal_cls`, `python -m animal_cls.VERB` and the script `animal-cls`: a verb, or else train."""

import sys

from animal_cls.commands import entry


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    started_as = __spec__.name if __spec__ else ""  # animal_cls.resume, animal_cls.report.__main__
    verb = [part for part in started_as.split(".")[1:] if part != "__main__"]
    return entry.run([*verb, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
