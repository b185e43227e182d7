"""Input that esm would encode wrongly in silence, or fail on obscurely, is refused by name."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from conftest import with_positions
from esm.utils.structure.protein_complex import ProteinComplex

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


def test_a_complex_is_refused_chain_by_chain(toy_encoder, ubiquitin):
    """Esm would give separator rows a code, and lets residue numbers of chains collide."""
    several = ProteinComplex.from_chains([ubiquitin, ubiquitin])
    with pytest.raises(ex.TraceError, match="not a ProteinComplex; .*one chain after the other"):
        ex.trace(toy_encoder, several)


def damaged(encoder, change):
    changed = copy.deepcopy(encoder)
    with torch.no_grad():
        change(changed)
    return changed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.codebook.embeddings[7].fill_(torch.nan), "codebook holds NaN"),
        (lambda e: e.pre_vq_proj.weight[3].fill_(torch.nan), "latents of chain A that are NaN"),
        (lambda e: e.codebook.half(), r"float16.*encoder\.float\(\)"),
        (lambda e: e.double(), r"float64.*encoder\.float\(\)"),
        (lambda e: e.bfloat16(), r"bfloat16.*encoder\.float\(\)"),
        (lambda e: e.to("meta"), "are on meta; they have to be on one device"),
        (lambda e: e.pre_vq_proj.to("meta"), "are on cpu and meta"),
    ],
)
def test_an_encoder_that_esm_would_run_wrongly(toy_encoder, ubiquitin, change, message):
    """NaN in a codebook row makes esm give that row's number to every residue."""
    encoder = damaged(toy_encoder, change)
    with pytest.raises(ex.TraceError, match=message):
        ex.trace(encoder, ubiquitin)
    with pytest.raises(ex.TraceError, match=message):
        list(ex.tokenize(encoder, [ubiquitin]))


def test_one_token_for_all_is_said(toy_encoder, ubiquitin):
    """Weights of zero: esm gives an ordinary-looking token to every residue."""
    collapsed = damaged(toy_encoder, lambda e: e.pre_vq_proj.weight.zero_())
    with pytest.warns(ex.ChainWarning, match="all 76 residues have the token"):
        trace = ex.trace(collapsed, ubiquitin)
    assert ex.doctor(trace).worst == "error"
