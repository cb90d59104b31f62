"""python -m benchmarks: every speed figure of the README, measured side by side in one run."""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from benchmarks.harness import chart, tables
from benchmarks.harness.conditions import Load, conditions
from benchmarks.harness.measurements import Part
from benchmarks.harness.processes import ProcessFailed
from benchmarks.harness.workspace import Workspace
from benchmarks.speed import decoding, growth, start_up, training_pass, whole_run

PARTS = {"a": training_pass, "b": whole_run, "c": decoding, "d": growth, "e": start_up}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, save; the exit code is 1 where a part failed. Nothing is asserted of the figures."""
    args = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="animal_cls-benchmarks-", dir=args.work) as work:
        data = None if args.data is None else args.data.resolve()
        workspace = Workspace(Path(work).resolve(), args.quick, args.repeats, data, args.largest)
        out = args.out or Path("outputs/benchmarks", f"{datetime.now():%Y-%m-%d/%H-%M-%S}")
        return _measure(workspace, args.only, out)


def _measure(workspace: Workspace, letters: Sequence[str], out: Path) -> int:
    quick = {"quick": "yes: less data, fewer repeats"} if workspace.quick else {}
    machine = conditions(workspace.torch) | quick
    parts: list[Part] = []
    for letter in letters:
        print(f"({letter}) {PARTS[letter].TITLE} ...", file=sys.stderr, flush=True)
        parts.append(_part(workspace, letter))
        save(parts, machine, out)  # after each: a run that is stopped leaves what it has
    print(tables.markdown(parts, machine))
    print(f"{out}: {', '.join(sorted(path.name for path in out.iterdir() if path.stem == 'speed'))}")
    return int(any(part.failure for part in parts))


def _part(workspace: Workspace, letter: str) -> Part:
    part, load = Part(letter=letter, title=PARTS[letter].TITLE), Load()
    try:
        part.measurements, part.remarks = PARTS[letter].measure(workspace)
    except ProcessFailed as error:
        part.failure = str(error)
    part.seconds, part.others = time.monotonic() - load.start, load.others()
    return part


def save(parts: Sequence[Part], machine: dict[str, str], out: Path) -> None:
    """Write speed.md, speed.json with every number, the repeats included, and speed.png."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "speed.md").write_text(tables.markdown(parts, machine), encoding="utf-8")
    content = {"conditions": machine, "parts": [asdict(part) for part in parts]}
    (out / "speed.json").write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    chart.save(parts, out / "speed.png")


def _letters(text: str) -> list[str]:
    letters = list(text.replace(",", "").replace(" ", ""))
    if unknown := [letter for letter in letters if letter not in PARTS]:
        raise argparse.ArgumentTypeError(f"{unknown[0]}: no such part. Parts: {', '.join(PARTS)}.")
    return sorted(set(letters))


def _parser() -> argparse.ArgumentParser:
    parts = "".join(f"\n  {letter}  {module.TITLE}" for letter, module in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Measures, side by side in one run, and says of each figure whether it reaches its target:{parts}",
        epilog="Each figure is a median with its spread. With a GPU everything runs on it, at batch 256 and 25,139 "
        "images.\nAlso: python -m benchmarks.speed.methods, benchmarks.speed.report, benchmarks.statistics, "
        "benchmarks.crash_test, benchmarks.near_copies, benchmarks.house.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", type=_letters, default=list(PARTS), help="parts to measure, e.g. a,c")
    parser.add_argument("--quick", action="store_true", help="less data, fewer repeats: a few minutes, rough figures")
    parser.add_argument("--repeats", type=int, help="of whatever is repeated; default: what each part can afford")
    parser.add_argument("--data", type=Path, help="class folders for a, b, c and e; default: the embedded images")
    parser.add_argument("--largest", type=int, default=250_000, help="images of part d (250,000 take 5 GB of disk)")
    parser.add_argument("--out", type=Path, help="folder for speed.md, .json, .png; default: outputs/benchmarks/...")
    parser.add_argument("--work", type=Path, help="folder for temporary files, on a real disk; default: the system's")
    return parser


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as Ctrl-C: child processes and temporary files go, too
    sys.exit(main())
