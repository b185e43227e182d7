"""The 3D view: what it says, and what colors mean."""

from __future__ import annotations

import re

import numpy as np
import pytest
from conftest import with_positions

import esm_explore as ex
from esm_explore.palette import token_colors
from esm_explore.plots import threedmol as script
from esm_explore.plots.structure_views import view_neighborhood


def test_text_form_is_stable_and_names_the_encoder(toy_encoder, ubiquitin):
    """Two views of one trace print the same; the encoder is named in text and in HTML."""
    trace = ex.trace(toy_encoder, ubiquitin)
    text = repr(ex.view(trace))
    assert text == repr(ex.view(trace))
    assert text.startswith("1UBI chain A, 76 residues, colored by token (")
    assert f"Encoder: {trace.encoder_info.title}" in text
    assert f"Encoder: {trace.encoder_info.title}" in ex.view(trace)._repr_html_()


@pytest.mark.parametrize("given", ["x", None, "chain"])
def test_what_is_no_trace_is_refused(given, ubiquitin):
    """The message says what was given, and how to make a trace."""
    given = ubiquitin if given == "chain" else given
    kind = type(given).__name__
    for show, rest in ((ex.view, []), (view_neighborhood, ["57"])):
        said = f"{show.__name__} takes a Trace, not a {kind}; ex.trace(encoder, chain) makes one."
        with pytest.raises(ex.TraceError, match=re.escape(said)):
            show(given, *rest)


def test_residues_without_a_frame_are_gray_and_counted(toy_encoder, ubiquitin):
    """One residue of 1UBI has lost its CA."""
    positions = ubiquitin.atom37_positions.copy()
    positions[10, 1] = np.nan
    view = ex.view(ex.trace(toy_encoder, with_positions(ubiquitin, positions)))
    assert "Gray: 1 residues without a backbone frame" in repr(view)
    assert re.search(r'"11":\s*"#b0b0b0"', view._repr_html_())


@pytest.mark.slow
def test_colors_belong_to_the_code_not_to_the_chain(toy_encoder):
    """A token has one color in every chain of the encoder."""
    first = ex.trace(toy_encoder, ex.read_chain("1AKE"))
    second = ex.trace(toy_encoder, ex.read_chain("4AKE"))
    assert set(first.tokens) & set(second.tokens)
    np.testing.assert_array_equal(token_colors(first.codebook), token_colors(second.codebook))


def test_near_codes_have_near_colors():
    """Of random triples of codes, the nearer pair mostly has the nearer colors."""
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(500, 3)) * [4, 3, 2]
    colors = token_colors(codes).astype(float)
    a, b, c = rng.integers(0, 500, (3, 5000))
    nearer = np.linalg.norm(codes[a] - codes[b], axis=1) < np.linalg.norm(
        codes[a] - codes[c], axis=1
    )
    closer = np.linalg.norm(colors[a] - colors[b], axis=1) < np.linalg.norm(
        colors[a] - colors[c], axis=1
    )
    assert (nearer == closer).mean() > 0.75


@pytest.mark.slow
def test_without_the_bundled_script_the_view_says_that_it_needs_internet(
    toy_encoder, ubiquitin, monkeypatch, tmp_path
):
    """An installation without 3Dmol.js is not a silent white box."""
    monkeypatch.setattr(script, "files", lambda _: tmp_path)
    script.load_3dmol.cache_clear()
    html = ex.view(ex.trace(toy_encoder, ubiquitin))._repr_html_()
    script.load_3dmol.cache_clear()
    assert "the picture needs internet" in html


@pytest.mark.parametrize("name", ["2HT0", "1ITU"])
def test_every_residue_is_in_the_drawn_model(toy_encoder, name):
    """Residues are numbered from 1 in the model, whatever the file's numbers are."""
    trace = ex.trace(toy_encoder, ex.read_chain(name))
    html = ex.view(trace)._repr_html_()
    assert f'"{len(trace)}": "#' in html
    assert f'"{len(trace) + 1}": "#' not in html
