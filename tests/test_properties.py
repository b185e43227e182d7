"""What must not change tokens, and what a residue cannot see."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import with_positions
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

import esm_explore as ex

FEW = settings(max_examples=15, deadline=None)


def margins(trace):
    """Distance to the second nearest code less that to the nearest: how near a tie is."""
    squared = ((trace.pre_vq[:, None] - trace.codebook) ** 2).sum(-1)
    nearest = np.sqrt(np.sort(squared, axis=1)[:, :2])
    return nearest[:, 1] - nearest[:, 0]


@pytest.fixture(scope="module")
def reference(toy_encoder, ubiquitin):
    return ex.trace(toy_encoder, ubiquitin)


@pytest.mark.slow
@FEW
@given(
    turn=arrays(float, 4, elements=st.floats(-1, 1)).filter(lambda q: np.linalg.norm(q) > 0.1),
    shift=arrays(float, 3, elements=st.floats(-100, 100)),
)
def test_a_rigid_motion_keeps_tokens_but_for_near_ties(
    toy_encoder, ubiquitin, reference, turn, shift
):
    """Any rotation, up to 100 Å of shift: a token that changes had a margin below 1e-3."""
    moved = ubiquitin.atom37_positions @ Rotation.from_quat(turn).as_matrix().T + shift
    trace = ex.trace(toy_encoder, with_positions(ubiquitin, moved.astype(np.float32)))
    changed = trace.tokens != reference.tokens
    assert (margins(reference)[changed] < 1e-3).all(), margins(reference)[changed]
    assert changed.sum() <= 2


@pytest.mark.slow
@FEW
@given(order=st.permutations(range(76)))
def test_permuting_residues_with_their_numbers_permutes_tokens(
    toy_encoder, ubiquitin, reference, order
):
    """Order in the file carries nothing: residue numbers and places in space do."""
    permuted = ubiquitin[list(order)]
    trace = ex.trace(toy_encoder, permuted)
    changed = trace.tokens != reference.tokens[list(order)]
    assert (margins(reference)[list(order)][changed] < 1e-3).all()
    assert changed.sum() <= 2


@pytest.mark.slow
@FEW
@given(moved=st.integers(0, 75), push=st.floats(0.5, 3))
def test_a_residue_outside_a_neighborhood_changes_nothing_there(
    toy_encoder, ubiquitin, reference, moved, push
):
    """Moved outwards, a residue enters no new neighborhood; those it was not in stay equal."""
    positions = ubiquitin.atom37_positions.copy()
    outward = positions[moved, 1] - np.nanmean(positions[:, 1], axis=0)
    positions[moved] += (push * outward / np.linalg.norm(outward)).astype(np.float32)
    trace = ex.trace(toy_encoder, with_positions(ubiquitin, positions))
    untouched = ~(reference.edges == moved).any(1) & ~(trace.edges == moved).any(1)
    assert untouched.any()
    np.testing.assert_array_equal(trace.edges[untouched], reference.edges[untouched])
    np.testing.assert_allclose(trace.pre_vq[untouched], reference.pre_vq[untouched], atol=1e-4)
