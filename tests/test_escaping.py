"""What files and users write is shown in pages as text: no tag, link, formula or script of theirs.

A hostile text is the chain's id and name, the insertion code of each residue, the encoder's name,
and each title that a user gives.
"""

from __future__ import annotations

import dataclasses
import json
import re

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest

import esm_explore as ex
from esm_explore import plots
from esm_explore.analysis.annotations import residue_values
from esm_explore.analysis.code_usage import usage
from esm_explore.analysis.heads import head_weights
from esm_explore.escaping import for_plotly
from esm_explore.experiments.alike import same_token
from esm_explore.experiments.comparing import compare
from esm_explore.findings import Finding, Report
from esm_explore.widgets.plot_view import PlotView
from esm_explore.widgets.stage_sentences import summarize

HOSTILE = (
    "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
    '<a href="javascript:window.hacked=1">link</a><b>\\"%{x}%{customdata}\n\u2028{{$x$'
)
# Tags that only a hostile text has; ours are b, br, sub, span, p, div, table and its parts.
TAG = re.compile(r"<\s*/?\s*(a|img)\b", re.I)


@pytest.fixture(scope="module")
def trace(toy_encoder, ubiquitin):
    codes = np.full(len(ubiquitin), HOSTILE)
    chain = dataclasses.replace(ubiquitin, id=HOSTILE, chain_id=HOSTILE, insertion_code=codes)
    traced = ex.trace(toy_encoder, chain)
    info = dataclasses.replace(traced.encoder_info, title=HOSTILE)
    traced = dataclasses.replace(traced, encoder_info=info)
    assert HOSTILE in traced.title
    assert HOSTILE in traced.encoder_info.title
    assert HOSTILE in traced.labels[0]
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
    """No tag of the text's is there, and no dollar that begins a formula."""
    for text in texts_in(parts):
        assert not TAG.search(text), (name, text)
        assert "<script" not in text, (name, text)
        assert "$" not in text, (name, text)


FIGURES = {
    "attention_matrix": lambda t: plots.attention_matrix(t, t.neighborhood(3), 1),
    "head_map": lambda t: plots.head_map(t, renamed(head_weights(t)), HOSTILE, HOSTILE),
    "logit_terms": lambda t: plots.logit_terms(t, t.neighborhood(3), 1),
    "residual_stream": plots.residual_stream,
    "code_distances": plots.code_distances,
    "code_usage": lambda t: plots.code_usage(t, usage(t.tokens, 512)),
    "stored_counts": lambda t: plots.stored_counts(t, usage(t.tokens, 512)),
    "along_chain": plots.along_chain,
    "edge_matrix": plots.edge_matrix,
    "separation": plots.separation,
    "motion_along_chain": lambda t: plots.motion_along_chain(t, t, compare(t, t)),
    "latent_and_codes": lambda t: plots.latent_and_codes(t, 3),
    "latent_numbers": plots.latent_numbers,
    "latent_spectrum": plots.latent_spectrum,
    "margins_along_chain": plots.margins_along_chain,
    "map_figure": lambda t: plots.map_figure(t, t.pre_vq[:, :2], words(t), HOSTILE, list(words(t))),
    "map_figure of numbers": lambda t: plots.map_figure(
        t, t.pre_vq[:, :2], residue_values(t, "burial"), HOSTILE
    ),
    "stage_maps": lambda t: plots.stage_maps(
        t, {HOSTILE: ex.analysis.fit_map(t.pre_vq)}, {HOSTILE: words(t)}, list(words(t))
    ),
    "probe_scores": lambda t: plots.probe_scores(t, {HOSTILE: scores()}),
    "bin_path": plots.bin_path,
    "bin_similarity": plots.bin_similarity,
    "bin_usage": plots.bin_usage,
}


def words(trace) -> np.ndarray:
    return np.full(len(trace), HOSTILE)


def scores() -> pd.DataFrame:
    return pd.DataFrame({"stage": [HOSTILE], "accuracy": [0.5], "majority": [0.4]})


def renamed(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={"distance_weight": HOSTILE})


def test_every_picture_is_tried():
    """A new one has to be added here, too."""
    structures = {"Beside", "view_neighborhood", "view_same_token"}
    assert set(plots.__all__) - structures <= {name.split()[0] for name in FIGURES}


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_no_markup_of_others(name, trace):
    """Plotly obeys tags and links in titles, hover texts, ticks, legends and annotations."""
    check_plotly(json.loads(FIGURES[name](trace).to_json()), name)


def test_ordinary_texts_are_as_they_were():
    """Numbers, names and titles of real chains have nothing to escape."""
    for text in ("57A", "1UBI chain A, 76 residues", "a → b, 12 %", 'it\'s "so"'):
        assert for_plotly(text) == text


@pytest.mark.parametrize(
    "make",
    [
        lambda t: ex.view(t, words(t), label=HOSTILE),
        lambda t: plots.view_neighborhood(t, 3),
        lambda t: plots.view_same_token(same_token([t], int(t.tokens[0]))),
        lambda t: plots.Beside(ex.view(t), plots.view_neighborhood(t, 3)),
    ],
    ids=["view", "view_neighborhood", "view_same_token", "Beside"],
)
def test_a_static_structure_cannot_have_its_script_closed(make, trace):
    """Each script that is opened is closed once, and no tag of the text's stands in the page."""
    page = make(trace)._repr_html_()
    assert "<script>window.hacked" not in page
    assert not re.search(r"<img src=x|<a href=.javascript", page)


def parts_of(widget: widgets.Widget):
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts_of(child)


def check_widget(view: widgets.Widget) -> None:
    """Its HTML and its plots have no markup of others."""
    for part in parts_of(view):
        if isinstance(part, widgets.HTML):
            assert not re.search(r"<(a|img|script)\b", part.value), part.value[:300]
        if isinstance(part, PlotView):
            check_plotly([part.base, part.overlay, part.axes], "PlotView")


def test_no_step_of_the_tour_has_markup_of_others(trace):
    """A residue's label ran as script in its heading."""
    tour = ex.step_through(trace, 3)
    for step in range(len(trace.stages)):
        tour.step = step
        check_widget(tour)


@pytest.mark.parametrize("n_chains", [1, 2])
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
        assert not re.search(r"<(a|img|script)\b", shown._repr_html_())
