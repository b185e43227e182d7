"""Knock-outs: what is taken away is what esm would not see, and what follows is esm's own."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import mostly_slow, with_positions
from scipy.stats import spearmanr

import esm_explore as ex
from esm_explore.encoders.inputs import Inputs
from esm_explore.experiments.attending import attention_of_queries
from esm_explore.experiments.knocking_out import AWAY, knock_out, knock_out_profile
from esm_explore.experiments.rerunning import code_steps, setting_of
from esm_explore.experiments.short_pass import ShortPass, run_short
from esm_explore.experiments.silencing import silence_heads
from esm_explore.plots.knock_outs import (
    knock_out_effects,
    knock_outs_along_chain,
    view_knock_out,
)
from esm_explore.tracing.run import Edit, run

pytestmark = pytest.mark.lines


@pytest.fixture(scope="module")
def trace(toy_encoder, ubiquitin):
    return ex.trace(toy_encoder, ubiquitin)


@pytest.fixture(scope="module")
def knocked(trace):
    return knock_out(trace, "30")


@pytest.fixture(scope="module")
def profile(trace):
    return knock_out_profile(trace)


def without_frame(inputs: Inputs, node: int) -> Inputs:
    has_frame = inputs.has_frame.clone()
    has_frame[node] = False
    return Inputs(inputs.coords, inputs.residue_index, inputs.affine, has_frame)


def test_a_masked_neighbor_is_masked_as_esm_masks(trace, knocked):
    """Fifteen passes with that residue's frame missing: effects to 2e-6, and the same tokens."""
    row = torch.from_numpy(trace.edges[29:30])
    for node, (_, found) in zip(trace.edges[29, 1:], knocked.neighbors.iterrows(), strict=True):
        caught = run(trace.encoder, without_frame(trace.inputs, int(node)), row)
        moved = np.linalg.norm(caught["pre_vq"][0].numpy() - trace.pre_vq[29])
        assert found["effect"] == pytest.approx(moved, abs=2e-6 * 16)
        assert found["new_token"] == int(caught["tokens"][0])
        assert found["residue"] == trace.labels[node]


def test_a_silenced_head_is_one_whose_columns_are_zero(trace, knocked):
    """In both blocks, at all nodes, though the last block is run for the query alone."""
    row = torch.from_numpy(trace.edges[29:30])
    for block, head in ((0, 0), (0, 7), (1, 0), (1, 5)):

        def silence(gathered, head=head):
            kept = gathered.clone()
            kept[..., 3 * head : 3 * head + 3] = 0
            return kept

        edit = Edit(f"attended[{block}]", silence)
        caught = run(trace.encoder, trace.inputs, row, edits=[edit])
        moved = np.linalg.norm(caught["pre_vq"][0].numpy() - trace.pre_vq[29])
        heads = knocked.heads.set_index(["block", "head"]).loc[(block, head)]
        assert heads["effect"] == pytest.approx(moved, abs=1e-5)
        assert heads["new_token"] == int(caught["tokens"][0])


@pytest.mark.parametrize("kind", mostly_slow(["toy", "mini"], "toy"))
def test_the_short_way_is_the_long_one(toy_encoder, ubiquitin, kind, monkeypatch):
    """Latents to 2e-6 of their length and the same tokens, though most of a pass is left out."""
    encoder = toy_encoder if kind == "toy" else ex.load_encoder()
    setting = setting_of(ex.trace(encoder, ubiquitin), "test")
    rows = setting.edges[:40, :15]
    short = run_short(setting, rows), silence_heads(setting, 29)
    monkeypatch.setattr(ShortPass, "is_for", staticmethod(lambda _setting: False))
    long = run_short(setting, rows), silence_heads(setting, 29)
    for (latents, tokens), (expected, same) in zip(short, long, strict=True):
        error = np.linalg.norm(latents - expected, axis=-1)
        assert (error <= 2e-6 * np.linalg.norm(expected, axis=-1)).all()
        np.testing.assert_array_equal(tokens, same)


@pytest.mark.slow
def test_a_changed_encoder_is_run_as_it_is(toy_encoder, ubiquitin):
    """With a hook of the user's on a module that the short way would not call."""
    encoder = copy.deepcopy(toy_encoder)
    block = encoder.transformer.blocks[1]
    block.geom_attn.register_forward_hook(lambda _module, _args, output: 2 * output)
    trace = ex.trace(encoder, ubiquitin)
    found = knock_out(trace, "30")
    assert not np.allclose(trace.pre_vq, ex.trace(toy_encoder, ubiquitin).pre_vq, atol=1e-2)

    def silence(gathered):
        kept = gathered.clone()
        kept[..., 9:12] = 0
        return kept

    row = torch.from_numpy(trace.edges[29:30])
    caught = run(encoder, trace.inputs, row, edits=[Edit("attended[1]", silence)])
    moved = np.linalg.norm(caught["pre_vq"][0].numpy() - trace.pre_vq[29])
    head = found.heads.set_index(["block", "head"]).loc[(1, 3)]
    assert head["effect"] == pytest.approx(moved, abs=1e-5)
    caught = run(encoder, trace.inputs, torch.from_numpy(np.delete(trace.edges[29], 4))[None])
    moved = np.linalg.norm(caught["pre_vq"][0].numpy() - trace.pre_vq[29])
    assert found.neighbors["effect"][3] == pytest.approx(moved, abs=1e-5)


def test_results_are_nontrivial(trace, knocked, profile):
    """All neighbors and all heads count, some change the code, and they do not count alike."""
    assert len(knocked.neighbors) == 15
    assert len(knocked.heads) == 16
    assert (knocked.to_frame()["effect"] > 1e-4).all()
    assert knocked.neighbors["effect"].max() > 2 * knocked.neighbors["effect"].min()
    assert 0 < profile.flips.sum() < 76 * 15
    np.testing.assert_array_equal(
        knocked.neighbors["flips"], knocked.neighbors["new_token"] != trace.tokens[29]
    )


def test_attention_is_the_querys_own_and_ranks_are_spearmans(trace, knocked):
    """As `neighborhood` has it, mean of heads and blocks; correlated as scipy does."""
    opened = trace.neighborhood("30").attention[:, :, 0]
    found = attention_of_queries(setting_of(trace, "test"), [29, 3])
    np.testing.assert_allclose(found[0], opened, atol=1e-6)
    np.testing.assert_allclose(found.sum(-1), 1, atol=1e-5)
    neighbors = knocked.neighbors
    np.testing.assert_allclose(neighbors["attention"], opened.mean((0, 1))[1:], atol=1e-6)
    rank = spearmanr(neighbors["attention"], neighbors["effect"]).statistic
    assert knocked.correlation == pytest.approx(rank)
    assert len(knocked.by_block) == 2


def test_the_next_nearest_takes_a_neighbors_place(trace):
    """The 17th by CA distance, as a row written by hand."""
    found = knock_out(trace, "30", how="replaced", heads=False)
    assert found.heads is None
    distance = np.linalg.norm(trace.coords[:, 1] - trace.coords[29, 1], axis=1)
    following = int(np.argsort(distance)[16])
    row = torch.from_numpy(np.append(np.delete(trace.edges[29], 4), following)[None])
    caught = run(trace.encoder, trace.inputs, row)
    moved = np.linalg.norm(caught["pre_vq"][0].numpy() - trace.pre_vq[29])
    assert found.neighbors["effect"][3] == pytest.approx(moved, abs=1e-5)


def test_a_neighbor_out_of_contact_is_50_angstrom_farther(trace):
    """As a chain in which that residue alone is moved, its row kept; turned as it was."""
    found = knock_out(trace, "30", how="away", heads=False)
    node = int(trace.edges[29, 2])
    coords = trace.inputs.coords.clone()
    way = coords[node, 1] - coords[29, 1]
    coords[node] += AWAY * way / way.norm()
    inputs = Inputs.build(coords, trace.inputs.residue_index)
    caught = run(trace.encoder, inputs, torch.from_numpy(trace.edges[29:30]))
    moved = np.linalg.norm(caught["pre_vq"][0].numpy() - trace.pre_vq[29])
    assert found.neighbors["effect"][1] == pytest.approx(moved, abs=1e-5)
    assert found.neighbors["effect"][1] > 1e-3


@pytest.mark.parametrize("how", mostly_slow(["masked", "replaced", "away"], "away"))
def test_a_profile_is_each_residue_by_itself(trace, how):
    """The same numbers to rounding, in passes of other sizes."""
    whole = knock_out_profile(trace, how=how)
    for index in (0, 40, 75):
        alone = knock_out(trace, index, how=how, heads=False)
        np.testing.assert_allclose(whole.effects[index], alone.neighbors["effect"], atol=1e-5)
        np.testing.assert_array_equal(whole.new_tokens[index], alone.neighbors["new_token"])
        assert whole.correlation[index] == pytest.approx(alone.correlation, abs=0.02)


@pytest.mark.slow
def test_residues_without_a_frame_are_left_out_of_a_profile(toy_encoder, ubiquitin):
    """NaN, no flips, and an error for the residue itself."""
    positions = ubiquitin.atom37_positions.copy()
    positions[10, 0] = np.nan
    trace = ex.trace(toy_encoder, with_positions(ubiquitin, positions))
    profile = knock_out_profile(trace)
    assert np.isnan(profile.effects[10]).all()
    assert profile.flips[10] == 0
    assert np.isfinite(profile.effects[np.arange(76) != 10]).all()
    table = profile.to_frame()
    assert table.loc["11", "neighbor"] == ""
    assert np.isnan(table.loc["11", "effect"])
    with pytest.raises(ex.TraceError, match="Residue 11 of .* has no backbone frame"):
        knock_out(trace, "11")


def test_places_of_codes_are_counted(trace):
    """The nearest code is 1, the code itself 0; distances are those of the codebook."""
    codes = trace.codebook
    order = np.argsort(np.linalg.norm(codes - codes[7], axis=1))
    new = order[[0, 1, 2, 30]]
    distance, place = code_steps(codes, np.full(4, 7), new)
    assert place.tolist() == [0, 1, 2, 30]
    np.testing.assert_allclose(distance, np.linalg.norm(codes[new] - codes[7], axis=1), rtol=1e-5)


def test_a_sentence_says_it_in_numbers(knocked, profile, trace):
    """The numbers are those of the tables."""
    most = knocked.neighbors.sort_values("effect").iloc[-1]
    said = knocked.summary()
    assert said.startswith(f"1UBI A 30, token {trace.tokens[29]}: ")
    assert f"{knocked.neighbors['flips'].sum()} of 15 neighbors, each masked" in said
    assert f"most counts {most['residue']} (the latent moves by {most['effect']:.2f}" in said
    assert f"rank correlation of {knocked.correlation:.2f}." in said
    assert trace.encoder_info.title in repr(knocked)
    assert f"{100 * profile.flips.sum() / (76 * 15):.0f} % of cases" in profile.summary()


@pytest.mark.slow
def test_pictures_show_the_tables(trace, knocked, profile):
    """Each bar once, in one of two colors; texts name the encoder and are the same each time."""
    figure = knock_out_effects(trace, knocked)
    bars = [bar for bar in figure.data if bar.name.startswith("token")]
    assert np.isfinite(np.concatenate([bar.y for bar in bars])).sum() == 15 + 16
    assert repr(figure) == repr(knock_out_effects(trace, knocked))
    np.testing.assert_array_equal(knock_outs_along_chain(trace, profile).data[1].y, profile.flips)
    star = view_knock_out(trace, knocked)
    assert star.viewer.startjs.count("addCylinder") == 15
    assert star.png().startswith(b"\x89PNG")
    for shown in (figure, knock_outs_along_chain(trace, profile), star):
        assert trace.encoder_info.title in repr(shown)


def test_wrong_input_is_refused(trace, knocked, toy_encoder, tmp_path):
    """What there is not, another chain's knock-out, a short chain, an encoder gone or changed."""
    with pytest.raises(ex.TraceError, match="way to knock out 'nearest'; it is one of: masked, re"):
        knock_out(trace, "30", how="nearest")
    with pytest.raises(ex.TraceError, match="4000"):
        knock_out(trace, "4000")
    with pytest.raises(ex.TraceError, match="heads is 1; it has to be True or False"):
        knock_out(trace, "30", heads=1)
    short = ex.trace(toy_encoder, ex.read_chain("1AS5")[:12])
    with pytest.raises(ex.TraceError, match="use how='masked'"):
        knock_out(short, 3, how="replaced")
    with pytest.raises(ex.TraceError, match="knocked is of 1UBI A 30, not of 1AS5"):
        view_knock_out(short, knocked)
    with pytest.raises(ex.TraceError, match="load_trace"):
        knock_out(replace(trace, encoder=None), "30")
    other = ex.load_encoder("mini")
    with pytest.raises(ex.TraceError, match="has changed since"):
        knock_out(replace(trace, encoder=other), "30")
