"""`make notebooks` writes pages that need no internet."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

pytest.importorskip("nbconvert", reason="the gallery needs the lab extra")
sys.path.insert(0, str(Path(__file__).parent.parent / ".ci"))
import gallery

FIGURE = "import plotly.graph_objects as go; go.Figure(go.Scatter(y=[1, 2]))"
STRUCTURE = "import esm_explore as ex; ex.view(ex.trace(ex.load_encoder(), ex.read_chain('1EJG')))"


@pytest.mark.slow
def test_pages_hold_each_script_once_and_fetch_nothing(tmp_path, monkeypatch):
    """Two figures and two structures share a script each; the index names title and question."""
    monkeypatch.setattr(gallery, "previews", lambda pages: {})
    cells = [
        new_markdown_cell("# 9 · A title\n\nWhy? **Is this\nthe question?**"),
        *[new_code_cell(source) for source in (FIGURE, FIGURE, STRUCTURE, STRUCTURE)],
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "one.ipynb")
    gallery.main(tmp_path / "pages", [tmp_path / "one.ipynb"])
    page = (tmp_path / "pages" / "one.html").read_text()
    assert page.count("Plotly.newPlot(") >= 2
    assert len(re.findall(r"plotly\.js v\d", page)) == 1
    assert page.count("<script>\nif (!window.$3Dmolpromise)") == 1
    assert page.count("$3Dmol.createViewer(") == 2
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=[\"']https?:", page)
    index = (tmp_path / "pages" / "index.html").read_text()
    assert 'href="one.html"' in index
    assert "<h2>9 · A title</h2>" in index
    assert "Is this the question?" in index
