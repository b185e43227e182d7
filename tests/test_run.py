"""`run`: one pass, of all residues or of some, perhaps edited, and the encoder as it was found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import esm_explore as ex
from esm_explore.encoders.inputs import Inputs
from esm_explore.encoders.modules import catch_points
from esm_explore.tracing.run import Edit, all_nodes, run

pytestmark = pytest.mark.lines

POINTS = [
    "relative_position",
    *(
        f"{name}[{block}]"
        for block in range(2)
        for name in ("projection", "attended", "attention_out", "ffn_out", "blocks")
    ),
    *("query", "pre_vq", "z_q", "tokens"),
]


@pytest.fixture(scope="module")
def trace(toy_encoder, ubiquitin):
    return ex.trace(toy_encoder, ubiquitin)


def test_the_catch_points_are_those_tested_here(toy_encoder):
    """In the order of the pass, apart from two inside attention that come before its output."""
    assert [point.name for point in catch_points(toy_encoder, internals=True)] == POINTS


def test_without_edges_it_is_esms_own_encode(toy_encoder, trace):
    """Bit for bit, and with its edges."""
    inputs = trace.inputs
    z_q, tokens = toy_encoder.encode(inputs.coords[None], residue_index=inputs.residue_index[None])
    caught = run(toy_encoder, inputs)
    assert torch.equal(caught["z_q"], z_q[0])
    assert torch.equal(caught["tokens"], tokens[0])
    np.testing.assert_array_equal(caught.edges.numpy(), trace.edges)


def test_rows_alone_are_encoded_as_in_the_whole_chain(toy_encoder, trace):
    """Neighborhoods are independent: latents within float32 rounding, tokens the same."""
    rows = [3, 40, 75]
    caught = run(toy_encoder, trace.inputs, torch.from_numpy(trace.edges[rows]))
    np.testing.assert_allclose(caught["pre_vq"].numpy(), trace.pre_vq[rows], atol=2e-6)
    np.testing.assert_array_equal(caught["tokens"].numpy(), trace.tokens[rows])


@pytest.mark.parametrize("node", [1, 7, 15])
def test_leaving_a_neighbor_out_equals_masking_it(toy_encoder, trace, node):
    """To 2e-6: a node without a backbone frame is attended to by none."""
    row = torch.from_numpy(trace.edges[30:31])
    has_frame = trace.inputs.has_frame.clone()
    has_frame[row[0, node]] = False
    inputs = trace.inputs
    masked = Inputs(inputs.coords, inputs.residue_index, inputs.affine, has_frame)
    left_out = row[:, [i for i in range(16) if i != node]]
    without = run(toy_encoder, inputs, left_out)
    for name in ("attention_out[0]", "blocks[1]", "pre_vq"):
        difference = (without[name] - run(toy_encoder, masked, row)[name]).abs().max()
        assert difference <= 2e-6, name
    whole = run(toy_encoder, inputs, row)
    assert (without["pre_vq"] - whole["pre_vq"]).abs().max() > 1e-3, "the neighbor did count"


def test_a_neighbor_is_replaced_by_naming_another(toy_encoder, trace):
    """The row is encoded with what it names; a row that names the same again changes nothing."""
    row = torch.from_numpy(trace.edges[30:31])
    other = row.clone()
    other[0, 5] = next(i for i in range(76) if i not in row[0])
    changed = run(toy_encoder, trace.inputs, other)["pre_vq"]
    same = run(toy_encoder, trace.inputs, row)["pre_vq"]
    assert (changed - same).abs().max() > 1e-3
    assert torch.equal(run(toy_encoder, trace.inputs, row.clone())["pre_vq"], same)


@pytest.mark.parametrize("edges", [None, slice(10, 13)], ids=["encode", "rows"])
def test_an_identity_edit_changes_no_bit(toy_encoder, trace, edges):
    """At all catch points at once."""
    rows = None if edges is None else torch.from_numpy(trace.edges[edges])
    edits = [Edit(name, torch.clone) for name in POINTS]
    plain = run(toy_encoder, trace.inputs, rows, keep=all_nodes, internals=True)
    edited = run(toy_encoder, trace.inputs, rows, keep=all_nodes, internals=True, edits=edits)
    assert plain.keys() == edited.keys() == set(POINTS)
    for name in POINTS:
        assert torch.equal(plain[name], edited[name]), name


@pytest.mark.parametrize("name", POINTS)
def test_an_edit_is_seen_downstream_and_nowhere_else(toy_encoder, trace, name):
    """Where it is made and, unless a later stage does not read it, in all that follows."""
    rows = torch.from_numpy(trace.edges[20:24])

    def change(values: torch.Tensor) -> torch.Tensor:
        return values + 1 if values.dtype == torch.int64 else values * 1.5 + 0.25

    plain = run(toy_encoder, trace.inputs, rows, keep=all_nodes, internals=True)
    edits = [Edit(name, change)]
    edited = run(toy_encoder, trace.inputs, rows, keep=all_nodes, internals=True, edits=edits)
    changed = [point for point in POINTS if not torch.equal(plain[point], edited[point])]
    place = POINTS.index(name)
    # Codes and tokens come out of one module side by side; latents need not cross to another code.
    after = [point for point in POINTS[place:] if point not in ("z_q", "tokens")]
    if name in ("z_q", "tokens"):
        after = [name]
    assert set(changed) - {"z_q", "tokens"} == set(after) - {"z_q", "tokens"}
    assert name in changed
    torch.testing.assert_close(edited[name], change(plain[name]))


def test_a_head_is_silenced_at_what_it_gathered(toy_encoder, trace):
    """Columns 3h to 3h + 2 of `attended`: attention's output without that head's share."""
    rows = torch.from_numpy(trace.edges[20:22])

    def without_head_2(gathered: torch.Tensor) -> torch.Tensor:
        kept = gathered.clone()
        kept[..., 6:9] = 0
        return kept

    plain = run(toy_encoder, trace.inputs, rows, keep=all_nodes, internals=True)
    edits = [Edit("attended[1]", without_head_2)]
    silenced = run(toy_encoder, trace.inputs, rows, keep=all_nodes, internals=True, edits=edits)
    weight = toy_encoder.transformer.blocks[1].geom_attn.out_proj.weight
    share = plain["attended[1]"][..., 6:9] @ weight[:, 6:9].T
    expected = plain["attention_out[1]"] - share
    torch.testing.assert_close(silenced["attention_out[1]"], expected, atol=1e-5, rtol=1e-5)


def test_several_edits_at_one_point_follow_one_another(toy_encoder, trace):
    """In the order given."""
    rows = torch.from_numpy(trace.edges[:1])
    edits = [Edit("pre_vq", torch.zeros_like), Edit("pre_vq", lambda values: values + 2)]
    assert (run(toy_encoder, trace.inputs, rows, edits=edits)["pre_vq"] == 2).all()


def test_edits_that_cannot_be_made_are_refused_and_leave_the_encoder_alone(toy_encoder, trace):
    """No such place; another shape; no tensor; an exception of the user's own."""
    rows = torch.from_numpy(trace.edges[:1])
    with pytest.raises(ex.TraceError, match=r"no 'blocks\[2\]' to edit; there are: relative_pos"):
        run(toy_encoder, trace.inputs, rows, edits=[Edit("blocks[2]", torch.clone)])
    with pytest.raises(ex.TraceError, match=r"gives shape \(1, 15, 64\); .* \(1, 16, 64\)"):
        run(toy_encoder, trace.inputs, rows, edits=[Edit("blocks[0]", lambda v: v[:, 1:])])
    with pytest.raises(ex.TraceError, match="gives a NoneType"):
        run(toy_encoder, trace.inputs, rows, edits=[Edit("query", lambda v: None)])
    with pytest.raises(ZeroDivisionError):
        run(toy_encoder, trace.inputs, rows, edits=[Edit("query", lambda v: 1 / 0)])
    for module in toy_encoder.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert "find_knn_edges" not in vars(toy_encoder)
