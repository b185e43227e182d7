"""The inspector in a real JupyterLab: one selection, in every view, both ways."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from inspectors import SCREENSHOTS
from lab import keep_busy, notebook_page, open_notebook, run_code, value_of, wait_for_lab
from pages import PLACE, canvas_of, drawn, lonely, wait_for

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parent.parent
NOTEBOOK = "08_inspector.ipynb"
MARKED = "(plot, layer) => plot._fullData[layer].x ? [...plot._fullData[layer].x] : []"
LONG = """
import numpy as np
from esm.utils.structure.protein_chain import ProteinChain
one = trace.chain
shifted = [one.atom37_positions + [70.0 * (i % 3), 70.0 * (i // 3), 0] for i in range(6)]
long = ProteinChain.from_atom37(
    np.concatenate(shifted)[:2166].astype(np.float32), id="long", chain_id="A",
    sequence=(one.sequence * 6)[:2166], residue_index=np.arange(1, 2167))
for widget in (both, tour):
    widget.close()
large = ex.inspect(ex.trace(trace.encoder, long))
print(large)
"""


@pytest.fixture(scope="module")
def lab(chromium, jupyter):
    shutil.copy(ROOT / "notebooks" / NOTEBOOK, jupyter.folder)
    with notebook_page(chromium, jupyter, NOTEBOOK, 1280, 720) as page:
        page.evaluate("window.jupyterapp.shell.collapseLeft()")
        yield page


@pytest.fixture
def page(lab):
    """The first inspector of the notebook; whatever a test does, the page has no complaint."""
    run_code(lab, "inspector.choose(0, 184); inspector.step = 0; inspector.color = 'this step'")
    run_code(lab, "inspector._panes[0].structure.focus = []")
    inspector(lab).evaluate("root => root.scrollIntoView()")
    map_of(lab).wait_for()
    drawn(lab)
    yield lab
    assert lab.console_errors == []
    assert lab.left_loopback == []


def inspector(page):
    return page.locator(".esm-explore-inspector").first


def map_of(page):
    return inspector(page).locator(".esm-explore-map .js-plotly-plot")


def panel_of(page):
    return inspector(page).locator(".esm-explore-answer-0 .js-plotly-plot")


def letter(page, index: int):
    return inspector(page).locator(f"[data-index='{index}']")


def click_point(page, plot, layer: int, point: int) -> None:
    plot.scroll_into_view_if_needed()
    click_place(page, plot.evaluate(PLACE, [layer, point]))


def settle(page, plot) -> None:
    """Wait until a plot is not drawn any more."""
    before = None
    while (now := plot.get_attribute("data-drawn")) != before:
        before = now
        page.wait_for_timeout(700)


def click_place(page, place: list[float]) -> None:
    """Click as a hand does: plotly looks what is under the mouse before the button goes down."""
    page.mouse.move(*place)
    page.wait_for_timeout(300)
    page.mouse.click(*place)


def point_of(page, index: int) -> float:
    return value_of(page, f"float(inspector._map.points[{index}, 0])")


@pytest.mark.core
def test_a_click_in_3d_sets_the_trait_and_moves_the_marker_on_the_map(page):
    """And the strip and the sentence follow."""
    residue = lonely(page, skip=184)
    page.mouse.click(residue["x"], residue["y"])
    wait_for(page, "inspector.selected", residue["index"])
    expected = pytest.approx([point_of(page, residue["index"])])
    page.wait_for_timeout(500)
    assert map_of(page).evaluate(MARKED, 3) == expected
    label = value_of(page, f"trace.labels[{residue['index']}]")
    inspector(page).get_by_text(f"Residue {label} sees").wait_for()
    assert "esm-explore-selected" in letter(page, residue["index"]).get_attribute("class")


@pytest.mark.core
def test_a_click_on_the_map_marks_the_residue_in_3d_and_rotates_nothing(page):
    camera = canvas_of(page).evaluate("canvas => canvas.__viewer.getView()")
    before = drawn(page)["sum"]
    # The point that lies farthest left has no other on top of it.
    point = value_of(page, "int(inspector._map.points[:, 0].argmin())")
    click_point(page, map_of(page), 0, point)
    wait_for(page, "inspector.selected", point)
    page.wait_for_timeout(500)
    assert drawn(page)["sum"] != before
    assert canvas_of(page).evaluate("canvas => canvas.__viewer.getView()") == camera


def test_a_lasso_on_the_map_selects_many(page):
    """A loop around the left half: sums below the strip, thick letters, rings on the map."""
    map_of(page).scroll_into_view_if_needed()
    box = map_of(page).bounding_box()
    corners = [(0.05, 0.15), (0.5, 0.15), (0.5, 0.95), (0.05, 0.95), (0.05, 0.16)]
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=8)
    page.mouse.up()
    inspector(page).get_by_text("residues selected").wait_for()
    chosen = value_of(page, "inspector.selection")
    assert 50 < len(chosen) < 320
    assert "esm-explore-chosen" in letter(page, chosen[0]).get_attribute("class")
    assert len(map_of(page).evaluate(MARKED, 1)) == len(chosen)
    page.screenshot(path=SCREENSHOTS / "inspector_lasso.png")


def test_a_drag_over_the_strip_selects_many_and_a_click_one(page):
    letter(page, 20).scroll_into_view_if_needed()
    letter(page, 20).hover()
    page.mouse.down()
    letter(page, 27).hover()
    page.mouse.up()
    wait_for(page, "inspector.selection", list(range(20, 28)))
    letter(page, 33).click()
    wait_for(page, "inspector.selected", 33)


def test_keys_walk_through_nine_stages_which_change_panel_and_colors(page):
    """JupyterLab's own keys (1 to 6 make headings) do not act meanwhile."""
    letter(page, 184).click()
    kinds = page.evaluate("window.panel.content.model.toJSON().cells.map(c => c.cell_type)")
    sentences, pictures, points = [], [], []
    for key in range(1, 10):
        page.keyboard.press(str(key))
        wait_for(page, "inspector.step", key - 1)
        title = value_of(page, "inspector._stages[inspector.step].title")
        inspector(page).locator("b", has_text=f"{title}.").wait_for()
        page.wait_for_timeout(300)
        sentences.append(inspector(page).locator(".widget-html").all_inner_texts())
        pictures.append(drawn(page)["sum"])
        points.append(map_of(page).evaluate("plot => plot._fullData[0].x[0]"))
        page.screenshot(path=SCREENSHOTS / f"inspector_step_{key}.png")
    assert len({str(said) for said in sentences}) == 9
    # The query's state is what the last block put out: the same colors, and places on the map.
    assert len(set(pictures)) == 8
    assert len(set(points)) >= 8
    # In the strip arrows go along the chain; beside it, through the stages.
    inspector(page).focus()
    page.keyboard.press("ArrowLeft")
    wait_for(page, "inspector.step", 7)
    after = page.evaluate("window.panel.content.model.toJSON().cells.map(c => c.cell_type)")
    assert after == kinds


@pytest.mark.core
def test_a_typed_residue_is_gone_to_and_a_wrong_one_is_a_message(page):
    box = inspector(page).get_by_label("find")
    box.fill("57")
    box.press("Enter")
    wait_for(page, "inspector.selected", 56)
    box.fill("4000")
    box.press("Enter")
    message = inspector(page).locator(".esm-explore-message")
    message.get_by_text("Residue '4000' is not in 1ITU").wait_for()
    assert value_of(page, "inspector.selected") == 56
    box.fill("W57")
    box.press("Enter")
    message.get_by_text("is A (ALA), not W").wait_for()
    box.fill("B:50-60")
    box.press("Enter")
    wait_for(page, "inspector.selection", list(range(49, 60)))
    letter(page, 20).click()
    wait_for(page, "inspector.selected", 20)
    assert box.input_value() == ""
    box.fill("57")
    box.press("Enter")
    wait_for(page, "inspector.selected", 56)


def test_the_head_menu_changes_the_heat_map_and_a_cell_is_a_residue(page):
    run_code(page, "inspector.step = 2")
    values = "plot => plot.data[0].z"
    panel_of(page).locator(".hm").wait_for(state="attached")
    settle(page, panel_of(page))
    average = panel_of(page).evaluate(values)
    inspector(page).get_by_role("combobox", name="head").select_option("2")
    wait_for(page, "inspector._panes[0].panel.chosen_head", 2)
    settle(page, panel_of(page))
    assert panel_of(page).evaluate(values) != average
    nodes = value_of(page, "trace.edges[184].tolist()")
    panel_of(page).scroll_into_view_if_needed()
    place = """plot => {
        const {xaxis, yaxis} = plot._fullLayout;
        const box = plot.getBoundingClientRect();
        return [box.left + xaxis._offset + xaxis.c2p(4), box.top + yaxis._offset + yaxis.c2p(9)];
    }"""
    click_place(page, panel_of(page).evaluate(place))
    wait_for(page, "inspector.selected", nodes[4])
    run_code(page, "inspector._panes[0].panel.heads.put('head', -1)")


def test_a_click_on_a_code_marks_the_residues_that_have_it(page):
    run_code(page, "inspector.step = 8")
    panel_of(page).get_by_text("nearest codes").wait_for()
    settle(page, panel_of(page))
    panel_of(page).scroll_into_view_if_needed()
    place = """plot => {
        const {xaxis, yaxis} = plot._fullLayout;
        const box = plot.getBoundingClientRect();
        return [box.left + xaxis._offset + xaxis.c2p(0), box.top + yaxis._offset + yaxis.c2p(1)];
    }"""
    click_place(page, panel_of(page).evaluate(place))
    same = value_of(page, "(trace.tokens == trace.tokens[184]).nonzero()[0].tolist()")
    wait_for(page, "inspector.selection", same)


def test_while_the_kernel_is_busy_the_inspector_says_so(page):
    """What was clicked meanwhile happens afterwards."""
    busy = inspector(page).locator(".esm-explore-busy").first
    letter(page, 40).scroll_into_view_if_needed()
    keep_busy(page, 10)
    letter(page, 40).click()
    busy.wait_for(state="visible", timeout=6000)
    assert "kernel is busy" in busy.inner_text()
    busy.wait_for(state="hidden")
    wait_for(page, "inspector.selected", 40)


def test_two_chains_side_by_side_follow_each_other(page):
    """A click in the second one's strip marks the same residue number in the first."""
    second = page.locator(".esm-explore-inspector").nth(1)
    second.evaluate("root => root.scrollIntoView()")
    strips = second.locator(".esm-explore-strip")
    strips.nth(1).locator("[data-index='30']").click()
    wait_for(page, "(both.chain, both.selected)", [1, 30])
    page.wait_for_timeout(1000)
    marked = strips.nth(0).locator("[data-index='30']").get_attribute("class")
    assert "esm-explore-selected" in marked
    page.screenshot(path=SCREENSHOTS / "inspector_side_by_side.png")


def test_what_python_sets_is_shown(page):
    """In two chains: another chain has nothing selected, and what is set then is seen."""
    second = page.locator(".esm-explore-inspector").nth(1)
    run_code(page, "both.choose(0, 200, [1, 2]); both.chain = 1")
    second.get_by_text("No residue is selected.").nth(1).wait_for()
    assert second.locator(".esm-explore-selected, .esm-explore-chosen").count() == 0
    said = run_code(page, "both.step = 0; both.selected = 30; both.color = 'token'; both.chain = 9")
    assert "NotThereError" in said
    second.get_by_text("near in the codebook, near in color").first.wait_for()
    for which in (0, 1):
        second.get_by_text("Residue 31 sees").nth(which).wait_for()
    assert second.locator("[data-index='30'].esm-explore-selected").count() == 2


def test_dark_theme_and_a_wide_window(page):
    """Nothing is cut off: every part is as wide as the inspector at most."""
    theme = "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
    page.evaluate(theme, "JupyterLab Dark")
    for width in (1920, 1280):
        page.set_viewport_size({"width": width, "height": 720})
        page.wait_for_timeout(1500)
        whole = inspector(page).bounding_box()
        for plot in (map_of(page), panel_of(page)):
            box = plot.locator(".main-svg").first.bounding_box()
            assert box["x"] >= whole["x"]
            assert box["x"] + box["width"] <= whole["x"] + whole["width"] + 1
        inspector(page).evaluate("root => root.scrollIntoView()")
        page.screenshot(path=SCREENSHOTS / f"inspector_dark_{width}.png")
    page.evaluate(theme, "JupyterLab Light")


def test_a_reloaded_page_keeps_the_inspector(page):
    """Saved and opened again while the kernel runs: what was selected is, and clicks work."""
    run_code(page, "inspector.selected = 20")
    page.evaluate("window.panel.context.save()")
    page.reload()
    wait_for_lab(page)
    open_notebook(page, NOTEBOOK)
    letter(page, 20).wait_for()
    assert "esm-explore-selected" in letter(page, 20).get_attribute("class")
    letter(page, 25).click()
    wait_for(page, "inspector.selected", 25)


def test_a_chain_of_2166_residues_works(page):
    """Six copies of the chain, side by side in space."""
    assert "Inspector of long chain A, 2166 residues" in run_code(page, LONG)
    run_code(page, "import ipywidgets; inspector.children = [*inspector.children, large]")
    inner = inspector(page).locator(".esm-explore-inspector")
    inner.locator("[data-index='2165']").wait_for(state="attached")
    inner.locator("[data-index='2000']").scroll_into_view_if_needed()
    inner.locator("[data-index='2000']").click()
    wait_for(page, "large.selected", 2000)
    run_code(page, "large.step = 8")
    wait_for(page, "large.step", 8)
    run_code(page, "inspector.children = inspector.children[:-1]; large.close()")


def test_a_row_of_the_table_is_a_residue_and_headings_sort(page):
    """By their numbers: the farthest node comes first when sorted twice."""
    table = inspector(page).locator(".esm-explore-answer-0 table")
    table.get_by_role("button", name="Å").click()
    table.get_by_role("button", name="Å").click()
    heading = table.locator("th", has_text="Å")
    assert heading.get_attribute("aria-sort") == "descending"
    far = value_of(page, "trace.edges[184].tolist()")[-1]
    label = value_of(page, f"trace.labels[{far}]")
    first = table.locator("tbody tr").first
    assert first.locator("td").nth(1).inner_text().split()[1] == label
    first.click()
    wait_for(page, "inspector.selected", far)


def test_closing_takes_everything_off_the_page(page):
    """The views are gone, and keys do nothing any more."""
    count = page.locator(".esm-explore-inspector").count()
    run_code(page, "closing = ex.inspect(trace); closing.close()")
    run_code(page, "inspector.close()")
    page.wait_for_function(
        "count => document.querySelectorAll('.esm-explore-inspector').length < count", arg=count
    )
    assert page.locator(".esm-explore-inspector .esm-explore-strip").count() < count * 2
