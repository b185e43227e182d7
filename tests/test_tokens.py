"""`tokenize` gives the tokens of esm's encode, for any chains and any encoder."""

from __future__ import annotations

import copy
import dataclasses
import itertools

import numpy as np
import pytest
import torch
from conftest import with_positions
from esm.models.vqvae import StructureTokenEncoder
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_trace import esm_encode

import esm_explore as ex
from esm_explore.chains.backbone import flat_frames
from esm_explore.encoders import neighbors
from esm_explore.encoders.codebook import nearest_codes
from esm_explore.encoders.inputs import chain_inputs
from esm_explore.encoders.neighbors import nearest_edges
from esm_explore.tokens import chunks, exact_tokens
from esm_explore.tokens.chunks import ChunkedEncoder
from esm_explore.tokens.lean_pass import Nodes

pytestmark = pytest.mark.lines
EXAMPLES = list(ex.examples().index)
FEW = settings(max_examples=20, deadline=None)


@pytest.fixture(scope="session")
def mini_encoder():
    return ex.load_encoder("mini")


def assert_equal_to_esm(found, encoder, chain, *, numbered=True, atol=5e-6):
    """Tokens may differ only where the two codes are equally near, as far as float32 can tell.

    esm computes squared distances as |z|² - 2 z·c + |c|², so that eight roundings of |z|² can turn
    over its choice, and so can the rounding of the latent: with codes that lie apart this happens
    to a residue in a thousand at most.
    """
    tokens, z_q, pre_vq = esm_encode(encoder, chain, numbered=numbered)
    np.testing.assert_allclose(found.pre_vq, pre_vq, rtol=0, atol=atol)
    codes = encoder.codebook.embeddings.numpy()
    differ = found.tokens != tokens
    assert differ.sum() <= 1 + 0.001 * len(tokens)
    for ours, esms, here, there in zip(
        codes[found.tokens[differ]].astype(float),
        codes[tokens[differ]].astype(float),
        found.pre_vq[differ].astype(float),
        pre_vq[differ].astype(float),
        strict=True,
    ):
        farther = ((there - ours) ** 2).sum() - ((there - esms) ** 2).sum()
        moved = 2 * abs(here - there).max() * abs(ours - esms).sum()
        assert farther < 8 * np.finfo(np.float32).eps * (there**2).sum() + moved
    np.testing.assert_allclose(found.z_q[~differ], z_q[~differ], rtol=0, atol=1e-6)
    margin = nearest_codes(codes, pre_vq, 2).margin
    np.testing.assert_allclose(found.margin, margin, rtol=0, atol=1e-3)


def encoder_of(n_layers=2, *, d_model=64, v_heads=8, d_out=16, n_codes=512, seed=0):
    """Random weights, but no two parameters alike: esm starts with scales and biases at zero."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder = StructureTokenEncoder(
            d_model=d_model,
            n_heads=1,
            v_heads=v_heads,
            n_layers=n_layers,
            d_out=d_out,
            n_codes=n_codes,
        )
        for parameter in encoder.parameters():
            parameter.data += 0.1 * torch.randn_like(parameter)
        encoder.relative_positional_embedding.embedding.weight.data.normal_()
        encoder.codebook.embeddings.normal_(std=0.5)
    return encoder.eval().requires_grad_(False)


@st.composite
def some_chain(draw):
    """1 to 40 residues on a grid (so that distances are equal), with gaps and lost frames."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    length = draw(st.integers(1, 40))
    step = draw(st.sampled_from([1.0, 3.8, 0.0371]))
    sites = np.array(list(itertools.product(range(5), repeat=3)), dtype=np.float32)
    ca = step * random.permutation(sites)[:length]
    template = ex.read_chain("1UBI")[:length]
    positions = np.full_like(template.atom37_positions, np.nan)
    positions[:, :3] = ca[:, None] + random.normal(size=(length, 3, 3)).astype(np.float32)
    positions[:, 1] = ca
    # Of a residue that is nearly on a line esm makes a frame, and we, as documented, do not.
    straight = flat_frames(positions[:, :3])
    assume(not straight.all())
    lost = random.random(length) < draw(st.sampled_from([0, 0.1, 0.8]))
    lost[random.choice(np.flatnonzero(~straight))] = False
    lost |= straight
    positions[lost, 0] = np.nan
    numbers = np.cumsum(random.choice([1, 1, 1, 7, 60], length)) - 30
    return dataclasses.replace(with_positions(template, positions), residue_index=numbers)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_tokens_of_every_example_with_the_mini_encoder(mini_encoder, name):
    """Latents to 5e-6, with the file's numbers and with none."""
    chain = ex.read_chain(name)
    (found,) = ex.tokenize(mini_encoder, [chain])
    assert_equal_to_esm(found, mini_encoder, chain)
    (found,) = ex.tokenize(mini_encoder, [chain], numbering="sequential")
    assert_equal_to_esm(found, mini_encoder, chain, numbered=False)


@pytest.mark.parametrize("name", EXAMPLES)
def test_tokens_of_every_example_at_esm3s_full_size(full_encoder, name):
    """30.1 M parameters, as the real weights."""
    chain = ex.read_chain(name)
    (found,) = ex.tokenize(full_encoder, [chain])
    assert_equal_to_esm(found, full_encoder, chain)


@pytest.mark.slow
@FEW
@given(chains=st.lists(some_chain(), min_size=1, max_size=6), chunk_size=st.integers(1, 50))
def test_any_chains_together_get_the_tokens_they_get_alone(toy_encoder, chains, chunk_size):
    """No neighbor from another chain, no padding, whatever the cut into chunks."""
    found = list(ex.tokenize(toy_encoder, chains, chunk_size=chunk_size))
    for tokens, chain in zip(found, chains, strict=True):
        assert_equal_to_esm(tokens, toy_encoder, chain, atol=5e-5)


@pytest.mark.slow
@FEW
@given(chain=some_chain(), whole=st.sampled_from([16, 128]))
def test_edges_are_esms_with_its_order_of_equal_distances(toy_encoder, chain, whole):
    """Also for residues without a backbone frame; by the tree, and by comparing all."""
    inputs = chain_inputs(chain, "file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbors, "_WHOLE", whole)
        edges = nearest_edges(toy_encoder, inputs)
    mask = inputs.has_frame[None]
    expected, _ = toy_encoder.find_knn_edges(
        inputs.coords[None], torch.zeros_like(mask), coord_mask=mask, knn=16
    )
    np.testing.assert_array_equal(edges, expected[0])


def test_edges_of_a_long_chain_are_esms(toy_encoder):
    """3ENL, 436 residues, 12 of which have lost their N."""
    chain = ex.read_chain("3ENL")
    positions = chain.atom37_positions.copy()
    positions[100:112, 0] = np.nan
    inputs = chain_inputs(with_positions(chain, positions), "file")
    mask = inputs.has_frame[None]
    expected, _ = toy_encoder.find_knn_edges(
        inputs.coords[None], torch.zeros_like(mask), coord_mask=mask, knn=16
    )
    np.testing.assert_array_equal(nearest_edges(toy_encoder, inputs), expected[0])


@pytest.mark.parametrize("n_layers", [1, 2, 3])
def test_any_number_of_blocks_and_any_sizes(n_layers, ubiquitin):
    """One block, whose input is the table and whose output is the query's alone, to three."""
    encoder = encoder_of(n_layers, d_model=48, v_heads=5, d_out=7, n_codes=99)
    (found,) = ex.tokenize(encoder, [ubiquitin])
    assert_equal_to_esm(found, encoder, ubiquitin, atol=5e-5)


@pytest.mark.slow
def test_every_weight_counts(ubiquitin):
    """Each parameter shaken in turn: the latents move, and move as esm's do."""
    encoder = encoder_of()
    (before,) = ex.tokenize(encoder, [ubiquitin])
    for name, parameter in encoder.named_parameters():
        kept = parameter.data.clone()
        parameter.data += 0.1 * torch.randn_like(parameter)
        (after,) = ex.tokenize(encoder, [ubiquitin])
        assert np.abs(after.pre_vq - before.pre_vq).max() > 1e-3, name
        assert_equal_to_esm(after, encoder, ubiquitin, atol=5e-5)
        parameter.data.copy_(kept)


def _flip_rows(encoder):
    weight = encoder.transformer.blocks[0].geom_attn.proj.weight.data
    weight.copy_(weight.flip(0))


def _negate_columns(encoder):
    encoder.transformer.blocks[0].geom_attn.proj.weight.data[:, 1::2].neg_()


def _write_with_numpy(encoder):
    encoder.transformer.blocks[1].geom_attn.proj.weight.detach().numpy()[0, 0] += 1


def _widen_norm(encoder):
    encoder.transformer.blocks[0].geom_attn.s_norm.eps = 0.5


@pytest.mark.parametrize("change", [_flip_rows, _negate_columns, _write_with_numpy, _widen_norm])
def test_what_changed_behind_torchs_back_is_seen(ubiquitin, change):
    """What was prepared of an encoder is not used again, also where a sum of bits is the same."""
    encoder = encoder_of()
    (before,) = ex.tokenize(encoder, [ubiquitin])
    change(encoder)
    (after,) = ex.tokenize(encoder, [ubiquitin])
    assert np.abs(after.pre_vq - before.pre_vq).max() > 1e-5
    assert_equal_to_esm(after, encoder, ubiquitin, atol=5e-5)
    assert after.encoder_info is not before.encoder_info


def test_inference_mode_around_one_call_harms_no_other(ubiquitin):
    """Nor does an encoder that was made in it."""
    encoder = encoder_of()
    with torch.inference_mode():
        (inside,) = ex.tokenize(encoder, [ubiquitin])
        made_inside = encoder_of()
        (also,) = ex.tokenize(made_inside, [ubiquitin])
    (outside,) = ex.tokenize(encoder, [ubiquitin])
    (again,) = ex.tokenize(made_inside, [ubiquitin])
    for tokens in (inside, also, again):
        np.testing.assert_array_equal(tokens.pre_vq, outside.pre_vq)


def test_what_was_complete_before_a_failure_is_not_lost(toy_encoder, ubiquitin):
    """76, 76 and no residues in chunks of 100: the first, then the error at once, and no more."""
    blank = with_positions(ubiquitin, np.full_like(ubiquitin.atom37_positions, np.nan))
    asked = []

    def chains(*given):
        for chain in given:
            asked.append(chain)
            yield chain
        raise OSError("the disk is gone")

    stream = ex.tokenize(
        toy_encoder, chains(ubiquitin, ubiquitin, blank, ubiquitin), chunk_size=100
    )
    assert len(next(stream)) == 76
    with pytest.raises(ex.TraceError, match="nothing to encode"):
        next(stream)
    assert len(asked) == 3
    assert list(stream) == []
    stream = ex.tokenize(toy_encoder, chains(ubiquitin, ubiquitin), chunk_size=76)
    assert [len(next(stream)), len(next(stream))] == [76, 76]
    with pytest.raises(OSError, match="the disk is gone"):
        next(stream)


def test_a_residue_without_a_backbone_frame_gets_esms_constant_token(toy_encoder, ubiquitin):
    """Its latent is pre_vq_proj's bias; it is marked; the others do not see it."""
    positions = ubiquitin.atom37_positions.copy()
    positions[10, 1] = np.nan
    chain = with_positions(ubiquitin, positions)
    (found,) = ex.tokenize(toy_encoder, [chain])
    assert np.flatnonzero(~found.has_frame).tolist() == [10]
    np.testing.assert_array_equal(found.pre_vq[10], toy_encoder.pre_vq_proj.bias.numpy())
    assert_equal_to_esm(found, toy_encoder, chain, atol=5e-5)


def test_chains_are_asked_for_as_they_are_needed(toy_encoder, ubiquitin):
    """Of chains without end, 76 residues each, in chunks of 100: none at the call, two for one."""
    asked = []

    def chains():
        for n in itertools.count():
            asked.append(n)
            yield ubiquitin

    stream = ex.tokenize(toy_encoder, chains(), chunk_size=100)
    assert asked == []
    expected = ex.trace(toy_encoder, ubiquitin).tokens
    np.testing.assert_array_equal(next(stream).tokens, expected)
    assert asked == [0, 1]
    np.testing.assert_array_equal(next(stream).tokens, expected)
    assert asked == [0, 1, 2]


def test_one_chain_object_used_for_every_frame_gives_each_frame_its_tokens(toy_encoder, ubiquitin):
    """As a loop over a trajectory does: positions are overwritten before a chunk is full."""
    rng = np.random.default_rng(0)
    shape = ubiquitin.atom37_positions.shape
    frames = [ubiquitin.atom37_positions + rng.normal(0, 0.5, shape) for _ in range(3)]
    chain = with_positions(ubiquitin, frames[0].copy())

    def chains():
        for frame in frames:
            chain.atom37_positions[:] = frame
            yield chain
        chain.atom37_positions[:] = 0

    found = list(ex.tokenize(toy_encoder, chains(), chunk_size=1_000))
    for tokens, frame in zip(found, frames, strict=True):
        (expected,) = ex.tokenize(toy_encoder, [with_positions(ubiquitin, frame)])
        np.testing.assert_allclose(tokens.pre_vq, expected.pre_vq, rtol=0, atol=1e-5)
    assert not np.allclose(found[0].pre_vq, found[1].pre_vq, atol=0.1)


@pytest.mark.slow
def test_a_bar_is_shown_from_2000_residues_on_or_where_it_is_asked_for(
    toy_encoder, ubiquitin, capfd
):
    """Of a list; of what comes as it is needed nobody knows how much it is."""
    many = [ubiquitin] * 27

    def shown(chains, **options):
        list(ex.tokenize(toy_encoder, chains, **options))
        return "residue/s" in capfd.readouterr().err

    assert not shown([ubiquitin])
    assert shown([ubiquitin], progress=True)
    assert shown(many)
    assert not shown(many, progress=False)
    assert not shown(iter(many))
    assert shown(iter(many), progress=True)


def test_the_encoder_is_only_read(ubiquitin):
    """In train mode, where esm's encode overwrites the codebook, under autocast and gradients."""
    encoder = encoder_of()
    (expected,) = ex.tokenize(encoder, [ubiquitin])
    encoder.train().requires_grad_(True)
    before = copy.deepcopy(encoder.state_dict())
    with torch.autocast("cpu", torch.bfloat16):
        (found,) = ex.tokenize(encoder, [ubiquitin])
    np.testing.assert_array_equal(found.pre_vq, expected.pre_vq)
    assert encoder.training
    for name, tensor in encoder.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.slow
def test_bfloat16_is_asked_for_and_changes_latents(mini_encoder):
    """On 1ITU by a hundredth; few tokens differ from the exact ones."""
    chain = ex.read_chain("1ITU")
    (exact,) = ex.tokenize(mini_encoder, [chain])
    (rough,) = ex.tokenize(mini_encoder, [chain], precision="bfloat16")
    assert (rough.tokens == exact.tokens).mean() > 0.98
    assert 1e-4 < np.abs(rough.pre_vq - exact.pre_vq).mean() < 0.1
    assert rough.pre_vq.dtype == np.float32


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1ITU", "3ENL"])
def test_exact_tokens_are_those_of_float32(mini_encoder, monkeypatch, name):
    """Encoded in bfloat16, and again where that could change a token: few residues."""
    monkeypatch.setattr(chunks, "is_quicker", lambda encoder: True)
    monkeypatch.setattr(exact_tokens, "CALIBRATION", 128)
    chain = ex.read_chain(name)
    (exact,) = ex.tokenize(mini_encoder, [chain])
    run = ChunkedEncoder(mini_encoder, precision="tokens")
    (found,) = run.encode([run.prepare(chain)])
    np.testing.assert_array_equal(found.tokens, exact.tokens)
    assert 0 < np.abs(found.pre_vq - exact.pre_vq).max() < 0.05
    both = run._pass
    assert both.n_rough >= len(chain) - 256
    assert both.n_again < 0.1 * both.n_rough


def test_no_error_within_the_bound_changes_a_certain_token():
    """Geometry: of any latents and codes, for errors as long as the largest that was seen."""
    random = torch.Generator().manual_seed(0)
    codes = torch.randn(300, 8, generator=random)
    latents = torch.randn(4_000, 8, generator=random)
    errors = torch.randn(latents.shape, generator=random)
    errors *= 0.1 / errors.norm(dim=1, keepdim=True)
    nodes = Nodes(latents, latents, latents)  # the passes below take them for what they are
    both = exact_tokens.ExactTokens(
        lambda some: some.rotation, lambda some: some.rotation + errors[: len(some.rotation)], codes
    )
    both(nodes)
    rough = latents + errors
    certain = both.certain(rough)
    assert 0.1 < certain.float().mean() < 0.9
    same = torch.cdist(rough, codes).argmin(1) == torch.cdist(latents, codes).argmin(1)
    assert same[certain].all()
    assert not same.all()


def test_a_narrow_encoder_takes_the_exact_way(mini_encoder, ubiquitin):
    """There bfloat16 is no quicker: latents are exact, too."""
    (exact,), (found,) = (
        ex.tokenize(mini_encoder, [ubiquitin], precision=each) for each in ("exact", "tokens")
    )
    np.testing.assert_array_equal(found.pre_vq, exact.pre_vq)


def test_what_is_refused_of_chains(toy_encoder, ubiquitin):
    """The same as trace refuses, when their turn has come."""
    doubled = ubiquitin.atom37_positions.copy()
    doubled[11] = doubled[10]
    with pytest.raises(ex.TraceError, match="at the same place, at residue 1[12] of chain A"):
        list(ex.tokenize(toy_encoder, [ubiquitin, with_positions(ubiquitin, doubled)]))
    far = with_positions(ubiquitin, ubiquitin.atom37_positions + 2e4)
    with pytest.raises(ex.TraceError, match="beyond 10,000 Å at residue 1,"):
        next(ex.tokenize(toy_encoder, [far]))
    with pytest.raises(ex.TraceError, match="one ProteinChain.*not a str"):
        next(ex.tokenize(toy_encoder, ["1UBI"]))


def test_wrong_arguments_are_refused_at_the_call(toy_encoder, ubiquitin):
    """Not at the first `next`: what is no list, and options that do not exist."""
    with pytest.raises(ex.TraceError, match="list of chains.*not a ProteinChain"):
        ex.tokenize(toy_encoder, ubiquitin)
    with pytest.raises(ex.TraceError, match="list of chains.*not a NoneType"):
        ex.tokenize(toy_encoder, None)
    with pytest.raises(ex.TraceError, match="StructureTokenEncoder first.*not a list"):
        ex.tokenize([ubiquitin], toy_encoder)
    with pytest.raises(ex.TraceError, match="'author'; it can be: file, sequential"):
        ex.tokenize(toy_encoder, [ubiquitin], numbering="author")
    with pytest.raises(ex.TraceError, match="'float16'; it can be: exact, tokens, bfloat16"):
        ex.tokenize(toy_encoder, [ubiquitin], precision="float16")
    for size in (0, 1.5, "128", True):
        with pytest.raises(ex.TraceError, match=f"chunk_size is {size!r}; it has to be a whole"):
            ex.tokenize(toy_encoder, [ubiquitin], chunk_size=size)
    with pytest.raises(ex.TraceError, match="float16; esm encodes in float32"):
        ex.tokenize(copy.deepcopy(toy_encoder).half(), [ubiquitin])


def test_what_a_user_hung_on_the_encoder_is_not_skipped_in_silence(toy_encoder, ubiquitin):
    """A hook, or a neighbor search of one's own, also on an encoder that was used before."""
    encoder = copy.deepcopy(toy_encoder)
    list(ex.tokenize(encoder, [ubiquitin]))
    handle = encoder.transformer.blocks[1].ffn.register_forward_hook(lambda *_: None)
    with pytest.raises(ex.TraceError, match=r"changed at transformer.blocks.1.ffn .*use trace"):
        ex.tokenize(encoder, [ubiquitin])
    handle.remove()
    encoder.find_knn_edges = encoder.find_knn_edges
    with pytest.raises(ex.TraceError, match="changed at find_knn_edges"):
        ex.tokenize(encoder, [ubiquitin])


class OfSomebody(StructureTokenEncoder):
    """A subclass may compute anything."""


def test_an_encoder_that_computes_something_else_is_refused(ubiquitin):
    """Another module, another forward, a layer without its bias, a scaling, a subclass."""
    changes = {
        "transformer.norm": lambda e: setattr(e.transformer, "norm", torch.nn.Tanh()),
        "pre_vq_proj.forward": lambda e: setattr(e.pre_vq_proj, "forward", lambda x: 2 * x),
        "transformer.blocks.0.ffn.1": lambda e: setattr(
            e.transformer.blocks[0].ffn[1], "bias", None
        ),
        "transformer.blocks.1": lambda e: setattr(e.transformer.blocks[1], "scaling_factor", 3.0),
        "transformer.blocks.0": lambda e: setattr(e.transformer.blocks[0], "use_geom_attn", False),
        "transformer.blocks.0.ffn.4": lambda e: e.transformer.blocks[0].ffn.append(torch.nn.ReLU()),
        "its class": lambda e: setattr(e, "__class__", OfSomebody),
    }
    for place, change in changes.items():
        encoder = encoder_of()
        change(encoder)
        with pytest.raises(ex.TraceError, match=f"changed at {place}"):
            ex.tokenize(encoder, [ubiquitin])
    handle = torch.nn.modules.module.register_module_forward_hook(lambda *_: None)
    try:
        with pytest.raises(ex.TraceError, match="changed at all modules"):
            ex.tokenize(encoder_of(), [ubiquitin])
    finally:
        handle.remove()


def test_no_chains_no_tokens(toy_encoder):
    """An empty list is not an error."""
    assert list(ex.tokenize(toy_encoder, [])) == []
