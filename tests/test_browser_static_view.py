"""Static 3D structures in a page without Jupyter: the ribbon, the wheel, the theme."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from pages import PIXELS

import esm_explore as ex
from esm_explore.analysis.annotations import secondary_letters
from esm_explore.plots.structure import backbone_cif

pytestmark = pytest.mark.browser

PAGE = "<!doctype html><meta charset='utf-8'><body {}>{}<div style='height: 3000px'></div>"
VIEWER = "window[Object.keys(window).find((name) => name.startsWith('viewer_'))]"
DRAWN = f"""() => {VIEWER}.selectedAtoms({{atom: "CA"}}).map((atom) => atom.ss).join("")"""
INSIDE, BELOW = (300, 200), (300, 700)


@pytest.fixture(scope="module")
def traces():
    encoder = ex.load_encoder("mini")
    return {name: ex.trace(encoder, ex.read_chain(name)) for name in ("1ITU", "4AKE")}


@pytest.fixture(scope="module")
def shown(chromium, tmp_path_factory):
    """Opens the HTML of a picture from disk, in a body that looks like this."""
    folder = tmp_path_factory.mktemp("pages")
    with chromium.new_context(viewport={"width": 1280, "height": 720}) as context:
        page = context.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))

        def show(picture, body: str = ""):
            (folder / "page.html").write_text(PAGE.format(body, picture.html()), encoding="utf-8")
            page.goto((folder / "page.html").as_uri())
            page.locator("canvas").wait_for(state="attached")
            page.wait_for_timeout(1000)
            assert all(url.startswith(("file:", "blob:", "data:")) for url in asked)
            return page

        yield show


@pytest.mark.parametrize("name", ["1ITU", "4AKE"])
def test_the_ribbon_is_drawn_from_the_secondary_structure_that_colors_it(name, traces, shown):
    """Of every CA, in every color; what 3Dmol.js finds by itself is another."""
    page = shown(ex.view(traces[name], "margin"))
    assert page.evaluate(DRAWN) == secondary_letters(traces[name])
    page.evaluate(
        f"cif => {VIEWER}.removeAllModels() && {VIEWER}.addModel(cif, 'cif') && 0",
        backbone_cif(traces[name]),
    )
    assert page.evaluate(DRAWN) != secondary_letters(traces[name])


def wheel(page) -> tuple[int, bool]:
    """Turn the wheel over the picture; give how far the page went, and whether it zoomed."""
    page.evaluate("window.scrollTo(0, 0)")
    before = page.evaluate(f"{VIEWER}.getView()")
    page.mouse.wheel(0, 180)
    page.wait_for_timeout(500)
    return page.evaluate("window.scrollY"), page.evaluate(f"{VIEWER}.getView()") != before


def test_the_wheel_is_the_pages_until_the_picture_is_clicked(traces, shown):
    """And again once the pointer has left the picture."""
    page = shown(ex.view(traces["4AKE"]))
    page.mouse.move(*INSIDE)
    assert wheel(page) == (180, False)
    page.evaluate("window.scrollTo(0, 0)")
    page.mouse.click(*INSIDE)
    assert wheel(page) == (0, True)
    page.mouse.move(*BELOW)
    page.mouse.move(*INSIDE)
    assert wheel(page) == (180, False)


def corner(page) -> list[int]:
    page.wait_for_timeout(400)
    return page.locator("canvas").evaluate(PIXELS)["corner"]


@pytest.mark.core
def test_the_picture_has_the_background_of_the_page(traces, shown):
    """White on white; the dark theme's, also when it is changed under the picture."""
    page = shown(ex.view(traces["4AKE"]))
    assert corner(page) == [255, 255, 255]
    page.evaluate("document.body.style.background = '#111111'; document.body.className = 'dark'")
    assert corner(page) == [17, 17, 17]
    # A page that says nothing but that its text is light.
    assert corner(shown(ex.view(traces["4AKE"]), "style='color: #eeeeee'")) == [17, 17, 17]
