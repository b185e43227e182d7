"""Pictures of plotly figures, for where plotly is not: a code host, an editor, a card."""

from __future__ import annotations

import base64
import shutil

from plotly.offline import get_plotlyjs

PLOTLY = "application/vnd.plotly.v1+json"
PNG = "image/png"
# Figures are made 820 px wide; this many dots a pixel keep their text sharp.
_SCALE = 1.4
_DRAW = """async ([{data, layout}, scale]) => {
    const div = document.createElement("div");
    document.body.replaceChildren(div);
    await Plotly.newPlot(div, data, layout, {staticPlot: true});
    const {width, height} = div._fullLayout; // of the figure, which is narrower than the page
    const url = await Plotly.toImage(div, {format: "png", width, height, scale});
    Plotly.purge(div);
    return url.split(",")[1];
}"""


def find_chromium() -> str | None:
    """Give the path of a Chromium, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def draw_figures(figures: list[dict]) -> list[bytes]:
    """Draw figures in Chromium, as PNG.

    Parameters
    ----------
    figures : list of dict
        As outputs of notebooks hold them.

    Raises
    ------
    SystemExit
        If there is no Chromium.
    """
    chromium = find_chromium()
    if chromium is None:
        raise SystemExit("Chromium is needed to draw figures: install it, for example with apt.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 900, "height": 900})
        page.set_content("<!DOCTYPE html><body></body>")
        page.add_script_tag(content=get_plotlyjs())
        drawn = [page.evaluate(_DRAW, [figure, _SCALE]) for figure in figures]
        browser.close()
    return [base64.b64decode(png) for png in drawn]


def outputs_with(notebook, kind: str) -> list[dict]:
    """Give the data of a notebook's outputs that have some kind of it, in order."""
    shown = (output for cell in notebook.cells for output in cell.get("outputs", []))
    return [output.data for output in shown if kind in output.get("data", {})]


def add_pictures(notebook) -> None:
    """Put beside each plotly figure of a notebook's outputs its picture."""
    shown = outputs_with(notebook, PLOTLY)
    if shown:
        for data, png in zip(shown, draw_figures([each[PLOTLY] for each in shown]), strict=True):
            data[PNG] = base64.b64encode(png).decode()
