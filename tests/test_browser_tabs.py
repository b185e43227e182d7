"""The tabs "code" and "why" in a real JupyterLab, on a laptop's screen."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from lab import notebook_page, run_code, value_of, write_notebook
from pages import drawn, wait_for

pytestmark = pytest.mark.browser
SCREENSHOTS = Path(__file__).parent.parent / "build" / "screenshots"
ONE = """
import esm_explore as ex
one = ex.inspect("1UBI")
one.selected = 29
one
"""
# Parts of the answer that are not seen at once, whole.
HIDDEN = """root => {
    const pane = root.closest(".jp-WindowedPanel-outer").getBoundingClientRect();
    const parts = ["[role=tablist]", ".esm-explore-tabpanel .widget-html-content b",
        ".esm-explore-tabpanel .js-plotly-plot", ".esm-explore-tabpanel th"];
    return parts.filter((part) => {
        const box = root.querySelector(part)?.getBoundingClientRect();
        const panel = root.querySelector(".esm-explore-tabpanel").getBoundingClientRect();
        const bottom = Math.min(pane.bottom, panel.bottom + 1);
        return !box?.height || box.top < pane.top || box.bottom > bottom;
    });
}"""


@pytest.fixture(scope="module")
def lab(chromium, jupyter):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    write_notebook(jupyter.folder / "tabs.ipynb", [ONE])
    with notebook_page(chromium, jupyter, "tabs.ipynb", 1280, 720) as page:
        page.evaluate("window.jupyterapp.shell.collapseLeft()")
        drawn(page)
        yield page


@pytest.fixture
def page(lab):
    """At the first tab; whatever a test does, the page has no complaint."""
    run_code(lab, "one.choose(0, 29); one.tab = 'step'")
    inspector(lab).evaluate("root => root.scrollIntoView({block: 'start'})")
    yield lab
    assert lab.console_errors == []
    assert lab.left_loopback == []


def inspector(page):
    return page.locator(".esm-explore-inspector").first


def said(page):
    return inspector(page).locator(".esm-explore-tabpanel .widget-html").first


@pytest.mark.core
def test_the_code_tab_shows_the_card_and_the_medoid_in_3d(page):
    """By a click; bar, sentence, figure and table are seen without scrolling."""
    before = drawn(page)["sum"]
    inspector(page).get_by_role("tab", name="code").click()
    wait_for(page, "one.tab", "code")
    token = value_of(page, "int(one.traces[0].tokens[29])")
    said(page).get_by_text(f"Code {token}: ").wait_for()
    said(page).get_by_text("1UBI A 30 has a margin").wait_for()
    inspector(page).get_by_text("the medoid's, ").wait_for()
    page.wait_for_timeout(800)
    assert drawn(page)["sum"] != before
    assert inspector(page).evaluate(HIDDEN) == []
    page.screenshot(path=SCREENSHOTS / "tab_code.png")
    row = inspector(page).locator("tbody tr", has_text="borders").first
    code = int(row.locator("td").nth(1).inner_text().split()[1])
    row.click()
    same = value_of(page, f"(one.traces[0].tokens == {code}).nonzero()[0].tolist()")
    wait_for(page, "one.selection", same)


def test_the_why_tab_shows_the_knock_out_and_its_star(page):
    """By arrow keys; the next residue's follows a click."""
    tab = inspector(page).get_by_role("tab", name="step")
    tab.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait_for(page, "one.tab", "why")
    said(page).get_by_text("1UBI A 30, token").wait_for()
    inspector(page).get_by_text("the latent moves by").first.wait_for()
    page.wait_for_timeout(800)
    drawn(page)
    assert inspector(page).evaluate(HIDDEN) == []
    page.screenshot(path=SCREENSHOTS / "tab_why.png")
    inspector(page).locator("[data-index='40']").click()
    said(page).get_by_text("1UBI A 41, token").wait_for()
    row = inspector(page).locator("tbody tr").first
    row.click()
    wait_for(page, "one.selected", value_of(page, "int(one.traces[0].edges[40, 1])"))


def test_a_screen_reader_knows_tabs_and_panel(page):
    """Roles and names; one tab can be reached by Tab, the others by arrows."""
    tabs = inspector(page).get_by_role("tablist", name="What is said of the residue")
    assert tabs.get_by_role("tab").count() == 3
    for name in ("step", "code", "why"):
        run_code(page, f"one.tab = {name!r}")
        inspector(page).get_by_role("tab", name=name, selected=True).wait_for()
        inspector(page).get_by_role("tabpanel", name=name).wait_for()
    assert tabs.get_by_role("tab").evaluate_all("all => all.map((tab) => tab.tabIndex)") == [
        -1,
        -1,
        0,
    ]


def test_a_saved_page_has_cards_and_says_what_needs_a_kernel(page, tmp_path):
    """Opened from disk: the card, the medoid in 3D, and a sentence for the other tab."""
    path = tmp_path / "page.html"
    run_code(page, f"one.tab = 'code'; one.to_html({str(path)!r}); one.tab = 'step'")
    with page.context.browser.new_context(viewport={"width": 1280, "height": 720}) as context:
        alone = context.new_page()
        errors = []
        alone.on("pageerror", lambda error: errors.append(str(error)))
        alone.goto(path.as_uri())
        sentence = alone.locator(".esm-explore-sentence")
        sentence.get_by_text("1UBI A 30 has a margin").wait_for()
        alone.get_by_text("the medoid's, ").wait_for()
        alone.locator("[data-index='40']").click()
        sentence.get_by_text("1UBI A 41 has a margin").wait_for()
        alone.wait_for_timeout(1500)
        alone.screenshot(path=SCREENSHOTS / "tab_code_offline.png")
        alone.get_by_role("tab", name="why").click()
        sentence.get_by_text("needs a kernel").wait_for()
        alone.get_by_role("tab", name="step").click()
        sentence.get_by_text("Residue 41 sees").wait_for()
        assert errors == []
