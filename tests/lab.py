"""A JupyterLab in a real browser, cut off from the internet."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse
from uuid import uuid4

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_LIMIT = 120
LAB = ("jupyterlab", "LabApp")


def require_chromium() -> str:
    """Skip where there is no browser; CI has to have one."""
    if CHROMIUM is None and os.environ.get("CI") == "true":
        pytest.fail("CI needs chromium for the browser tests; .ci/run installs it")
    return CHROMIUM or pytest.skip("no chromium on this machine")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def lab_server(
    folder: Path, home: Path, app: tuple[str, str] = LAB, python: str = sys.executable
) -> Iterator[str]:
    """Serve `folder` in a JupyterLab whose settings live in `home`; yield its address.

    `app` is the module of another application of Jupyter, and its class; `python` has it installed.
    """
    settings = home / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
    port = _free_port()
    environment = os.environ | {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "lab" / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "lab" / "workspaces"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
    }
    command = [
        *(python, "-m", app[0], "--no-browser", "--allow-root"),
        *(f"--ServerApp.root_dir={folder}", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *("--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"),
        f"--{app[1]}.expose_app_in_browser=True",
    ]
    log = (home / "lab.log").open("w")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_LIMIT
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/api/status", timeout=5)
                break
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{app[1]} did not start:\n{(home / 'lab.log').read_text()}")
            time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        log.close()


@contextlib.contextmanager
def open_chromium() -> Iterator:
    """Start a browser; one is enough for all pages."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_chromium(), args=FLAGS)
        yield browser
        browser.close()


class Jupyter:
    """A JupyterLab, and a kernel that tests use in turn: torch is imported once.

    Attributes
    ----------
    address : str
    folder : Path
        Where its notebooks are.
    """

    def __init__(self, address: str, folder: Path):
        self.address, self.folder = address, folder
        self._kept: list[str] = []
        self._in_turn = ""

    def take_kernel(self) -> str:
        """Give the id of the kernel that is used in turn."""
        # Not the first that was started, which may be of a page that stays.
        self._in_turn = self._in_turn or self.start_kernel()
        return self._in_turn

    def start_kernel(self) -> str:
        """Start a kernel that stays until the end; give its id."""
        self._kept.append(self._ask("kernels", b'{"name": "python3"}')["id"])
        return self._kept[-1]

    def stop_others(self) -> None:
        """Stop all kernels that need not stay; each takes half a gigabyte."""
        for kernel in self._ask("kernels"):
            if kernel["id"] not in self._kept:
                self._ask(f"kernels/{kernel['id']}", method="DELETE")

    def _ask(self, what: str, data: bytes | None = None, method: str | None = None) -> object:
        request = urllib.request.Request(f"{self.address}/api/{what}", data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")


@contextlib.contextmanager
def lab_page(
    browser, address: str, width: int = 1400, height: int = 1000, init: str = ""
) -> Iterator:
    """Open JupyterLab in a browser; yield a page as `offline_page` does."""
    with offline_page(browser, width, height, init) as page:
        # A workspace of its own: what another page has open is not opened here too.
        page.goto(f"{address}/lab/workspaces/{uuid4().hex}")
        wait_for_lab(page)
        yield page


@contextlib.contextmanager
def offline_page(browser, width: int = 1400, height: int = 1000, init: str = "") -> Iterator:
    """Open a page without internet; yield a playwright page.

    ``page.left_loopback`` collects the addresses of requests that wanted to leave the machine;
    all of them are refused. ``page.console_errors`` collects what went wrong in the page. `init`
    is JavaScript that runs before the page's own.
    """
    with contextlib.ExitStack() as stack:
        context = browser.new_context(viewport={"width": width, "height": height})
        stack.callback(context.close)
        page = context.new_page()
        page.left_loopback = []
        page.console_errors = []

        def stay(route):
            url = urlparse(route.request.url)
            if url.scheme in ("data", "blob") or url.hostname == "127.0.0.1":
                route.continue_()
            else:
                page.left_loopback.append(route.request.url)
                route.abort()

        def listen(message):
            if message.type == "error":
                page.console_errors.append(message.text)

        page.on("console", listen)
        page.on("pageerror", lambda error: page.console_errors.append(str(error)))
        page.route("**/*", stay)
        if init:
            page.add_init_script(init)
        yield page


def wait_for_lab(page) -> None:
    """Wait until JupyterLab is there, after opening or reloading the page."""
    page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
    page.evaluate("window.jupyterapp.restored")


def write_notebook(path: Path, cells: list[str]) -> None:
    """Write a notebook of code cells."""
    import nbformat  # 1 s, which tests without a notebook need not wait for

    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(nbformat.v4.new_notebook(metadata={"kernelspec": kernel}, cells=made), path)


def open_notebook(page, name: str, kernel: str = "") -> None:
    """Open a notebook and wait for its kernel; ``window.panel`` is its widget then.

    `kernel` is the id of one that runs already; otherwise it has one of its own.
    """
    page.evaluate(
        """async ([name, kernel]) => {
            const options = {path: name, factory: "Notebook"};
            if (kernel) options.kernel = {id: kernel};
            const widget = await window.jupyterapp.commands.execute("docmanager:open", options);
            await widget.context.ready;
            await widget.context.sessionContext.ready;
            window.panel = widget;
        }""",
        [name, kernel],
    )


def run_notebook(page, name: str, kernel: str = "", limit: float = 300) -> list[dict]:
    """Open a notebook, run all its cells, and give its cells as they are then."""
    open_notebook(page, name, kernel)
    page.set_default_timeout(limit * 1000)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    page.set_default_timeout(60_000)
    return page.evaluate("window.panel.content.model.toJSON().cells")


EMPTIED = """
import ipywidgets
ipywidgets.Widget.close_all()
get_ipython().reset(new_session=False)
"""


@contextlib.contextmanager
def notebook_page(browser, jupyter: Jupyter, name: str, *size: int, init: str = "") -> Iterator:
    """Run a notebook in the kernel that is used in turn, in a page of its own."""
    with lab_page(browser, jupyter.address, *size, init=init) as page:
        open_notebook(page, name, jupyter.take_kernel())
        run_code(page, EMPTIED)
        assert errors_in(run_notebook(page, name)) == []
        yield page
        # The next page would be told of all that is here.
        run_code(page, EMPTIED)


def errors_in(cells: list[dict]) -> list[dict]:
    """Give the errors among the outputs of some cells."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return [output for output in outputs if output["output_type"] == "error"]


def run_code(page, code: str, wait: bool = True) -> str:
    """Run code in the open notebook's kernel, without a cell; give what it prints."""
    return page.evaluate(
        """async ([code, wait]) => {
            const kernel = window.panel.context.sessionContext.session.kernel;
            const future = kernel.requestExecute({code, store_history: false});
            const printed = [];
            future.onIOPub = ({header, content}) => {
                if (header.msg_type === "stream") printed.push(content.text);
                if (header.msg_type === "error") printed.push(content.traceback.join(" "));
            };
            if (wait) await future.done;
            return printed.join("");
        }""",
        [code, wait],
    )


def keep_busy(page, seconds: float) -> None:
    """Hold the kernel's Python lock for some time; return when the page knows that it is busy.

    The lock, because new kernels of JupyterLab answer widgets in a thread of their own.
    """
    code = f"import ctypes, time; time.sleep(0.5); ctypes.PyDLL(None).sleep({seconds})"
    run_code(page, code, wait=False)
    status = "window.panel.context.sessionContext.session.kernel.status"
    page.wait_for_function(f"{status} === 'busy'")
    page.wait_for_timeout(1000)


def value_of(page, expression: str):
    """Give the value of a Python expression in the open notebook's kernel, through JSON."""
    return json.loads(run_code(page, f"import json; print(json.dumps({expression}))"))
