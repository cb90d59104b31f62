"""The page of `demo` in a real browser: an image is dropped, and what comes is what `predict` says."""

import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from animal_cls.data.decode import decode
from animal_cls.use import extras, trained
from tests.report.output.page.test_browser import browser  # noqa: F401  # a fixture
from tests.use.conftest import CLASSES

Program = Callable[..., "CompletedProcess[str]"]


@pytest.fixture(scope="module")
def page(plain: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a demo that is a process of its own, as it is typed."""
    pytest.importorskip("gradio", reason="needs gradio: pip install -e '.[demo]'")
    pytest.importorskip("captum", reason="needs captum: pip install -e '.[demo]'")
    words = [sys.executable, "-m", "animal_cls", "demo", str(plain), "--port", "0"]
    with subprocess.Popen(words, cwd=tmp_path_factory.mktemp("demo"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.match(r"demo  (http://127\.0\.0\.1:\d+/)   Ctrl-C ends it", line)
        assert found, line
        yield found[1]
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0


@pytest.fixture
def tab(browser: Any, page: str) -> Iterator[Any]:  # noqa: F811
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    opened = context.new_page()
    opened.foreign = []

    def handle(route: Any) -> None:
        if route.request.url.startswith((page, "data:", "blob:")):
            route.continue_()
        else:
            opened.foreign.append(route.request.url)
            route.abort()

    context.route("**/*", handle)
    opened.goto(page)
    opened.wait_for_selector("input[type=file]", state="attached", timeout=60_000)
    yield opened
    context.close()


@pytest.mark.slow  # gradio takes ten seconds to start, and a browser
def test_an_image_that_is_dropped(tab: Any, plain: Path, photos: Path) -> None:
    file = photos / "owl" / "03.png"
    tab.set_input_files("input[type=file]", str(file))
    tab.wait_for_selector(".confidence-set", timeout=60_000)
    shown = tab.locator(".confidence-set").all_inner_texts()
    found = {re.split(r"\s", text.strip())[0]: float(re.findall(r"(\d+)\s*%", text)[0]) / 100 for text in shown}
    said = trained.load(plain).probabilities(decode(file.read_bytes(), image_size=64)[None])[0]
    assert found == pytest.approx(dict(zip(CLASSES, said, strict=True)), abs=0.006)
    tab.wait_for_function("[...document.images].some((i) => i.naturalWidth === 256)", timeout=30_000)  # the map
    assert tab.foreign == [], "nothing but this machine was asked"
    assert not list(Path(extras.__file__).parent.glob("*.pyi")), "gradio writes them beside classes of its kind"


@pytest.mark.slow
def test_a_file_that_is_no_image_is_told(tab: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no image")
    tab.set_input_files("input[type=file]", str(tmp_path / "broken.png"))
    tab.get_by_text("This cannot be read as an image: not an image").wait_for(timeout=60_000)


@pytest.mark.slow
def test_it_takes_no_large_file_and_no_foreign_name(page: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    body += bytes(21_000_000) + b"\r\n--x--\r\n"
    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    with pytest.raises(urllib.error.HTTPError, match="413"):
        urllib.request.urlopen(urllib.request.Request(f"{page}gradio_api/upload", body, kind))
    with pytest.raises(urllib.error.HTTPError, match="400"):
        urllib.request.urlopen(urllib.request.Request(page, headers={"Host": "elsewhere.example"}))


def test_a_port_in_use_is_one_line(program: Program, plain: Path) -> None:
    pytest.importorskip("gradio", reason="needs gradio: pip install -e '.[demo]'")
    pytest.importorskip("captum", reason="needs captum: pip install -e '.[demo]'")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = program("demo", str(plain), "--port", str(port))
    assert (done.returncode, done.stderr) == (
        1,
        f"--port {port}: cannot be had (Address already in use). Choose another one; --port 0 finds it.\n",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere: no such folder. Runs land in outputs/ and multirun/."),
        (["{run}", "--port", "99999"], "--port 99999: cannot be had ("),
        (["{run}", "--arms", "a", "b"], "--arms: {run} is a run. Arms are those of a sweep: name its folder."),
        (["{run}", "--layer", "features.91"], "--layer features.91: {run}: simple_cnn has no such layer."),
    ],
)
def test_a_mistake_is_one_line(program: Program, plain: Path, words: list[str], message: str) -> None:
    pytest.importorskip("gradio", reason="needs gradio: pip install -e '.[demo]'")
    pytest.importorskip("captum", reason="needs captum: pip install -e '.[demo]'")
    done = program("demo", *(word.format(run=plain) for word in words))
    assert done.returncode == 1
    assert done.stderr.startswith(message.format(run=plain))
    assert "Traceback" not in done.stderr


def test_a_missing_package_says_how_to_get_it(program: Program, plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None if name == "gradio" else object())
    done = program("demo", str(plain))
    assert done.stderr == "gradio: not installed. python -m pip install 'animal-cls[demo]'\n"


def test_probabilities_are_calibrated_ones(plain: Path, photos: Path) -> None:
    """What the page's function gives, without a browser."""
    gr = pytest.importorskip("gradio", reason="needs gradio: pip install -e '.[demo]'")
    from animal_cls.use import demo, explain

    one = trained.load(plain)
    answer = demo._answering(gr, explain.sides([("a", [one]), ("b", [one])], methods=[], layer=None), [])
    file = photos / "cat" / "00.png"
    first, second = answer(str(file))
    wanted = one.probabilities(decode(file.read_bytes(), image_size=64)[None])[0]
    assert first == second == pytest.approx(dict(zip(CLASSES, wanted, strict=True)))
    assert answer(None) == [None, None]
    assert not np.allclose(wanted, trained.load(plain, calibrate=False).probabilities(
        decode(file.read_bytes(), image_size=64)[None])[0])  # fmt: skip
