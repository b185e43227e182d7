"""`make notebooks` writes pages that need no internet."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from lab import FLAGS, require_chromium

SCREENSHOTS = Path(__file__).parent.parent / "build" / "screenshots"
FIGURE = "import plotly.graph_objects as go; go.Figure(go.Scatter(y=[1, 2]))"
INSPECTOR = """import esm_explore as ex
shown = ex.inspect(ex.trace(ex.load_encoder(), ex.read_chain("1AS5")))
shown"""
LONG = """import numpy as np
trace = shown.traces[0]
places, what = trace.pre_vq[:, :2], "something long " * 6
ex.plots.map_figure(trace, places, np.arange(len(trace)), what)"""
# Lines of titles that a button of the mode bar lies over, those that are cut off at the figure's
# edge, and how many buttons there are.
UNDER_THE_BAR = """plot => {
    const boxes = (what) =>
        [...plot.querySelectorAll(what)].map((part) => part.getBoundingClientRect());
    const buttons = boxes(".modebar-btn");
    const lines = boxes(".gtitle tspan, .gtitle");
    const under = lines.filter((line) => buttons.some((button) =>
        button.left < line.right && line.left < button.right
        && button.top < line.bottom && line.top < button.bottom));
    const edge = plot.querySelector(".main-svg").getBoundingClientRect().right;
    const cut = lines.filter((line) => line.right > edge);
    return [under.length, cut.length, buttons.length];
}"""
STRUCTURE = "import esm_explore as ex; ex.view(ex.trace(ex.load_encoder(), ex.read_chain('1EJG')))"


@pytest.mark.slow
def test_pages_hold_each_script_once_and_fetch_nothing(tmp_path):
    """Two figures and two structures share a script each; the index names title and question."""
    title = "# 9 · A title\n\n**Run all.** Why? **Is this\nthe [question](../docs/glossary.md)?**"
    write_pages(tmp_path, one=[title, *map(code, (FIGURE, FIGURE, STRUCTURE, STRUCTURE))])
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


def code(source: str, **hidden: bool) -> tuple[str, dict]:
    """Give a cell of code, and what of it is folded."""
    return source, {"jupyter": hidden} if hidden else {}


def write_pages(folder: Path, **notebooks: list) -> Path:
    """Write notebooks, of texts and of what `code` gives, and make a gallery of them."""
    # Here, since what these load takes longer than many a test.
    nbformat = pytest.importorskip("nbformat", reason="the gallery needs the lab extra")
    pytest.importorskip("nbconvert", reason="the gallery needs the lab extra")
    sys.path.insert(0, str(Path(__file__).parent.parent / ".ci"))
    import gallery

    new = nbformat.v4
    for name, parts in notebooks.items():
        cells = [
            new.new_markdown_cell(part)
            if isinstance(part, str)
            else new.new_code_cell(part[0], metadata=part[1])
            for part in parts
        ]
        nbformat.write(new.new_notebook(cells=cells), folder / f"{name}.ipynb")
    gallery.main(folder / "pages", sorted(folder.glob("*.ipynb")))
    return folder / "pages"


def pages(folder: Path) -> Path:
    """Make a gallery of two small notebooks, with all that notebooks of this project have."""
    folded = code("print('answer', 40 + 2)", source_hidden=True, outputs_hidden=True)
    digest = code("print('a digest')", outputs_hidden=True)
    wide = code("print('wide ' * 80)")
    words = "The [CA distance](../docs/glossary.md#ca-distance). Next: [second](2_second.ipynb)"
    first = ["# 1 · First\n\n**Which?**", digest, code(FIGURE), folded, code(INSPECTOR), code(LONG)]
    second = ["# 2 · Second\n\nIt is. More.", wide, code(STRUCTURE)]
    return write_pages(folder, **{"1_first": [*first, words], "2_second": second})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return pages(tmp_path_factory.mktemp("gallery"))


@pytest.mark.slow
def test_every_link_leads_to_a_page_that_is_there(folder):
    """To other notebooks, to terms of the glossary, to the inspector; also from the glossary."""
    ids = {page: set(re.findall(r'id="([^"]+)"', page.read_text())) for page in folder.glob("*")}
    assert "ca-distance" in ids[folder / "glossary.html"]
    for page in ("index.html", "1_first.html", "2_second.html", "glossary.html"):
        text = re.sub(r"(?s)<script.*?</script>", "", (folder / page).read_text())
        links = re.findall(r'<a [^>]*href="([^"]+)"', text)
        assert links
        for link in links:
            name, _, anchor = link.partition("#")
            assert not anchor or anchor in ids[folder / (name or page)], (page, link)
            assert (folder / (name or page)).is_file(), (page, link)
    assert len(re.findall('href="1_first_shown.html"', (folder / "1_first.html").read_text())) == 1
    assert [path.name for path in folder.glob("1_first_*")] == ["1_first_shown.html"]
    assert "widget-state" not in (folder / "1_first.html").read_text()


@pytest.mark.browser
def test_the_inspector_of_a_notebook_answers_clicks_on_a_phone_and_in_the_dark(folder):
    """From its page, from disk, without a network; it looks as the page that leads to it."""
    from playwright.sync_api import sync_playwright

    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=require_chromium(), args=FLAGS)
        size = {"width": 390, "height": 800}
        context = browser.new_context(viewport=size, color_scheme="dark", offline=True)
        page = context.new_page()
        asked, errors = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto((folder / "1_first.html").as_uri())
        there = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.get_by_role("link", name="Open this inspector").click()
        page.locator("[data-index='5']").click()
        page.locator(".esm-explore-sentence").get_by_text("Residue 6 sees").wait_for()
        page.locator(".esm-explore-map .js-plotly-plot[data-drawn]").wait_for()
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert there == page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert there != "rgb(255, 255, 255)"
        page.screenshot(path=SCREENSHOTS / "gallery_inspector.png", full_page=True)
        page.go_back()
        page.get_by_role("link", name="CA distance").click()
        page.locator("#ca-distance").wait_for()
        assert page.evaluate("location.href").endswith("glossary.html#ca-distance")
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert errors == []
        assert {url.split(":")[0] for url in asked} <= {"file", "data", "blob"}
        browser.close()


@pytest.mark.browser
def test_the_gallery_opens_from_disk_on_a_phone_and_in_the_dark(folder):
    """Pages lead on and back, nothing is fetched, sticks out, is cut off or under the mode bar."""
    from playwright.sync_api import sync_playwright

    chromium = require_chromium()
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
            page.get_by_text("Answers", exact=True).click()
            page.get_by_text("answer 42").wait_for()
            dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (dark == "rgb(255, 255, 255)") == (scheme == "light")
            text = "getComputedStyle(document.querySelector('.jp-RenderedMarkdown h1')).color"
            lightness = sum(map(int, re.findall(r"\d+", page.evaluate(text))[:3])) / 3
            assert (lightness > 200) == (scheme == "dark")
            if width == 1280:
                under, cut, buttons = page.locator(".js-plotly-plot").last.evaluate(UNDER_THE_BAR)
                assert under == cut == 0 < buttons
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
