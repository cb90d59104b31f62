"""A page on this machine: drop an image, see the classes, how sure arms are of each, and what they look at."""

import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from animal_cls.errors import UserError
from animal_cls.use import overlays
from animal_cls.use.explain import Explained, Look, Side, explain
from animal_cls.use.images import Named

HOST = "127.0.0.1"  # nobody else reaches it
NAMES = [HOST, "localhost"]  # by which it is asked for: another name would be a foreign page's that was led here
LARGEST = 20  # megabytes of a file
BARS = 10  # classes that are shown, the most probable ones
HINT = "Drop an image here, or click to choose one. It stays on this machine."


@contextmanager
def serving(arms: Sequence[Side], *, methods: Sequence[str], notes: Sequence[str], port: int) -> Iterator[str]:
    """The address of the page while it is served; port 0 takes a free one.

    Args:
        arms: of which everyone has a column.
        methods: of maps; none: without any.
        notes: what there is to know of the arms, a paragraph each.

    Raises:
        UserError: the port is in use, or not for this user.
    """
    port = _free(port)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    with tempfile.TemporaryDirectory(prefix="animal_cls-demo-") as folder:
        os.environ["GRADIO_TEMP_DIR"] = folder  # uploads, which go with it
        page = _page(arms, methods, notes)
        try:
            yield _launched(page, port)
        finally:
            page.close(verbose=False)


def _free(port: int) -> int:
    """`port`, or a free one for 0; raises `UserError` where it cannot be had."""
    with socket.socket() as tried:
        try:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # also after a demo that has just ended
            tried.bind((HOST, port))
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise UserError(f"--port {port}: cannot be had ({why}). Choose another one; --port 0 finds it.") from None
        return tried.getsockname()[1]


def _launched(page: Any, port: int) -> str:
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    guard = Middleware(TrustedHostMiddleware, allowed_hosts=NAMES)
    try:
        _, address, _ = page.launch(
            server_name=HOST, server_port=port, share=False, inbrowser=False, quiet=True, prevent_thread_lock=True,
            max_file_size=f"{LARGEST}mb", ssr_mode=False, mcp_server=False, pwa=False, enable_monitoring=False,
            footer_links=[], app_kwargs={"middleware": [guard]},
        )  # fmt: skip
    except OSError as error:
        raise UserError(f"--port {port}: cannot be had ({error}). Choose another one; --port 0 finds it.") from None
    return address


def _page(arms: Sequence[Side], methods: Sequence[str], notes: Sequence[str]) -> Any:
    import gradio as gr

    with gr.Blocks(title="animal_cls", analytics_enabled=False) as page:
        gr.Markdown(f"# {' and '.join(_plain(arm.name) for arm in arms)}")
        for note in notes:
            gr.Markdown(_plain(note))
        image = gr.Image(label=HINT, sources=["upload", "clipboard"], type="filepath", buttons=[], height=320)
        image.preprocess = _as_sent
        shown: list[Any] = []
        with gr.Row():
            for arm in arms:
                with gr.Column():
                    shown.append(gr.Label(label=arm.name, num_top_classes=BARS))
                    shown += [_map(gr, arm.name, method) for method in methods]
        image.change(_answering(gr, arms, methods), image, shown, api_visibility="private")
    return page


def _as_sent(payload: Any) -> str | None:
    """The file that was sent: gradio's own way is to open it, and not to say why it cannot.

    In place of a class of our own, for which gradio would write a .pyi file beside this one.
    """
    return None if payload is None else payload.path


def _map(gr: Any, arm: str, method: str) -> Any:
    titles = {"gradcam": "Grad-CAM", "occlusion": "occlusion"}
    label = f"{titles[method]}: what speaks for the class, {arm}"
    return gr.Image(label=label, type="numpy", format="png", interactive=False, buttons=[], height=280)


def _answering(gr: Any, arms: Sequence[Side], methods: Sequence[str]) -> Callable[[str | None], list[Any]]:
    """A function of an uploaded file: of each arm the probabilities and the maps, in the order of the page."""
    classes = arms[0].networks[0].result.classes

    def answer(file: str | None) -> list[Any]:
        if file is None:
            return [None] * (len(arms) * (1 + len(methods)))
        (one,) = explain(arms, [Named(path=file)], methods=methods, batch_size=1)
        if one.unreadable:
            raise gr.Error(f"This cannot be read as an image: {one.unreadable}")
        return [value for look in one.looks for value in _values(one, look, classes)]

    return answer


def _values(one: Explained, look: Look, classes: Sequence[str]) -> Iterator[Any]:
    assert one.pixels is not None, "it was read"
    yield {name: float(value) for name, value in zip(classes, look.probabilities, strict=True)}
    for shown in look.maps.values():
        yield overlays.enlarged(overlays.overlay(one.pixels, shown))


def _plain(text: str) -> str:
    """Text that Markdown and HTML show as it is."""
    from animal_cls.report.output.markdown import safe

    return safe(text)
