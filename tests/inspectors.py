"""What tests do in the page of the inspectors: one chain, two chains, and the tour."""

from __future__ import annotations

from pathlib import Path

from pages import VIEW, canvas_of, drawn

SCREENSHOTS = Path(__file__).parent.parent / "build" / "screenshots"
CELLS = [
    """
import esm_explore as ex
encoder = ex.load_encoder()
trace = ex.trace(encoder, ex.read_chain("1ITU", chain_id="B"))
one = ex.inspect(trace)
one
""",
    """
two = ex.inspect(["1AKE", "4AKE"], encoder=encoder)
two
""",
    """
tour = ex.step_through(trace, "57")
tour
""",
]
# At step 1, one chain with residue 185, as they came up.
AS_AT_FIRST = """
one.pinned, one.tab = (0, -1), "step"
one.step, one.color, one.arrangement = 0, "this step", "PCA"
one.choose(0, 184)
one._panes[0].structure.focus = []
two.step, two.color, two.tab, tour.step = 0, "this step", "step", 0
"""
SCROLLED = "document.querySelector('.jp-WindowedPanel-outer').scrollTop"
LIGHT, DARK = "JupyterLab Light", "JupyterLab Dark"


def set_theme(page, name: str) -> None:
    run = "name => jupyterapp.commands.execute('apputils:change-theme', {theme: name})"
    page.evaluate(run, name)


def shown(page, which: int):
    """Bring an inspector into view: one chain, two chains, or the tour."""
    found = page.locator(".esm-explore-inspector").nth(which)
    found.evaluate("root => root.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(200)
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
