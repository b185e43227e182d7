"""`StructureView` in a real JupyterLab: what is clicked, what is drawn, what is left behind."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from lab import keep_busy, notebook_page, run_code, value_of, write_notebook
from pages import SETUP, VIEW, canvas_of, drawn, lonely, wait_for

pytestmark = pytest.mark.browser

BESIDE = "W.HBox([view, StructureView.of(ex.trace(encoder, ex.read_chain('1AKE')))])"
WATCHED = """
watched = ex.watch(ex.experiments.follow(encoder, ex.read_frames("1AS5")))
box.children = [watched]
"""
# Where a cell of an image is on the page.
CELL = """(plot, [column, row]) => {
    const {xaxis, yaxis} = plot._fullLayout;
    const box = plot.getBoundingClientRect();
    return [box.left + xaxis._offset + xaxis.c2p(column), box.top + yaxis._offset + yaxis.c2p(row)];
}"""
# The camera sets out to a neighborhood, and a key is pressed.
TRAVEL = """async (canvas) => {
    const wait = (ms) => new Promise((done) => setTimeout(done, ms));
    const at = () => canvas.__viewer.getView().join();
    const from = at();
    canvas.parentElement.querySelector("[aria-label*='neighborhood']").click();
    await new Promise(requestAnimationFrame);
    document.dispatchEvent(new KeyboardEvent("keydown", {key: "Shift"}));
    const held = at();
    await wait(120);
    const waited = at() === held;
    await wait(1500);
    return [waited, at() !== from];
}"""
EMPTY = "box = W.VBox([])\nbox"
# Listeners that views, and 3Dmol.js for them, put on what outlives them.
COUNT_LISTENERS = """
window.listening = new Set();
const {addEventListener, removeEventListener} = EventTarget.prototype;
const counts = (target, name) => (target === window || target === document.body)
    && ["keydown", "mouseup", "touchend", "resize"].includes(name);
EventTarget.prototype.addEventListener = function (name, listener, ...rest) {
    if (counts(this, name)) window.listening.add(listener);
    return addEventListener.call(this, name, listener, ...rest);
};
EventTarget.prototype.removeEventListener = function (name, listener, ...rest) {
    if (counts(this, name)) window.listening.delete(listener);
    return removeEventListener.call(this, name, listener, ...rest);
};
"""


@pytest.fixture(scope="module")
def lab(chromium, jupyter):
    """A page with three views: one alone, and the same one beside another."""
    write_notebook(jupyter.folder / "views.ipynb", [SETUP + "view", BESIDE, EMPTY])
    with notebook_page(chromium, jupyter, "views.ipynb", init=COUNT_LISTENERS) as page:
        yield page


@pytest.fixture
def page(lab):
    """The views as they were at first; whatever a test does, the page has no complaint."""
    run_code(
        lab,
        "view.selected = -1; view.hovered = -1; view.selection = []; view.lines = []\n"
        "view.frames = []; box.children = []",
    )
    lab.mouse.move(0, 0)
    canvas_of(lab).scroll_into_view_if_needed()
    drawn(lab)
    yield lab
    assert lab.console_errors == []
    assert lab.left_loopback == []


@pytest.mark.core
def test_a_click_on_a_residue_sets_selected_and_one_beside_it_does_nothing(page):
    """The CA's place on the screen is clicked; then an empty corner."""
    residue = lonely(page)
    page.mouse.click(residue["x"], residue["y"])
    wait_for(page, "view.selected", residue["index"])
    box = canvas_of(page).bounding_box()
    page.mouse.click(box["x"] + 6, box["y"] + 6)
    page.wait_for_timeout(500)
    assert value_of(page, "view.selected") == residue["index"]


def test_selected_from_python_is_marked_in_every_view_of_the_chain(page):
    """One model, two views: both have the label, and both pictures change."""
    before = [drawn(page, which) for which in (0, 1)]
    run_code(page, "view.selected = 30")
    label = value_of(page, "view.labels[30]")
    for which in (0, 1):
        shown = page.locator(".esm-structure").nth(which).locator(".selected")
        shown.get_by_text(label, exact=True).wait_for()
        assert drawn(page, which)["sum"] != before[which]["sum"]


def test_recoloring_keeps_the_camera_and_the_model(page):
    """After the user has turned it; all red, so that the pixels tell."""
    box = canvas_of(page).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 70, y + 30, steps=4)
    page.mouse.up()
    canvas_of(page).evaluate("canvas => window.model = canvas.__viewer.getModel()")
    camera = canvas_of(page).evaluate("canvas => canvas.__viewer.getView()")
    assert value_of(page, "view.selected") == -1
    assert drawn(page)["red"] < 500
    run_code(page, "kept = view.colors; view.colors = color_bytes(['#ff0000'] * 76)")
    page.wait_for_timeout(500)
    assert drawn(page)["red"] > 5000
    after = canvas_of(page).evaluate("canvas => canvas.__viewer.getView()")
    assert after == pytest.approx(camera, abs=1e-6)
    assert canvas_of(page).evaluate("canvas => window.model === canvas.__viewer.getModel()")
    run_code(page, "view.colors = kept")


def test_a_new_structure_is_loaded_and_centered(page):
    """4AKE in place of 1UBI, and back. Until its colors come, what has none is gray."""
    run_code(
        page,
        "other = StructureView.of(ex.trace(encoder, ex.read_chain('4AKE')))\n"
        "kept = view.get_state(['structure', 'colors', 'labels'])\n"
        "view.structure = other.structure; view.selected = 200",
    )
    page.wait_for_timeout(500)
    drawn(page)
    run_code(page, "view.colors = other.colors; view.labels = other.labels; view.selected = -1")
    page.wait_for_timeout(500)
    drawn(page)
    count = "canvas => canvas.__viewer.selectedAtoms({atom: 'CA'}).length"
    assert canvas_of(page).evaluate(count) == 214
    center = canvas_of(page).evaluate(
        "canvas => { const {x, y} = canvas.__viewer.modelToScreen("
        "canvas.__viewer.selectedAtoms({})).reduce((a, b) => ({x: a.x + b.x, y: a.y + b.y}));"
        "const n = canvas.__viewer.selectedAtoms({}).length; return [x / n, y / n]; }"
    )
    box = canvas_of(page).bounding_box()
    assert abs(center[0] - box["x"] - box["width"] / 2) < 60
    assert abs(center[1] - box["y"] - box["height"] / 2) < 60
    run_code(page, "view.set_state(kept)")
    page.wait_for_timeout(500)
    drawn(page)


def test_shift_and_click_put_residues_into_the_selection_and_take_them_out(page):
    first = lonely(page)
    second = lonely(page, skip=first["index"])
    page.keyboard.down("Shift")
    for residue in (first, second):
        page.mouse.click(residue["x"], residue["y"])
    wait_for(page, "view.selection", sorted([first["index"], second["index"]]))
    page.mouse.click(first["x"], first["y"])
    page.keyboard.up("Shift")
    wait_for(page, "view.selection", [second["index"]])
    assert value_of(page, "view.selected") == -1


def test_arrow_keys_go_on_by_one_residue_and_stay_in_the_view(page):
    """JupyterLab's own arrow keys would go to another cell; a click gives the view the keys."""
    residue = lonely(page)
    page.mouse.click(residue["x"], residue["y"])
    wait_for(page, "view.selected", residue["index"])
    run_code(page, "view.selected = 40")
    cell = page.evaluate("window.panel.content.activeCellIndex")
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    wait_for(page, "view.selected", 41)
    run_code(page, "view.selected = 1")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    wait_for(page, "view.selected", 0)
    assert page.evaluate("window.panel.content.activeCellIndex") == cell


def test_hovering_names_the_residue_and_leaving_ends_it(page):
    residue = lonely(page)
    page.mouse.move(residue["x"], residue["y"])
    wait_for(page, "view.hovered", residue["index"])
    tip = page.locator(".esm-structure-label:not(.selected)").first
    assert tip.inner_text() == value_of(page, f"view.labels[{residue['index']}]")
    page.mouse.move(3, 3)
    wait_for(page, "view.hovered", -1)
    assert tip.is_hidden()


def test_a_selection_lines_and_frames_from_python_are_drawn(page):
    """Each of them changes the picture, and the picture without them is as it was."""
    empty = drawn(page)["sum"]
    pictures = [empty]
    for setting in ("selection = [20, 21, 40]", "lines = [(3, 50, 1.0)]", "frames = [3, 50]"):
        run_code(page, f"view.{setting}")
        page.wait_for_timeout(300)
        pictures.append(drawn(page)["sum"])
    assert len(set(pictures)) == 4
    run_code(page, "view.selection = []; view.lines = []; view.frames = []")
    page.wait_for_timeout(300)
    assert drawn(page)["sum"] == empty


def test_the_camera_waits_for_the_answer_to_a_click_and_then_goes_on(page):
    """Drawing takes the page's time: without a graphics card answers came at half the speed."""
    run_code(page, "view.near = list(range(10))")
    page.wait_for_timeout(300)
    assert canvas_of(page).evaluate(TRAVEL) == [True, True]
    run_code(page, "view.near = view.focus = []")
    drawn(page)


def test_what_is_selected_is_drawn_once(page):
    """The background's color, told again, would have all drawn again."""
    canvas_of(page).evaluate(
        "canvas => { window.shows = 0; const viewer = canvas.__viewer; const show = viewer.show;"
        "viewer.show = (...all) => { window.shows += 1; show.apply(viewer, all); }; }"
    )
    run_code(page, "view.selected = 20")
    page.wait_for_timeout(500)
    assert page.evaluate("window.shows") == 1
    canvas_of(page).evaluate("canvas => { delete canvas.__viewer.show; }")


def test_while_the_kernel_is_busy_a_click_says_so(page):
    """The residue is marked at once; the message goes when Python has answered."""
    residue = lonely(page)
    busy = page.locator(".esm-structure-busy").first
    keep_busy(page, 10)
    page.mouse.click(residue["x"], residue["y"])
    busy.wait_for(state="visible", timeout=6000)
    assert "the kernel is busy" in busy.inner_text()
    assert page.locator(".esm-structure-label.selected").first.is_visible()
    busy.wait_for(state="hidden")
    assert value_of(page, "view.selected") == residue["index"]
    page.mouse.click(residue["x"], residue["y"])
    page.wait_for_timeout(1000)
    assert busy.is_hidden()


@pytest.mark.core
def test_the_background_follows_the_theme(page):
    theme = "name => window.jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
    assert drawn(page)["corner"] == [255, 255, 255]
    page.evaluate(theme, "JupyterLab Dark")
    page.wait_for_timeout(500)
    assert max(drawn(page)["corner"]) < 60
    page.evaluate(theme, "JupyterLab Light")
    page.wait_for_timeout(500)
    assert drawn(page)["corner"] == [255, 255, 255]


def test_a_hundred_views_opened_and_closed_leave_nothing_behind(page):
    """Viewers are used again; nothing goes on listening to the page."""
    run_code(page, "box.children = [view]")
    canvas_of(page, 3).locator("canvas").wait_for(state="attached")
    run_code(page, "box.children = []")
    page.wait_for_timeout(1000)
    listening = page.evaluate("window.listening.size")
    run_code(
        page,
        "for _ in range(100):\n"
        "    box.children = [view]\n    time.sleep(0.05)\n"
        "    box.children = []\n    time.sleep(0.02)",
    )
    page.wait_for_timeout(2000)
    assert page.locator(".esm-structure").count() == 3
    assert page.evaluate("globalThis.esmExplore.idle.length") == 1
    assert page.evaluate("window.listening.size") == listening


def test_a_watched_chain_moves_with_its_slider_and_a_click_in_the_raster(page):
    """Another frame is another picture from the same side; what is clicked is marked in 3D."""
    assert run_code(page, WATCHED) == ""
    canvas_of(page, 3).scroll_into_view_if_needed()
    before, side = drawn(page, 3), canvas_of(page, 3).evaluate(VIEW)
    page.get_by_role("slider").last.focus()
    page.keyboard.press("ArrowRight")
    wait_for(page, "watched.frame", 1)
    assert drawn(page, 3) != before
    assert canvas_of(page, 3).evaluate(VIEW) == pytest.approx(side, abs=1e-2)
    page.mouse.click(*page.locator(".js-plotly-plot").last.evaluate(CELL, [7, 3]))
    wait_for(page, "[watched.frame, watched.selected]", [7, 3])
    label = value_of(page, "watched.structure.labels[3]")
    page.locator(".esm-structure-label.selected").get_by_text(label).wait_for()


def test_a_chain_of_2166_residues_is_drawn_and_can_be_clicked(page):
    """Six copies of a bundled chain, side by side."""
    made = run_code(
        page,
        """
one = ex.read_chain("3ENL")
shifted = [one.atom37_positions + [60.0 * (i % 3), 60.0 * (i // 3), 0] for i in range(6)]
long = ProteinChain.from_atom37(
    np.concatenate(shifted)[:2166].astype(np.float32), id="long", chain_id="A",
    sequence=(one.sequence * 6)[:2166], residue_index=np.arange(1, 2167))
big = StructureView.of(ex.trace(encoder, long))
box.children = [big]
""",
    )
    assert made == ""
    canvas_of(page, 3).locator("canvas").wait_for(state="attached")
    canvas_of(page, 3).scroll_into_view_if_needed()
    assert drawn(page, 3)["colors"] > 100
    residue = lonely(page, 3)
    page.mouse.click(residue["x"], residue["y"])
    wait_for(page, "big.selected", residue["index"])
