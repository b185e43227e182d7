"""Tokens decoded, compared, edited and encoded again; decoders loaded as their users have them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from esm.models.vqvae import StructureTokenDecoder
from esm.utils.constants.esm3 import VQVAE_SPECIAL_TOKENS
from huggingface_hub import constants
from safetensors.torch import save_file
from scipy.spatial.transform import Rotation

import esm_explore as ex
from esm_explore.chains.backbone import superposed
from esm_explore.decoding import decode, decoder_info, load_decoder
from esm_explore.encoders.hub import ESM3_DECODER, REPOSITORIES, file_of
from esm_explore.errors import EncoderError, TraceError
from esm_explore.experiments import edit, interpolate, round_trip
from esm_explore.experiments.superposing import tm_score

pytestmark = pytest.mark.lines
TURN, SHIFT = Rotation.from_euler("xyz", [20, 100, -60], degrees=True), np.array([40.0, -3, 12])


@pytest.fixture(scope="module")
def decoder() -> StructureTokenDecoder:
    """Esm's own class, small and random."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return StructureTokenDecoder(d_model=64, n_heads=1, n_layers=2).eval()


@pytest.fixture(scope="module")
def mini():
    return ex.load_encoder("mini")


@pytest.fixture(scope="module")
def trace(mini):
    """1UBI with one residue without a backbone frame."""
    chain = ex.read_chain("1UBI")
    positions, there = chain.atom37_positions.copy(), chain.atom37_mask.copy()
    positions[9, 2], there[9, 2] = np.nan, False
    return ex.trace(mini, dataclasses.replace(chain, atom37_positions=positions, atom37_mask=there))


class Knowing(StructureTokenDecoder):
    """Decodes whatever it is given to one known chain, in a place of its own."""

    def knows(self, chain) -> Knowing:
        self.backbone = np.nan_to_num(chain.atom37_positions[:, :3], nan=1.0)
        return self

    def decode(self, structure_tokens, **_):
        n = structure_tokens.shape[1]
        places = TURN.apply(self.backbone.reshape(-1, 3)).reshape(-1, 3, 3) + SHIFT
        bent = places.copy()
        # A token of 7 at a residue puts it 5 Å off.
        bent[(structure_tokens[0, 1:-1] == 7).numpy(), :, 0] += 5
        whole = np.pad(bent, ((1, 1), (0, 0), (0, 0)))
        return {
            "bb_pred": torch.tensor(whole, dtype=torch.float32)[None],
            "plddt": torch.full((1, n), 0.9),
            "ptm": torch.tensor([0.8]),
            "predicted_aligned_error": torch.zeros(1, n, n),
        }


@pytest.fixture(scope="module")
def knowing(trace):
    return Knowing(d_model=64, n_heads=1, n_layers=1).knows(trace.chain)


def test_decode_gives_what_esms_own_decode_gives(decoder):
    """Bit for bit, between BOS and EOS; the decoder is left in its mode."""
    tokens = np.arange(0, 4096, 91)
    decoder.train()
    decoder.plddt_head.eval()
    try:
        made = decode(decoder, tokens)
        assert decoder.training
        assert not decoder.plddt_head.training
    finally:
        decoder.eval()
    whole = [VQVAE_SPECIAL_TOKENS["BOS"], *tokens.tolist(), VQVAE_SPECIAL_TOKENS["EOS"]]
    with torch.no_grad():
        own = decoder.decode(torch.tensor([whole]))
    np.testing.assert_array_equal(made.backbone, own["bb_pred"][0, 1:-1].numpy())
    np.testing.assert_array_equal(made.plddt, own["plddt"][0, 1:-1].numpy())
    assert made.pae.shape == (len(tokens), len(tokens))
    assert made.ptm == float(own["ptm"])


def test_a_perfect_decoder_brings_the_chain_back_wherever_it_puts_it(trace, knowing):
    """RMSD 0, TM-score and lDDT 1 and the same tokens, though the chain came back turned."""
    trip = round_trip(trace, knowing)
    framed = trace.has_frame
    assert np.linalg.norm(trip.decoded.backbone[0, 1] - trace.chain.atom37_positions[0, 1]) > 10
    assert trip.rmsd < 1e-4
    assert trip.tm_score == pytest.approx(1)
    assert trip.lddt == pytest.approx(1)
    table = trip.to_frame()
    assert table["error"].isna().tolist() == (~framed).tolist()
    # The residue without a frame has one in the decoded chain, and is a new neighbor there.
    near = np.isin(trip.again.edges, np.flatnonzero(~framed)).any(1)
    assert (table["token_again"] == table["token"])[framed & ~near].all()
    assert "TM-score 1.000" in trip.summary()


def test_errors_are_of_the_residues_that_are_off(trace, knowing):
    """A residue that is decoded 5 Å off stands out, and costs lDDT most."""
    tokens = trace.tokens.copy()
    tokens[40] = 7
    bent = dataclasses.replace(trace, tokens=tokens)
    table = round_trip(bent, knowing).to_frame()
    assert table["error"].idxmax() == 40
    assert table["error"][40] > 4.5
    assert table["error"].drop(40).max() < 0.3
    assert table["lddt"].idxmin() == 40


def test_an_edit_says_what_moved_and_what_came_back(trace, knowing):
    """Only the edited residue moves, by 5 Å; its label is enough to name it."""
    edited = edit(trace, knowing, {trace.labels[40]: 7})
    table = edited.to_frame()
    assert table["moved"][40] == pytest.approx(5, abs=1e-3)
    assert table["moved"].drop(40).max() < 1e-3
    assert table["new_token"][40] == 7
    assert "new tokens at 1 of 76 residues; 1 move by more than 1 Å" in edited.summary()


def test_the_way_between_two_codes_begins_and_ends_at_them(trace, knowing):
    """The middle is farther from any code than the ends; what moves, moves at the residue."""
    way = interpolate(trace, trace.labels[40], 7, knowing)
    steps = way.to_frame()
    assert (way.codes[0], way.codes[-1]) == (trace.tokens[40], 7)
    assert steps["distance"].iloc[[0, -1]].max() < 0.1 < steps["distance"].max()
    assert steps["moved_local"].iloc[0] == 0
    assert steps["moved_local"].is_monotonic_increasing
    assert steps["moved"].iloc[-1] == pytest.approx(5, abs=1e-3)
    assert steps["moved"][steps["code"] != 7].max() < 1e-3
    assert f"from code {trace.tokens[40]} to 7" in way.summary()


def test_another_encoders_codes_have_a_way_without_the_local_decoder(toy_encoder, ubiquitin):
    """Which codes are on it is known; what their neighborhoods are like is not."""
    steps = interpolate(ex.trace(toy_encoder, ubiquitin), "5", 7).to_frame()
    assert steps["code"].iloc[-1] == 7
    assert steps[["moved_local", "moved"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("residue", "token", "said"),
    [
        ("999", 1, "Residue '999' is not in 1UBI"),
        ("5", 4096, "token is 4096; it has to be a whole number, 0 to 4095"),
        ("10", 1, "Residue 10 of 1UBI .* has no backbone frame"),
        ("5", None, "token is .*; it has to be another one"),
    ],
)
def test_ways_that_are_none_are_refused(trace, residue, token, said):
    """No such residue or code, a token that says nothing, the code it has already."""
    token = int(trace.tokens[4]) if token is None else token
    with pytest.raises(TraceError, match=said):
        interpolate(trace, residue, token)


def pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """Adenylate kinase closed and open, and ubiquitin with its tail bent."""
    places = (ex.read_chain(name).atom37_positions[:, 1] for name in ("1AKE", "4AKE", "1UBI"))
    closed, opened, straight = (ca.astype(float) for ca in places)
    bent = straight.copy()
    bent[60:] = TURN.apply(bent[60:] - bent[60]) + bent[60]
    return [(closed, opened), (straight, bent)]


def test_scores_of_a_pair_are_the_published_ones():
    """1AKE and 4AKE: 7.1 Å in the literature; TM-scores as tmtools 0.3.0 gave them."""
    (closed, opened), (straight, bent) = pairs()
    off = superposed(closed, opened) - closed
    assert np.sqrt((off**2).sum(1).mean()) == pytest.approx(7.13, abs=0.01)
    assert tm_score(closed, opened) == pytest.approx(0.68401, abs=5e-4)
    assert tm_score(straight, bent) == pytest.approx(0.81450, abs=5e-4)


def test_tm_score_is_that_of_its_authors_program():
    """TM-align's own code, with the alignment given: the search is what could go wrong."""
    tmtools = pytest.importorskip("tmtools", reason="no tmtools; it comes with the extra peers")
    for fixed, mobile in pairs():
        letters = "A" * len(fixed)
        theirs = tmtools.tm_align(mobile, fixed, letters, letters, (letters, letters))
        assert tm_score(fixed, mobile) == pytest.approx(theirs.tm_norm_chain1, abs=5e-4)


def test_tm_score_of_domains_that_moved_is_that_of_the_larger_one():
    """Two rigid halves turned against each other: half of the residues fit, others far off."""
    ca = ex.read_chain("4AKE").atom37_positions[:, 1].astype(float)
    moved = ca.copy()
    moved[130:] = TURN.apply(moved[130:]) + SHIFT
    assert 130 / len(ca) <= tm_score(ca, moved) < 0.75
    assert tm_score(ca, TURN.apply(ca) + SHIFT) == pytest.approx(1)


@pytest.mark.parametrize("end", ["pth", "safetensors"])
def test_a_checkpoint_is_loaded_by_its_path(decoder, tmp_path, end):
    """The same weights, in bfloat16 too; the title names the file."""
    weights = {name: t.bfloat16().contiguous() for name, t in decoder.state_dict().items()}
    path = tmp_path / f"some.{end}"
    (save_file if end == "safetensors" else torch.save)(weights, path)
    loaded = load_decoder(path)
    info = decoder_info(loaded)
    assert info.title == f"checkpoint some.{end}"
    assert (info.d_model, info.n_codes) == (64, 4096)
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, weights[name].float()), name
    loaded.embed.weight.data[0] += 1
    assert decoder_info(loaded).title.startswith("unnamed decoder")


@pytest.mark.parametrize("repository", REPOSITORIES)
def test_esm3s_decoder_is_taken_from_the_hubs_cache(decoder, tmp_path, monkeypatch, repository):
    """In the layout of the hub's library, under the weights' name; without any request."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / f"models--{repository.replace('/', '--')}"
    path = folder / "snapshots" / ("0" * 40) / file_of(ESM3_DECODER)
    path.parent.mkdir(parents=True)
    torch.save(decoder.state_dict(), path)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("0" * 40)
    assert decoder_info(load_decoder("esm3")).title == ESM3_DECODER
    assert decoder_info(load_decoder(path.parents[2])).d_model == 64


def test_what_is_no_decoder_is_refused(mini, decoder, tmp_path):
    """An encoder's checkpoint, a cut one, nothing at all: what was found, and what is right."""
    torch.save(mini.state_dict(), tmp_path / "encoder.pth")
    with pytest.raises(EncoderError, match="not a checkpoint of esm's StructureTokenDecoder"):
        load_decoder(tmp_path / "encoder.pth")
    weights = decoder.state_dict()
    weights.pop(next(name for name in weights if name.startswith("plddt_head")))
    torch.save(weights, tmp_path / "cut.pth")
    with pytest.raises(EncoderError, match="missing 'plddt_head"):
        load_decoder(tmp_path / "cut.pth")
    with pytest.raises(EncoderError, match="load_decoder takes 'esm3', a checkpoint, or"):
        load_decoder("esm4")
    with pytest.raises(EncoderError, match="by name or path, not from a int"):
        load_decoder(3)
    with pytest.raises(TraceError, match="decoder is a StructureTokenEncoder; it has to be esm's"):
        decode(mini, [1, 2])


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ([1, VQVAE_SPECIAL_TOKENS["MASK"]], "Token 1 of 2 is 4096, MASK; give one token"),
        ([VQVAE_SPECIAL_TOKENS["BOS"], 1], "Token 0 of 2 is 4098, BOS"),
        ([5000], "is 5000; this decoder's are 0 to 4095"),
        ([-1], "is -1; this decoder's are 0 to 4095"),
        ([], "There are no tokens"),
        ([0.5], "it has to be one token a residue"),
    ],
)
def test_tokens_that_are_none_are_refused(decoder, tokens, said):
    """Specials stand around a chain, never in it."""
    with pytest.raises(TraceError, match=said):
        decode(decoder, tokens)


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        ({"999": 1}, "Residue '999' is not in 1UBI"),
        ({"57": 4096}, "tokens\\['57'\\] is 4096; it has to be a whole number, 0 to 4095"),
        ({"5": 1, 4: 2}, "'5' and 4 are one residue: give it one token"),
        ({}, "it has to be a dict of residues and their new tokens"),
        ({True: 1}, "Index True is not one of 1UBI"),
    ],
)
def test_edits_of_what_is_not_there_are_refused(trace, decoder, tokens, said):
    """With the residue or token that was given."""
    with pytest.raises(TraceError, match=said):
        edit(trace, decoder, tokens)


def test_an_edit_that_changes_nothing_is_refused(trace, decoder):
    """It would be a table of zeros."""
    with pytest.raises(TraceError, match="these residues have these tokens already"):
        edit(trace, decoder, {4: int(trace.tokens[4])})


def test_a_decoder_that_gives_no_places_is_refused(trace):
    """Weights that overflow, float64, no weights at all: a sentence, and not numpy's or torch's."""
    with torch.random.fork_rng():
        broken, double, empty = (StructureTokenDecoder(64, 1, 1).eval() for _ in range(3))
    with torch.no_grad():
        for weight in broken.parameters():
            weight.mul_(1e30)
    said = "no places in space: not all numbers are finite"
    with pytest.raises(TraceError, match=said):
        round_trip(trace, broken)
    with pytest.raises(TraceError, match=said):
        edit(trace, broken, {"5": 1})
    with pytest.raises(TraceError, match=said):
        interpolate(trace, 4, 1, broken)
    with pytest.raises(TraceError, match=r"could not decode 76 tokens: .* load_decoder gives one"):
        round_trip(trace, double.double())
    with pytest.raises(TraceError, match="The decoder has no weights"):
        round_trip(trace, empty.to("meta"))


def test_a_decoder_of_another_codebook_is_refused(decoder, toy_encoder, ubiquitin):
    """512 codes against 4096: they were not trained together."""
    with pytest.raises(TraceError, match=r"decoder has 4096 codes, the encoder .* 512"):
        round_trip(ex.trace(toy_encoder, ubiquitin), decoder)


@pytest.mark.slow
def test_pictures_name_encoder_and_decoder(trace, knowing):
    """And refuse the round trip of another chain."""
    trip = round_trip(trace, knowing)
    for picture in (ex.plots.round_trip_along_chain, ex.plots.view_round_trip):
        shown = repr(picture(trace, trip))
        assert trace.encoder_info.title in shown
        assert decoder_info(knowing).title in shown
        with pytest.raises(TraceError, match="trip is of 1UBI"):
            picture(ex.trace(trace.encoder, ex.read_chain("1EJG")), trip)
        other = dataclasses.replace(trace, tokens=np.roll(trace.tokens, 1))
        with pytest.raises(TraceError, match="trip is of 1UBI .* with other tokens; give what"):
            picture(other, trip)
