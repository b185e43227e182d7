"""What a saved notebook shows of widgets and structures, without their kernel, in a browser."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from lab import (
    EMPTIED,
    errors_in,
    lab_page,
    lab_server,
    open_notebook,
    run_code,
    run_notebook,
    wait_for_lab,
)
from pages import canvas_of, drawn, lonely, wait_for

pytestmark = pytest.mark.browser

CELLS = [
    "import esm_explore as ex\n"
    "from esm_explore.widgets.structure_view import StructureView\n"
    'trace = ex.trace(ex.load_encoder("mini"), ex.read_chain("1UBI"))\n'
    "view = StructureView.of(trace); view",
    "ex.view(trace)",
]
# Of each picture that is seen, its width; and words that nobody should read.
SEEN = """() => ({
    pictures: [...document.querySelectorAll(".jp-OutputArea img")]
        .filter((img) => img.checkVisibility() && img.complete && img.naturalWidth)
        .map((img) => img.getBoundingClientRect().width)
        .filter((width) => width > 0),
    broken: document.body.innerText.match(
        /Loading widget|Error displaying widget|model not found|failed to load/g),
})"""
LIVE = """() => [...document.querySelectorAll(".esm-explore-live")]
    .map((place) => place.querySelectorAll("canvas").length)"""
# The picture as the document has it, and as Python draws it.
KEPT = """window.panel.content.model.toJSON().cells[0].outputs[1].data["image/png"]"""
DRAWN = "import base64; print(base64.b64encode(view.still()).decode())"
OPEN = """async name => {
    window.panel = await window.jupyterapp.commands.execute(
        "docmanager:open", {path: name, factory: "Notebook"});
    await window.panel.context.ready;
}"""


@pytest.fixture
def small_page(chromium, jupyter):
    """Open a page of JupyterLab as large as a laptop's."""
    return lambda address=jupyter.address: lab_page(chromium, address, 1280, 720)


def write(folder: Path, name: str, cells: list[str]) -> None:
    made = [nbformat.v4.new_code_cell(cell) for cell in cells]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel}, cells=made)
    nbformat.write(notebook, folder / name)


def save(page) -> None:
    page.evaluate("window.panel.context.save()")


def stop_kernel(page) -> None:
    page.evaluate("window.panel.context.sessionContext.shutdown()")


def stored(path: Path) -> list[dict]:
    """The data of all outputs of a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    return [output.data for cell in cells for output in cell.get("outputs", [])]


@pytest.fixture(scope="module")
def saved(chromium, jupyter):
    """A notebook that was run and saved; its kernel is gone."""
    folder = jupyter.folder
    write(folder, "saved.ipynb", CELLS)
    with lab_page(chromium, jupyter.address, 1280, 720) as page:
        assert not errors_in(run_notebook(page, "saved.ipynb"))
        drawn(page)
        save(page)
        stop_kernel(page)
        assert not page.left_loopback
    return folder / "saved.ipynb"


def wait_for_pictures(page) -> dict:
    """Wait for a picture of a widget that is as wide as one can be read."""
    page.wait_for_function(f"() => ({SEEN})().pictures.some((width) => width >= 300)")
    page.wait_for_timeout(500)
    return page.evaluate(SEEN)


def wait_until_kept(page) -> None:
    """Wait until the document has the picture of what the view shows now."""
    for _ in range(60):
        page.wait_for_timeout(500)
        if page.evaluate(KEPT).strip() == run_code(page, DRAWN).strip():
            return
    raise AssertionError("what was clicked is not in the document")


def test_a_live_view_hides_its_picture_and_keeps_it_fresh(jupyter, small_page):
    """Two outputs; what is clicked is in the document a moment later, also after a reload.

    With the kernel alive the reloaded page has the live view again, and it answers.
    """
    folder = jupyter.folder
    write(folder, "live.ipynb", CELLS[:1])
    with small_page() as page:
        assert not errors_in(run_notebook(page, "live.ipynb", jupyter.take_kernel()))
        before = None
        for _ in range(2):
            drawn(page)
            canvas_of(page).scroll_into_view_if_needed()
            page.wait_for_timeout(500)
            assert page.evaluate(LIVE) == [1]
            assert page.evaluate(SEEN) == {"pictures": [], "broken": None}
            chosen = lonely(page, skip=-1 if before is None else before["index"])
            page.mouse.click(chosen["x"], chosen["y"])
            wait_for(page, "view.selected", chosen["index"])
            wait_until_kept(page)
            save(page)
            [place, picture] = stored(folder / "live.ipynb")
            assert picture["image/png"].strip() == run_code(page, DRAWN).strip()
            assert set(place) == {"text/html", "text/plain"}
            before = chosen
            page.reload()
            wait_for_lab(page)
            open_notebook(page, "live.ipynb")
        run_code(page, EMPTIED)
        assert not page.console_errors
        assert not page.left_loopback


def test_shown_twice_it_is_live_twice_until_it_is_closed(jupyter, small_page):
    """Then the pictures are back: they are what is left of it."""
    folder = jupyter.folder
    write(folder, "twice.ipynb", [*CELLS[:1], "view"])
    with small_page() as page:
        assert not errors_in(run_notebook(page, "twice.ipynb", jupyter.take_kernel()))
        page.wait_for_function(f"() => ({LIVE})().join() === '1,1'")
        run_code(page, "view.close()")
        page.wait_for_function(f"() => ({SEEN})().pictures.length === 2")
        page.wait_for_function(f"() => ({LIVE})().join() === '0,0'")
        run_code(page, EMPTIED)
        assert not page.console_errors


def test_when_the_kernel_is_restarted_the_picture_is_back(jupyter, small_page):
    """A view that cannot answer would look alive."""
    folder = jupyter.folder
    write(folder, "restarted.ipynb", CELLS[:1])
    with small_page() as page:
        assert not errors_in(run_notebook(page, "restarted.ipynb"))
        canvas_of(page).locator("canvas").wait_for(state="attached")
        page.evaluate("window.panel.context.sessionContext.restartKernel()")
        assert wait_for_pictures(page)["broken"] is None
        assert page.evaluate(LIVE) == [0]
        stop_kernel(page)


def test_in_a_box_it_is_a_widget_as_ever(jupyter, small_page):
    folder = jupyter.folder
    boxed = "import ipywidgets\nipywidgets.VBox([view])"
    write(folder, "boxed.ipynb", [CELLS[0].removesuffix("; view"), boxed])
    with small_page() as page:
        assert not errors_in(run_notebook(page, "boxed.ipynb", jupyter.take_kernel()))
        canvas_of(page).locator("canvas").wait_for(state="attached")
        assert page.evaluate(LIVE) == []
        run_code(page, EMPTIED)


@pytest.mark.core
def test_without_any_kernel_there_are_pictures(saved, small_page, tmp_path):
    """In a JupyterLab that has none."""
    settings = {"KernelSpecManager": {"allowed_kernelspecs": ["none"]}}
    settings["KernelSpecManager"]["ensure_native_kernel"] = False
    home, folder = tmp_path / "home", tmp_path / "notebooks"
    (home / "config").mkdir(parents=True)
    (home / "config" / "jupyter_server_config.json").write_text(json.dumps(settings))
    folder.mkdir()
    shutil.copy(saved, folder / "a.ipynb")
    with lab_server(folder, home) as address, small_page(address) as page:
        page.evaluate(OPEN, "a.ipynb")
        seen = wait_for_pictures(page)
        assert seen["broken"] is None
        assert len(seen["pictures"]) >= 1


def test_with_a_fresh_kernel_there_are_pictures(saved, small_page):
    with small_page() as page:
        open_notebook(page, saved.name)
        seen = wait_for_pictures(page)
        assert seen["broken"] is None
        assert seen["pictures"][0] >= 300
        stop_kernel(page)


def test_a_notebook_of_others_shows_pictures_and_captions(saved, jupyter, small_page):
    """Untrusted: JupyterLab takes scripts out, as code hosts do."""
    folder = jupyter.folder
    notebook = nbformat.read(saved, as_version=4)
    for cell in notebook.cells:
        for output in cell.outputs:
            if "text/html" in output.data:
                output.data["text/html"] += " "  # what was signed was another
    nbformat.write(notebook, folder / "others.ipynb")
    with small_page() as page:
        open_notebook(page, "others.ipynb", jupyter.take_kernel())
        assert not any(page.evaluate("window.panel.content.widgets.map(c => c.model.trusted)"))
        seen = wait_for_pictures(page)
        assert seen["broken"] is None
        assert [width >= 300 for width in seen["pictures"]] == [True, True]
        assert page.get_by_text("Encoder: mini").count() == 1


@pytest.mark.parametrize("scripts", [True, False])
def test_exported_html_shows_pictures(saved, chromium, tmp_path, scripts):
    """From disk, with and without JavaScript."""
    command = (sys.executable, "-m", "nbconvert", "--to", "html", f"--output-dir={tmp_path}")
    subprocess.run([*command, str(saved)], check=True, capture_output=True)
    size = {"width": 1280, "height": 720}
    with chromium.new_context(viewport=size, java_script_enabled=scripts) as context:
        page = context.new_page()
        page.route("http*://**", lambda route: route.abort())
        page.goto((tmp_path / "saved.html").as_uri())
        widget = page.locator(".jp-RenderedImage img").first
        assert widget.bounding_box()["width"] >= 300
        if not scripts:
            shown = page.get_by_alt_text("1UBI chain A, 76 residues, colored by token")
            assert shown.bounding_box()["width"] >= 300
        words = page.locator("body").inner_text()
        assert "Loading widget" not in words
        assert "failed to load" not in words


def test_the_picture_tells_how_it_comes_to_life(saved):
    """It is in the file as PNG, below 150 kB, with no widget beside it."""
    place, picture, view = stored(saved)
    assert "application/vnd.jupyter.widget-view+json" not in {*place, *picture}
    assert 5_000 < len(base64.b64decode(picture["image/png"])) < 150_000
    assert 5_000 < len(base64.b64decode(view["image/png"])) < 150_000
    assert "esm-explore-live-" not in picture["text/plain"] + place["text/plain"]
