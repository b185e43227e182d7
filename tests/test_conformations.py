"""Two conformations: the graded score follows the movement, and swaps are told from moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from conftest import with_positions

import esm_explore as ex
from esm_explore.experiments.comparing import compare
from esm_explore.experiments.conformations import compare_conformations
from esm_explore.plots.conformations import latents_and_motion, view_conformations
from esm_explore.tracing.run import run

pytestmark = pytest.mark.lines


@pytest.fixture(scope="module")
def traces():
    encoder = ex.load_encoder("mini")
    return [ex.trace(encoder, ex.read_chain(name)) for name in ("1AKE", "4AKE")]


@pytest.fixture(scope="module")
def compared(traces):
    return compare_conformations(*traces)


def test_it_is_compares_table_and_more(traces, compared):
    """The same columns, and the distance of codes, 0 where the token is kept."""
    plain, table = compare(*traces), compared.to_frame()
    assert plain.equals(table[plain.columns])
    assert ((table["code"] == 0) == ~table["changed"]).all()
    assert table["kept"].between(1, 16).all()


@pytest.mark.slow
def test_flips_are_to_a_synonym_or_to_something_else(traces, compared, toy_encoder):
    """As the bundled atlas says of each two codes; without one of the encoder it is not known."""
    table, meaning = compared.residues, ex.open_atlas().codes["meaning"].to_numpy()
    kept = table["meaning"] == "same"
    assert (kept == ~table["changed"]).all()
    told = table[table["meaning"].isin(["synonym", "another"])]
    alike = meaning[told["first_token"]] == meaning[told["second_token"]]
    assert ((told["meaning"] == "synonym") == alike).all()
    n = (told["meaning"] == "synonym").sum()
    assert f"{n} of the {len(told)} that the atlas knows are to a synonym" in compared.summary()
    toys = [ex.trace(toy_encoder, trace.chain) for trace in traces]
    found = compare_conformations(*toys)
    assert (found.residues["meaning"][found.residues["changed"]] == "not known").all()
    assert "synonym" not in found.summary()
    with pytest.raises(ex.AtlasError, match="This atlas is of the encoder mini"):
        compare_conformations(*toys, atlas=ex.open_atlas())


def test_the_latent_sees_more_of_the_movement_than_the_token(compared):
    """In adenylate kinase, by rank; the shares beyond the threshold are those of the table."""
    ranks = compared.correlations
    assert ranks["latent"] > ranks["code"] > 0
    assert ranks["latent"] > ranks["changed"]
    table = compared.residues
    beyond = (table["latent"] > compared.threshold).groupby(table["state"]).mean()
    assert compared.detected == pytest.approx(beyond["moved"])
    assert compared.false_alarms == pytest.approx(beyond["still"])
    assert compared.detected > 0.3 > compared.false_alarms


def test_false_alarms_fall_with_the_distance_of_latents(compared):
    """The graded score: a residue beyond the threshold has fewer false alarms than 5 %."""
    table = compared.residues.sort_values("latent")
    assert (np.diff(table["false_alarms"]) <= 0).all()
    beyond = table["latent"] > compared.threshold
    assert (table["false_alarms"][beyond] <= 0.05 + 1e-9).all()
    assert (table["false_alarms"][~beyond] >= 0.05 - 1e-9).all()


@pytest.mark.slow
def test_an_encoder_that_was_not_measured_is_not_calibrated(toy_encoder):
    """It says so, and names those that are; nothing is made up in its stead."""
    chains = [ex.read_chain(name) for name in ("1AKE", "4AKE")]
    found = compare_conformations(*(ex.trace(toy_encoder, chain) for chain in chains))
    assert np.isnan([found.threshold, found.detected, found.false_alarms]).all()
    assert found.residues["false_alarms"].isna().all()
    assert "is not calibrated for this encoder (it is for mini" in found.summary()


@pytest.mark.slow
def test_two_models_of_one_structure():
    """1AS5, 24 residues: shorter than two neighborhoods, with hydroxyproline."""
    encoder, models = ex.load_encoder("mini"), ex.read_frames("1AS5")
    found = compare_conformations(*(ex.trace(encoder, model) for model in models[:2]))
    assert len(found.residues) == 24
    assert found.residues["kept"].between(1, 16).all()
    assert found.names == ("1AS5 chain A, model 1", "1AS5 chain A, model 2")


@pytest.mark.slow
def test_residues_without_frames_are_left_out(traces):
    """In either chain: they have no row, and are no node whose motion counts."""
    chain = ex.read_chain("4AKE")
    positions = chain.atom37_positions.copy()
    positions[100:110, 0] = np.nan
    gap = ex.trace(traces[0].encoder, with_positions(chain, positions))
    for pair in ((traces[0], gap), (gap, traces[0])):
        found = compare_conformations(*pair)
        assert len(found.residues) == 204
        assert not set(map(str, range(101, 111))) & set(found.residues.index)
        assert np.isfinite(found.residues["neighborhood"]).all()


def test_a_swap_is_undone_by_the_first_conformations_neighbors(traces, compared):
    """Each named one flips back; flips of residues that lost more neighbors are none."""
    first, second = traces
    swaps = compared.residues[compared.residues["swap"]]
    assert (swaps["kept"] == 15).all()
    assert swaps["changed"].all()
    for index in swaps["index"]:
        row = torch.from_numpy(first.edges[index : index + 1])  # the numbers are the same
        token = run(second.encoder, second.inputs, row)["tokens"]
        assert int(token[0]) == first.tokens[index] != second.tokens[index]


@pytest.mark.slow
def test_residues_are_matched_by_alignment_too(traces):
    """The open form without its first ten residues, both ways the same."""
    cut = ex.trace(traces[1].encoder, ex.read_chain("4AKE")[10:])
    by_number = compare(traces[0], cut)
    assert by_number.equals(compare(traces[0], cut, by="alignment"))


def test_a_chain_against_itself_does_not_move(traces):
    """All still, no flips, no correlation to speak of."""
    found = compare_conformations(traces[0], traces[0])
    assert (found.residues["state"] == "still").all()
    assert not found.residues["swap"].any()
    assert np.isnan(found.detected)
    assert "214 of 214 tokens are kept" in found.summary()


@pytest.mark.slow
def test_sentence_and_pictures_say_it(traces, compared):
    """Numbers of the table; the encoder is named, the text is the same each time."""
    table = compared.residues
    said = compared.summary()
    assert f"{(~table['changed']).sum()} of 214 tokens are kept" in said
    assert f"{table['swap'].sum()} of {table['changed'].sum()} flips are only" in said
    figure = latents_and_motion(*traces, compared)
    structure = view_conformations(*traces, compared)
    assert sum(len(dots.x) for dots in figure.data) == 214
    assert repr(figure) == repr(latents_and_motion(*traces, compared))
    assert structure.png().startswith(b"\x89PNG")
    for shown in (figure, structure, compared):
        assert traces[0].encoder_info.title in repr(shown)


@pytest.mark.slow
def test_wrong_input_is_refused(traces, compared, toy_encoder):
    """Chains that share nothing, no such way to match, another pair's or another encoder's."""
    strange = ex.trace(toy_encoder, ex.read_chain("4AKE"))
    with pytest.raises(ex.TraceError, match="different encoders"):
        compare_conformations(traces[0], strange)
    other = ex.trace(traces[0].encoder, ex.read_chain("1UBI"))
    with pytest.raises(ex.TraceError, match="way to match residues 'place'; it is one of: resi"):
        compare(*traces, by="place")
    with pytest.raises(ex.TraceError, match="compared is of 1AKE chain A and 4AKE chain A, not"):
        view_conformations(traces[0], other, compared)
    with pytest.raises(ex.TraceError, match="Trace, not a str"):
        compare_conformations("1AKE", traces[1])
    far = ex.trace(traces[0].encoder, ex.read_chain("4AKE")[200:])
    with pytest.raises(ex.TraceError, match="fewer than three residues by residue number; the ot"):
        compare_conformations(other, far)
