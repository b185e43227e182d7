"""Notebooks in a real JupyterLab, in a real browser, without internet."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from lab import notebook_page

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"
pytestmark = pytest.mark.browser

# What a blank canvas lacks: pixels that are neither white nor transparent.
COLORED_PIXELS = """canvas => {
    const flat = document.createElement("canvas");
    flat.width = canvas.width; flat.height = canvas.height;
    const context = flat.getContext("2d");
    context.drawImage(canvas, 0, 0);
    const data = context.getImageData(0, 0, flat.width, flat.height).data;
    const colors = new Set();
    for (let i = 0; i < data.length; i += 4)
        if (data[i + 3] && (data[i] < 250 || data[i + 1] < 250 || data[i + 2] < 250))
            colors.add((data[i] >> 4) * 256 + (data[i + 1] >> 4) * 16 + (data[i + 2] >> 4));
    return colors.size;
}"""


def test_notebook_01_runs_offline_and_ends_with_a_colored_structure(chromium, jupyter, tmp_path):
    """Run All: no error, nothing leaves the machine, and the cartoon has many colors."""
    name = "01_from_coordinates_to_tokens.ipynb"
    shutil.copy(NOTEBOOKS / name, jupyter.folder)
    with notebook_page(chromium, jupyter, name) as page:
        canvas = page.locator(".jp-OutputArea canvas").last
        canvas.wait_for(state="attached")
        canvas.scroll_into_view_if_needed()
        page.wait_for_timeout(2000)
        page.screenshot(path=tmp_path / "notebook_01.png")
        assert canvas.evaluate(COLORED_PIXELS) > 50
        assert page.left_loopback == []
