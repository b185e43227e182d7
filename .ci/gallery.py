"""Run notebooks and write them as pages that need no internet, with an index of them all."""

from __future__ import annotations

import base64
import re
import shutil
import sys
from html import escape
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from esm_explore.plots.threedmol import load_3dmol

PLOTLY = "application/vnd.plotly.v1+json"
# nbconvert's own page, without the scripts that it would fetch; plotly.js is put in once.
PAGE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js_requirejs %}PLOTLY_JS{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block body_header %}{{ super() }}<p><a href="index.html">all notebooks</a></p>
{% endblock %}
"""
INDEX = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>esm_explore: notebooks</title><style>
body {{ font: 16px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 1180px;
  padding: 0 1rem; color: #222 }}
main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); gap: 1.2rem }}
a {{ color: inherit; text-decoration: none; border: 1px solid #ddd; border-radius: 8px;
  overflow: hidden }}
a:hover {{ border-color: #3b6fb6 }}
img {{ display: block; width: 100%; height: 200px; object-fit: contain; background: #fff }}
div {{ padding: 0.8rem 1rem; border-top: 1px solid #eee }}
h2 {{ font-size: 1.05rem; margin: 0 0 0.3rem }}
p {{ margin: 0 }} small {{ color: #666 }}
</style></head><body><h1>esm_explore: notebooks</h1>
<p>Each asks one question about how ESM3's structure encoder makes tokens. The pages need no
internet.</p><br><main>
{cards}
</main></body></html>
"""
# What a card can show: a page's last structure, or else its last figure.
PICTURES = ("[id^='3dmolviewer_']", ".js-plotly-plot")


def execute(path: Path) -> nbformat.NotebookNode:
    """Run a notebook in its own folder, and turn its plotly figures into HTML."""
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=600, resources=where).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            figure = output.get("data", {}).pop(PLOTLY, None)
            if figure is not None:
                html = to_html(figure, include_plotlyjs=False, full_html=False, validate=False)
                output.data["text/html"] = html
    return notebook


def page_of(notebook: nbformat.NotebookNode, name: str) -> str:
    """Write one page, in which each script is there once."""
    resources = {"metadata": {"name": name}}
    page, _ = HTMLExporter(raw_template=PAGE).from_notebook_node(notebook, resources)
    if "Plotly.newPlot" in page:
        page = page.replace("PLOTLY_JS", f"<script>{get_plotlyjs()}</script>", 1)
    page = page.replace("PLOTLY_JS", "", 1)
    script, _ = load_3dmol()
    if script and script in page:
        before, after = page.split(script, 1)
        page = before + script + after.replace(script, "")
    return page


def previews(pages: list[Path]) -> dict[Path, bytes]:
    """Take a picture for each page's card; none where there is no Chromium."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("No Chromium: the index has no pictures.")
        return {}
    from playwright.sync_api import sync_playwright

    taken = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for path in pages:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(path.resolve().as_uri())
            page.wait_for_timeout(3_000)
            found = [page.locator(kind).last for kind in PICTURES if page.locator(kind).count()]
            if found:
                found[0].scroll_into_view_if_needed()
                page.wait_for_timeout(1_500)
                taken[path] = found[0].screenshot(type="jpeg", quality=60)
            page.close()
        browser.close()
    return taken


def card(path: Path, notebook: nbformat.NotebookNode, preview: bytes | None) -> str:
    """Write a card: the notebook's title, its question, its size, and a picture."""
    opening = notebook.cells[0].source
    title = opening.splitlines()[0].lstrip("# ")
    question = re.search(r"\*\*(.+?)\*\*", opening, re.DOTALL)
    asked = escape(" ".join(question[1].split())) if question else ""
    image = ""
    if preview:
        data = base64.b64encode(preview).decode()
        image = f'<img alt="{escape(title)}" src="data:image/jpeg;base64,{data}">'
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    return (
        f'<a href="{path.name}">{image}<div><h2>{escape(title)}</h2>'
        f"<p>{asked} <small>{size}</small></p></div></a>"
    )


def main(folder: Path, notebooks: list[Path]) -> None:
    """Write the pages and their index."""
    folder.mkdir(parents=True, exist_ok=True)
    done = {}
    for path in notebooks:
        page = folder / f"{path.stem}.html"
        done[page] = execute(path)
        page.write_text(page_of(done[page], path.stem))
        print(f"{page}: {page.stat().st_size / 1e6:.1f} MB")
    shown = previews(list(done))
    cards = "\n".join(card(page, notebook, shown.get(page)) for page, notebook in done.items())
    index = folder / "index.html"
    index.write_text(INDEX.format(cards=cards))
    print(f"{index}: {index.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
