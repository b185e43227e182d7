"""Codes of the mini encoder back to places."""

from __future__ import annotations

import numpy as np
import pytest

import esm_explore as ex
from esm_explore.decoding import decode_neighborhood


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
