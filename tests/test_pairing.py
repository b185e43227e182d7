"""Two residues, stage by stage."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import with_positions
from scipy.spatial.transform import Rotation

import esm_explore as ex
from esm_explore.experiments import compare_residues
from esm_explore.experiments.pairing import COLUMNS


@pytest.fixture(scope="module")
def mini():
    return ex.load_encoder("mini")


@pytest.fixture(scope="module")
def pair(mini):
    return [ex.trace(mini, ex.read_chain(name)) for name in ("1AKE", "4AKE")]


def test_a_residue_is_not_parted_from_itself(pair):
    """All distances are 0, all cosines 1, and no random pair is nearer."""
    found = compare_residues(pair[0], "100", pair[0], "100")
    table = found.to_frame()
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == 9
    np.testing.assert_allclose(table["distance"], 0, atol=1e-6)
    np.testing.assert_allclose(table["cosine"].iloc[1:], 1, atol=1e-5)
    assert (table["random pairs nearer"] == 0).all()
    assert found.parted_at == ""
    assert "both have token" in found.sentence
    places = pair[0].chain.atom37_positions[found.nodes, 1]
    np.testing.assert_allclose(found.moved, places, atol=1e-3)


def test_a_turned_copy_is_the_same(mini, pair):
    """Everything is seen from backbone frames; its nodes come to lie on the first's."""
    chain = pair[0].chain
    turn = Rotation.from_euler("xyz", [20, 130, -70], degrees=True).as_matrix()
    turned = with_positions(chain, (chain.atom37_positions @ turn.T + 7).astype(np.float32))
    found = compare_residues(pair[0], 99, ex.trace(mini, turned), 99)
    assert found.neighborhood_distance < 0.01
    np.testing.assert_allclose(found.moved, chain.atom37_positions[found.nodes, 1], atol=0.02)


def test_numbers_are_those_of_the_traces(pair):
    """Distances of states, latents and codes, computed again."""
    first, second = pair
    found = compare_residues(first, "57", second, "150")
    a, b = first.index_of("57"), second.index_of("150")
    table = found.to_frame().set_index("stage")
    expected = np.linalg.norm(first.blocks[0][a] - second.blocks[0][b])
    assert table.loc["block 0 output", "distance"] == pytest.approx(expected, rel=1e-5)
    assert found.latent_distance == pytest.approx(
        np.linalg.norm(first.pre_vq[a] - second.pre_vq[b])
    )
    assert found.code_distance == pytest.approx(
        np.linalg.norm(first.z_q[a] - second.z_q[b]), rel=1e-4
    )
    share = table["random pairs nearer"]
    far = share[share > 0.5]
    assert found.parted_at == (far.index[0] if len(far) else "")
    assert found.parted_at in found.sentence


@pytest.mark.slow
def test_counterparts_are_nearer_than_strangers(pair):
    """Over the two conformations: at the latent, the median share is below a quarter."""
    first, second = pair
    shares = [
        compare_residues(first, i, second, i).to_frame()["random pairs nearer"].iloc[-2]
        for i in range(20, 200, 12)
    ]
    assert np.median(shares) < 0.25


def test_random_pairs_are_the_same_each_time(pair):
    tables = [compare_residues(pair[0], 5, pair[1], 50).to_frame() for _ in range(2)]
    assert tables[0].equals(tables[1])


def test_what_cannot_be_compared_is_refused(mini, pair, toy_encoder, ubiquitin):
    """Another encoder, no such residue, no backbone frame."""
    with pytest.raises(ex.TraceError, match="different encoders"):
        compare_residues(pair[0], 0, ex.trace(toy_encoder, ubiquitin), 0)
    with pytest.raises(ex.TraceError, match="is not in"):
        compare_residues(pair[0], "999", pair[1], 0)
    positions = ubiquitin.atom37_positions.copy()
    positions[10, 0] = np.nan
    gap = ex.trace(mini, with_positions(ubiquitin, positions))
    with pytest.raises(ex.TraceError, match="has no backbone frame"):
        compare_residues(gap, 10, gap, 11)
