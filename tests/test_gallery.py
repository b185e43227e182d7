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
from lab import FLAGS, require_chromium

FIGURE = "import plotly.graph_objects as go; go.Figure(go.Scatter(y=[1, 2]))"
STRUCTURE = "import esm_explore as ex; ex.view(ex.trace(ex.load_encoder(), ex.read_chain('1EJG')))"


@pytest.mark.slow
def test_pages_hold_each_script_once_and_fetch_nothing(tmp_path):
    """Two figures and two structures share a script each; the index names title and question."""
    cells = [
        new_markdown_cell("# 9 · A title\n\n**Run all.** Why? **Is this\nthe question?**"),
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


def pages(folder: Path) -> Path:
    """Make a gallery of two small notebooks, with all that notebooks of this project have."""
    folded = new_code_cell("print('answer', 40 + 2)")
    folded.metadata["jupyter"] = {"source_hidden": True, "outputs_hidden": True}
    digest = new_code_cell("print('a digest')")
    digest.metadata["jupyter"] = {"outputs_hidden": True}
    wide = new_code_cell("print('wide ' * 80)")
    first = [new_markdown_cell("# 1 · First\n\n**Which?**"), digest, new_code_cell(FIGURE), folded]
    second = [new_markdown_cell("# 2 · Second\n\nIt is. More."), wide, new_code_cell(STRUCTURE)]
    for name, cells in (("1_first", first), ("2_second", second)):
        nbformat.write(new_notebook(cells=cells), folder / f"{name}.ipynb")
    gallery.main(folder / "pages", sorted(folder.glob("*.ipynb")))
    return folder / "pages"


@pytest.mark.browser
def test_the_gallery_opens_from_disk_on_a_phone_and_in_the_dark(tmp_path):
    """Cards have pictures, pages lead on and back, nothing is fetched, nothing sticks out."""
    from playwright.sync_api import sync_playwright

    chromium, folder = require_chromium(), pages(tmp_path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for width, scheme in ((390, "dark"), (1280, "light")):
            size = {"width": width, "height": 800}
            page = browser.new_page(viewport=size, color_scheme=scheme)
            asked, errors = [], []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("pageerror", lambda error, errors=errors: errors.append(str(error)))
            page.goto((folder / "index.html").as_uri())
            assert page.locator("main a img").count() == 2
            assert page.locator("main p").all_inner_texts()[0].startswith("Which?")
            assert page.locator("main p").all_inner_texts()[1].startswith("It is.")
            page.locator("main a").first.click()
            page.get_by_role("link", name="2 · Second").first.wait_for()
            assert page.get_by_text("a digest", exact=True).count() == 0
            assert not page.get_by_text("answer 42").is_visible()
            page.get_by_text("Answers").click()
            page.get_by_text("answer 42").wait_for()
            dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (dark == "rgb(255, 255, 255)") == (scheme == "light")
            text = "getComputedStyle(document.querySelector('.jp-RenderedMarkdown h1')).color"
            lightness = sum(map(int, re.findall(r"\d+", page.evaluate(text))[:3])) / 3
            assert (lightness > 200) == (scheme == "dark")
            for way in ("2 · Second", "1 · First"):
                sticks_out = "document.documentElement.scrollWidth > innerWidth"
                assert not page.evaluate(sticks_out)
                page.get_by_role("link", name=way).first.click()
            page.get_by_role("link", name="all notebooks").first.click()
            page.locator("main a").nth(1).wait_for()
            assert errors == []
            assert {url.split(":")[0] for url in asked} <= {"file", "data", "blob"}
            page.close()
        browser.close()
