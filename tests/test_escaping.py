"""What files and users write is shown in pages as text: no tag, link, formula or script of theirs.

Hostile are the chain's id and name, the insertion code of each residue, half of the sequence, the
name of the encoder's file, and each title that a user gives. `test_browser_hostile.py` shows them
in a browser.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from html.parser import HTMLParser

import ipywidgets as widgets
import pytest
from conftest import mostly_slow
from hostile import (
    FIGURES,
    FILE_NAME,
    HOSTILE,
    PIECES,
    STRUCTURES,
    TURNED,
    TURNED_SHOWN,
    from_hostile_file,
    hostile_trace,
)

import esm_explore as ex
from esm_explore import plots
from esm_explore.escaping import for_html, for_plotly, for_reading
from esm_explore.findings import Finding, Report
from esm_explore.widgets.plot_view import PlotView
from esm_explore.widgets.stage_sentences import summarize

# Tags that only a hostile text has; ours are b, br, sub, span, p, div, table and its parts.
TAG = re.compile(r"<\s*/?\s*(a|img|svg|i)\b", re.I)


@pytest.fixture(scope="module")
def trace(toy_encoder, ubiquitin, tmp_path_factory):
    encoder = from_hostile_file(toy_encoder, tmp_path_factory.mktemp("encoders"))
    traced = hostile_trace(encoder, ubiquitin)
    assert FILE_NAME in traced.encoder_info.title
    assert all(piece in traced.labels[i] for i, piece in enumerate(PIECES))
    return traced


def texts_in(value: object) -> list[str]:
    """All texts in a plotly figure; not its meta, which is not shown."""
    match value:
        case dict():
            return [t for key, v in value.items() if key != "meta" for t in texts_in(v)]
        case list() | tuple():
            return [t for v in value for t in texts_in(v)]
        case str():
            return [value]
    return []


def check_plotly(parts: object, name: str) -> None:
    """No tag of the text's is there, no dollar that begins a formula, no blank that is filled."""
    for text in texts_in(parts):
        assert not TAG.search(text), (name, text)
        assert "<script" not in text, (name, text)
        assert "$" not in text, (name, text)
        assert "%{x}%{customdata}" not in text, (name, text)
        assert TURNED not in text, (name, text)


def test_every_picture_is_tried():
    """A new one has to be added here, too."""
    assert set(plots.__all__) <= {name.split()[0] for name in FIGURES} | set(STRUCTURES)


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_no_markup_of_others(name, trace):
    """Plotly obeys tags and links in titles, hover texts, ticks, legends and annotations."""
    check_plotly(json.loads(FIGURES[name](trace).to_json()), name)


def test_ordinary_texts_are_as_they_were():
    """Numbers, names and titles of real chains have nothing to escape."""
    for text in ("57A", "1UBI chain A, 76 residues", "a → b, 12 %", 'it\'s "so"'):
        assert for_plotly(text) == text


def test_what_turns_the_letters_after_it_is_shown_as_its_escape():
    """A right-to-left override in a chain's id would write the encoder's name backwards."""
    for write in (for_reading, for_html, for_plotly):
        assert write(TURNED) == TURNED_SHOWN


class Tags(HTMLParser):
    """Counts elements of a page by name; what stands in a script is none."""

    def __init__(self, page: str):
        super().__init__()
        self.counts = Counter()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.counts[tag] += 1
        assert not {name for name, _ in attrs} & {"onload", "onerror", "onmouseover"}


@pytest.mark.parametrize("name", mostly_slow(STRUCTURES, "view", "view_neighborhood"))
def test_a_static_structure_cannot_have_its_script_closed(name, trace, toy_encoder, ubiquitin):
    """As an HTML parser reads it, the page has the elements of an ordinary chain's, no others.

    A script that a label closes would let its next tags count, and begin another script.
    """
    page = STRUCTURES[name](trace)._repr_html_()
    assert "mathjax_ignore tex2jax_ignore" in page
    tags = Tags(page).counts
    ordinary = Tags(STRUCTURES[name](ex.trace(toy_encoder, ubiquitin))._repr_html_()).counts
    assert set(tags) == set(ordinary)
    assert tags["script"] == ordinary["script"] > 0


def parts_of(widget: widgets.Widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts_of(child)


def check_widget(view: widgets.Widget) -> None:
    """Its HTML and its plots have no markup of others, and no text turns ours."""
    for part in parts_of(view):
        if isinstance(part, widgets.HTML):
            assert not re.search(r"<(a|img|script|svg)\b", part.value), part.value[:300]
        # What a table is sorted by is not shown.
        given = {name: getattr(part, name) for name in part.keys if name != "sort_values"}
        assert not [text for text in texts_in(given) if TURNED in text]
        if isinstance(part, PlotView):
            check_plotly([part.base, part.overlay, part.axes], "PlotView")


def test_no_step_of_the_tour_has_markup_of_others(trace):
    """A residue's label ran as script in its heading."""
    tour = ex.step_through(trace, 3)
    for step in range(len(trace.stages)):
        tour.step = step
        check_widget(tour)


@pytest.mark.parametrize("n_chains", mostly_slow([1, 2], 1))
def test_no_step_of_the_inspector_has_markup_of_others(n_chains, trace):
    """Also its heading, badge, legend, table, map and messages."""
    view = ex.inspect([trace] * n_chains)
    for step in range(len(trace.stages)):
        view.step = step
        check_widget(view)
    for key in ("amino_acid", *(["chain"] if n_chains == 2 else [])):
        view.color = key
        check_widget(view)


def test_a_sequence_from_a_file_is_text_in_the_summary(trace):
    """A trace file's sequence may hold any letters."""
    chain = dataclasses.replace(trace.chain, sequence="<" * len(trace))
    changed = dataclasses.replace(trace, chain=chain)
    assert "&lt;2" in summarize(changed, [0, 1])


def test_reports_and_summaries_are_text(trace):
    """A finding names residues and chains; a trace names its chain and encoder."""
    found = Finding("warning", HOSTILE, (HOSTILE,), HOSTILE, HOSTILE)
    for shown in (Report(HOSTILE, [found]), trace):
        assert not re.search(r"<(a|img|script|svg)\b", shown._repr_html_())


def test_no_formula_is_typeset_in_reports_and_summaries(trace):
    """Notebooks typeset escaped dollars too, but not in a block of these classes."""
    found = Finding("warning", HOSTILE, (HOSTILE,), HOSTILE, HOSTILE)
    for shown in (Report(HOSTILE, [found]), Report(HOSTILE, []), trace):
        assert shown._repr_html_().startswith('<div class="mathjax_ignore tex2jax_ignore">')
