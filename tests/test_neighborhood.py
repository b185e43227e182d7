"""One residue's internals are esm's own, or proven equal to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import with_positions

import esm_explore as ex
from esm_explore.encoders.modules import modules_of
from esm_explore.tracing.attention import recompute_attention
from esm_explore.tracing.run import all_nodes, run

pytestmark = pytest.mark.lines


@pytest.mark.parametrize("residue", [0, 7, 75])
def test_recomputed_attention_reproduces_what_esm_gave_to_out_proj(
    full_encoder, ubiquitin, residue
):
    """Weights times values, rotated back, differ from the hooked input by less than 1e-5."""
    trace = ex.trace(full_encoder, ubiquitin)
    inputs = trace.inputs
    nodes = torch.from_numpy(trace.edges[residue])
    capture = run(full_encoder, inputs, nodes[None], keep=all_nodes, internals=True)
    frames = inputs.affine[0, nodes]
    for i, block in enumerate(modules_of(full_encoder).blocks):
        attention = recompute_attention(
            capture[f"projection[{i}]"],
            frames.rot.tensor.unflatten(-1, (3, 3))[None],
            frames.trans[None],
            inputs.has_frame[None, nodes],
            block.scales,
        )
        assert (attention.attended - capture[f"attended[{i}]"]).abs().max() < 1e-5
        assert capture[f"attended[{i}]"].abs().max() > 1e-3, "an all-zero test proves nothing"


def test_a_neighborhood_agrees_with_its_trace(full_encoder, ubiquitin):
    """Nodes, bins, states, latent and token of the query are those of the trace."""
    trace = ex.trace(full_encoder, ubiquitin)
    opened = trace.neighborhood("30")
    index = trace.index_of("30")
    np.testing.assert_array_equal(opened.edges, trace.edges[index])
    np.testing.assert_array_equal(opened.bins, trace.relative_position.bins[index])
    np.testing.assert_array_equal(opened.states[0], trace.relative_position.embeddings[index])
    np.testing.assert_allclose(opened.states[1][0], trace.blocks[0][index], atol=1e-4)
    np.testing.assert_allclose(opened.states[2][0], trace.blocks[1][index], atol=1e-4)
    np.testing.assert_allclose(opened.pre_vq, trace.pre_vq[index], atol=1e-4)
    assert opened.token == trace.tokens[index]
    assert opened.label == opened.labels[0] == "30"


def test_shapes_and_order(full_encoder, ubiquitin):
    """16 nodes, nearest first; two blocks of 128 heads; attention sums to 1."""
    opened = ex.trace(full_encoder, ubiquitin).neighborhood(29)
    assert opened.attention.shape == (2, 128, 16, 16)
    assert opened.distance_term.shape == opened.rotation_term.shape == (2, 128, 16, 16)
    assert [state.shape for state in opened.states] == [(16, 1024)] * 3
    np.testing.assert_allclose(opened.attention.sum(-1), 1, atol=1e-5)
    assert opened.distances[0] == 0
    assert (np.diff(opened.distances) >= 0).all()
    assert 3.6 < opened.distances[1] < 4.0, "the nearest CA is a sequence neighbor's"


def test_attention_is_the_softmax_of_its_two_terms(full_encoder, ubiquitin):
    """What the docstring says of the logits, on a chain in which all residues have frames."""
    opened = ex.trace(full_encoder, ubiquitin).neighborhood(29)
    logits = opened.rotation_term - opened.distance_term
    exponent = np.exp(logits - logits.max(-1, keepdims=True))
    softmax = exponent / exponent.sum(-1, keepdims=True)
    np.testing.assert_allclose(opened.attention, softmax, atol=1e-5)


def test_nobody_attends_to_a_node_without_a_frame(full_encoder, ubiquitin):
    """Residue 31 without its C: its column is zero, its distance is not known."""
    positions = ubiquitin.atom37_positions.copy()
    positions[30, 2] = np.nan
    positions[40:] += 1e3  # leaves so few residues near 30 that the frameless one is a node
    trace = ex.trace(full_encoder, with_positions(ubiquitin, positions))
    opened = trace.neighborhood("31")
    assert not opened.has_frame[0]
    assert (opened.attention[..., 0] == 0).all()
    assert np.isnan(opened.distances).all()


def test_a_short_chain_has_fewer_nodes(full_encoder):
    """1AS5 has 24 residues; its first ten make a chain with K = 10."""
    chain = ex.read_chain("1AS5")[:10]
    opened = ex.trace(full_encoder, chain).neighborhood(0)
    assert len(opened) == 10
    assert opened.attention.shape == (2, 128, 10, 10)


def test_an_encoder_that_changed_since_is_noticed(toy_encoder, ubiquitin):
    """The trace holds the old numbers: mixing them with new internals would be a lie."""
    import copy

    encoder = copy.deepcopy(toy_encoder)
    trace = ex.trace(encoder, ubiquitin)
    encoder.transformer.blocks[1].ffn[1].weight.data.mul_(3)
    with pytest.raises(ex.TraceError, match="has changed since"):
        trace.neighborhood(3)


def test_repr_says_which_residues(toy_encoder, ubiquitin):
    """In one line, without addresses."""
    text = repr(ex.trace(toy_encoder, ubiquitin).neighborhood("30"))
    assert text.startswith("Neighborhood of residue 30: token ")
    assert "nodes 30, " in text
