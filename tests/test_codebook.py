"""Nearest codes are esm's choice; usage counts are what they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import esm_explore as ex
from esm_explore.analysis.code_usage import usage
from esm_explore.encoders.codebook import nearest_codes


@pytest.mark.slow
@pytest.mark.lines
@pytest.mark.parametrize("name", ["1UBI", "1ITU", "3ENL"])
def test_the_nearest_code_is_the_token(toy_encoder, name):
    """In esm's arithmetic, so that even ties go esm's way."""
    trace = ex.trace(toy_encoder, ex.read_chain(name))
    found = nearest_codes(trace.codebook, trace.pre_vq, k=5)
    np.testing.assert_array_equal(found.codes[:, 0], trace.tokens)
    assert (np.diff(found.squared_distances, axis=1) >= 0).all()
    assert (found.margin >= 0).all()
    expected = np.linalg.norm(trace.pre_vq - trace.codebook[found.codes[:, 1]], axis=1)
    expected -= np.linalg.norm(trace.pre_vq - trace.codebook[trace.tokens], axis=1)
    np.testing.assert_allclose(found.margin, expected, atol=1e-3)


def test_chunks_make_no_difference(toy_encoder, ubiquitin, monkeypatch):
    """In pieces of 7 residues."""
    trace = ex.trace(toy_encoder, ubiquitin)
    whole = nearest_codes(trace.codebook, trace.pre_vq)
    monkeypatch.setattr("esm_explore.encoders.codebook._CHUNK", 7)
    pieces = nearest_codes(trace.codebook, trace.pre_vq)
    np.testing.assert_array_equal(whole.codes, pieces.codes)


def test_what_does_not_fit_is_refused(toy_encoder, ubiquitin):
    """Wrong width, NaN, more codes than there are."""
    trace = ex.trace(toy_encoder, ubiquitin)
    with pytest.raises(ex.TraceError, match=r"shape \(76, 64\) do not fit codes of 16"):
        nearest_codes(trace.codebook, trace.query)
    with pytest.raises(ex.TraceError, match="NaN"):
        nearest_codes(trace.codebook, np.full((2, 16), np.nan))
    with pytest.raises(ex.TraceError, match="whole number, 2 to 512"):
        nearest_codes(trace.codebook, trace.pre_vq, k=1)


@settings(deadline=None)  # a machine that is busy is no mistake
@given(st.lists(st.integers(0, 9), min_size=1, max_size=200))
def test_usage_of_any_tokens(tokens):
    """Rarefaction starts at one code for one residue and ends at all that were seen."""
    found = usage(np.array(tokens), 10)
    assert found.counts.sum() == len(tokens)
    assert 1 - 1e-9 <= found.perplexity <= found.n_used + 1e-9
    np.testing.assert_allclose(found.rarefaction[0], [1, 1])
    np.testing.assert_allclose(found.rarefaction[-1], [len(tokens), found.n_used])
    assert (np.diff(found.rarefaction[:, 1]) >= -1e-9).all()


def test_special_tokens_are_not_codes():
    """BOS and EOS have to be left out first."""
    with pytest.raises(ex.TraceError, match="Special tokens"):
        usage(np.array([4098, 3]), 4096)
    with pytest.raises(ex.TraceError, match="no tokens"):
        usage(np.array([], dtype=int), 4096)
