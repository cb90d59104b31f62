"""The measures of issue 10, of this checkout: `python -m benchmarks.house`."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.harness.tables import table
from tests import test_floors

CHECKOUT = Path(__file__).parents[1]
PACKAGE = CHECKOUT / "animal_cls"


def main() -> None:
    """Print the table."""
    print("\n".join(table(("measure", "now", "to reach"), rows())))


def rows() -> list[tuple[str, str, str]]:
    """Measure, value, target."""
    modules = test_floors.sources()
    lengths = [length for source in modules.values() for length in function_lengths(source)]
    entries = [
        path for path in PACKAGE.iterdir() if path.stem not in ("__init__", "__pycache__") and path.name != "py.typed"
    ]
    return [
        ("entries at the top of animal_cls/, __init__ not counted", f"{len(entries)}", "14"),
        ("imports that the table of floors would have to except", f"{len(test_floors.faults(modules))}", "0"),
        ("lines of Python in report/", f"{lines(PACKAGE / 'report'):,}", "5,200"),
        ("lines of Python in benchmarks/", f"{lines(CHECKOUT / 'benchmarks'):,}", "2,300"),
        ("longest function of animal_cls/, lines", f"{max(lengths)}", "40"),
        ("median function of animal_cls/, lines", f"{median(lengths):g}", "6"),
    ]


def lines(folder: Path) -> int:
    """Lines of all modules in it, blank ones and docstrings included."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in folder.rglob("*.py"))


def function_lengths(source: str) -> Iterator[int]:
    """Lines of each function, from `def` to its end: docstrings included, decorators not."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield (node.end_lineno or node.lineno) - node.lineno + 1


if __name__ == "__main__":
    main()
