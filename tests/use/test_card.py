"""Model cards: the report's numbers, metadata that the hub reads, no folder of this machine, and a hub to send to."""

import base64
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, ClassVar

import pytest

from animal_cls.report.build import build_study
from animal_cls.report.format import difference
from animal_cls.report.output.markdown import safe
from animal_cls.use import extras

hub = pytest.importorskip("huggingface_hub", reason="needs huggingface-hub: pip install -e '.[card]'")

Program = Callable[..., "CompletedProcess[str]"]


def metrics(card: str) -> dict[tuple[str, str], float]:
    """Split and metric -> value, as the hub reads the metadata."""
    found = hub.ModelCard(card).data.eval_results
    return {(one.dataset_split, one.metric_type): one.metric_value for one in found}


def test_numbers_are_those_of_the_runs_and_of_the_report(program: Program, made_up: Path) -> None:
    """Dropout has 7 and 8 of 10 images of either class right on val, 4 and 4 on test."""
    done = program("card", str(made_up))
    assert done.returncode == 0, done.stderr
    text = (made_up / "README.md").read_text()
    found = metrics(text)
    assert (found["val", "accuracy"], found["test", "accuracy"]) == (0.75, 0.4)
    assert (found["val", "balanced_accuracy"], found["val", "ece"]) == (0.75, 0.1)
    assert "| cat | 10 | 40.0 %" in text
    study = build_study([made_up])
    for c in study.comparisons:
        if (c.split, c.metric) == ("test", "acc"):
            assert f"| {difference(c)} |" in text
            is_shown = c.verdict in ("gain", "loss")
            assert (safe(f"- {c.arm} against {c.baseline} on test: {c.verdict}") in text) is not is_shown
    assert safe(study.answers[0].text) in text
    assert "simple_cnn/dropout has the highest accuracy on val of 3 arms: 75.0 %" in done.stderr


def test_metadata_is_what_the_hub_reads(program: Program, made_up: Path) -> None:
    assert program("card", str(made_up), "--license", "mit").returncode == 0
    data = hub.ModelCard.load(made_up / "README.md").data
    assert (data.license, data.pipeline_tag, data.model_name) == (
        "mit",
        "image-classification",
        "simple_cnn, reg=dropout, on folder",
    )
    assert {"simple_cnn", "dropout"} <= set(data.tags)
    assert {one.dataset_split for one in data.eval_results} == {"val", "test"}


def test_of_a_single_run_nothing_is_compared_and_no_folder_is_told(
    program: Program, plain: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(plain, tmp_path / "run"))
    assert program("card", str(run)).returncode == 0
    text = (run / "README.md").read_text()
    assert "Nothing was compared: of a single run without its baseline" in text
    assert "python -m animal_cls predict RUN photos/" in text
    assert "data.root=IMAGES" in text
    assert str(tmp_path.parent) not in text
    assert "photos" not in text.replace("RUN photos/", "")  # the folder of the images
    assert "owl" in text


def test_a_card_is_not_written_over(program: Program, made_up: Path) -> None:
    (made_up / "README.md").write_text("mine")
    done = program("card", str(made_up))
    assert (done.returncode, done.stderr) == (
        1,
        f"{made_up}/README.md: is there already, and is not written over. Choose another name, or move it away.\n",
    )
    assert (made_up / "README.md").read_text() == "mine"


def test_a_missing_package_says_how_to_get_it(program: Program, made_up: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    done = program("card", str(made_up))
    assert done.stderr == "huggingface_hub: not installed. python -m pip install 'animal-cls[card]'\n"


REPO = "https://huggingface.co/me/animals"  # as the client wants addresses to look


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as takes a commit; it remembers what it was sent."""

    sent: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    def do_POST(self) -> None:  # as http.server calls it
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.headers.get("Authorization") != "Bearer hf_known":
            return self._answer(401, {"error": "Invalid username or password."})
        lines = [json.loads(line) for line in body.splitlines()]
        self.sent.append((self.path, {"lines": lines} if len(lines) > 1 else lines[0]))
        if self.path.endswith("/preupload/main"):
            files = [{"path": one["path"], "uploadMode": "regular", "shouldIgnore": False} for one in lines[0]["files"]]
            return self._answer(200, {"files": files})
        known = {
            "/api/repos/create": {"url": REPO, "name": "me/animals", "id": "1"},
            "/api/models/me/animals/commit/main": {"commitUrl": f"{REPO}/commit/1", "commitOid": "1"},
        }
        return self._answer(200, known.get(self.path, {}))

    def _answer(self, status: int, content: dict[str, Any]) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """What a hub on this machine is sent."""
    Hub.sent.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(hub.constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("HF_TOKEN", "hf_known")
    yield Hub.sent
    server.shutdown()
    server.server_close()


def is_private(asked: dict[str, Any]) -> bool:
    """Of a new repository, as older and newer clients ask for it."""
    return asked.get("private") is True or asked.get("visibility") == "private"


def test_nothing_is_sent_unasked_and_then_a_private_card(program: Program, made_up: Path, stand_in: list[Any]) -> None:
    assert program("card", str(made_up)).returncode == 0
    assert stand_in == []
    (made_up / "README.md").write_text((made_up / "README.md").read_text() + "\nWith a word of my own.\n")
    done = program("card", str(made_up), "--push", "me/animals")
    assert done.returncode == 0, done.stderr
    assert "README.md: is there already, and is sent as it is." in done.stderr
    sent = dict(stand_in)
    assert sent["/api/repos/create"]["name"] == "animals"
    assert is_private(sent["/api/repos/create"])
    (file,) = [line["value"] for line in sent["/api/models/me/animals/commit/main"]["lines"] if line["key"] == "file"]
    assert file["path"] == "README.md"
    assert base64.b64decode(file["content"]).decode() == (made_up / "README.md").read_text()


def test_exports_go_with_it(program: Program, plain: Path, tmp_path: Path, stand_in: list[Any]) -> None:
    run = Path(shutil.copytree(plain, tmp_path / "run"))
    (run / "export").mkdir()
    (run / "export" / "model.safetensors").write_bytes(b"weights")
    done = program("card", str(run), "--push", "me/animals", "--public")
    assert done.returncode == 0, done.stderr
    assert f"sending {run}/README.md, {run}/export/model.safetensors to me/animals" in done.stderr
    sent = dict(stand_in)
    assert not is_private(sent["/api/repos/create"])
    files = [line["value"]["path"] for line in sent["/api/models/me/animals/commit/main"]["lines"][1:]]
    assert files == ["README.md", "model.safetensors"]


@pytest.mark.parametrize(
    ("repo", "token", "message"),
    [
        ("me/animals", "hf_unknown", "--push me/animals: not sent ("),
        ("a b/c", "hf_known", "--push a b/c: not sent (Repo id must use alphanumeric chars"),
    ],
)
def test_a_hub_that_refuses_is_one_line(
    program: Program,
    made_up: Path,
    stand_in: list[Any],
    monkeypatch: pytest.MonkeyPatch,
    repo: str,
    token: str,
    message: str,
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    done = program("card", str(made_up), "--push", repo)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(message)
    assert last.endswith(f"`hf auth login` logs in; the card is {made_up}/README.md.")
    assert "Traceback" not in done.stderr
