"""README and docs/ say what there is: each command in them runs in its shortest form, each file they name exists."""

import importlib
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

import animal_cls as ac
from animal_cls import api, results
from animal_cls.commands import entry, train
from animal_cls.config.schema import Config
from animal_cls.files.paths import CONF
from animal_cls.results import Result
from animal_cls.sweeps.plan import Job, JobEstimate
from tests.sweeps.conftest import done as result_of

Program = Callable[..., "CompletedProcess[str]"]

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = {path.relative_to(ROOT).as_posix(): path for path in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in PAGES.items()}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
LINE = re.compile(r"^(?P<bars>(?:│   |    )*)(?:├── |└── )(?P<entry>\S+)")
STARTS = re.compile(r"(python -m animal_cls\b|animal-cls )")


# The tree of the README.


def tree() -> dict[str, str]:
    """Path -> its whole line, of the block that shows where things are."""
    (block,) = (text for _, text in FENCE.findall(TEXTS["README.md"]) if "├── " in text and "__main__.py" in text)
    found: dict[str, str] = {}
    above: list[str] = []
    for line in block.splitlines():
        match = LINE.match(line)
        name = match["entry"] if match else line.split()[0]
        above = above[: len(match["bars"]) // 4 + 1 if match else 0]
        found["".join([*above, name])] = line
        above.append(name)
    return found


TREE = tree()


@pytest.mark.parametrize("path", TREE)
def test_what_the_tree_names_is_there(path: str) -> None:
    assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file()


def python_files(folder: str) -> list[str]:
    return sorted(path.name for path in (ROOT / folder).glob("*.py") if path.name != "__init__.py")


def test_the_tree_names_every_module() -> None:
    """Those directly in animal_cls/, its folders, and what is in a folder whose files are shown."""
    folders = [path for path in TREE if path.startswith("animal_cls/") and path.endswith("/")]
    for folder in folders:
        shown = [path for path in TREE if path.startswith(folder) and path != folder]
        if shown:
            absent = [name for name in python_files(folder) if f"{folder}{name}" not in TREE]
            assert not absent, f"{folder} has {absent}, which the tree does not name"
    packages = {f"{path.parent.relative_to(ROOT)}/" for path in (ROOT / "animal_cls").glob("*/__init__.py")}
    assert not packages - set(TREE), "packages that the tree does not name"


def test_every_line_of_the_tree_says_something() -> None:
    assert [line for line in TREE.values() if len(line.split()) < 3] == []


# Commands.


def commands(text: str) -> list[str]:
    """Whatever a page tells to type that starts this program."""
    fenced = [
        line for language, block in FENCE.findall(text) if language in ("bash", "sh") for line in block.splitlines()
    ]
    inline = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    parts = [part.strip() for line in [*fenced, *inline] for part in re.split(r"&&|;|\|", line)]
    return [part for part in parts if STARTS.match(part)]


FOUND = sorted({command for text in TEXTS.values() for command in commands(text)})


def test_commands_are_found() -> None:
    assert "python -m animal_cls" in commands(TEXTS["README.md"])
    assert len(FOUND) > 60
    assert {split(command)[0] for command in FOUND} >= {"train", "report", "resume", "predict", "export", "prepare"}


def split(command: str) -> tuple[str, list[str]]:
    """The verb, and what is typed behind it."""
    words = shlex.split(command, comments=True)
    program, *words = words[2:] if words[0] == "python" else words
    started_as = program.partition(".")[2]
    return entry.choose([started_as, *words] if started_as else words)


TRAINING = [command for command in FOUND if split(command)[0] == "train"]
FIRST = {line for page in ("README.md", "docs/index.md") for line in commands(TEXTS[page])}
STARTED = [line for line in TRAINING if line in FIRST or "--config-dir" in line]


@pytest.mark.parametrize("command", [line for line in TRAINING if line not in STARTED])
def test_a_command_composes(command: str) -> None:
    """Of axes the first value; that the others are options, too, is looked up."""
    _, words = split(command)
    overrides = [word for word in words if "=" in word and not word.startswith("-")]
    assert {word for word in words if word not in overrides} <= {"--multirun"}
    for word in overrides:
        group, _, named = word.partition("=")
        for name in re.findall(r"[a-z]\w*", named) if group in ("model", "reg", "sweep", "data") else ():
            assert (CONF / group / f"{name}.yaml").is_file(), f"{word}: there is no {name}"
    train.compose([re.sub(r"(=(?:\[[^]]*\]|\{[^}]*\}|[^,\[{]*)).*", r"\1", word) for word in overrides])


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """The configs of the runs that a command starts: nothing is trained, and no network is built ahead."""
    configs: list[Config] = []

    def run(config: Config, folder: Path, **_: object) -> Result:
        configs.append(config)
        results.save(result_of(config), folder)
        return result_of(config)

    def known(jobs: Sequence[Job], folder: Path, **_: object) -> dict[str, JobEstimate]:
        return {job.folder: JobEstimate() for job in jobs}

    monkeypatch.setattr("animal_cls.sweeps.checks.estimate_jobs", known)
    monkeypatch.setattr("animal_cls.training.run.train", run)
    monkeypatch.setattr(sys, "path", sys.path[:])  # --config-dir adds to it
    return configs


@pytest.fixture
def extending(tmp_path: Path) -> Iterator[Path]:
    """A copy of docs/extending/, whose module is forgotten afterwards."""
    yield shutil.copytree(DOCS / "extending", tmp_path / "extending", ignore=shutil.ignore_patterns("__pycache__"))
    sys.modules.pop("mine", None)


@pytest.mark.usefixtures("no_report")
@pytest.mark.parametrize("command", STARTED)
def test_a_command_starts_every_run_that_it_means(
    command: str, program: Program, started: list[Config], extending: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the training itself, which needs images, time, and for some a network or a GPU; of seeds the first."""
    _, words = split(command)
    words = [re.sub(r"^(seed=\d+),.*", r"\1", word) for word in words]
    words = ["conf" if word == "DIR" else word for word in words]
    if "conf" in words:  # as the page says, in the folder where it lies
        monkeypatch.chdir(extending)
    done = program(*words)
    assert done.returncode == 0, done.stderr
    assert started, "no run was started"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a run, a sweep and photographs lie that the commands about folders can be about."""
    return tmp_path_factory.mktemp("place")


SMALL = ("data=folder", "data.root=photos", "data.image_size=64", "data.batch_size=6", "data.val=0.2", "data.test=0.2")
LONE, SWEPT = "run", "swept"


@pytest.fixture
def at_work(
    place: Path, program: Program, image_folder: Callable[..., Path], undrawn: None, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The working folder of these commands, with a finished run and a finished sweep."""
    monkeypatch.chdir(place)
    if not (place / SWEPT).exists():
        image_folder(place / "photos", per_class=10)
        few = (*SMALL, "trainer.max_epochs=1", "trainer.accelerator=cpu")
        for words in ((f"hydra.run.dir={LONE}",), ("--multirun", "reg=none,dropout", f"hydra.sweep.dir={SWEPT}")):
            done = program(*few, *words)
            assert done.returncode == 0, done.stderr
    return place


def stands_for(word: str) -> str:
    """What a word of a page is here."""
    if re.match(r"multirun/|SWEEP$|DIR$", word):
        return SWEPT
    if re.match(r"outputs/|RUN$", word):
        return LONE
    if re.match(r"simple_cnn/", word):  # an arm of another study: of several methods, or of one
        return "simple_cnn/dropout" if "+" in word or word.endswith("/dropout") else "simple_cnn/none"
    return {"photos/": "photos", "ARM": "simple_cnn/none", "KEY=VALUE": "reg.dropout=0", "-": "photos"}.get(word, word)


def here(command: str) -> tuple[str, ...]:
    """A command about folders, about those that are here; of the same one twice, once."""
    verb, words = split(command)
    if verb == "prepare":
        words = [word for word in words if word.startswith("--")] + list(SMALL)
    return (verb, *(word for word, _ in groupby(map(stands_for, words))))


NAMED = ("predict", "export", "report", "plan", "explain", "card", "demo", "publish")  # verbs that a text may only name
# Run by tests of their own, in tests/use and tests/commands, as they take long: here their words are read.
ELSEWHERE = ("export", "explain", "card", "demo", "publish", "search", "lr_find")
LINES = sorted({here(command) for command in FOUND if split(command)[0] != "train"} - {(verb,) for verb in NAMED})


@pytest.mark.slow
@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_a_command_about_folders_does_what_it_says(
    line: tuple[str, ...], at_work: Path, program: Program, tmp_path: Path
) -> None:
    verb, *words = line
    if verb in ELSEWHERE or "--figures" in words:
        _, rest = importlib.import_module(f"animal_cls.commands.{verb}").parser().parse_known_args(words)
        assert not [word for word in rest if word.startswith("-")]
        assert verb in ("search", "lr_find") or not rest  # whose overrides and ranges are no flags
        return
    if verb == "predict":
        out = next((word for word in words if word.endswith(".jsonl")), "out.csv")
        words = [word for word in words if word not in ("--out", out, "--page")]
        words += ["--out", str(tmp_path / out), "--page", str(tmp_path / "page.html")]
    done = program(*line[:1], *words)
    assert done.returncode == 0, done.stderr


# Links, and what a page of the site shows.


@pytest.mark.parametrize("page", PAGES)
def test_images_and_files_that_are_linked_are_there(page: str) -> None:
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXTS[page]):
        assert (PAGES[page].parent / link).exists(), f"{page} links to {link}"


def test_every_page_is_in_the_site() -> None:
    listed = set(re.findall(r"[\w/]+\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))
    assert listed == {name.removeprefix("docs/") for name in PAGES if name.startswith("docs/")}


@pytest.mark.slow
def test_the_python_of_the_page_runs(at_work: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """docs/python.md, block by block, at small images."""
    known: dict[str, Any] = {}
    monkeypatch.setattr(ac, "train", lambda *words, **more: _small(api.train, words, more), raising=False)
    monkeypatch.setattr(ac, "sweep", lambda *words, **more: _small(api.sweep, words, more), raising=False)
    for language, block in FENCE.findall(TEXTS["docs/python.md"]):
        if language == "python":
            exec(block, known)
    assert [run.status for run in known["swept"].runs] == ["done"] * 4


def _small(begin: Callable[..., Any], words: Sequence[str], more: dict[str, Any]) -> Any:
    return begin(*words, *(word for word in SMALL if word.partition("=")[0] not in "".join(words)), **more)
