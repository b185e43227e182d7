"""Following: the tokens of each frame are those of that frame traced alone."""

from __future__ import annotations

import numpy as np
import pytest
from biotite.structure import rmsf
from scipy.stats import entropy, spearmanr

import esm_explore as ex
from esm_explore.chains import trajectories
from esm_explore.chains.backbone import superposed
from esm_explore.experiments.following import follow
from esm_explore.plots.followed import entropy_and_motion, token_states, tokens_over_time
from esm_explore.widgets.watching import watch

pytestmark = pytest.mark.lines


@pytest.fixture(scope="module")
def frames():
    return ex.read_frames("1AS5")


@pytest.fixture(scope="module")
def followed(toy_encoder, frames):
    return follow(toy_encoder, frames, latents=True)


@pytest.fixture(scope="module")
def traces(toy_encoder, frames):
    return [ex.trace(toy_encoder, frame) for frame in frames]


@pytest.mark.slow
def test_tokens_are_those_of_each_frame_traced(followed, traces, frames):
    """By esm's own modules, one by one; latents to rounding, and as float16 where kept."""
    assert len(followed) == 14
    for row, trace in enumerate(traces):
        np.testing.assert_array_equal(followed.tokens[row], trace.tokens)
        apart = np.linalg.norm(trace.pre_vq - traces[0].pre_vq, axis=1)
        np.testing.assert_allclose(followed.apart[row], apart, atol=2e-5)
        np.testing.assert_allclose(followed.latents[row], trace.pre_vq, atol=2e-3)
        np.testing.assert_allclose(followed.margins[row], trace.nearest.margin, atol=2e-3)
    assert followed.latents.dtype == np.float16


@pytest.mark.slow
def test_chunks_and_slices_change_nothing(toy_encoder, frames, followed, monkeypatch):
    """Every other frame, read three at a time."""
    monkeypatch.setattr(trajectories, "CHUNK", 3)
    some = follow(toy_encoder, frames[::2])
    np.testing.assert_array_equal(some.tokens, followed.tokens[::2])
    assert some.latents is None
    assert some.title == "1AS5 chain A, 24 residues, 7 of 14 models"


@pytest.mark.slow
def test_memory_does_not_grow_with_the_frames(toy_encoder, frames, monkeypatch):
    """No more than a chunk of them is read at a time, and none before it is its turn."""
    monkeypatch.setattr(trajectories, "CHUNK", 2)
    asked, read = [], type(frames._places).read

    def watched(places, numbers):
        asked.append(len(numbers))
        return read(places, numbers)

    monkeypatch.setattr(type(frames._places), "read", watched)
    encoded = iter(frames)
    next(encoded)
    assert asked == [1, 2]
    follow(toy_encoder, frames)
    assert max(asked) == 2


def test_entropy_changes_and_states_are_counted(followed):
    """As scipy's entropy, and as counted by hand for residue 24."""
    table = followed.to_frame()
    for index, column in enumerate(followed.tokens.T):
        counts = np.unique(column, return_counts=True)[1]
        assert table["entropy"].iloc[index] == pytest.approx(entropy(counts, base=2), abs=1e-12)
        assert table["tokens"].iloc[index] == len(counts)
        assert table["changes"].iloc[index] == (np.diff(column) != 0).sum()
    column = followed.tokens[:, followed.index_of("24")]
    states = followed.states("24")
    assert states["frames"].sum() == 14
    assert states["visits"].sum() == 1 + (np.diff(column) != 0).sum()
    assert states.index[0] == table.loc["24", "token"]
    assert (states["mean_stay"] * states["visits"]).tolist() == states["frames"].tolist()
    assert [column[first] for first in states["first"]] == states.index.tolist()
    assert len(states) > 1


def test_transitions_are_pairs_of_neighboring_frames(followed):
    """All that are counted are there, in all residues together and in one."""
    table = followed.transitions()
    before, after = followed.tokens[:-1], followed.tokens[1:]
    assert table["count"].sum() == (before != after).sum() == followed.changes.sum()
    most = table.iloc[0]
    assert ((before == most["before"]) & (after == most["after"])).sum() == most["count"]
    apart = followed.codebook[int(most["before"])] - followed.codebook[int(most["after"])]
    assert most["code_distance"] == pytest.approx(np.linalg.norm(apart))
    assert followed.transitions("24")["count"].sum() == followed.changes[followed.index_of("24")]


def test_rmsf_is_biotites(followed, frames):
    """After superposing on the mean, as there; and its rank correlation is scipy's."""
    stacked = np.stack([frame.atom37_positions[:, 1] for frame in frames])
    mean = stacked[0]
    for _ in range(2):
        stacked = np.stack([superposed(mean, one) for one in stacked])
        mean = stacked.mean(0)
    expected = rmsf(mean, stacked)
    np.testing.assert_allclose(followed.rmsf, expected, atol=1e-3)
    rank = spearmanr(followed.rmsf, followed.entropy).statistic
    assert followed.correlation == pytest.approx(rank, abs=1e-6)


def test_it_is_said_and_shown(followed):
    """In numbers of the table; each picture names the encoder and has a stable text."""
    table = followed.to_frame()
    assert f"{(table['tokens'] == 1).sum()} of 24 residues keep one token" in followed.summary()
    assert f"rank correlation of {followed.correlation:.2f}." in followed.summary()
    pictures = (
        tokens_over_time(followed),
        entropy_and_motion(followed),
        token_states(followed, "24"),
    )
    for shown in (followed, *pictures):
        assert followed.encoder_info.title in repr(shown)
    raster = pictures[0].data[0]
    assert raster.type == "image"
    np.testing.assert_array_equal(pictures[1].data[0].y, followed.entropy)
    assert np.nansum(pictures[2].data[1].z) == 13


def test_the_slider_shows_a_frame_in_3d_and_in_the_raster(followed):
    """Structure, colors, marks and sentence are those of the frame; a click goes to another."""
    view = watch(followed)
    first = view.structure.structure, view.structure.colors
    view.raster.received({"kind": "click", "points": [3, 7]})
    assert (view.frame, view.selected) == (7, 3)
    assert view._slider.value == 7
    assert view.structure.selected == 3
    assert view.structure.structure != first[0]
    assert view.structure.colors != first[1]
    assert f"token {followed.tokens[7, 3]}, " in view.structure.labels[3]
    assert view.raster.overlay[0]["x"] == [7, 7]
    assert view.raster.overlay[1]["y"] == [3, 3]
    assert f"has token {followed.tokens[7, 3]}" in view._said.value
    assert view.still().startswith(b"\x89PNG")
    with pytest.raises(Exception, match="frame is 14; it has to be 0 to 13"):
        view.frame = 14
    view.close()


def test_wrong_input_is_refused(toy_encoder, frames, followed):
    """No frames, none of them, no such residue, something else than what was followed."""
    with pytest.raises(ex.TraceError, match="frames is a list; it has to be what ex.read_frames"):
        follow(toy_encoder, list(frames))
    with pytest.raises(ex.TraceError, match="nothing to follow in 1AS5 chain A, .*0 of 14 models"):
        follow(toy_encoder, frames[3:3])
    with pytest.raises(ex.TraceError, match="Residue '99' is not in 1AS5"):
        followed.states("99")
    with pytest.raises(ex.TraceError, match="followed is .*; it has to be what ex.experiments"):
        tokens_over_time("1AS5")
    with pytest.raises(ex.TraceError, match="latents is 1; it has to be True or False"):
        follow(toy_encoder, frames, latents=1)
