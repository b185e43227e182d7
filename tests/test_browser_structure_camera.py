"""What `StructureView` looks at, and what its buttons do, in a real JupyterLab."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from lab import notebook_page, run_code, value_of, write_notebook
from pages import SETUP, canvas_of, drawn, lonely, wait_for
from PIL import Image

pytestmark = pytest.mark.browser

VIEWS = """
letters = view.secondary
box = W.Box([view], layout=W.Layout(width="420px", height="300px"))
view.layout.min_width = "0"
view.height = 0
pair = [StructureView.of(trace) for _ in range(3)]
for one, group in zip(pair, ["g", "g", ""]):
    one.height, one.group = 180, group
W.VBox([box, W.HBox(pair, layout=W.Layout(width="750px"))])
"""
# The picture, and where in it residues are, as parts of its width and height from its middle.
SPOTS = """(canvas, residues) => {
    const box = canvas.getBoundingClientRect();
    const atoms = canvas.__viewer.selectedAtoms({atom: "CA"});
    return canvas.__viewer.modelToScreen(residues.map(i => atoms.find(a => a.resi === i + 1))).map(
        ({x, y}) => [(x - scrollX - box.left) / box.width - 0.5,
                     (y - scrollY - box.top) / box.height - 0.5]);
}"""
VIEW = "canvas => canvas.__viewer.getView()"
SCROLLED = "() => document.querySelector('.jp-WindowedPanel-outer').scrollTop"


@pytest.fixture(scope="module")
def lab(chromium, jupyter):
    write_notebook(jupyter.folder / "camera.ipynb", [SETUP + VIEWS, *["1\n" * 30] * 2])
    with notebook_page(chromium, jupyter, "camera.ipynb", 1280, 720) as page:
        yield page


@pytest.fixture
def page(lab):
    """The views as they were at first; whatever a test does, the page has no complaint."""
    run_code(
        lab,
        "view.style = 'cartoon'; view.selected = -1; view.lines = view.focus = view.near = []\n"
        "view.ghost = []; view.legend = []; view.bar = {}; view.secondary = letters\n"
        "nodes = trace.neighborhood(30).edges.tolist()",
    )
    lab.mouse.move(0, 0)
    canvas_of(lab).scroll_into_view_if_needed()
    lab.get_by_role("button", name="Reset the view").first.click()
    lab.wait_for_timeout(700)
    drawn(lab)
    yield lab
    assert lab.console_errors == []
    assert lab.left_loopback == []


def focus(page) -> list[int]:
    run_code(
        page,
        "with view.hold_sync():\n"
        "    view.selected, view.focus = 30, nodes\n"
        "    view.lines = [[30, node, 0.5] for node in nodes[1:]]",
    )
    page.wait_for_timeout(900)
    drawn(page)
    return value_of(page, "nodes")


def drag(page, which: int = 0, by: int = 60) -> None:
    box = canvas_of(page, which).bounding_box()
    page.mouse.move(box["x"] + 90, box["y"] + 90)
    page.mouse.down()
    page.mouse.move(box["x"] + 90 + by, box["y"] + 90 + by // 2, steps=4)
    page.mouse.up()


def test_the_camera_goes_to_the_residues_in_focus(page):
    """The chosen one is within a quarter of the picture's middle; all of them fill most of it."""
    nodes = focus(page)
    spots = canvas_of(page).evaluate(SPOTS, nodes)
    assert max(map(abs, spots[0])) < 0.25
    spans = [max(axis) - min(axis) for axis in zip(*spots, strict=True)]
    assert 0.55 < max(spans) < 0.85
    assert max(abs(v) for spot in spots for v in spot) < 0.5
    wait_for(
        page,
        "[round(v, 3) for v in view.camera]",
        [round(v, 3) for v in canvas_of(page).evaluate(VIEW)],
    )


def test_a_reader_who_wants_no_motion_gets_none(page):
    """The first picture after the news is the last one."""
    page.emulate_media(reduced_motion="reduce")
    canvas_of(page).evaluate(
        """canvas => {
            window.depths = new Set();
            const {show} = canvas.__viewer;
            canvas.__viewer.show = function (...rest) {
                window.depths.add(this.getView()[3].toFixed(3));
                return show.apply(this, rest);
            };
        }"""
    )
    focus(page)
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate("window.depths.size") <= 2


def test_the_chosen_residues_name_covers_neither_it_nor_leaves_the_picture(page):
    """For residues all over the chain, with the lines to their nodes."""
    for residue in (3, 20, 30, 45, 70):
        run_code(
            page,
            f"near = trace.neighborhood({residue}).edges.tolist()\n"
            f"with view.hold_sync():\n"
            f"    view.selected, view.focus = {residue}, near\n"
            f"    view.lines = [[{residue}, node, 0.5] for node in near[1:]]",
        )
        page.wait_for_timeout(900)
        area = canvas_of(page).bounding_box()
        ring = page.locator(".esm-structure-ring.selected").first.bounding_box()
        name = page.locator(".esm-structure-label.selected").first.bounding_box()
        apart = [
            max(name[a] - ring[a] - ring[s], ring[a] - name[a] - name[s])
            for a, s in (("x", "width"), ("y", "height"))
        ]
        assert max(apart) > -4
        for a, s in (("x", "width"), ("y", "height")):
            assert area[a] <= name[a]
            assert name[a] + name[s] <= area[a] + area[s]


def test_the_ring_says_whether_something_nearer_covers_the_residue(page):
    """Solid for a residue in front; of the others some are behind."""
    ring = page.locator(".esm-structure-ring.selected").first
    style = "ring => getComputedStyle(ring).borderTopStyle"
    run_code(page, f"view.selected = {lonely(page)['index']}")
    page.wait_for_timeout(300)
    assert ring.evaluate(style) == "solid"
    seen = set()
    for residue in range(0, 76, 6):
        run_code(page, f"view.selected = {residue}")
        page.wait_for_timeout(200)
        seen.add(ring.evaluate(style))
    assert "dashed" in seen


@pytest.mark.core
def test_a_button_brings_the_first_picture_back(page):
    """After it was turned and zoomed."""
    start = canvas_of(page).evaluate(VIEW)
    drag(page)
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(200)
    turned = canvas_of(page).evaluate(VIEW)
    assert turned[3] != pytest.approx(start[3], abs=1)
    page.get_by_role("button", name="Reset the view").first.click()
    page.wait_for_timeout(800)
    assert canvas_of(page).evaluate(VIEW) == pytest.approx(start, abs=1e-4)


def test_the_wheel_is_the_pages_until_the_picture_is_clicked_and_again_after_it(page):
    """A hint says so; leaving the picture and Esc give the wheel back."""
    box = canvas_of(page).bounding_box()
    hint = page.locator(".esm-structure-hint").first

    def turn() -> tuple[bool, bool]:
        before = page.evaluate(SCROLLED), canvas_of(page).evaluate(VIEW)[3]
        page.mouse.wheel(0, 20)
        page.wait_for_timeout(400)
        after = page.evaluate(SCROLLED), canvas_of(page).evaluate(VIEW)[3]
        return before[0] != after[0], before[1] != after[1]

    page.mouse.move(box["x"] + 5, box["y"] + 100)
    assert turn() == (True, False)
    assert hint.is_visible()
    page.mouse.click(box["x"] + 5, box["y"] + 100)
    assert turn() == (False, True)
    page.keyboard.press("Escape")
    assert turn() == (True, False)
    page.mouse.click(box["x"] + 5, box["y"] + 100)
    page.mouse.move(box["x"] - 30, box["y"] + 100)
    page.mouse.move(box["x"] + 5, box["y"] + 100)
    assert turn() == (True, False)


def test_views_of_a_group_turn_and_zoom_together(page):
    """The third is of no group and stays."""
    canvas_of(page, 1).scroll_into_view_if_needed()
    still = canvas_of(page, 3).evaluate(VIEW)
    drag(page, 1)
    page.mouse.wheel(0, -100)
    page.wait_for_timeout(600)
    first, second = (canvas_of(page, which).evaluate(VIEW) for which in (1, 2))
    assert first[4:] != pytest.approx([0, 0, 0, 1], abs=0.05)
    assert second == pytest.approx(first, abs=1e-4)
    assert canvas_of(page, 3).evaluate(VIEW) == still


def test_the_camera_is_set_from_python(page):
    """And stays there, with other colors and marks."""
    view = [-30.0, -29.0, -16.0, 60.0, 0.0, 0.6, 0.0, 0.8]
    run_code(page, f"view.camera = {view}; view.selected = 4")
    page.wait_for_timeout(600)
    assert canvas_of(page).evaluate(VIEW) == pytest.approx(view)


def test_the_ribbon_is_drawn_from_the_letters(page):
    """The chain's own, then all helix; letters of no kind are coil."""
    kinds = "canvas => [...new Set(canvas.__viewer.selectedAtoms({}).map(atom => atom.ss))].sort()"
    assert len(canvas_of(page).evaluate(kinds)) > 1
    before = drawn(page)["sum"]
    run_code(page, "view.secondary = 'h' * 76")
    page.wait_for_timeout(300)
    assert drawn(page)["sum"] != before
    assert canvas_of(page).evaluate(kinds) == ["h"]
    run_code(page, "view.secondary = 'hs ' + 73 * 'c'")
    page.wait_for_timeout(300)
    drawn(page)
    assert canvas_of(page).evaluate(kinds) == ["c", "h", "s"]


def test_styles_ghosts_and_a_color_bar_are_drawn(page):
    """Each changes the picture or stands on it; the surface says that it is computed."""
    pictures = [drawn(page)["sum"]]
    for code in (
        "view.ghost = [{'points': [[20, 20, 20], [30, 30, 10]], 'color': '#009e73'}]",
        "view.style = 'stick'",
        "view.style = 'surface'",
        "view.colors = color_bytes(['#ff0000'] * 76)",
        "view.style = 'cartoon'",
    ):
        run_code(page, code)
        page.wait_for_timeout(500)
        pictures.append(drawn(page)["sum"])
    assert len(set(pictures)) == 6
    run_code(
        page,
        "view.bar = {'colors': ['#000080'] * 31 + ['#ffff00'],"
        " 'marks': [[0, '0.01'], [1, '2.9']], 'title': 'margin'}\n"
        "view.legend = [['#cc79a7', 'helix']]",
    )
    page.get_by_role("img", name="margin").wait_for()
    low, high = (page.get_by_text(text, exact=True).bounding_box() for text in ("0.01", "2.9"))
    assert low["y"] > high["y"] + 40
    assert page.get_by_text("helix", exact=True).is_visible()


def test_buttons_have_names_and_room_in_a_narrow_view(page):
    """24 x 24 px or more, inside a picture of 240 px, menus too, all from the keyboard."""
    run_code(page, "box.layout.width = '240px'; view.near = nodes")
    page.wait_for_timeout(500)
    area = canvas_of(page).bounding_box()
    root = page.locator(".esm-structure").first
    root.get_by_role("button", name="Zoom to the neighborhood").focus()
    page.keyboard.press("Enter")
    wait_for(page, "view.focus == nodes", True)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    wait_for(page, "view.style", "stick")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    inside = [*root.get_by_role("button").all(), *root.get_by_role("menuitem").all()]
    assert len(inside) == 8
    for button in inside:
        box = button.bounding_box()
        assert min(box["width"], box["height"]) >= 24
        assert box["x"] >= area["x"]
        assert box["x"] + box["width"] <= area["x"] + area["width"]
    page.keyboard.press("Escape")
    assert root.get_by_role("menuitem").count() == 0
    run_code(page, "box.layout.width = '420px'")


def test_a_view_without_a_height_is_as_high_as_its_place(page):
    """Picture and caption together fill the box of 300 px, and another one."""
    root = page.locator(".esm-structure").first
    for height in (300, 220):
        run_code(page, f"box.layout.height = '{height}px'")
        page.wait_for_timeout(600)
        assert abs(root.bounding_box()["height"] - height) < 8
        caption = page.locator(".esm-structure-caption").first.bounding_box()
        end = root.bounding_box()["y"] + root.bounding_box()["height"]
        assert caption["y"] + caption["height"] <= end + 1
        canvas = canvas_of(page).locator("canvas").bounding_box()
        assert canvas["height"] == pytest.approx(canvas_of(page).bounding_box()["height"], abs=2)
    run_code(page, "box.layout.height = '300px'")


@pytest.mark.parametrize("times", [1, 3])
def test_a_png_is_so_many_times_as_large_as_the_view_and_has_the_caption(page, times):
    """Below the picture something is written; the view goes on as before."""
    before = drawn(page)["sum"]
    root = page.locator(".esm-structure").first
    box = root.bounding_box()
    root.get_by_role("button", name="Save as PNG").click()
    with page.expect_download() as got:
        root.get_by_role("menuitem", name=f"{times} ×").click()
    assert got.value.suggested_filename.endswith(".png")
    saved = Image.open(io.BytesIO(got.value.path().read_bytes())).convert("L")
    assert saved.size == (round(box["width"] * times), round(box["height"] * times))
    caption = page.locator(".esm-structure-caption").first.bounding_box()
    top = round((caption["y"] - box["y"]) * times)
    dark, light = saved.crop((0, top, saved.width, saved.height)).getextrema()
    assert dark < 120
    assert light == 255
    page.mouse.move(0, 0)
    assert drawn(page)["sum"] == before


def test_the_keyboards_focus_is_seen_over_the_picture(page):
    """Its edge has other pixels than without the focus."""
    canvas_of(page).click(position={"x": 4, "y": 100})
    page.keyboard.press("Tab")
    page.mouse.move(0, 0)
    without = page.locator(".esm-structure-area").first.screenshot()
    page.keyboard.press("Shift+Tab")
    page.wait_for_timeout(200)
    edge = [
        Image.open(io.BytesIO(shot)).convert("RGB").getpixel((3, 150))
        for shot in (without, page.locator(".esm-structure-area").first.screenshot())
    ]
    assert max(abs(a - b) for a, b in zip(*edge, strict=True)) > 60
