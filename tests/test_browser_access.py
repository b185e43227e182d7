"""The inspector by keyboard, for screen readers, and by the rules that axe-core knows."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
pytest.importorskip("axe_playwright_python", reason="the browser tests need the test extra")
from axe_playwright_python.sync_playwright import Axe
from inspectors import DARK, LIGHT, SCREENSHOTS, set_theme, shown
from lab import run_code

pytestmark = pytest.mark.browser
CONTROLS = "button, select, input, a[href], [tabindex='0']"
NAMES = """all => all.map(e =>
    e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent)"""
# Which inspector, and what it shows.
STATES = {
    "one": (0, ""),
    "attention": (0, "one.step = 2"),
    "codes": (0, "one.step = 8; one.color = 'margin'"),
    "nothing chosen": (0, "one.choose(0, -1)"),
    "many chosen": (0, "one.choose(0, 184, range(40, 80)); one.color = 'secondary_structure'"),
    "two residues": (0, "one.pinned = (0, 56)"),
    "two chains": (1, "two.step = 2; two.color = 'burial'"),
    "the code": (0, "one.tab = 'code'"),
    "why": (0, "one.tab = 'why'"),
    "tour": (2, "tour.step = 4"),
}


def around(page, element) -> bytes:
    """Give the picture of an element and a little around it."""
    page.wait_for_timeout(100)
    box = element.bounding_box()
    left, top = max(box["x"] - 5, 0), max(box["y"] - 5, 0)
    clip = {"x": left, "y": top, "width": box["width"] + 10, "height": box["height"] + 10}
    return page.screenshot(clip=clip)


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


@pytest.mark.parametrize("theme", [LIGHT, DARK])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(page, state, theme):
    """By its rules for WCAG 2.2 A and AA and for good practice, contrast among them."""
    which, code = STATES[state]
    set_theme(page, theme)
    run_code(page, code)
    root = shown(page, which)
    page.wait_for_timeout(500)
    root.evaluate("root => root.setAttribute('data-axe', '')")
    found = Axe().run(page, "[data-axe]", {"resultTypes": ["violations"]})
    root.evaluate("root => root.removeAttribute('data-axe')")
    page.screenshot(path=SCREENSHOTS / f"axe_{state.replace(' ', '_')}_{theme.split()[1]}.png")
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.core
def test_no_controls_name_is_a_glyph(page):
    """Each has a word of its own, in one chain, two chains and the tour."""
    for which in range(3):
        names = shown(page, which).locator(CONTROLS).filter(visible=True).evaluate_all(NAMES)
        assert len(names) > 15
        assert [name for name in names if not re.search(r"[A-Za-zÅ]", name)] == []


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


def test_a_heading_is_explained_to_who_has_no_mouse(page):
    root = shown(page, 0)
    hint = root.locator(".esm-explore-answer-0 th").nth(3).locator(".esm-explore-hint")
    assert not hint.is_visible()
    root.locator(".esm-explore-answer-0 th button").nth(2).focus()
    page.keyboard.press("Tab")
    assert hint.is_visible()
    assert "CA" in hint.inner_text()
