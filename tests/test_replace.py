"""Replacing: what is put in goes on as the donor's own would, and nothing else is touched."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from conftest import with_positions

import esm_explore as ex
from esm_explore.experiments.replacing import NODES, replace
from esm_explore.experiments.rerunning import run_rows, setting_of
from esm_explore.plots.replacements import replaced_by_stage, view_replaced
from esm_explore.tracing.run import Edit, all_nodes, run

pytestmark = pytest.mark.lines
STAGES = [
    "relative position",
    *("block 0 attention", "block 0 output", "block 1 attention", "block 1 output"),
    *("query", "pre_vq"),
]


@pytest.fixture(scope="module")
def trace(toy_encoder, ubiquitin):
    return ex.trace(toy_encoder, ubiquitin)


@pytest.fixture(scope="module")
def replaced(trace):
    return replace(trace, "all", "30", "48")


def row_of(found, stage: str, nodes: str):
    table = found.stages.set_index(["stage", "nodes"])
    return table.loc[(stage, nodes)]


def test_identity_edits_change_no_bit(trace):
    """Rows run with edits that change nothing are rows run without."""
    setting = setting_of(trace, "test")
    names = ["relative_position", "attended[0]", "blocks[0]", "attention_out[1]", "pre_vq"]
    edits = [Edit(name, torch.clone) for name in names]
    plain = run_rows(setting, setting.edges[:40])
    edited = run_rows(setting, setting.edges[:40], edits=lambda _: edits)
    for one, other in zip(plain, edited, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_residues_own_state_put_in_changes_nothing(trace):
    """At every stage, to rounding."""
    found = replace(trace, "all", "30", "30")
    assert found.stages["effect"].max() < 2e-5
    assert not found.stages["flips"].any()


def test_the_stages_are_the_traces_own(trace, replaced):
    """All that have a state; nodes and query apart up to the last block."""
    assert list(dict.fromkeys(replaced.stages["stage"])) == STAGES
    assert len(replaced.stages) == 5 * 2 + 2


def test_late_stages_give_the_donors_code_and_early_ones_another(trace, replaced):
    """After the last block it is the donor's latent; the query's own position says nothing."""
    for stage in STAGES[-3:]:
        late = row_of(replaced, stage, NODES[1])
        assert late["from_donor"] < 1e-5
        assert late["is_donors"]
        assert late["new_token"] == trace.tokens[47]
    assert row_of(replaced, "relative position", NODES[1])["effect"] < 1e-5
    first = row_of(replaced, "relative position", NODES[0])
    assert first["effect"] > 0.01
    assert first["from_donor"] > 0.01


@pytest.mark.parametrize("nodes", NODES)
def test_it_is_the_run_with_that_state_put_in_by_hand(trace, replaced, nodes):
    """After block 0, of the nodes of residue 48, or of its query alone."""
    rows = torch.from_numpy(trace.edges[[29, 47]])
    donor = run(trace.encoder, trace.inputs, rows[1:], keep=all_nodes)["blocks[0]"][0]

    def put(values):
        values = values.clone()
        if nodes == NODES[0]:
            values[0] = donor
        else:
            values[0, 0] = donor[0]
        return values

    caught = run(trace.encoder, trace.inputs, rows[:1], edits=[Edit("blocks[0]", put)])
    found = row_of(replaced, "block 0 output", nodes)
    moved = np.linalg.norm(caught["pre_vq"][0].numpy() - trace.pre_vq[29])
    assert found["effect"] == pytest.approx(moved, abs=1e-5)
    assert found["new_token"] == int(caught["tokens"][0])


def test_zero_and_mean_are_what_they_say(trace):
    """A latent of zero has the shortest code; the mean is of all residues' latents."""
    zero = replace(trace, "pre_vq", "30", "zero").stages.iloc[0]
    assert zero["effect"] == pytest.approx(np.linalg.norm(trace.pre_vq[29]), rel=1e-5)
    assert zero["new_token"] == np.linalg.norm(trace.codebook, axis=1).argmin()
    assert np.isnan(zero["from_donor"])
    mean = replace(trace, "pre_vq", "30", "mean").stages.iloc[0]
    expected = np.linalg.norm(trace.pre_vq.mean(0) - trace.pre_vq[29])
    assert mean["effect"] == pytest.approx(expected, abs=1e-5)
    # A stage by itself is that stage of the curve.
    curve = replace(trace, "all", "30", "mean").stages
    alone = replace(trace, "block 0 output", "30", "mean").stages
    np.testing.assert_allclose(
        alone["effect"], curve.loc[curve["stage"] == "block 0 output", "effect"], atol=1e-5
    )


def test_a_sentence_and_pictures_say_it(trace, replaced):
    """In numbers of the table; the encoder is named, and the text is the same each time."""
    said = replaced.summary()
    assert said.startswith(f"1UBI A 30, token {trace.tokens[29]}, given the state of 48: ")
    alone = replaced.stages[replaced.stages["nodes"] == NODES[1]]
    assert f"at {alone['is_donors'].sum()} of 7 stages" in said
    figure, star = replaced_by_stage(trace, replaced), view_replaced(trace, replaced)
    curves = [line for line in figure.data if line.name == "latent moves by"]
    shown = np.concatenate([curve.y for curve in curves])
    np.testing.assert_array_equal(np.sort(shown), np.sort(replaced.stages["effect"]))
    assert repr(figure) == repr(replaced_by_stage(trace, replaced))
    assert star.viewer.startjs.count("addCylinder") == 30
    assert star.png().startswith(b"\x89PNG")
    for one in (figure, star, replaced):
        assert trace.encoder_info.title in repr(one)


def test_wrong_input_is_refused(toy_encoder, ubiquitin, trace, replaced):
    """Stage, residue, value, frame, trace and encoder."""
    with pytest.raises(ex.TraceError, match="one of: relative position, block 0 attention, .*all"):
        replace(trace, "KNN", "30", "48")
    with pytest.raises(ex.TraceError, match="value has to be 'zero' or 'mean', or another residue"):
        replace(trace, "all", "30", "median")
    with pytest.raises(ex.TraceError, match="value has to be"):
        replace(trace, "all", "30", 900)
    positions = ubiquitin.atom37_positions.copy()
    positions[10, 0] = np.nan
    broken = ex.trace(toy_encoder, with_positions(ubiquitin, positions))
    with pytest.raises(ex.TraceError, match="Residue 11 of .* has no backbone frame"):
        replace(broken, "all", "30", "11")
    with pytest.raises(ex.TraceError, match="has no backbone frame"):
        replace(broken, "all", "11", "30")
    with pytest.raises(ex.TraceError, match="has changed since"):
        replace(dataclasses.replace(trace, encoder=ex.load_encoder()), "all", "30", "48")
    other = ex.trace(toy_encoder, ex.read_chain("1EJG"))
    with pytest.raises(ex.TraceError, match="replaced is of 1UBI A 30, not of 1EJG"):
        view_replaced(other, replaced)
