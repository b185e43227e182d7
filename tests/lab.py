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
def lab_server(folder: Path, home: Path) -> Iterator[str]:
    """Serve `folder` in a JupyterLab whose settings live in `home`; yield its address."""
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
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"),
        *(f"--ServerApp.root_dir={folder}", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
        *("--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"),
        "--LabApp.expose_app_in_browser=True",
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
                pytest.fail(f"JupyterLab did not start:\n{(home / 'lab.log').read_text()}")
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
def lab_page(address: str, width: int = 1400, height: int = 1000) -> Iterator:
    """Open JupyterLab in Chromium; yield a playwright page.

    ``page.left_loopback`` collects the addresses of requests that wanted to leave the machine;
    all of them are refused.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.left_loopback = []

        def stay(route):
            url = urlparse(route.request.url)
            if url.scheme in ("data", "blob") or url.hostname == "127.0.0.1":
                route.continue_()
            else:
                page.left_loopback.append(route.request.url)
                route.abort()

        page.route("**/*", stay)
        page.goto(f"{address}/lab")
        page.wait_for_function("window.jupyterapp !== undefined", timeout=60_000)
        page.evaluate("window.jupyterapp.restored")
        yield page
        browser.close()


def run_notebook(page, name: str, limit: float = 300) -> list[dict]:
    """Open a notebook, run all its cells, and give its cells as they are then."""
    page.evaluate(
        """async name => {
            const widget = await window.jupyterapp.commands.execute(
                "docmanager:open", {path: name, factory: "Notebook"});
            await widget.context.ready;
            await widget.context.sessionContext.ready;
            window.panel = widget;
        }""",
        name,
    )
    page.set_default_timeout(limit * 1000)
    page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    return page.evaluate("window.panel.content.model.toJSON().cells")
