"""Imports point down: a test that reads them, and one that tests that test."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import animal_cls

PACKAGE = Path(animal_cls.__file__).parent

# Every module directly in animal_cls/ and its floor. A module may import those on lower floors, and on its own floor
# those in its own package and the pairs below.
FLOORS = {
    **dict.fromkeys(
        (
            "atomic",
            "errors",
            "batch",
            "call",
            "chance",
            "config",
            "disk",
            "ledger",
            "models",
            "naming",
            "places",
            "regularizers",
            "results",
            "statistics",
            "stopping",
            "tensor_files",
        ),
        0,
    ),
    **dict.fromkeys(
        ("checkpoints", "data", "report", "classifier", "hardware", "history", "progress", "tensorboard"), 1
    ),
    **dict.fromkeys(("construct", "experiment", "inspection"), 2),
    **dict.fromkeys(("usage", "messages", "job", "plan", "sweep", "cli"), 3),
    **dict.fromkeys(("__main__", "prepare", "resume"), 4),
}
BESIDE = {
    *((room, "errors") for room in ("call", "config", "models", "results")),
    ("config", "places"),
    ("models", "tensor_files"),
    ("experiment", "construct"),
    ("sweep", "messages"),
    ("cli", "messages"),
    ("cli", "job"),
    ("checkpoints", "tensorboard"),
    ("ledger", "results"),
    ("results", "atomic"),
    ("disk", "errors"),
    ("sweep", "plan"),
    ("cli", "plan"),
    ("cli", "sweep"),
}

# Libraries whose place is limited, and the modules in which they are at home, at whatever depth.
AT_HOME = {
    "hydra": {"messages", "sweep", "cli"},
    "omegaconf": {"config", "messages", "sweep", "cli", "resume"},
    "lightning": {"checkpoints", "data", "classifier", "history", "progress", "tensorboard", "experiment"},
    "torchmetrics": {"classifier"},
    "torchvision": {"models"},
    "torch": {
        "batch",
        "models",
        "regularizers",
        "tensor_files",
        "data",
        "checkpoints",
        "classifier",
        "hardware",
        "tensorboard",
        "construct",
        "experiment",
    },
    "matplotlib": {"report"},
    "jinja2": {"report", "inspection"},
    "scipy": {"statistics", "data"},
    "imagehash": {"data"},
    "kagglehub": {"data"},
    "PIL": {"data", "report", "inspection", "tensorboard"},
    "rich": {"data"},
    "platformdirs": {"data"},
    "filelock": {"data", "job", "ledger", "report"},
    "numpy": {"batch", "chance", "results", "statistics", "data", "report", "inspection"},
}
# Imports inside functions, which wait until torch is needed: (module, imported).
LATER = {("job", "experiment"), ("sweep", "construct"), ("prepare", "cli"), ("__main__", "cli")}

Import = tuple[str, bool]  # dotted name, whether it is at module level


def imports(source: str, module: str) -> Iterator[Import]:
    """What a module's source imports; names of its own package are absolute."""
    tree = ast.parse(source)
    later = {
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node not in later) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((f"{base}.{alias.name}", node not in later) for alias in node.names)


def faults(sources: dict[str, str]) -> list[str]:
    """What is wrong with modules, given as dotted name -> source; empty where every import points down."""
    found = []
    for module, source in sources.items():
        room = module.split(".")[1] if "." in module else ""
        if room and room not in FLOORS:
            found.append(f"{module} has no floor")
            continue
        for name, at_once in imports(source, module):
            parts = name.split(".")
            if parts[0] == "animal_cls":
                found += _inward(module, room, parts, at_once)
            elif room not in AT_HOME.get(parts[0], {room}):
                found.append(f"{module} imports {parts[0]}, which is at home in {', '.join(sorted(AT_HOME[parts[0]]))}")
    return found


def _inward(module: str, room: str, parts: list[str], at_once: bool) -> list[str]:
    other = parts[1] if len(parts) > 1 else ""
    if not room or other in (room, "", "__version__"):
        return [f"{module} imports {other}: the package itself imports none of its rooms"] if other and not room else []
    if other not in FLOORS:
        return [f"{module} imports {other}, which has no floor"]
    if FLOORS[other] > FLOORS[room] or (FLOORS[other] == FLOORS[room] and (room, other) not in BESIDE):
        return [f"{module} (floor {FLOORS[room]}) imports {other} (floor {FLOORS[other]})"]
    if at_once and (room, other) in LATER:
        return [f"{module} imports {other} at once, which brings torch or Hydra before they are needed"]
    return []


def sources() -> dict[str, str]:
    """Dotted name -> source of every module of the package."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def test_imports_point_down() -> None:
    assert faults(sources()) == []


def test_the_readme_lists_the_rooms_in_the_order_of_their_imports() -> None:
    """ "Imports point down the list only", it says."""
    readme = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^[├└]── (\w+)(?:\.py|/) ", readme.partition("\nanimal_cls/")[2], re.M)
    assert {"cli", "data", "errors"} <= set(listed), "the list was read"
    for module, source in sources().items():
        room = module.partition(".")[2].partition(".")[0]
        for other in {name.split(".")[1] for name, _ in imports(source, module) if name.startswith("animal_cls.")}:
            if room in listed and other in listed and other != room:
                assert listed.index(room) < listed.index(other), f"{room} imports {other}, which stands above it"


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("animal_cls.errors", "from animal_cls.config import Config", "errors (floor 0) imports config (floor 0)"),
        ("animal_cls.results", "from animal_cls import report", "results (floor 0) imports report (floor 1)"),
        ("animal_cls.results", "import animal_cls.cli", "results (floor 0) imports cli (floor 3)"),
        ("animal_cls.models.net", "from ..classifier import judge", "models.net (floor 0) imports classifier"),
        ("animal_cls.data.module", "from animal_cls.report import figures", "data.module (floor 1) imports report"),
        ("animal_cls.messages", "from animal_cls import sweep", "messages (floor 3) imports sweep (floor 3)"),
        ("animal_cls.data.x", "def f():\n    from animal_cls.cli import run", "data.x (floor 1) imports cli (floor 3)"),
        ("animal_cls.job", "from animal_cls import experiment", "job imports experiment at once"),
        ("animal_cls.sweep", "from animal_cls.construct import check", "sweep imports construct at once"),
        ("animal_cls.newcomer", "", "newcomer has no floor"),
        ("animal_cls.data.x", "from animal_cls.newcomer import y", "data.x imports newcomer, which has no floor"),
        ("animal_cls", "from animal_cls.cli import run", "animal_cls imports cli: the package itself imports none"),
        ("animal_cls.experiment", "import hydra.utils", "experiment imports hydra, which is at home in cli, messages"),
        ("animal_cls.results", "from torch import Tensor", "results imports torch, which is at home in"),
        ("animal_cls.report.x", "def f():\n    import torch", "report.x imports torch, which is at home in"),
        ("animal_cls.models.net", "import lightning as L", "models.net imports lightning, which is at home in"),
        ("animal_cls.classifier", "from omegaconf import OmegaConf", "classifier imports omegaconf, which is at home"),
    ],
)
def test_a_bad_module_is_caught(module: str, source: str, fault: str) -> None:
    (found,) = faults({module: source})
    assert fault in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("animal_cls.data.module", "from animal_cls.data.cache import decoded\nfrom .cache import decoded"),
        ("animal_cls.experiment", "from animal_cls import construct, results\nimport torch, lightning"),
        ("animal_cls.job", "def f():\n    from animal_cls import experiment"),
        ("animal_cls.sweep", "import hydra\nfrom animal_cls.messages import in_our_words"),
        ("animal_cls.prepare", "import animal_cls"),
    ],
)
def test_a_good_module_is_not_caught(module: str, source: str) -> None:
    assert faults({module: source}) == []


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (
            "animal_cls.report.build, animal_cls.report.page, animal_cls.report.run.figures, animal_cls.results",
            {"torch", "hydra", "omegaconf"},
        ),
        ("animal_cls.cli, animal_cls.prepare, animal_cls.__main__", {"torch", "lightning", "matplotlib"}),
    ],
)
def test_what_comes_with_an_import(modules: str, absent: set[str], tmp_path: Path) -> None:
    """The same again, of what is really loaded: also what our libraries import."""
    code = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert not set(loaded.stdout.split()) & absent
