"""Every view with hostile texts, in a JupyterLab and in a saved page: text is seen, not obeyed.

Where hostile texts come from says `hostile.py`; without a browser `test_escaping.py` looks at the
same views.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="the browser tests need the test extra")
from hostile import FIGURES, FORMULA, IMAGE, LINK, PIECES, SCRIPT, STRUCTURES
from hostile_pages import MADE, check, hover, opened, run_cell, text_of, watch
from lab import notebook_page, run_code, value_of, write_notebook
from pages import canvas_of, drawn, lonely

pytestmark = pytest.mark.browser

SETUP = f"""\
import sys, tempfile
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent)!r})
import torch
from esm.models.vqvae import StructureTokenEncoder
import esm_explore as ex
from hostile import FIGURES, STRUCTURES, from_hostile_file, hostile_trace
from esm_explore.widgets.structure_view import StructureView
torch.manual_seed(0)
encoder = StructureTokenEncoder(
    d_model=64, n_heads=1, v_heads=8, n_layers=2, d_out=16, n_codes=512).eval()
encoder.relative_positional_embedding.embedding.weight.data.normal_()
encoder.codebook.embeddings.normal_(std=0.5)
encoder = from_hostile_file(encoder, Path(tempfile.mkdtemp()))
trace = hostile_trace(encoder, ex.read_chain("1UBI"))
other = hostile_trace(encoder, ex.read_chain("1EJG"))
"""
VIEWS = {
    "trace": "trace",
    "doctor": "ex.doctor(trace)",
    "structure": "alone = StructureView.of(trace)\nalone",
    "inspector": "one = ex.inspect(trace)\none",
    "two chains": "two = ex.inspect([trace, other])\ntwo",
    "three chains": "three = ex.inspect([trace, other, trace])\nthree",
    "problem": "import dataclasses\nex.inspect(dataclasses.replace(trace, encoder=None))",
    "tour": "tour = ex.step_through(trace, 3)\ntour",
} | {name: f"STRUCTURES[{name!r}](trace)" for name in STRUCTURES}
TABLES = {
    "residues": "trace.to_frame()",
    "comparison": "ex.experiments.compare(trace, trace)",
}


@pytest.fixture(scope="module")
def lab(chromium, jupyter):
    write_notebook(jupyter.folder / "hostile.ipynb", [""])
    with notebook_page(chromium, jupyter, "hostile.ipynb", 1280, 1200) as page:
        watch(page)
        page.evaluate("window.jupyterapp.shell.collapseLeft()")
        assert run_code(page, SETUP) == ""
        yield page


@pytest.fixture
def show(lab):
    """Show what an expression gives as the notebook's only output; afterwards all is checked."""
    yield lambda code: run_cell(lab, code)
    check(lab)
    # Errors of the page hide what would have run after them.
    assert lab.console_errors == []


@pytest.mark.parametrize("piece", [IMAGE, SCRIPT, LINK, FORMULA, PIECES[8], PIECES[10]])
def test_what_is_looked_for_is_found_where_a_text_is_not_escaped(piece, lab):
    """So that the other tests can fail: HTML that has the text as it is."""
    page = f'<p title="{piece}">{piece}</p>'
    run_cell(lab, f"from IPython.display import HTML\nHTML({page!r})")
    lab.wait_for_timeout(500)
    try:
        assert lab.evaluate(MADE) or lab.evaluate("window.hacked")
    finally:
        run_cell(lab, "1")
        lab.evaluate("delete window.hacked")
        lab.console_errors.clear()


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_hostile_texts_as_they_are(name, show, lab):
    """In title and hover labels, legend, ticks and menus."""
    output = show(f"FIGURES[{name!r}](trace)")
    plot = output.locator(".js-plotly-plot")
    plot.wait_for()
    assert hover(lab, plot) > 0
    # The chain's id is in the title's second line, or the encoder's name; lines break where they
    # have to, and plotly has spaces of no width about each.
    said = "".join(text_of(plot).replace("\u200b", "").split())
    assert any("".join(text.split()) in said for text in (SCRIPT, IMAGE))


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_static_structure_shows_hostile_texts_as_they_are(name, show, lab):
    """In its caption and legend, and in the label at the mouse, which is drawn and no text."""
    output = show(VIEWS[name])
    canvas = output.locator("canvas").first
    canvas.wait_for()
    box = canvas.bounding_box()
    for i in range(40):
        lab.mouse.move(box["x"] + box["width"] * (0.3 + i / 100), box["y"] + box["height"] * 0.5)
        lab.wait_for_timeout(30)
    assert IMAGE in output.inner_text()


@pytest.mark.core
@pytest.mark.parametrize("name", ["trace", "doctor", "problem"])
def test_words_about_a_trace_are_shown_as_they_are(name, show):
    """Its summary, the doctor's report, and why it cannot be inspected."""
    assert SCRIPT in show(VIEWS[name]).inner_text()


@pytest.mark.parametrize("name", TABLES)
def test_a_table_shows_tags_as_they_are(name, show, lab):
    """Tables are pandas': it escapes tags, and typesetting formulas is its user's setting.

    (``display.html.use_mathjax``, which pandas 2 tells in a word that MathJax 4 does not know.)
    """
    run_code(lab, "import pandas; from IPython.display import HTML")
    run_code(lab, "pandas.set_option('display.max_colwidth', None)")
    shown = show(f"HTML(({TABLES[name]}).to_html(classes='mathjax_ignore'))")
    assert LINK in shown.inner_text()


def test_the_structure_view_shows_hostile_texts_as_they_are(show, lab):
    """In its caption, and beside the residue that is selected or pointed at."""
    output = show(VIEWS["structure"])
    drawn(lab)
    for index in range(len(PIECES)):
        run_code(lab, f"alone.selected, alone.hovered = {index}, {index + 1}")
        lab.wait_for_timeout(60)
    run_code(lab, f"alone.selected = {PIECES.index(LINK)}")
    output.get_by_text(LINK, exact=False).first.wait_for()
    place = lonely(lab)
    lab.mouse.move(place["x"], place["y"], steps=4)
    lab.wait_for_timeout(500)
    assert IMAGE in output.inner_text()


def drive(lab, output, name: str) -> None:
    """Show all steps, and in each hover over plots and structures."""
    canvas_of(lab).locator("canvas").wait_for()
    for step in range(value_of(lab, "len(trace.stages)")):
        run_code(lab, f"{name}.step = {step}")
        drawn(lab)
        for plot in output.locator(".js-plotly-plot").all():
            if plot.is_visible() and plot.evaluate("plot => Boolean(plot._fullData?.length)"):
                hover(lab, plot, 2)
        check(lab)
    place = lonely(lab)
    lab.mouse.move(place["x"], place["y"], steps=4)
    lab.wait_for_timeout(400)


@pytest.mark.parametrize("name", ["one", "two", "three"])
def test_the_inspector_shows_hostile_texts_as_they_are(name, show, lab):
    """At each step, in each color, for each residue label, in the message of a wrong residue."""
    many = {"one": "inspector", "two": "two chains", "three": "three chains"}[name]
    output = show(VIEWS[many])
    output.locator(".js-plotly-plot").first.wait_for()
    drive(lab, output, name)
    for key in ("token", "amino_acid", "secondary_structure", *(["chain"] * (name != "one"))):
        run_code(lab, f"{name}.color = {key!r}")
    run_code(lab, f"{name}.selection = list(range(20))")
    for index in range(len(PIECES)):
        run_code(lab, f"{name}.selected = {index}")
        lab.wait_for_timeout(60)
    check(lab)
    run_code(lab, f"{name}.selected = {PIECES.index(LINK)}")
    output.get_by_text(LINK, exact=False).first.wait_for()
    field = output.get_by_role("textbox").or_(output.get_by_role("searchbox")).first
    for wrong in (f"nobody:{IMAGE}", *PIECES[:4]):
        field.fill(wrong)
        field.press("Enter")
        lab.wait_for_timeout(300)
    for letter in output.locator("[data-index]").all()[:6]:
        letter.hover()
    lab.wait_for_timeout(300)
    assert IMAGE in text_of(output)
    assert SCRIPT in text_of(output)


def test_the_tour_shows_hostile_texts_as_they_are(show, lab):
    output = show(VIEWS["tour"])
    drive(lab, output, "tour")
    assert IMAGE in text_of(output)


def test_a_page_of_pictures_alone_shows_hostile_texts_as_they_are(lab, tmp_path):
    """As plotly's `to_html` and the HTML of structures are saved, opened from disk."""
    path = tmp_path / "page.html"
    said = run_code(
        lab,
        "parts = [make(trace)._repr_html_() for make in STRUCTURES.values()]\n"
        "parts += [make(trace).to_html(full_html=False, include_plotlyjs=i == 0)"
        " for i, make in enumerate(FIGURES.values())]\n"
        f"Path({str(path)!r}).write_text("
        "'<!doctype html><meta charset=utf-8>' + ''.join(parts))",
    )
    assert "Error" not in said
    with opened(lab, path) as page:
        page.wait_for_function(f"document.querySelectorAll('.main-svg').length >= {len(FIGURES)}")
        page.locator("canvas").first.wait_for()
        for plot in page.locator(".js-plotly-plot").all():
            hover(page, plot)
        assert IMAGE in page.locator("body").inner_text()


def test_the_inspectors_page_shows_hostile_texts_as_they_are(lab, tmp_path):
    """Written to one file and opened from disk: each step of some residues, and its menus."""
    path = tmp_path / "inspector.html"
    said = run_code(lab, f"_ = ex.inspect([trace, other]).to_html({str(path)!r})")
    assert "Error" not in said
    with opened(lab, path) as page:
        page.locator(".js-plotly-plot").first.wait_for()
        letters = page.get_by_role("listbox").first.locator("[role=option]")
        for index in (0, 2, 3, PIECES.index(LINK)):
            letters.nth(index).click()
            for step in range(1, 10):
                page.keyboard.press(str(step))
                page.wait_for_timeout(80)
            for plot in page.locator(".js-plotly-plot").all():
                hover(page, plot, 2)
            check(page)
        assert IMAGE in text_of(page.locator("body"))
        assert LINK in text_of(page.locator("body"))
