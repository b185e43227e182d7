"""Flip radii: the size of noise at which a code does change, and rigid motions that change none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from conftest import mostly_slow, with_positions

import esm_explore as ex
from esm_explore.chains.backbone import fit
from esm_explore.experiments.flipping import LEVELS, N_DIRECTIONS, _near_ties, flip_radius
from esm_explore.experiments.rerunning import setting_of
from esm_explore.experiments.shaking import RIGID, Shaker, encoded, random_directions, small_changes
from esm_explore.plots.flip_radii import stability, view_flip_radii

pytestmark = pytest.mark.lines


@pytest.fixture(scope="module")
def trace(toy_encoder, ubiquitin):
    return ex.trace(toy_encoder, ubiquitin)


@pytest.fixture(scope="module")
def radii(trace):
    return flip_radius(trace, seed=3)


def shaken_by_esm(trace, directions: torch.Tensor, size: float) -> np.ndarray:
    """Tokens of the whole chain with all atoms moved, by esm's own ``encode``."""
    inputs = trace.inputs
    coords = inputs.coords + size * directions
    _, tokens = trace.encoder.encode(coords[None], residue_index=inputs.residue_index[None])
    return tokens[0].numpy()


def test_noise_of_one_size_is_a_chain_encoded_by_esm(trace):
    """Residues encoded each by itself, with the neighbors they then have."""
    directions = random_directions(trace, np.random.default_rng(0))
    shaker = Shaker(setting_of(trace, "test"), directions)
    rows = np.arange(76)
    for size in (0.0, 0.05, 0.5):
        found = shaker.tokens(rows, np.full(76, size))
        np.testing.assert_array_equal(found, shaken_by_esm(trace, directions, size))
    mixed = shaker.tokens(rows, np.where(rows < 40, 0.05, 0.5))
    expected = [shaken_by_esm(trace, directions, size) for size in (0.05, 0.5)]
    np.testing.assert_array_equal(mixed, np.where(rows < 40, *expected))


def test_one_angstrom_of_noise_moves_atoms_by_one_angstrom(trace):
    """Root mean square, over many directions."""
    random = np.random.default_rng(0)
    drawn = np.stack([random_directions(trace, random).numpy() for _ in range(20)])
    assert np.sqrt((drawn**2).sum(-1).mean()) == pytest.approx(1, abs=0.02)


@pytest.mark.lines
def test_noise_is_the_same_on_both_lines_of_esm(trace):
    """One line turns the coordinates to their principal axes; atoms go where the file has it."""
    directions = random_directions(trace, np.random.default_rng(0)).numpy()
    moved = (trace.coords + directions)[trace.has_frame].reshape(-1, 3)
    start = trace.chain.atom37_positions[trace.has_frame, :3].reshape(-1, 3)
    drawn = np.random.default_rng(0).standard_normal(trace.coords.shape) / np.sqrt(3)
    expected = start + drawn[trace.has_frame].reshape(-1, 3)
    back = fit(start, trace.coords[trace.has_frame].reshape(-1, 3)).apply(moved)
    np.testing.assert_allclose(back, expected, atol=1e-4)


@pytest.mark.slow
def test_at_its_radius_a_code_has_changed_and_a_little_before_it_has_not(trace, radii):
    """By esm's own encode of the chain with all atoms moved that far, in the same directions."""
    directions = random_directions(trace, np.random.default_rng(3))
    flipped = np.flatnonzero(np.isfinite(radii.radii[0]))
    assert len(flipped) > 20
    for index in flipped[::9]:
        radius = radii.radii[0, index]
        tokens = shaken_by_esm(trace, directions, radius)
        assert tokens[index] == radii.new_tokens[0, index] != trace.tokens[index]
        level = min(level for level in LEVELS if level >= radius)
        before = radius - level / 2**6
        assert shaken_by_esm(trace, directions, before)[index] == trace.tokens[index]


@pytest.mark.parametrize("name", mostly_slow(["1UBI", "1AS5", "2HT0", "5PTI"], "1AS5"))
@pytest.mark.parametrize("kind", ["toy", "mini"])
def test_a_rigid_motion_flips_nothing_but_listed_near_ties(toy_encoder, name, kind):
    """Latents move by rounding alone; few codes are as near to tipping over."""
    encoder = toy_encoder if kind == "toy" else ex.load_encoder("mini")
    trace = ex.trace(encoder, ex.read_chains(name)[0])
    moved = dict(small_changes(trace, np.random.default_rng(0)))[RIGID]
    latents, tokens = encoded(setting_of(trace, "test"), moved)
    near_ties = _near_ties(trace, latents, tokens)
    flips = np.flatnonzero(trace.has_frame & (tokens != trace.tokens))
    assert {trace.labels[i] for i in flips} <= set(near_ties["residue"])
    assert len(near_ties) <= 2
    assert 0 < np.abs(latents - trace.pre_vq)[trace.has_frame].max() < 2e-3


def test_a_margin_within_rounding_is_listed(trace):
    """A code that is put as near to a latent as the token's own is a near-tie."""
    codebook = trace.codebook.copy()
    unused = next(code for code in range(512) if code not in trace.tokens)
    codebook[unused] = codebook[trace.tokens[5]]
    tied = dataclasses.replace(trace, codebook=codebook)
    listed = _near_ties(tied, trace.pre_vq, trace.tokens)["residue"].tolist()
    assert listed == [trace.labels[i] for i in np.flatnonzero(trace.tokens == trace.tokens[5])]
    assert _near_ties(trace, trace.pre_vq, trace.tokens).empty


@pytest.mark.slow
def test_small_changes_are_what_they_say(trace, ubiquitin, toy_encoder):
    """As chains changed by hand and traced; a file's three decimals are what it has already."""
    random = np.random.default_rng(0)
    setting = setting_of(trace, "test")
    found = {what: encoded(setting, inputs)[1] for what, inputs in small_changes(trace, random)}
    np.testing.assert_array_equal(found["rounded to 3 decimals"], trace.tokens)
    places = ubiquitin.atom37_positions
    for what, changed in (
        ("rounded to 1 decimal", np.round(places.astype(float), 1).astype(np.float32)),
        ("float16", places.astype(np.float16).astype(np.float32)),
    ):
        by_hand = ex.trace(toy_encoder, with_positions(ubiquitin, changed))
        np.testing.assert_array_equal(found[what], by_hand.tokens)
        assert (found[what] != trace.tokens).any()


@pytest.mark.slow
def test_numbering_from_1_changes_what_a_gap_changes(toy_encoder):
    """Urokinase's inserted residues and gaps; the tokens are those of a sequential trace."""
    chain = ex.read_chains("4ZHL")[0][:60]
    trace = ex.trace(toy_encoder, chain)
    inputs = dict(small_changes(trace, np.random.default_rng(0)))["numbered from 1"]
    tokens = encoded(setting_of(trace, "test"), inputs)[1]
    sequential = ex.trace(toy_encoder, chain, numbering="sequential")
    np.testing.assert_array_equal(tokens, sequential.tokens)
    assert (tokens != trace.tokens).any()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_and_another_others(trace, radii):
    """Directions are of the seed alone."""
    np.testing.assert_array_equal(flip_radius(trace, seed=3).radii, radii.radii)
    assert (flip_radius(trace, seed=4).radii != radii.radii).any()


@pytest.mark.slow
def test_residues_without_a_frame_have_no_radius(toy_encoder, ubiquitin):
    """NaN, and they count nowhere."""
    positions = ubiquitin.atom37_positions.copy()
    positions[10, 0] = np.nan
    found = flip_radius(ex.trace(toy_encoder, with_positions(ubiquitin, positions)))
    assert np.isnan(found.radii[:, 10]).all()
    assert np.isfinite(np.delete(found.radius, 10)).any()
    assert not found.to_frame().loc["11", "float16"]
    assert found.changes()["of"].tolist() == [75] * 6


@pytest.mark.slow
def test_tables_sentence_and_pictures_say_the_same(trace, radii):
    """Survival falls from all to few; texts name the encoder and are the same each time."""
    survived = radii.survival([0, 0.1, 0.5, 3.9])
    assert survived[0] == 1
    assert (np.diff(survived) <= 0).all()
    assert survived[-1] < 0.8
    assert survived[2] == (radii.radii > 0.5).mean()
    table = radii.to_frame()
    np.testing.assert_array_equal(table["radius"], radii.radii.min(0))
    known = np.isfinite(radii.radius)
    distance = np.linalg.norm(
        trace.codebook[table["new_token"][known]] - trace.codebook[trace.tokens[known]], axis=1
    )
    np.testing.assert_allclose(table["code_distance"][known], distance, rtol=1e-5)
    assert (table["code_place"][known] >= 1).all()
    half = np.median(radii.radii)
    noise = f"noise of {half:.2f} Å" if np.isfinite(half) else "no noise up to 4 Å"
    assert f"{noise} changes half of the codes" in radii.summary()
    assert radii.radii.shape == (N_DIRECTIONS, 76)
    figure, structure = stability(trace, radii), view_flip_radii(trace, radii)
    assert repr(figure) == repr(stability(trace, radii))
    np.testing.assert_array_equal(figure.data[1].y, np.minimum(radii.radius, 4))
    for shown in (figure, structure, radii):
        assert trace.encoder_info.title in repr(shown)


@pytest.mark.slow
def test_wrong_input_is_refused(trace, radii, toy_encoder):
    """Seed, trace, encoder, another chain's radii."""
    with pytest.raises(ex.TraceError, match="seed is -1; it has to be a whole number, 0 or more"):
        flip_radius(trace, seed=-1)
    with pytest.raises(ex.TraceError, match="flip_radius takes a Trace, not a str"):
        flip_radius("1UBI")
    with pytest.raises(ex.TraceError, match="has changed since"):
        flip_radius(dataclasses.replace(trace, encoder=ex.load_encoder()))
    other = ex.trace(toy_encoder, ex.read_chain("1EJG"))
    with pytest.raises(ex.TraceError, match="radii is of 1UBI chain A, 76 residues, not of 1EJG"):
        stability(other, radii)
