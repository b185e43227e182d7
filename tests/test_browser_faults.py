"""What readers ran into in the inspector once, looked for as they met it: by look and by name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from lab import (
    errors_in,
    lab_page,
    lab_server,
    require_chromium,
    run_code,
    run_notebook,
    value_of,
    write_notebook,
)
from pages import VIEW, canvas_of, drawn, wait_for

pytestmark = pytest.mark.browser
SCREENSHOTS = Path(__file__).parent.parent / "build" / "screenshots"
ONE = """
import esm_explore as ex
encoder = ex.load_encoder()
trace = ex.trace(encoder, ex.read_chain("1ITU", chain_id="B"))
one = ex.inspect(trace)
one
"""
TWO = """
two = ex.inspect(["1AKE", "4AKE"], encoder=encoder)
two
"""
TOUR = """
tour = ex.step_through(trace, "57")
tour
"""
SCROLLED = "document.querySelector('.jp-WindowedPanel-outer').scrollTop"
CONTROLS = "button, select, input, a[href], [tabindex='0']"
# What a screen reader calls the role of something that does nothing.
MUTE = {"generic", "none", "presentation"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    require_chromium()
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    folder = tmp_path_factory.mktemp("faults")
    write_notebook(folder / "faults.ipynb", [ONE, TWO, TOUR])
    with (
        lab_server(folder, tmp_path_factory.mktemp("lab")) as address,
        lab_page(address, width=1280, height=720) as page,
    ):
        assert errors_in(run_notebook(page, "faults.ipynb")) == []
        page.set_default_timeout(60_000)
        page.evaluate("jupyterapp.shell.collapseLeft()")
        yield page


@pytest.fixture
def page(lab):
    """The first inspector, at step 1 with residue 185; no test leaves a complaint."""
    run_code(lab, "one.step = 0; one.color = 'this step'; one.arrangement = 'PCA'")
    run_code(lab, "one.choose(0, 184); one._panes[0].structure.focus = []")
    lab.mouse.move(3, 3)
    shown(lab, 0)
    yield lab
    assert lab.console_errors == []
    assert lab.left_loopback == []


def shown(page, which: int):
    """Bring an inspector into view: one chain, two chains, or the tour."""
    found = page.locator(".esm-explore-inspector").nth(which)
    found.evaluate("root => root.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(500)
    drawn(page, [0, 1, 3][which])
    return found


def find(page, text: str) -> None:
    box = page.locator(".esm-explore-inspector").first.get_by_label("find")
    box.fill(text)
    box.press("Enter")


def middle(page, which: int) -> tuple[float, float]:
    box = canvas_of(page, which).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, which: int) -> None:
    """Turn a structure."""
    x, y = middle(page, which)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 70, y + 30, steps=8)
    page.mouse.up()
    page.mouse.move(3, 3)


def turn_of(page, which: int) -> list[float]:
    return canvas_of(page, which).evaluate(VIEW)[4:]


def described(page, locator) -> tuple[str, str]:
    """Give a control's role and name, as the browser's accessibility tree has them."""
    client = page.context.new_cdp_session(page)
    mark = "data-described"
    locator.evaluate(f"element => element.setAttribute('{mark}', '')")
    found = client.send("Runtime.evaluate", {"expression": f"document.querySelector('[{mark}]')"})
    asked = {"objectId": found["result"]["objectId"], "fetchRelatives": False}
    node = client.send("Accessibility.getPartialAXTree", asked)["nodes"][0]
    locator.evaluate(f"element => element.removeAttribute('{mark}')")
    client.detach()
    return node["role"]["value"], node.get("name", {}).get("value", "")


def test_b1_the_tour_has_room_for_its_text_and_keeps_its_residue_in_the_middle(page):
    """At every step: 120 px for what happened, and residue 57 in the middle three fifths."""
    root = shown(page, 2)
    for step in range(9):
        run_code(page, f"tour.step = {step}")
        page.wait_for_timeout(1200)
        drawn(page, 3)
        assert root.locator(".esm-explore-answer-0").bounding_box()["height"] >= 120
        label = root.locator(".esm-structure-ring.selected").bounding_box()
        box = canvas_of(page, 3).bounding_box()
        across = (label["x"] + label["width"] / 2 - box["x"]) / box["width"]
        down = (label["y"] + label["height"] / 2 - box["y"]) / box["height"]
        assert 0.2 < across < 0.8
        assert 0.2 < down < 0.8
        page.screenshot(path=SCREENSHOTS / f"faults_tour_{step + 1}.png")


def test_b7_the_message_about_umap_goes_when_the_map_is_there(page):
    """From step 3 on; before, the map is of places in space."""
    run_code(page, "one.step = 2")
    root = shown(page, 0)
    root.get_by_label("map", exact=True).select_option("UMAP")
    plot = root.locator(".esm-explore-map .js-plotly-plot[aria-label*='UMAP']")
    plot.wait_for(timeout=300_000)
    page.wait_for_timeout(1000)
    assert root.get_by_text("lays out the residues").filter(visible=True).count() == 0
    assert root.get_by_label("map", exact=True).input_value() == "UMAP"


def test_b8_a_button_and_escape_clear_what_is_chosen(page):
    """In all views; then there is nothing to clear, and the button says so."""
    root = shown(page, 0)
    clear = root.get_by_role("button", name="clear")
    for way in ("button", "key"):
        run_code(page, "one.choose(0, 184, [1, 2, 3])")
        root.locator(".esm-explore-strip .esm-explore-selected").wait_for(state="attached")
        if way == "button":
            clear.click()
        else:
            root.locator(".esm-explore-strip-rows").focus()
            page.keyboard.press("Escape")
        wait_for(page, "[one.selected, list(one.selection)]", [-1, []])
        root.get_by_text("No residue is selected.").wait_for()
        assert root.locator(".esm-explore-selected, .esm-explore-chosen").count() == 0
        assert root.locator(".esm-structure-ring.selected").filter(visible=True).count() == 0
        assert clear.is_disabled()


def test_b8_a_button_takes_the_3d_view_back(page):
    """Dragged and zoomed it looks as before afterwards."""
    root = shown(page, 0)
    reset = root.get_by_role("button", name="Reset the view")
    reset.click()
    page.wait_for_timeout(1000)
    drawn(page)
    before = canvas_of(page).evaluate(VIEW)
    drag(page, 0)
    page.mouse.move(*middle(page, 0))
    page.mouse.wheel(0, 240)
    page.wait_for_timeout(500)
    assert canvas_of(page).evaluate(VIEW) != before
    reset.click()
    page.wait_for_timeout(1000)
    drawn(page)
    assert canvas_of(page).evaluate(VIEW) == pytest.approx(before, abs=1e-3)


@pytest.mark.parametrize("typed", ["57", "B:57", "A57", "B:A57"])
def test_b10_a_residue_is_found_by_number_chain_and_letter(page, typed):
    """Residue 57 of 1ITU's chain B is an alanine."""
    find(page, typed)
    wait_for(page, "one.selected", 56)


@pytest.mark.parametrize("typed", ["50-60", "B:50-60"])
def test_b10_a_range_is_chosen(page, typed):
    find(page, typed)
    wait_for(page, "one.selection", list(range(49, 60)))


@pytest.mark.parametrize(
    ("typed", "right"),
    [
        ("4000", r"not in 1ITU.*1 to 369"),
        ("foo", "motif foo is not in the sequence of 1ITU"),
        ("C:57", "no chain 'C'.*there are: B"),
        ("W57", r"57 .*is A \(ALA\), not W"),
        ("60-50", "50-60 would be right"),
    ],
)
def test_b10_what_is_wrong_is_said_with_what_is_right(page, typed, right):
    """And nothing changes."""
    root = shown(page, 0)
    find(page, typed)
    message = root.locator(".esm-explore-message").filter(visible=True, has_text=re.compile(right))
    message.wait_for()
    assert value_of(page, "[one.selected, list(one.selection)]") == [184, []]


def test_b10_a_residue_can_be_typed_again_after_another(page):
    """The box does not go on naming it while another is chosen."""
    root = shown(page, 0)
    for _ in range(2):
        find(page, "57")
        wait_for(page, "one.selected", 56)
        root.locator(".esm-explore-strip [data-index='60']").click()
        wait_for(page, "one.selected", 60)
        page.wait_for_timeout(500)
        assert root.get_by_label("find").input_value() == ""


def test_b11_the_wheel_over_the_structure_scrolls_until_it_is_clicked(page):
    """By as much as beside it. After a click it zooms, and the page stays."""
    root = shown(page, 0)
    moved = []
    for part in (".esm-explore-map", ".esm-structure-canvas"):
        root.evaluate("root => root.scrollIntoView({block: 'start'})")
        page.wait_for_timeout(500)
        before, view = page.evaluate(SCROLLED), canvas_of(page).evaluate(VIEW)
        box = root.locator(part).first.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 30)
        page.mouse.wheel(0, 180)
        page.wait_for_timeout(1000)
        moved.append(page.evaluate(SCROLLED) - before)
        assert canvas_of(page).evaluate(VIEW) == view
    assert moved[0] == moved[1] > 100
    shown(page, 0)
    box = canvas_of(page).bounding_box()
    page.mouse.click(box["x"] + 12, box["y"] + box["height"] - 30)
    before = page.evaluate(SCROLLED)
    page.mouse.wheel(0, 180)
    page.wait_for_timeout(1000)
    assert page.evaluate(SCROLLED) == before
    assert canvas_of(page).evaluate(VIEW) != view


def test_b12_each_of_two_sequences_is_named(page):
    """In its row, and for a screen reader."""
    root = shown(page, 1)
    for which, name in enumerate(("1AKE", "4AKE")):
        strip = root.locator(f".esm-explore-sequence-{which}")
        said = strip.get_by_text(name).first.bounding_box()
        letters = strip.get_by_role("listbox")
        box = letters.bounding_box()
        assert abs(said["y"] - box["y"]) < 30
        assert box["x"] - said["x"] - said["width"] < 30
        assert name in described(page, letters)[1]
    page.screenshot(path=SCREENSHOTS / "faults_two.png")


def test_b12_cameras_of_two_structures_turn_together(page):
    """A drag in either turns both by as much."""
    shown(page, 1)
    for which in (1, 2):
        before = turn_of(page, 1)
        assert turn_of(page, 2) == pytest.approx(before, abs=1e-3)
        sums = [drawn(page, other)["sum"] for other in (1, 2)]
        drag(page, which)
        for other, old in zip((1, 2), sums, strict=True):
            assert drawn(page, other)["sum"] != old
        assert turn_of(page, 1) != pytest.approx(before, abs=1e-2)
        assert turn_of(page, 2) == pytest.approx(turn_of(page, 1), abs=1e-3)


def test_b14_tab_reaches_the_controls_and_focus_is_seen(page):
    """From the first control to the table: each stop looks another way when it has focus."""
    root = shown(page, 0)
    root.focus()
    names, unseen = [], []
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate_handle("document.activeElement").as_element()
        if not root.evaluate("(root, stop) => root.contains(stop)", stop):
            break
        stop.scroll_into_view_if_needed()
        names.append(stop.get_attribute("aria-label") or stop.inner_text())
        with_focus = around(page, stop)
        # Focus moves on as the reader moves it, so that what is left looks as it does then.
        page.keyboard.press("Tab")
        if around(page, stop) == with_focus:
            unseen.append(names[-1])
        page.keyboard.press("Shift+Tab")
    for wanted in ("play the steps", "1 KNN", "color", "map", "find", "clear", "pin", "help",
                   "3D structure", "Reset the view", "1ITU", "rank"):  # fmt: skip
        assert any(name.startswith(wanted) for name in names), (wanted, names)
    assert len(names) < 60
    assert unseen == []


def around(page, element) -> bytes:
    """Give the picture of an element and a little around it."""
    page.wait_for_timeout(150)
    box = element.bounding_box()
    left, top = max(box["x"] - 5, 0), max(box["y"] - 5, 0)
    clip = {"x": left, "y": top, "width": box["width"] + 10, "height": box["height"] + 10}
    return page.screenshot(clip=clip)


@pytest.mark.parametrize("step", [0, 2, 8])
def test_b14_every_control_has_a_name_and_a_role(page, step):
    """By the browser's own accessibility tree; a glyph is no name."""
    for which, owner in enumerate(("one", "two", "tour")):
        run_code(page, f"{owner}.step = {step}")
        root = shown(page, which)
        seen = []
        for control in root.locator(CONTROLS).filter(visible=True).all():
            role, name = described(page, control)
            seen.append((role, name))
            assert role not in MUTE, seen[-1]
            assert re.search(r"[A-Za-zÅ]", name), (role, control.evaluate("c => c.outerHTML"))
        roles = {role for role, _ in seen}
        assert {"button", "radio"} <= roles
        assert which == 2 or {"combobox", "listbox", "searchbox"} <= roles


def test_b14_roles_hold_what_they_may(page):
    """No control within a control; a list box holds options, a radio group one that is checked."""
    root = shown(page, 0)
    inner = "button, select, input, [tabindex]"
    assert root.locator(f":is(button, [role=option], [role=img]) :is({inner})").count() == 0
    options = "box => [...box.children].every(row => row.getAttribute('role') === 'presentation' &&"
    options += "[...row.children].every(c => c.ariaHidden || c.getAttribute('role') === 'option'))"
    assert root.get_by_role("listbox").evaluate(options)
    for group in root.get_by_role("radiogroup").filter(visible=True).all():
        assert group.get_by_role("radio", checked=True).count() == 1
    active = root.get_by_role("listbox").get_attribute("aria-activedescendant")
    assert root.locator(f"#{active}").get_attribute("aria-selected") == "true"


def test_n10_stop_stays_at_the_step_where_it_was(page):
    """Played from step 1 and stopped: the step that is shown then stays; sizes are alike."""
    root = shown(page, 0)
    play = root.get_by_role("button", name="play the steps")
    heights = [root.get_by_role("button", name=name).bounding_box()["height"]
               for name in ("play the steps", "one step back", "one step forward")]  # fmt: skip
    assert len(set(heights)) == 1
    play.click()
    for _ in range(100):
        if value_of(page, "one.step") >= 2:
            break
        page.wait_for_timeout(200)
    play.click()
    page.wait_for_timeout(1000)
    at = value_of(page, "one.step")
    assert at >= 2
    page.wait_for_timeout(4500)
    assert value_of(page, "one.step") == at
    checked = root.get_by_role("radiogroup", name="step").get_by_role("radio", checked=True)
    assert checked.get_attribute("aria-label").startswith(f"{at + 1} ")


def test_keys_in_the_table_keep_their_place(page):
    """Arrows go from row to row, Enter chooses, and the next arrow goes on from there."""
    root = shown(page, 0)
    table = root.locator(".esm-explore-answer-0 table")
    nodes = value_of(page, "trace.edges[184].tolist()")
    table.locator("tr[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_for(page, "one.selected", nodes[2])
    label = value_of(page, f"trace.labels[{nodes[2]}]")
    root.get_by_text(f"Residue {label} sees").wait_for()
    page.wait_for_timeout(500)
    nodes = value_of(page, "trace.edges[one.selected].tolist()")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_for(page, "one.selected in " + str(nodes[1:]), True)


def test_the_table_marks_what_is_selected_and_what_is_pointed_at(page):
    """The selected residue is its own first node; a node under the pointer anywhere is marked."""
    root = shown(page, 0)
    rows = root.locator(".esm-explore-answer-0 tbody tr")
    assert [row.get_attribute("aria-current") for row in rows.all()] == ["true"] + [None] * 15
    plain = rows.nth(3).evaluate("row => getComputedStyle(row).backgroundColor")
    run_code(page, "one.hovered = (0, int(trace.edges[184][3]))")
    page.wait_for_timeout(500)
    looks = rows.evaluate_all("rows => rows.map(row => getComputedStyle(row).backgroundColor)")
    assert [i for i, look in enumerate(looks) if look != plain] == [3]


def test_a_heading_is_explained_to_who_has_no_mouse(page):
    root = shown(page, 0)
    hint = root.locator(".esm-explore-answer-0 th").nth(3).locator(".esm-explore-hint")
    assert not hint.is_visible()
    root.locator(".esm-explore-answer-0 th button").nth(2).focus()
    page.keyboard.press("Tab")
    assert hint.is_visible()
    assert "CA" in hint.inner_text()
