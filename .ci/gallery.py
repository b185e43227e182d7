"""Run notebooks and write them as pages that need no internet, with an index of them all.

Where a notebook ends a cell with an inspector, its page leads to one that answers clicks; links to
other notebooks and to pages of docs/ lead to pages beside it.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import sys
from html import escape
from pathlib import Path

import nbformat
from figure_pictures import PLOTLY, PNG, add_pictures, find_chromium, outputs_with
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image
from plotly.io import to_html
from plotly.offline import get_plotlyjs

from esm_explore.plots.threedmol import load_3dmol

# nbconvert's own page, without the scripts that it would fetch; plotly.js is put in once.
PAGE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js_requirejs %}PLOTLY_JS{% endblock %}
{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block extra_css %}<style>{{ resources.css }}</style>{% endblock %}
{% block body_header %}{{ super() }}{{ resources.ways }}{% endblock %}
{% block body_footer %}{{ resources.ways }}{{ super() }}{% endblock %}
"""
FOLDER = Path(__file__).parent
DOCS = FOLDER.parent / "docs"
# Run last in a notebook's kernel; what it prints is taken as JSON.
SAVE = """
import json as _json, sys as _sys
_kinds = [getattr(_sys.modules.get("esm_explore.widgets.inspector"), "Inspector", ())]
# IPython has names of its own for what a cell ended in, and they begin so.
_shown = {_name: _value for _name, _value in globals().items()
    if not _name.startswith("_") and isinstance(_value, *_kinds)}
print(_json.dumps({_name: _value.to_html(f"FOLDER/STEM_{_name}.html").name
    for _name, _value in _shown.items()}))
"""
CARD_WIDTH = 660  # px, twice what a card is wide


def execute(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in its own folder, and turn its plotly figures into HTML.

    Pages of its inspectors go into `folder`, and links to them behind the cells that show them.
    """
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    save = SAVE.replace("FOLDER", folder.resolve().as_posix()).replace("STEM", path.stem)
    notebook.cells.append(new_code_cell(save))
    options = {"timeout": 1800, "resources": where, "coalesce_streams": True}
    NotebookClient(notebook, **options).execute()
    printed = notebook.cells.pop().outputs
    saved = json.loads("".join(one.text for one in printed if one.get("name") == "stdout"))
    # Without its kernel a widget is nothing, and its state is megabytes.
    notebook.metadata.pop("widgets", None)
    if find_chromium():
        add_pictures(notebook)
    else:
        print("No Chromium: cards have no pictures of figures.")
    notebook.cells = [folded(cell) for cell in notebook.cells]
    lead_to_inspectors(notebook, saved, folder)
    for data in outputs_with(notebook, PLOTLY):
        figure = data.pop(PLOTLY)
        html = to_html(figure, include_plotlyjs=False, full_html=False, validate=False)
        data["text/html"] = html
    return notebook


def folded(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Leave out what is folded for nbval's sake; what a reader can open stays to be opened."""
    hidden = cell.metadata.get("jupyter", {})
    if hidden.get("source_hidden"):
        printed = "".join(output.get("text", "") for output in cell.outputs)
        code, answer = (f"<pre>{escape(text)}</pre>" for text in (cell.source, printed))
        return new_markdown_cell(f"<details><summary>Answers</summary>{code}{answer}</details>")
    if hidden.get("outputs_hidden"):
        cell.outputs = []
    return cell


def lead_to_inspectors(
    notebook: nbformat.NotebookNode, saved: dict[str, str], folder: Path
) -> None:
    """Put behind each cell that ends in an inspector a link to its page."""
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        page = saved.get(cell.source.strip().rpartition("\n")[2])
        if cell.cell_type == "code" and page:
            size = (folder / page).stat().st_size / 1e6
            cells.append(
                new_markdown_cell(
                    f'<p class="alive"><a href="{page}">Open this inspector: it answers clicks, '
                    f"without Python</a> ({size:.1f} MB)</p>"
                )
            )
    notebook.cells = cells


def page_of(notebook: nbformat.NotebookNode, ways: str) -> str:
    """Write one page, in which each script is there once, with its ways to other pages."""
    css = (FOLDER / "gallery_page.css").read_text("utf-8")
    resources = {"metadata": {"name": title_of(notebook)}, "css": css, "ways": ways}
    page, _ = HTMLExporter(raw_template=PAGE).from_notebook_node(notebook, resources)
    script = f"<script>{get_plotlyjs()}</script>" if "Plotly.newPlot" in page else ""
    page = page.replace("PLOTLY_JS", script, 1)
    script, _ = load_3dmol()
    if script and script in page:
        before, after = page.split(script, 1)
        page = before + script + after.replace(script, "")
    return page


def linked(page: str, titles: dict[str, str]) -> tuple[str, set[str]]:
    """Turn links to notebooks and to pages of docs/ into links to pages beside this one.

    Returns
    -------
    page : str
    docs : set of str
        The pages of docs/ that it leads to, without their ending.
    """
    for name in titles:
        page = page.replace(f'href="{name}.ipynb', f'href="{name}.html')
    to_docs = re.compile(r'href="\.\./docs/([\w-]+)\.md')
    return to_docs.sub(r'href="\1.html', page), set(to_docs.findall(page))


def doc_page(name: str) -> str:
    """Write a page of docs/; its headings have the anchors that a code host gives them."""
    text = (DOCS / f"{name}.md").read_text("utf-8")
    way = '<nav class="ways"><span></span><a href="index.html">all notebooks</a><span></span></nav>'
    page = page_of(new_notebook(cells=[new_markdown_cell(text)]), way)
    anchor = re.compile(r'(<h\d id="|class="anchor-link" href="#)([^"]+)')
    return anchor.sub(lambda found: found[1] + found[2].lower(), page)


def ways_of(titles: dict[str, str], name: str) -> str:
    """Write links to the page before, the index, and the page after."""
    names = list(titles)
    here = names.index(name)
    before = names[here - 1] if here else None
    after = names[here + 1] if here + 1 < len(names) else None
    links = [
        f'<a href="{other}.html" rel="{rel}">{mark[0]}{escape(titles[other])}{mark[1]}</a>'
        if other
        else "<span></span>"
        for other, rel, mark in ((before, "prev", ("← ", "")), (after, "next", ("", " →")))
    ]
    links.insert(1, '<a href="index.html">all notebooks</a>')
    return f'<nav class="ways" aria-label="notebooks">{"".join(links)}</nav>'


def title_of(notebook: nbformat.NotebookNode) -> str:
    """Give a notebook's title."""
    return notebook.cells[0].source.splitlines()[0].lstrip("# ")


def question_of(notebook: nbformat.NotebookNode) -> str:
    """Give a notebook's question: what is bold and asks, or else its first sentence."""
    opening = " ".join(notebook.cells[0].source.split("\n", 1)[-1].split())
    opening = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", opening)
    asked = [bold for bold in re.findall(r"\*\*(.+?)\*\*", opening) if bold.endswith("?")]
    question = asked[0] if asked else re.split(r"(?<=[.?])\s", opening, maxsplit=1)[0]
    question = re.sub(r"[*`]", "", question)
    return question[:1].upper() + question[1:]


def preview_of(notebook: nbformat.NotebookNode) -> bytes | None:
    """Give the last picture among a notebook's outputs, as wide as a card."""
    shown = outputs_with(notebook, PNG)
    if not shown:
        return None
    picture = Image.open(io.BytesIO(base64.b64decode(shown[-1][PNG]))).convert("RGB")
    picture.thumbnail((CARD_WIDTH, CARD_WIDTH))
    packed = io.BytesIO()
    picture.save(packed, "JPEG", quality=75)
    return packed.getvalue()


def card(path: Path, notebook: nbformat.NotebookNode) -> str:
    """Write a card: the notebook's title, its question, its size, and a picture."""
    title, preview = escape(title_of(notebook)), preview_of(notebook)
    image = '<div class="none"></div>'
    if preview:
        data = base64.b64encode(preview).decode()
        image = f'<img alt="" src="data:image/jpeg;base64,{data}">'
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    return (
        f'<a href="{path.name}">{image}<div><h2>{title}</h2>'
        f"<p>{escape(question_of(notebook))} <small>{size}</small></p></div></a>"
    )


def main(folder: Path, notebooks: list[Path]) -> None:
    """Write the pages and their index."""
    folder.mkdir(parents=True, exist_ok=True)
    titles = {path.stem: title_of(nbformat.read(path, as_version=4)) for path in notebooks}
    cards, docs = [], set()
    for path in notebooks:
        page, notebook = folder / f"{path.stem}.html", execute(path, folder)
        text, more = linked(page_of(notebook, ways_of(titles, path.stem)), titles)
        page.write_text(text, "utf-8")
        docs |= more
        cards.append(card(page, notebook))
        print(f"{page}: {page.stat().st_size / 1e6:.1f} MB")
    for name in sorted(docs):
        (folder / f"{name}.html").write_text(doc_page(name), "utf-8")
    index = folder / "index.html"
    index.write_text(
        (FOLDER / "gallery_index.html").read_text("utf-8").replace("CARDS", "\n".join(cards)),
        "utf-8",
    )
    print(f"{index}: {index.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    # A bar would stand at 0 % for ever.
    os.environ["TQDM_DISABLE"] = "1"
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
