"""`run`: one pass, of all residues or of some, perhaps edited, and the encoder as it was found."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

import esm_explore as ex
from esm_explore.encoders.catching import catch_points
from esm_explore.encoders.inputs import Inputs
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


@pytest.mark.slow
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


@pytest.mark.slow
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


ROWS = torch.arange(32).reshape(2, 16)


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        (ROWS - 1, "names residue -1; the chain has residues 0 to 75"),
        (ROWS + 60, "names residue 76; the chain has residues 0 to 75"),
        (ROWS[0], r"shape \(16,\) and torch.int64; it has to be a tensor of shape \(M, K\)"),
        (ROWS[None], r"shape \(1, 2, 16\) and"),
        (ROWS[:0], r"shape \(0, 16\) .* M and K 1 or more"),
        (ROWS[:, :0], r"shape \(2, 0\) .* M and K 1 or more"),
        (ROWS.float(), r"torch.float32; it has to be .* dtype int64"),
        (ROWS.int(), "torch.int32; it has to be"),
        (ROWS > 3, "torch.bool; it has to be"),
        (ROWS.to("meta"), "edges is on meta, the chain on cpu"),
        (ROWS.numpy(), r"an array of int64, shape \(2, 16\); it has to be a tensor"),
        ([[0, 1], [2, 3]], r"edges is \[\[0, 1\], \[2, 3\]\]; it has to be a tensor"),
        (5, "edges is 5; it has to be a tensor"),
    ],
)
def test_edges_that_are_no_neighborhoods_are_refused(toy_encoder, trace, edges, said):
    """Before the pass; -1 would wrap around to the last residue."""
    with pytest.raises(ex.TraceError, match=said):
        run(toy_encoder, trace.inputs, edges)


def test_edges_of_another_length_name_what_is_not_there(toy_encoder, trace):
    """Those of the whole chain, given with a part of it."""
    part = ex.trace(toy_encoder, trace.chain[:40]).inputs
    with pytest.raises(ex.TraceError, match="the chain has residues 0 to 39"):
        run(toy_encoder, part, torch.from_numpy(trace.edges))


@pytest.mark.parametrize(
    ("edits", "said"),
    [
        (Edit("pre_vq", torch.clone), "edits is a Edit; it has to be a list of Edit"),
        (5, "edits is 5; it has to be a list of Edit"),
        (None, "edits is None; it has to be a list of Edit"),
        (["pre_vq"], r"One of edits is 'pre_vq'; it has to be an Edit\(at, change\)"),
        ([torch.clone], "One of edits is a builtin"),
        ([Edit(None, torch.clone)], "no None to edit; there are: relative_position"),
        ([Edit(["pre_vq"], torch.clone)], r"no \['pre_vq'\] to edit"),
        ([Edit("pre_vq", 2.0)], "The change at pre_vq is 2.0; it has to be a function"),
        (
            [Edit("pre_vq", torch.Tensor.double)],
            "dtype torch.float64; .* dtype torch.float32",
        ),
        ([Edit("tokens", torch.Tensor.float)], "gives dtype torch.float32; .* dtype torch.int64"),
        ([Edit("pre_vq", lambda v: v.numpy())], r"gives a ndarray; .* shape \(2, 16\)"),
        ([Edit("pre_vq", lambda v: v[0])], r"gives shape \(16,\); .* shape \(2, 16\)"),
        ([Edit("pre_vq", lambda v: v.to("meta"))], "gives device meta; .* device cpu"),
    ],
)
def test_edits_that_are_none_are_refused(toy_encoder, trace, edits, said):
    """What was given, and what would be right; esm would fail later, or go on with another type."""
    with pytest.raises(ex.TraceError, match=said):
        run(toy_encoder, trace.inputs, ROWS, edits=edits)


def test_a_run_of_the_wrong_things_is_refused(toy_encoder, trace):
    """No encoder; a trace, which has inputs, is none."""
    with pytest.raises(ex.TraceError, match="StructureTokenEncoder first.*not a str"):
        run("mini", trace.inputs)
    with pytest.raises(ex.TraceError, match="inputs is a Trace; .* such as trace.inputs"):
        run(toy_encoder, trace)


def switch_off(encoder):
    encoder.transformer.blocks[1].use_geom_attn = False


def switch_on_plain(encoder):
    encoder.transformer.blocks[0].use_plain_attn = True


def take_away_attention(encoder):
    del encoder.transformer.blocks[1].geom_attn


def take_away_blocks(encoder):
    encoder.transformer.blocks = torch.nn.ModuleList()


def go_around(encoder):
    encoder.transformer.blocks[1].forward = encoder.transformer.blocks[0].forward


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (switch_off, r"use_geom_attn of block 1 is off.* set .*blocks\[1\].use_geom_attn = True"),
        (switch_on_plain, r"use_plain_attn of block 0 is on.*blocks\[0\].use_plain_attn = False"),
        (take_away_attention, "Block 1 of the encoder has no geom_attn"),
        (take_away_blocks, "The encoder has no blocks"),
        (go_around, r"did not come to .*ffn_out\[1\] .transformer.blocks\[1\].ffn.: another"),
    ],
)
def test_an_encoder_whose_pass_is_another_is_refused_by_what_is_wrong(
    toy_encoder, ubiquitin, change, said
):
    """Which block, and what is right; also where its neighborhoods are asked for later."""
    encoder = copy.deepcopy(toy_encoder)
    trace = ex.trace(encoder, ubiquitin)
    change(encoder)
    with pytest.raises(ex.TraceError, match=said):
        ex.trace(encoder, ubiquitin)
    with pytest.raises(ex.TraceError, match=f"{said}|has changed since this trace was made"):
        trace.neighborhood(3)
    with pytest.raises(ex.TraceError):
        list(ex.tokenize(encoder, [ubiquitin]))
    assert not any(module._forward_hooks for module in encoder.modules())
