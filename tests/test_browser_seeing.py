"""What readers see in the inspector: camera, two chains, steps that play, passing messages."""

from __future__ import annotations

from itertools import pairwise

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from inspectors import SCREENSHOTS, SCROLLED, drag, middle, shown, turn_of
from lab import run_code, value_of
from pages import VIEW, canvas_of, drawn

pytestmark = pytest.mark.browser
MARKS = ".esm-structure-mark"
# What takes a second, for what takes half a minute the first time.
SLOW_MAP = """
import time, types
from esm_explore.widgets import map_panel
def slow_map(rows):
    time.sleep(1)
    return types.SimpleNamespace(points=rows[:, :2])
map_panel.fit_map = slow_map
"""


def test_b1_the_tour_has_room_for_its_text_and_keeps_its_residue_in_the_middle(page):
    """At every step: 120 px for what happened, and residue 57 in the middle three fifths."""
    root = shown(page, 2)
    for step in range(9):
        run_code(page, f"tour.step = {step}")
        root.get_by_text(f"{step + 1} of 9: ").wait_for()
        page.wait_for_timeout(600)
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
    """From step 3 on; before, the map is of places in space. That UMAP works, other tests show."""
    run_code(page, SLOW_MAP + "one.step = 2")
    root = shown(page, 0)
    root.get_by_label("map", exact=True).select_option("UMAP")
    plot = root.locator(".esm-explore-map .js-plotly-plot[aria-label*='UMAP']")
    root.get_by_text("lays out the residues").filter(visible=True).wait_for()
    plot.wait_for()
    page.wait_for_timeout(1000)
    assert root.get_by_text("lays out the residues").filter(visible=True).count() == 0
    assert root.get_by_label("map", exact=True).input_value() == "UMAP"


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


@pytest.mark.core
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
        assert name in letters.get_attribute("aria-label")
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


def test_two_chains_have_room_on_a_laptop(page):
    """Their controls take one line; marks of color bars do not touch, and both ends are there."""
    run_code(page, "two.color = 'burial'")
    root = shown(page, 1)
    assert root.locator(".esm-explore-tools").nth(1).bounding_box()["height"] < 40
    for bar in root.locator(".esm-structure-bar").all():
        marks = [mark.bounding_box()["y"] for mark in bar.locator(MARKS).filter(visible=True).all()]
        assert all(low - high >= 11 for low, high in pairwise(marks))
        ends = [bar.locator(MARKS).nth(end) for end in (0, -1)]
        assert all(end.is_visible() for end in ends)
    run_code(page, "two.color = 'this step'")


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
    assert play.get_attribute("aria-pressed") == "false"
    at, before = value_of(page, "one.step"), None
    while at != before:  # what was under way when it was pressed
        page.wait_for_timeout(1000)
        at, before = value_of(page, "one.step"), at
    assert at >= 2
    page.wait_for_timeout(4500)
    assert value_of(page, "one.step") == at
    checked = root.get_by_role("radiogroup", name="step").get_by_role("radio", checked=True)
    assert checked.get_attribute("aria-label").startswith(f"{at + 1} ")
