"""`StructureView` where something is missing: WebGL, its script, or the page that showed it."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from lab import notebook_page, open_notebook, run_code, value_of, wait_for_lab, write_notebook
from pages import SETUP, drawn, lonely, wait_for

pytestmark = pytest.mark.browser

NO_WEBGL = """
for (const kind of [HTMLCanvasElement, OffscreenCanvas]) {
    const {getContext} = kind.prototype;
    kind.prototype.getContext = function (name, ...rest) {
        return name.includes("webgl") ? null : getContext.call(this, name, ...rest);
    };
}
"""
CELLS = {
    "one": SETUP + "view",
    "static": SETUP + "ex.view(trace)",
    # Before there is a view: the page loads a library as soon as it has it.
    "no_script": "from esm_explore.widgets.page import Script\n"
    "Script.ready['3Dmol.js'] = Script(name='3Dmol.js', source=b'')\n" + SETUP + "view",
}


def opened(chromium, jupyter, name: str, init: str = ""):
    """Run a notebook of one cell in a page of its own."""
    write_notebook(jupyter.folder / f"{name}.ipynb", [CELLS[name]])
    return notebook_page(chromium, jupyter, f"{name}.ipynb", init=init)


@pytest.mark.core
def test_without_webgl_a_message_stands_in_place_of_the_picture(chromium, jupyter):
    """The caption and all traits are there; nothing is white and silent."""
    with opened(chromium, jupyter, "one", NO_WEBGL) as page:
        message = page.locator(".esm-structure-message").first
        message.get_by_text("no WebGL").wait_for()
        run_code(page, "view.selected = 3")
        label = page.locator(".esm-structure-label.selected").first
        label.get_by_text(value_of(page, "view.labels[3]")).wait_for()
        assert "Encoder:" in page.locator(".esm-structure-caption").first.inner_text()
        assert page.console_errors == []


@pytest.mark.parametrize("init", ["", NO_WEBGL])
def test_a_static_view_is_in_3d_or_a_still_but_no_white_box(chromium, jupyter, init):
    """The still lies under the 3D picture, and is seen where there is none."""
    with opened(chromium, jupyter, "static", init) as page:
        still = page.get_by_role("img", name="1UBI chain A").first
        still.wait_for()
        page.wait_for_timeout(3000)
        seen = still.evaluate(
            """still => {
                still.scrollIntoView();
                const {left, top} = still.getBoundingClientRect();
                return document.elementFromPoint(left + 20, top + 20).tagName;
            }"""
        )
        # py3Dmol's empty box lets the still through; a picture does not.
        assert seen == ("DIV" if init else "CANVAS")


def test_without_script_and_internet_a_message_says_so(chromium, jupyter):
    """An installation that could not fetch 3Dmol.js, on a machine that is offline now."""
    with opened(chromium, jupyter, "no_script") as page:
        page.get_by_text("3Dmol.js could not be loaded").wait_for()
        assert [url.rpartition("/")[2] for url in page.left_loopback] == ["3Dmol.es6-min.js"]


def test_a_reloaded_page_shows_the_view_as_it_was(chromium, jupyter):
    """Saved and opened again while the kernel runs: the same residue is marked, and clicks work."""
    with opened(chromium, jupyter, "one") as page:
        drawn(page)
        run_code(page, "view.selected = 20")
        page.evaluate("window.panel.context.save()")
        page.reload()
        wait_for_lab(page)
        open_notebook(page, "one.ipynb", jupyter.take_kernel())
        label = page.locator(".esm-structure-label.selected").first
        label.get_by_text(value_of(page, "view.labels[20]")).wait_for()
        assert drawn(page)["colors"] > 50
        residue = lonely(page, skip=20)
        page.mouse.click(residue["x"], residue["y"])
        wait_for(page, "view.selected", residue["index"])
        assert page.console_errors == []
        assert page.left_loopback == []
