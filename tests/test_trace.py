"""A trace holds what esm computes, and leaves the encoder alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import mostly_slow, with_positions
from esm.tokenization.structure_tokenizer import StructureTokenizer
from esm.utils.encoding import tokenize_structure

import esm_explore as ex
from esm_explore.tracing import tracer as tracing

pytestmark = pytest.mark.lines
EXAMPLES = list(ex.examples().index)


def esm_encode(encoder, chain, *, numbered):
    """Encode as a user of esm does, and catch pre_vq_proj's output on the way."""
    latents = []
    handle = encoder.pre_vq_proj.register_forward_hook(lambda *call: latents.append(call[2]))
    coords, _, residue_index = chain.to_structure_encoder_inputs()
    with torch.no_grad():
        z_q, tokens = encoder.encode(coords, residue_index=residue_index if numbered else None)
    handle.remove()
    return tokens[0].numpy(), z_q[0].numpy(), latents[0][0].numpy()


def assert_equal_to_esm(trace, encoder, chain, *, numbered):
    tokens, z_q, pre_vq = esm_encode(encoder, chain, numbered=numbered)
    np.testing.assert_array_equal(trace.tokens, tokens)
    np.testing.assert_array_equal(trace.z_q, z_q)
    np.testing.assert_array_equal(trace.pre_vq, pre_vq)


@pytest.mark.parametrize("name", mostly_slow(EXAMPLES, "1UBI", "1AS5", "2HT0"))
def test_trace_equals_encode_bit_for_bit_on_every_example(toy_encoder, name):
    """Tokens, z_q and pre_vq, with the file's numbers and with none."""
    chain = ex.read_chain(name)
    assert_equal_to_esm(ex.trace(toy_encoder, chain), toy_encoder, chain, numbered=True)
    sequential = ex.trace(toy_encoder, chain, numbering="sequential")
    assert_equal_to_esm(sequential, toy_encoder, chain, numbered=False)


@pytest.mark.parametrize("name", ["1AS5", "1UBI", "1ITU"])
def test_trace_equals_encode_at_esm3s_full_size(full_encoder, name):
    """30.1 M parameters, as the real weights; 14, 76 and 369 residues (14 is fewer than K)."""
    chain = ex.read_chain(name)
    assert_equal_to_esm(ex.trace(full_encoder, chain), full_encoder, chain, numbered=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1AS5", "1A8O", "1ITU"])
def test_tokens_with_special_are_tokenize_structures_third_output(full_encoder, name):
    """Esm numbers residues 1 to L here; the result has BOS and EOS around L tokens."""
    chain = ex.read_chain(name)
    n_codes = full_encoder.codebook.n_codes
    with torch.no_grad():
        _, _, expected = tokenize_structure(
            torch.tensor(chain.atom37_positions, dtype=torch.float32),
            full_encoder,
            StructureTokenizer(n_codes),
            chain.sequence,
        )
    trace = ex.trace(full_encoder, chain, numbering="sequential")
    np.testing.assert_array_equal(trace.tokens_with_special(), expected.numpy())


@pytest.mark.slow
def test_long_chains_in_chunks_get_the_same_tokens(toy_encoder, monkeypatch):
    """1ITU in chunks of 100 against one pass: edges equal, states equal to float32 rounding."""
    chain = ex.read_chain("1ITU")
    whole = ex.trace(toy_encoder, chain)
    monkeypatch.setattr(tracing, "WHOLE_CHAIN", 100)
    monkeypatch.setattr(tracing, "CHUNK", 100)
    chunked = ex.trace(toy_encoder, chain)
    np.testing.assert_array_equal(chunked.edges, whole.edges)
    np.testing.assert_array_equal(chunked.tokens, whole.tokens)
    np.testing.assert_allclose(chunked.blocks[1], whole.blocks[1], atol=1e-4)


@pytest.mark.slow
def test_chunks_search_the_neighbors_of_frameless_residues_as_esm_does(
    toy_encoder, ubiquitin, monkeypatch
):
    """Residues 10 to 14 of 1UBI have lost their N: esm orders them by place in the chain."""
    positions = ubiquitin.atom37_positions.copy()
    positions[10:15, 0] = np.nan
    chain = with_positions(ubiquitin, positions)
    whole = ex.trace(toy_encoder, chain)
    monkeypatch.setattr(tracing, "WHOLE_CHAIN", 20)
    monkeypatch.setattr(tracing, "CHUNK", 20)
    chunked = ex.trace(toy_encoder, chain)
    np.testing.assert_array_equal(chunked.edges, whole.edges)
    np.testing.assert_array_equal(chunked.tokens, whole.tokens)


def test_a_residue_without_a_backbone_frame_is_marked(toy_encoder, ubiquitin):
    """Its query state is zero and its latent is pre_vq_proj's bias."""
    positions = ubiquitin.atom37_positions.copy()
    positions[10, 1] = np.nan
    trace = ex.trace(toy_encoder, with_positions(ubiquitin, positions))
    assert np.flatnonzero(~trace.has_frame).tolist() == [10]
    assert not trace.query[10].any()
    np.testing.assert_array_equal(trace.pre_vq[10], toy_encoder.pre_vq_proj.bias.numpy())


def test_a_block_adds_its_attention_and_its_feed_forward(full_encoder, ubiquitin):
    """The captured parts of a block sum up to the captured whole."""
    trace = ex.trace(full_encoder, ubiquitin)
    start = trace.relative_position.embeddings[:, 0]
    for before, attention, ffn, after in zip(
        (start, trace.blocks[0]), trace.attention_out, trace.ffn_out, trace.blocks, strict=True
    ):
        np.testing.assert_allclose(before + attention + ffn, after, atol=1e-5)


def test_numbering_is_recorded_and_reaches_the_relative_positions(toy_encoder):
    """1ITU from residue 200 on with 10 added to its numbers: a gap that only "file" sees."""
    chain = ex.read_chain("1ITU")
    chain.residue_index[200:] += 10
    by_file = ex.trace(toy_encoder, chain)
    sequential = ex.trace(toy_encoder, chain, numbering="sequential")
    assert (by_file.numbering, sequential.numbering) == ("file", "sequential")
    row = list(by_file.edges[199]).index(200)
    assert by_file.relative_position.bins[199, row] == 33 + 11
    assert sequential.relative_position.bins[199, row] == 33 + 1


def test_index_of_takes_indices_and_residue_numbers(toy_encoder):
    """4ZHL has residues 60 and 60A: an insertion code is part of the label."""
    trace = ex.trace(toy_encoder, ex.read_chain("1UBI"))
    assert trace.index_of(5) == 5
    assert trace.index_of("6") == 5
    with pytest.raises(ex.TraceError, match="'99' is not in .*it has: 1 to 76"):
        trace.index_of("99")
    with pytest.raises(ex.TraceError, match="0 to 75"):
        trace.index_of(76)


def test_table_of_residues(toy_encoder, ubiquitin):
    """One row a residue; 1UBI starts with methionine 1."""
    table = ex.trace(toy_encoder, ubiquitin).to_frame()
    assert len(table) == 76
    first = table.iloc[0]
    assert (first["chain"], first["number"], first["name"]) == ("A", 1, "MET")
    assert first["insertion_code"] == ""


def test_repr_names_every_stage_and_the_encoder(toy_encoder, ubiquitin):
    """The table says what was traced, by which encoder, and each stage's shape."""
    trace = ex.trace(toy_encoder, ubiquitin)
    for text in (repr(trace), trace._repr_html_()):
        assert trace.encoder_info.title in text
        for name in ("edges", "relative_position", "blocks[1]", "pre_vq", "(76, 16, 64)"):
            assert name in text


@pytest.mark.parametrize("with_encoder", [True, False])
def test_a_saved_trace_comes_back_whole(toy_encoder, tmp_path, with_encoder):
    """Every array, the chain and the encoder's name; neighborhoods if given the encoder."""
    trace = ex.trace(toy_encoder, ex.read_chain("4AKE"))
    path = trace.save(tmp_path / "4ake.trace")
    again = ex.load_trace(path, encoder=toy_encoder if with_encoder else None)
    assert repr(again) == repr(trace)
    assert again.to_frame().equals(trace.to_frame())
    for name in ("edges", "coords", "query", "pre_vq", "z_q", "codebook"):
        np.testing.assert_array_equal(getattr(again, name), getattr(trace, name))
    np.testing.assert_array_equal(again.blocks[1], trace.blocks[1])
    np.testing.assert_array_equal(again.chain.atom37_positions, trace.chain.atom37_positions)
    if with_encoder:
        assert again.neighborhood(3).token == trace.tokens[3]
    else:
        with pytest.raises(ex.TraceError, match="has no encoder"):
            again.neighborhood(3)
    assert [p.name for p in tmp_path.iterdir()] == ["4ake.trace"]


def test_load_trace_refuses_what_is_not_a_trace(tmp_path, full_encoder, toy_encoder, ubiquitin):
    """No file, another file, a truncated one, and a trace of another encoder."""
    with pytest.raises(ex.TraceError, match="There is no file"):
        ex.load_trace(tmp_path / "none")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ex.TraceError, match="is not a trace"):
        ex.load_trace(tmp_path / "text")
    path = ex.trace(toy_encoder, ubiquitin).save(tmp_path / "trace")
    with pytest.raises(ex.TraceError, match="was made by"):
        ex.load_trace(path, encoder=full_encoder)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ex.TraceError, match="is not a trace"):
        ex.load_trace(path)


@pytest.mark.slow
def test_tokens_of_mutated_structures_are_those_of_esm():
    """The first of what ``python tests/fuzz_traces.py 1000`` does, in a process of its own."""
    script = Path(__file__).with_name("fuzz_traces.py")
    command = [sys.executable, script, "40", "0"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("'equal'") == 2
