"""`python -m animal_cls` and the installed script `animal-cls`: a verb, or else a training."""

import importlib
import sys

VERBS = ("prepare", "report")  # animal_cls/VERB.py, also to be called as python -m animal_cls.VERB


def main() -> int:
    """Run the verb that the command line names, or train; returns the exit code."""
    if len(sys.argv) > 1 and sys.argv[1] in VERBS:
        verb = importlib.import_module(f"animal_cls.{sys.argv[1]}")
        return verb.main(sys.argv[2:])
    from animal_cls import cli

    return cli.run()


if __name__ == "__main__":
    sys.exit(main())
