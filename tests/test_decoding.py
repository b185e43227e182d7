"""Codes of the mini encoder back to places."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import esm_explore as ex
from esm_explore.decoding import decode_neighborhood
from esm_explore.experiments import decode_local


def test_a_code_of_a_helix_decodes_to_a_helix(ubiquitin):
    """Residue 28 of ubiquitin: CA of i + 1 and i - 4 where a helix has them."""
    encoder = ex.load_encoder("mini")
    trace = ex.trace(encoder, ubiquitin)
    relative = trace.residue_index[trace.edges[27]] - trace.residue_index[27]
    decoded = decode_neighborhood(encoder, trace.tokens[27], relative[1:])
    assert decoded.ca.shape == (16, 3)
    assert not decoded.ca[0].any()
    length = dict(zip(relative, np.linalg.norm(decoded.ca, axis=1), strict=True))
    assert length[1] == pytest.approx(3.8, abs=0.4)
    assert length[-4] == pytest.approx(6.2, abs=0.8)
    np.testing.assert_allclose(
        decoded.rotations @ decoded.rotations.transpose(0, 2, 1),
        np.broadcast_to(np.eye(3), (16, 3, 3)),
        atol=1e-4,
    )


def test_decoding_by_default_uses_the_usual_relative_positions():
    """Sixteen nodes, the query first."""
    decoded = decode_neighborhood(ex.load_encoder("mini"), 17)
    assert decoded.relative_positions[0] == 0
    assert (np.abs(decoded.relative_positions) <= 32).all()


def test_only_the_bundled_codes_decode(toy_encoder):
    """Another encoder, a code that is not there, a wrong number of positions."""
    encoder = ex.load_encoder("mini")
    with pytest.raises(ex.EncoderError, match="Only the codes of the bundled encoder"):
        decode_neighborhood(toy_encoder, 3)
    with pytest.raises(ex.EncoderError, match="Code 4096 is not one"):
        decode_neighborhood(encoder, 4096)
    with pytest.raises(ex.EncoderError, match=r"has to be \(15,\)"):
        decode_neighborhood(encoder, 3, [1, 2])


def test_neighborhoods_lie_where_the_error_says(ubiquitin):
    """Laid on the residue's own frame; helices come back better than the tail."""
    trace = ex.trace(ex.load_encoder("mini"), ubiquitin)
    trip = decode_local(trace)
    ca = trace.chain.atom37_positions[:, 1]
    np.testing.assert_allclose(trip.ca[:, 0], ca, atol=1e-4)
    off = np.linalg.norm(trip.ca[:, 1:] - ca[trace.edges[:, 1:]], axis=-1)
    np.testing.assert_allclose(np.sqrt((off**2).mean(1)), trip.error, rtol=1e-4)
    assert np.median(trip.error[23:34]) < np.median(trip.error) < np.median(trip.error[72:])
    alone = decode_neighborhood(
        trace.encoder, trace.tokens[27], trace.residue_index[trace.edges[27, 1:]] - 28
    )
    lengths = [np.linalg.norm(c - c[0], axis=1) for c in (alone.ca, trip.ca[27])]
    np.testing.assert_allclose(*lengths, atol=1e-4)


def test_what_has_no_frame_is_not_compared():
    """Neither as a residue, nor as a neighbor, which it is where there are few others."""
    chain = ex.read_chain("1UBI")[:12]
    positions, there = chain.atom37_positions.copy(), chain.atom37_mask.copy()
    positions[9, 2], there[9, 2] = np.nan, False
    lacking = dataclasses.replace(chain, atom37_positions=positions, atom37_mask=there)
    trace = ex.trace(ex.load_encoder("mini"), lacking)
    trip = decode_local(trace)
    assert np.flatnonzero(np.isnan(trip.error)).tolist() == [9]
    neighbors = trace.edges[0, 1:]
    assert 9 in neighbors
    off = np.linalg.norm(trip.ca[0, 1:] - chain.atom37_positions[neighbors, 1], axis=-1)
    rest = off[neighbors != 9]
    assert np.sqrt((rest**2).mean()) == pytest.approx(trip.error[0], rel=1e-4)


def test_a_chain_of_few_residues_decodes_too():
    """3 residues: each has two neighbors."""
    chain = ex.read_chain("1UBI")[:3]
    trip = decode_local(ex.trace(ex.load_encoder("mini"), chain))
    assert trip.ca.shape == (3, 3, 3)
    assert np.isfinite(trip.error).all()
    alone = decode_local(ex.trace(ex.load_encoder("mini"), chain[:1]))
    assert "no residue has a neighbor with a backbone frame" in alone.summary()


def test_only_mini_decodes_locally(toy_encoder, ubiquitin):
    with pytest.raises(ex.EncoderError, match="Only the codes of the bundled encoder"):
        decode_local(ex.trace(toy_encoder, ubiquitin))
