"""Comparisons of tokens between proteins and conformations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest import with_positions

import esm_explore as ex
from esm_explore.experiments.alike import same_token
from esm_explore.experiments.comparing import compare, match_residues
from esm_explore.plots.experiments import motion_along_chain
from esm_explore.plots.structure import Beside
from esm_explore.plots.structure_views import view_same_token


@pytest.fixture(scope="module")
def traces(toy_encoder):
    return [ex.trace(toy_encoder, ex.read_chain(name)) for name in ("1UBI", "1AKE", "4AKE")]


@pytest.mark.lines
def test_a_chain_against_itself_moved_as_a_whole(toy_encoder, ubiquitin):
    """Nothing changes, neither in the whole chain nor in a neighborhood."""
    trace = ex.trace(toy_encoder, ubiquitin)
    moved = ex.trace(toy_encoder, with_positions(ubiquitin, ubiquitin.atom37_positions + 5))
    table = compare(trace, moved)
    assert len(table) == 76
    assert table["whole_chain"].max() < 1e-3
    assert table["neighborhood"].max() < 1e-3
    assert table["changed"].sum() <= 1


@pytest.mark.slow
@pytest.mark.lines
def test_closed_and_open_adenylate_kinase(traces):
    """Domains move by up to 20 Å or more, neighborhoods hardly."""
    table = compare(*traces[1:])
    assert len(table) == 214
    assert table["whole_chain"].max() > 10
    assert table["neighborhood"].median() < 1.0
    np.testing.assert_array_equal(table["changed"], traces[1].tokens != traces[2].tokens)
    assert table["latent"][table["changed"]].mean() > table["latent"][~table["changed"]].mean()


@pytest.mark.slow
def test_residues_match_by_number_not_by_place(traces, toy_encoder):
    """The open form without its first ten residues."""
    cut = ex.trace(toy_encoder, ex.read_chain("4AKE")[10:])
    table = compare(traces[1], cut)
    assert list(table.index) == [str(n) for n in range(11, 215)]


@pytest.mark.slow
def test_of_residues_that_share_a_number_each_has_its_own_counterpart(toy_encoder, ubiquitin):
    """Residue 2 is numbered 1, too: it is the second 1, which the other chain does not have."""
    numbers = ubiquitin.residue_index.copy()
    numbers[1] = 1
    twice = ex.trace(toy_encoder, replace(ubiquitin, residue_index=numbers), numbering="sequential")
    once = ex.trace(toy_encoder, ubiquitin)
    assert match_residues(once, twice, "residue number")[:3].tolist() == [0, -1, 2]
    assert match_residues(twice, once, "residue number")[:3].tolist() == [0, -1, 2]
    assert match_residues(twice, twice, "residue number")[:3].tolist() == [0, 1, 2]
    assert not compare(twice, twice)["changed"].any()
    assert compare(twice, twice)["whole_chain"].max() < 1e-3


def test_neighborhoods_of_a_token_are_seen_from_their_query(traces):
    """The query is at the origin, the next CA 3.8 Å from it; both conformations contribute."""
    common = set(traces[1].tokens) & set(traces[2].tokens)
    alike = same_token(traces, min(common))
    assert len(alike) >= 2
    assert np.abs(alike.ca[:, 0]).max() < 1e-3
    beside = alike.ca[alike.relative_positions == 1]
    np.testing.assert_allclose(np.linalg.norm(beside, axis=1), 3.8, atol=0.15)
    text = repr(view_same_token(alike))
    assert f"Token {alike.token}: {len(alike)} of {len(alike)} neighborhoods" in text
    assert traces[0].encoder_info.title in text


@pytest.mark.slow
def test_the_same_neighborhood_has_no_spread(toy_encoder, ubiquitin):
    """Three copies of ubiquitin, each turned otherwise."""
    turns = [np.eye(3), np.diag([1.0, -1, -1]), np.diag([-1.0, -1, 1])]
    copies = [
        ex.trace(
            toy_encoder,
            with_positions(ubiquitin, (ubiquitin.atom37_positions @ turn).astype(np.float32)),
        )
        for turn in turns
    ]
    counts = [np.bincount(copy.tokens, minlength=512) for copy in copies]
    token = int(np.flatnonzero(np.all(np.array(counts) == 1, axis=0))[0])
    alike = same_token(copies, token)
    assert len(alike) == 3
    assert alike.spread()["deviation"].max() < 1e-2


def test_what_does_not_compare_is_refused(traces, full_encoder, ubiquitin):
    """Two encoders, what is no trace, a token that nobody has."""
    other = ex.trace(full_encoder, ubiquitin)
    with pytest.raises(ex.TraceError, match="different encoders"):
        compare(traces[0], other)
    with pytest.raises(ex.TraceError, match="compare takes a Trace, not a ProteinChain"):
        compare(traces[0], ubiquitin)
    with pytest.raises(ex.TraceError, match="Traces of one encoder"):
        same_token([traces[0], other], 3)
    unused = next(t for t in range(512) if all(t not in trace.tokens for trace in traces))
    with pytest.raises(ex.TraceError, match=f"has token {unused} in these chains"):
        same_token(traces, unused)


def test_motion_is_shown_residue_by_residue(traces):
    """Both kinds of dots together are all residues; title and text name chains and encoder."""
    table = compare(*traces[1:])
    figure = motion_along_chain(*traces[1:], table)
    dots = [line for line in figure.data if line.mode == "markers"]
    assert sum(len(line.x) for line in dots) == 2 * 214
    changed = next(line for line in dots if line.name == "token changed")
    np.testing.assert_array_equal(changed.y, table["whole_chain"][table["changed"]])
    assert "From 1AKE chain A to 4AKE chain A" in repr(figure)
    assert traces[0].encoder_info.title in repr(figure)


@pytest.mark.slow
def test_structures_beside_each_other(traces):
    """Each with its caption and its own size; the text is that of both."""
    both = Beside(ex.view(traces[1]), ex.view(traces[2]), width=300)
    assert repr(both) == f"{ex.view(traces[1])!r}\n{ex.view(traces[2])!r}"
    page = both._repr_html_()
    assert page.count("width: 300px; height: 420px") == 2
    assert "width: 640px" not in page
