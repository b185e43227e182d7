"""Input that esm would encode wrongly in silence, or fail on obscurely, is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import with_positions

import esm_explore as ex


def test_no_backbone_frame_anywhere(toy_encoder, ubiquitin):
    """CA only: esm gives every residue the same token."""
    positions = np.full_like(ubiquitin.atom37_positions, np.nan)
    positions[:, 1] = ubiquitin.atom37_positions[:, 1]
    with pytest.raises(ex.TraceError, match="None of the 76 residues of chain A has a backbone"):
        ex.trace(toy_encoder, with_positions(ubiquitin, positions))


@pytest.mark.parametrize("far", [2e4, 1e6, -1e7])
def test_coordinates_far_beyond_a_files_columns(toy_encoder, ubiquitin, far):
    """The residue is named."""
    positions = ubiquitin.atom37_positions.copy()
    positions[10] += far
    with pytest.raises(ex.TraceError, match="beyond 10,000 Å at residue 11 of chain A"):
        ex.trace(toy_encoder, with_positions(ubiquitin, positions))


def test_a_residue_on_top_of_another(toy_encoder, ubiquitin):
    """Esm would encode residue 12 under the name of 11, or the other way round."""
    positions = ubiquitin.atom37_positions.copy()
    positions[11] = positions[10]
    with pytest.raises(ex.TraceError, match="at the same place, at residue 1[12] of chain A"):
        ex.trace(toy_encoder, with_positions(ubiquitin, positions))


def test_the_wrong_things_in_the_wrong_places(toy_encoder, ubiquitin):
    """Each message says what was given and what belongs there."""
    with pytest.raises(ex.TraceError, match="StructureTokenEncoder first.*not a ProteinChain"):
        ex.trace(ubiquitin, toy_encoder)
    with pytest.raises(ex.TraceError, match="one ProteinChain.*not a str"):
        ex.trace(toy_encoder, "1UBI")
    with pytest.raises(ex.TraceError, match="'author'; it can be: file, sequential"):
        ex.trace(toy_encoder, ubiquitin, numbering="author")
