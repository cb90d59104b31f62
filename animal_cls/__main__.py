"""`python -m animal_cls` and the installed script `animal-cls`: a verb, or else a training."""

import importlib
import os
import sys

from animal_cls.commands.help import text, wanted

VERBS = ("prepare", "report", "resume")  # animal_cls/VERB.py, also to be called as python -m animal_cls.VERB


def main() -> int:
    """Run the verb that the command line names, or train; returns the exit code."""
    if len(sys.argv) > 1 and sys.argv[1] in VERBS:
        verb = importlib.import_module(f"animal_cls.commands.{sys.argv[1]}")
        return verb.main(sys.argv[2:])
    if wanted(sys.argv[1:]):
        return _show(text(sys.argv[1:], VERBS))
    from animal_cls.commands import train

    return train.run()


def _show(words: str) -> int:
    try:
        print(words, flush=True)
    except BrokenPipeError:  # `--help | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
