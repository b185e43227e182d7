"""The inspector where it is not in a notebook of JupyterLab: there it comes up, and answers."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from lab import (
    errors_in,
    lab_page,
    lab_server,
    offline_page,
    require_chromium,
    run_code,
    run_notebook,
    value_of,
    wait_for_lab,
    write_notebook,
)
from pages import wait_for

import esm_explore as ex

pytestmark = pytest.mark.browser

CELLS = ["import esm_explore as ex", "inspector = ex.inspect('1UBI')\ninspector"]
COMMAND = [sys.executable, "-c", "from esm_explore.cli import app; app()", "inspect"]
LAPTOP = (1280, 720)
PATIENCE = 180_000  # ms


@pytest.fixture
def folder(tmp_path):
    require_chromium()
    (tmp_path / "home").mkdir()
    (tmp_path / "notebooks").mkdir()
    return tmp_path


def letter(page, index: int):
    return page.locator(f"[data-index='{index}']").first


@pytest.mark.core
def test_notebook_7(folder, chromium):
    """Run All, a click on a letter reaches Python, and its answer the page; nothing is fetched."""
    pytest.importorskip("notebook", reason="Notebook 7 (the package notebook) is not installed")
    write_notebook(folder / "notebooks" / "one.ipynb", CELLS)
    app = ("notebook", "JupyterNotebookApp")
    with (
        lab_server(folder / "notebooks", folder / "home", app) as address,
        offline_page(chromium, *LAPTOP) as page,
    ):
        page.goto(f"{address}/notebooks/one.ipynb")
        wait_for_lab(page)
        page.set_default_timeout(PATIENCE)
        # Its page is of one notebook, which is open already.
        page.wait_for_function("window.jupyterapp.shell.currentWidget?.context")
        page.evaluate(
            """async () => {
                window.panel = window.jupyterapp.shell.currentWidget;
                await window.panel.context.ready;
                await window.panel.context.sessionContext.ready;
            }"""
        )
        page.evaluate("window.jupyterapp.commands.execute('notebook:run-all-cells')")
        letter(page, 20).click()
        wait_for(page, "inspector.selected", 20)
        page.get_by_text("Residue 21 sees 15 others").wait_for()
        run_code(page, "inspector.selected = 40")
        page.get_by_text("Residue 41 sees").wait_for()
        page.screenshot(path=folder / "notebook_7.png")
        cells = page.evaluate("window.panel.content.model.toJSON().cells")
        assert errors_in(cells) == []
        assert page.left_loopback == []


def test_beside_the_notebook(folder, chromium):
    """A tab of its own answers clicks; shown again it is replaced; closed, it comes back."""
    cells = [CELLS[0], "inspector = ex.inspect('1UBI', beside=True)"]
    write_notebook(folder / "notebooks" / "one.ipynb", cells)
    with (
        lab_server(folder / "notebooks", folder / "home") as address,
        lab_page(chromium, address, *LAPTOP) as page,
    ):
        assert errors_in(run_notebook(page, "one.ipynb")) == []
        tab = page.get_by_role("tab", name="Inspector of 1UBI")
        tab.wait_for()
        letter(page, 20).click()
        wait_for(page, "inspector.selected", 20)
        page.get_by_text("Residue 21 sees").wait_for()
        assert page.locator(".jp-Notebook [data-index]").count() == 0
        run_code(page, cells[1])
        letter(page, 30).click()
        wait_for(page, "inspector.selected", 30)
        assert tab.count() == 1
        tab.locator(".lm-TabBar-tabCloseIcon").click()
        tab.wait_for(state="detached")
        run_code(page, cells[1])
        letter(page, 10).click()
        wait_for(page, "inspector.selected", 10)
        assert value_of(page, "inspector.is_beside") is True
        assert page.left_loopback == []


def test_voila_by_the_command(folder, chromium):
    """The page is whole and answers, whatever a file is called; Ctrl-C takes all away.

    The name would end a string of Python, and be an element of HTML, if it were not escaped. The
    page, which is Voilà's, may ask for fonts from elsewhere, and does not get to.
    """
    name = "it's \"\n<img src=x onerror=window.hit=1> \\'\\n"
    bundled = Path(ex.__file__).parent / "sources" / "examples"
    source = shutil.copy(bundled / ex.examples()["file"]["1UBI"], folder / f"{name}.bcif.gz")
    temporary = folder / "temporary"
    temporary.mkdir()
    environment = os.environ | {"TMPDIR": str(temporary)}
    server = subprocess.Popen(
        [*COMMAND, source.name, "1UBI", "--no-browser"],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = server.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S{20,}$", said.strip())
        assert address, said
        with offline_page(chromium, *LAPTOP) as page:
            page.set_default_timeout(PATIENCE)
            page.goto(address[0], wait_until="commit")
            letter(page, 20).click()
            page.get_by_text("Residue 21 sees 15 others").first.wait_for()
            inspector = page.locator(".esm-explore-inspector").bounding_box()
            assert inspector["y"] + inspector["height"] <= LAPTOP[1]
            page.screenshot(path=folder / "voila.png")
            assert page.title().startswith("it's")
            assert "1UBI chain A" in page.title()
            assert page.evaluate("window.hit") is None
            assert page.left_loopback == []
            kernels = psutil.Process(server.pid).children(recursive=True)
            assert kernels
            server.send_signal(signal.SIGINT)
            assert server.wait(60) == 0
        assert not [kernel for kernel in kernels if kernel.is_running()]
        assert list(temporary.iterdir()) == []
    finally:
        server.kill()
