"""Write a model card for a run, or for the winner of a sweep, from what the report says of it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from animal_cls.commands import entry
from animal_cls.files import atomic
from animal_cls.files.terminal import say
from animal_cls.use.extras import require
from animal_cls.use.winner import choose

HELP = """\
Write a model card as the hub of Hugging Face has them: data, results, calibration, verdicts, what was not shown.

    python -m animal_cls.card RUN                      RUN/README.md
    python -m animal_cls.card SWEEP --license mit      of its best arm by val
    python -m animal_cls.card SWEEP --push me/animals  sends it, too: to a private repository, with the hub's own login

Every number is the report's. A card that is there already is not written over; --push then sends that one, with
whatever you have changed in it, and the files that `export` has left in the folder."""

EXPORTS = "export"  # the folder in which `export` leaves its files


def main(words: Sequence[str]) -> int:
    """Run the verb; returns the exit code."""
    flags = parser().parse_args(words)
    require("huggingface_hub", extra="card")
    chosen = choose([flags.folder])
    from animal_cls.use import card  # jinja2 and the report, of which --help has no need

    file = flags.out or flags.folder / card.CARD
    if file.exists() and flags.push:
        say(f"{file}: is there already, and is sent as it is.", to="stderr")
    else:
        atomic.refuse_existing(file)
        if chosen.why:
            say(chosen.why, to="stderr")
        atomic.write(file, card.write(card.subject(flags.folder, chosen), license_id=flags.license))
        say(f"card  {file}")
    if flags.push:
        exports = sorted((chosen.folders[0] / EXPORTS).glob("model.*"))
        say(f"sending {', '.join(map(str, [file, *exports]))} to {flags.push}", to="stderr")
        say(f"sent  {card.push(file, flags.push, exports=exports, public=flags.public)}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The words that this command understands."""
    made = entry.parser("card", HELP)
    made.add_argument("folder", metavar="RUN|SWEEP", type=Path, help="folder of a run or of a sweep")
    made.add_argument("--out", metavar="FILE", type=Path, help="by default README.md in the folder")
    made.add_argument("--license", metavar="ID", help="of the weights, as the hub spells it: mit, apache-2.0, ...")
    made.add_argument("--push", metavar="REPO", help="send it to this model repository, NAME/MODEL")
    made.add_argument("--public", action="store_true", help="with --push: a new repository is for everybody")
    return made
