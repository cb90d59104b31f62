"""Imports point down: a test that reads them, and one that tests that test."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import animal_cls

PACKAGE = Path(animal_cls.__file__).parent

# The rooms of animal_cls/ from the top floor to the ground. A module imports from its own room and from those below it.
# Every __main__.py is on the top floor: it is what `python -m` starts.
FLOORS = (
    "__main__",
    "api",
    "commands",
    "sweeps",
    "use",
    "training",
    "report",
    "data",
    "models",
    "regularizers",
    "statistics",
    "config",
    "results",
    "files",
    "rng",
    "errors",
)

FRONT = "api"  # what `import animal_cls` shows, and loads when it is asked for

# Rooms whose modules are imported without torch (it takes seconds), and those that do without Hydra as well.
WITHOUT_TORCH = ("__main__", "api", "commands", "sweeps", "report", "statistics", "config", "results", "rng", "errors")
WITHOUT_HYDRA = ("report", "data", "models", "regularizers", "statistics", "results", "files", "rng", "errors")

# Libraries whose place is limited, and the rooms in which they are at home, at whatever depth.
AT_HOME = {
    "hydra": {"api", "commands", "sweeps", "config"},
    "omegaconf": {"commands", "sweeps", "config"},
    "lightning": {"training", "data"},
    "torchmetrics": {"training"},
    "torchvision": {"data", "models", "regularizers"},
    "torch": {"use", "training", "data", "models", "regularizers", "files"},
    "matplotlib": {"api", "training", "report"},
    "pandas": {"api"},
    "IPython": {"api", "training"},
    "jinja2": {"use", "report", "data"},
    "scipy": {"statistics", "data", "regularizers"},
    "imagehash": {"data"},
    "kagglehub": {"data"},
    "PIL": {"use", "training", "report", "data"},
    "rich": {"commands", "use", "data"},
    "captum": {"use"},
    "gradio": {"use"},
    "huggingface_hub": {"use", "models"},
    "mlflow": {"use"},
    "wandb": {"use"},
    "platformdirs": {"files"},
    "filelock": {"sweeps", "report", "data", "files"},
    "numpy": {"api", "sweeps", "use", "training", "report", "data", "regularizers", "statistics", "results", "rng"},
}

Import = tuple[str, bool]  # dotted name, whether it is at module level


@cache
def imports(source: str, module: str) -> tuple[Import, ...]:
    """What a module's source imports; names of its own package are absolute."""
    return tuple(_imports(ast.parse(source), module))


def _imports(tree: ast.Module, module: str) -> Iterator[Import]:
    later = {node for part in ast.walk(tree) if _is_late(part) for node in ast.walk(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node not in later) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((f"{base}.{alias.name}", node not in later) for alias in node.names)


def _is_late(part: ast.AST) -> bool:
    """Whether what stands in it is not carried out when the module is imported."""
    if isinstance(part, ast.If):
        return isinstance(part.test, ast.Name) and part.test.id == "TYPE_CHECKING"
    return isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)


def room_of(module: str) -> str:
    """animal_cls.data.module -> data."""
    parts = module.split(".")
    return "__main__" if parts[-1] == "__main__" else (parts[1] if len(parts) > 1 else "")


def faults(sources: dict[str, str]) -> list[str]:
    """What is wrong with modules, given as dotted name -> source; empty where every import points down."""
    found = []
    for module, source in sources.items():
        room = room_of(module)
        if room and room not in FLOORS:
            found.append(f"{module} has no floor")
            continue
        for name, at_once in imports(source, module):
            library = name.partition(".")[0]
            if library == "animal_cls":
                found += _inward(module, room, room_of(name), at_once=at_once)
            elif room not in AT_HOME.get(library, {room}):
                found.append(f"{module} imports {library}, which is at home in {', '.join(sorted(AT_HOME[library]))}")
    return found


def _inward(module: str, room: str, other: str, *, at_once: bool) -> list[str]:
    if other in (room, "", "__version__"):
        return []
    if not room:
        if other == FRONT and not at_once:
            return []
        return [f"{module} imports {other}: the package itself imports none of its rooms, but {FRONT} when it is used"]
    if other not in FLOORS:
        return [f"{module} imports {other}, which has no floor"]
    if FLOORS.index(other) < FLOORS.index(room):
        return [f"{module} imports {other}, which is above {room}"]
    return []


def loads(sources: dict[str, str], library: str, rooms: tuple[str, ...]) -> list[str]:
    """The chains of imports at module level by which modules of `rooms` load `library`, one for each such module."""
    graph = {module: _loaded(source, module, sources) for module, source in sources.items()}
    chains = [_chain(module, library, graph) for module in sources if room_of(module) in rooms]
    return [" -> ".join(chain) for chain in chains if chain]


def _loaded(source: str, module: str, sources: dict[str, str]) -> list[str]:
    """Modules of ours and libraries that are loaded when `module` is."""
    found = []
    for name, at_once in imports(source, module):
        if at_once:
            steps = name.split(".")
            ours = [".".join(steps[: n + 1]) for n in range(len(steps))]
            found += [step for step in ours if step in sources] or [steps[0]]
    return found


def _chain(module: str, library: str, graph: dict[str, list[str]]) -> list[str]:
    """The shortest way from `module` to `library`, both included; empty where there is none."""
    ways = {module: [module]}
    for here in (queue := [module]):
        for name in graph.get(here, []):
            if name not in ways:
                ways[name] = [*ways[here], name]
                queue.append(name)
    return ways.get(library, [])


def sources() -> dict[str, str]:
    """Dotted name -> source of every module of the package."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return found


def test_imports_point_down() -> None:
    assert faults(sources()) == []


def test_every_entry_of_the_package_has_a_floor() -> None:
    entries = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert entries - {"__init__"} == set(FLOORS)


def test_what_has_to_answer_at_once_does_not_load_torch() -> None:
    assert loads(sources(), "torch", WITHOUT_TORCH) == []
    assert loads(sources(), "lightning", WITHOUT_TORCH) == []


def test_what_can_be_used_without_hydra_does_not_load_it() -> None:
    assert loads(sources(), "hydra", WITHOUT_HYDRA) == []


def test_packages_of_one_verb_are_neither_loaded_before_it_is_used_nor_installed_unasked() -> None:
    extras = {"captum", "gradio", "huggingface_hub", "kagglehub", "mlflow", "onnx", "onnxruntime", "timm", "wandb"}
    loaded = [
        (module, name)
        for module, source in sources().items()
        for name, at_once in imports(source, module)
        if at_once and name.partition(".")[0] in extras
    ]
    assert loaded == []
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installed = {re.split(r"[^\w-]", line)[0].replace("-", "_") for line in project["dependencies"]}
    assert installed & extras == set()


def test_the_readme_lists_the_rooms_in_the_order_of_their_imports() -> None:
    readme = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    tree = readme.partition("\nanimal_cls/")[2].partition("\ntests/")[0]
    listed = re.findall(r"^[├└]── (\w+)(?:\.py|/) ", tree, re.M)
    assert tuple(listed) == FLOORS


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        ("animal_cls.errors", "from animal_cls.config.schema import Config", "imports config, which is above errors"),
        ("animal_cls.results", "from animal_cls import report", "imports report, which is above results"),
        ("animal_cls.results", "import animal_cls.commands.train", "imports commands, which is above results"),
        ("animal_cls.models.net", "from ..training import classifier", "imports training, which is above models"),
        (
            "animal_cls.data.x",
            "def f():\n    from animal_cls.commands import train",
            "imports commands, which is above",
        ),
        ("animal_cls.data.x", "def f():\n    import animal_cls.__main__", "imports __main__, which is above data"),
        ("animal_cls.newcomer", "", "newcomer has no floor"),
        ("animal_cls.data.x", "from animal_cls.newcomer import y", "data.x imports newcomer, which has no floor"),
        (
            "animal_cls",
            "from animal_cls.data import splits",
            "animal_cls imports data: the package itself imports none",
        ),
        ("animal_cls", "from animal_cls.api import train", "animal_cls imports api: the package itself imports none"),
        ("animal_cls", "def f():\n    import animal_cls.data", "animal_cls imports data: the package itself"),
        ("animal_cls.training.run", "import hydra.utils", "imports hydra, which is at home in api, commands"),
        ("animal_cls.results", "from torch import Tensor", "results imports torch, which is at home in"),
        ("animal_cls.report.x", "def f():\n    import torch", "report.x imports torch, which is at home in"),
        ("animal_cls.models.net", "import lightning as L", "models.net imports lightning, which is at home in"),
    ],
)
def test_a_bad_module_is_caught(module: str, source: str, fault: str) -> None:
    (found,) = faults({module: source})
    assert fault in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("animal_cls.data.module", "from animal_cls.data.cache import decoded\nfrom .cache import decoded"),
        ("animal_cls.training.run", "from animal_cls import results\nimport torch, lightning"),
        ("animal_cls.sweeps.callback", "import hydra\nfrom animal_cls.config.hydra_errors import x"),
        ("animal_cls.report.__main__", "from animal_cls.commands.report import main"),
        ("animal_cls.commands.prepare", "import animal_cls"),
        ("animal_cls", "def f():\n    from animal_cls import api"),
        ("animal_cls", "if TYPE_CHECKING:\n    from animal_cls.api import train"),
    ],
)
def test_a_good_module_is_not_caught(module: str, source: str) -> None:
    assert faults({module: source}) == []


def test_a_slow_import_is_caught_however_far_away_it_is() -> None:
    house = {
        "animal_cls": "",
        "animal_cls.commands": "",
        "animal_cls.commands.go": "from animal_cls.data import far",
        "animal_cls.data": "",
        "animal_cls.data.far": "from animal_cls.data.near import x",
        "animal_cls.data.near": "import torch.nn",
    }
    chain = "animal_cls.commands.go -> animal_cls.data.far -> animal_cls.data.near -> torch"
    assert loads(house, "torch", ("commands",)) == [chain]
    late = house | {"animal_cls.commands.go": "def f():\n    from animal_cls.data import far"}
    assert loads(late, "torch", ("commands",)) == []
    package = house | {"animal_cls.data.near": "", "animal_cls.data": "import torch"}
    assert loads(package, "torch", ("commands",)) == ["animal_cls.commands.go -> animal_cls.data -> torch"]


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        (
            "animal_cls.report.make, animal_cls.report.output.page, animal_cls.results",
            {"torch", "hydra", "omegaconf"},
        ),
        (
            "animal_cls.api, animal_cls.commands.train, animal_cls.commands.prepare, animal_cls.__main__",
            {"torch", "lightning", "matplotlib", "pandas", "IPython"},
        ),
    ],
)
def test_what_comes_with_an_import(modules: str, absent: set[str], tmp_path: Path) -> None:
    """The same again, of what is really loaded: also what our libraries import."""
    code = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert not set(loaded.stdout.split()) & absent
