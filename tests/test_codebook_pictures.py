"""Pictures of whole codebooks: what is drawn is what the atlas and the encoder have."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import silhouette_samples

import esm_explore as ex
from esm_explore.encoders.modules import modules_of
from esm_explore.errors import TraceError


@pytest.fixture(scope="module")
def atlas():
    return ex.open_atlas()


@pytest.fixture(scope="module")
def mini():
    return ex.load_encoder()


def test_use_by_rank_and_by_residues(atlas):
    """All codes used are there, most frequent first; all residues find all of them."""
    picture = ex.plots.atlas_usage(atlas)
    counts = np.sort(atlas.codes["count"])[::-1]
    used = counts[counts > 0]
    np.testing.assert_array_equal(picture.data[0].y, used)
    assert picture.data[1].y[-1] == pytest.approx(len(used))
    share = used / used.sum()
    perplexity = np.exp(-(share * np.log(share)).sum())
    assert f"{len(used):,} of 4,096 codes used, perplexity {perplexity:,.0f}" in picture.what
    assert "mini" in repr(picture)


def test_stored_counts_are_the_encoders(atlas, mini):
    """One dot a code, those not used in a color of their own; quartiles in the title."""
    picture = ex.plots.atlas_stored_counts(atlas, mini)
    stored = modules_of(mini).counts.numpy()
    assert sum(len(dots.x) for dots in picture.data) == 4096
    used = atlas.codes["count"].to_numpy() > 0
    np.testing.assert_allclose(picture.data[0].x, stored[used])
    np.testing.assert_array_equal(picture.data[0].y, atlas.codes["count"][used])
    for value in np.percentile(stored, [25, 50, 75]):
        assert f"{value:.4g}" in picture.what


@pytest.mark.slow
def test_silhouettes_are_scikit_learns(atlas, mini):
    """Of codes with enough residues, by the secondary structure most of them have."""
    picture = ex.plots.atlas_silhouettes(atlas, mini)
    shares = atlas.shares("ss").dropna()
    main = shares.idxmax(axis=1).to_numpy()
    right = silhouette_samples(modules_of(mini).codes.numpy()[shares.index], main)
    helix = next(box for box in picture.data if box.name.startswith("alpha helix"))
    np.testing.assert_allclose(np.sort(helix.y), np.sort(right[main == "H"]), atol=1e-6)
    assert sum(len(box.y) for box in picture.data) == len(main)


def test_what_letters_leave_open_is_that_of_the_crosswalks(atlas):
    """Told and left open are all there is."""
    found = [atlas.crosswalk("dssp"), atlas.crosswalk("dssp", symbols="3di")]
    picture = ex.plots.letters_left_open(found)
    told, left = (np.array(bar.x) for bar in picture.data)
    np.testing.assert_allclose(told + left, [one.entropy for one in found])
    assert told[0] > told[1]
    assert "3Di" in repr(picture)


def test_wrong_things_are_refused(atlas, toy_encoder):
    """No atlas, another encoder, another kind, no crosswalks."""
    with pytest.raises(TraceError, match="atlas is 5; it has to be an Atlas"):
        ex.plots.atlas_usage(5)
    with pytest.raises(TraceError, match="The atlas is of mini .*, and the encoder is unnamed"):
        ex.plots.atlas_stored_counts(atlas, toy_encoder)
    with pytest.raises(TraceError, match="no kind 'x'; it is one of: ss"):
        ex.plots.atlas_silhouettes(atlas, toy_encoder, "x")
    for wrong in ([], 5, [5]):
        with pytest.raises(TraceError, match="crosswalks"):
            ex.plots.letters_left_open(wrong)
