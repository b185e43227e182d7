"""The inspector's room: on a laptop, on a large screen, in a column, in the whole window."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from inspectors import DARK, SCREENSHOTS, set_theme
from lab import run_code
from pages import drawn

pytestmark = pytest.mark.browser
# Which of an inspector's parts are not whole within what the notebook shows, and what is cut off.
FAULTS = """(root, parts) => {
    root.scrollIntoView({block: "start"});
    const pane = root.closest(".jp-WindowedPanel-outer").getBoundingClientRect();
    const faults = [];
    for (const part of parts) {
        const found = root.querySelector(part);
        const box = found?.getBoundingClientRect();
        if (!box || box.width < 100 || box.height < 20) faults.push(`no room: ${part}`);
        else if (box.top < pane.top - 1 || box.bottom > pane.bottom + 1 ||
            box.left < pane.left - 1 || box.right > pane.right + 1)
            faults.push(`not seen: ${part} ${JSON.stringify(box)} in ${JSON.stringify(pane)}`);
    }
    const shown = [...root.querySelectorAll("button, select, label, .esm-explore-strip-rows")];
    for (const each of shown.filter((e) => e.checkVisibility())) {
        if (each.scrollWidth > each.clientWidth + 2 && each.clientWidth)
            faults.push(`cut off: ${each.outerHTML.slice(0, 90)} by ${each.scrollWidth}`);
        const box = each.getBoundingClientRect();
        const around = root.getBoundingClientRect();
        if (box.right > around.right + 1) faults.push(`beyond: ${each.outerHTML.slice(0, 90)}`);
    }
    return faults;
}"""
PARTS = [
    ".esm-explore-choice",
    ".esm-explore-structure-0",
    ".esm-explore-map",
    ".esm-explore-sequence-0",
    ".esm-explore-answer-0 .widget-html",
    ".esm-explore-answer-0 .js-plotly-plot",
]
# Texts of the plots that lie on each other, or under a plot's buttons.
OVERLAPS = """(root) => [...root.querySelectorAll(".esm-explore-plot-view")].flatMap((view) => {
    const named = ".gtitle, .legendtext, .ytick text, .xtitle, .ytitle, button";
    const parts = [...view.querySelectorAll(named)].filter((e) => e.checkVisibility());
    const boxes = parts.map((e) => [e.textContent, e.getBoundingClientRect()]);
    const over = (a, b) => a.left + 2 < b.right && b.left + 2 < a.right
        && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
    return boxes.flatMap(([text, box], i) =>
        boxes.slice(i + 1).filter(([, b]) => over(box, b)).map(([other]) => [text, other]));
})"""


def inspector(page, which: int):
    found = page.locator(".esm-explore-inspector").nth(which)
    found.evaluate("root => root.scrollIntoView({block: 'start'})")
    found.locator(".js-plotly-plot").first.wait_for()
    return found


def settled(page, which: int, name: str):
    root = inspector(page, which)
    page.wait_for_timeout(500)
    drawn(page, [0, 1, 3][which])
    page.screenshot(path=SCREENSHOTS / f"layout_{name}.png")
    return root


@pytest.mark.parametrize("side", ["open", "closed"])
@pytest.mark.parametrize("which", [0, 1, 2], ids=["one", "two", "tour"])
def test_all_is_seen_at_once_on_a_laptop(page, side, which):
    """1280 x 720: steps, structure, map, sequence and answer; nothing is cut off."""
    page.evaluate(f"jupyterapp.shell.{'expand' if side == 'open' else 'collapse'}Left()")
    root = settled(page, which, f"{['one', 'two', 'tour'][which]}_{side}")
    parts = {
        0: PARTS,
        1: [*PARTS, ".esm-explore-structure-1", ".esm-explore-sequence-1"],
        2: [part for part in PARTS if "map" not in part and "sequence" not in part],
    }[which]
    assert root.evaluate(FAULTS, parts) == []


@pytest.mark.core
def test_it_grows_with_the_window(page):
    """1920 x 1080: it fills what the notebook shows, within 40 px."""
    page.set_viewport_size({"width": 1920, "height": 1080})
    page.evaluate("jupyterapp.shell.collapseLeft()")
    root = settled(page, 0, "one_1920")
    assert root.evaluate(FAULTS, PARTS) == []
    shown = root.evaluate("r => r.closest('.jp-WindowedPanel-outer').clientHeight")
    assert shown - 40 <= root.bounding_box()["height"] <= shown


def test_in_a_narrow_column_the_parts_stand_below_one_another(page):
    """390 px wide, as on a phone or beside a text: nothing sticks out."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.evaluate("jupyterapp.shell.collapseLeft()")
    for which, name in enumerate(["one", "two", "tour"]):
        root = settled(page, which, f"{name}_390")
        width = root.bounding_box()["width"]
        for part in root.locator(".esm-explore-structure-0, .esm-explore-answer-0").all():
            box = part.bounding_box()
            assert 0.9 * width < box["width"] <= width
        assert root.evaluate("r => r.scrollWidth <= r.clientWidth + 1")
        assert root.evaluate(OVERLAPS) == []


@pytest.mark.parametrize(
    ("width", "height", "tab"), [(1280, 720, "code"), (1280, 720, "why"), (1920, 1080, "why")]
)
def test_no_text_of_a_plot_lies_on_another(page, width, height, tab):
    """Where two chains leave little room: fewer bars, legends that wrap, no title."""
    page.set_viewport_size({"width": width, "height": height})
    run_code(page, f"two.tab = {tab!r}; [pane.settle() for pane in two._panes]")
    root = settled(page, 1, f"two_{tab}_{width}")
    assert root.locator(".esm-explore-tabpanel .bars path").count() >= 8
    assert root.evaluate(OVERLAPS) == []


def test_the_full_window_and_back(page):
    """A button and Escape; in between it covers the whole page."""
    root = inspector(page, 0)
    before = root.bounding_box()
    root.get_by_role("button", name="full window").click()
    page.wait_for_timeout(800)
    assert root.bounding_box() == {"x": 0, "y": 0, "width": 1280, "height": 720}
    page.screenshot(path=SCREENSHOTS / "layout_full.png")
    page.keyboard.press("Escape")
    page.wait_for_timeout(800)
    assert root.bounding_box()["height"] == pytest.approx(before["height"], abs=2)


def test_the_dark_theme_is_followed(page):
    set_theme(page, DARK)
    root = settled(page, 0, "one_dark")
    color = root.evaluate("r => getComputedStyle(r).backgroundColor")
    assert max(int(part) for part in color[4:-1].split(",")) < 60
