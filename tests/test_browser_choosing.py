"""What readers choose and look for in the inspector; where it is not there, they are told."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from inspectors import find, shown
from lab import run_code, value_of
from pages import wait_for

pytestmark = pytest.mark.browser


@pytest.mark.core
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
