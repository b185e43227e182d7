"""The mini encoder: its recipe learns, and its file is what the model card says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import esm_explore as ex
from esm_explore.encoders import mini
from esm_explore.encoders.weights import build_encoder
from esm_explore.recipes import mini_codes as codes
from esm_explore.recipes import mini_data as data
from esm_explore.recipes import mini_pass
from esm_explore.recipes import mini_train as train
from esm_explore.recipes.mini_data import Backbones

FOLDER = Path(mini.__file__).parent


@pytest.fixture(scope="module")
def backbones() -> Backbones:
    """Some bundled examples as training data, with N, CA, C and O."""
    names = ["1UBI", "5PTI", "1AKE", "4AKE", "1ITU", "2HT0"]
    chains = [ex.read_chain(n, ex.examples().loc[n, "chain"]) for n in names]
    chains = [chain[chain.atom37_mask[:, [0, 1, 2, 4]].all(1)] for chain in chains]
    size = np.array([len(chain) for chain in chains])
    return Backbones(
        np.array(names),
        np.concatenate([[0], np.cumsum(size)[:-1]]),
        size,
        np.concatenate([chain.residue_index for chain in chains]),
        np.concatenate([chain.atom37_positions[:, [0, 1, 2, 4]] for chain in chains]),
        np.zeros(size.sum(), np.int64),
    )


@pytest.fixture
def training_file(backbones, tmp_path, monkeypatch) -> Path:
    """The same in the file's format, for a training of seconds."""
    monkeypatch.setattr(train, "BATCH", 48)
    monkeypatch.setattr(codes, "BATCH", 48)
    monkeypatch.setattr(train, "STEADY_ROWS", 8)
    monkeypatch.setitem(train.SIZES, "n_codes", 64)
    path = tmp_path / "data.npz"
    np.savez(
        path,
        names=backbones.names,
        start=backbones.start.astype(np.int32),
        size=backbones.size.astype(np.int32),
        resnum=backbones.number[backbones.start].astype(np.int32),
        xyz=((backbones.xyz - backbones.xyz.min()) * 100).round().astype(np.uint16),
        dssp=np.full(backbones.size.sum(), ord("C"), np.int8),
    )
    return path


@pytest.mark.slow
def test_a_tiny_training_learns_and_its_file_gives_the_same_tokens(
    training_file, tmp_path, ubiquitin, monkeypatch
):
    """60 steps lower the loss by a third; the written encoder loads and encodes a chain.

    Both draw from seeds of their own, and leave the user's random numbers where they were.
    """
    before = torch.get_rng_state()
    losses = train.train(training_file, tmp_path / "run", steps=60, threads=1)
    assert np.mean(losses[-10:]) < 0.67 * np.mean(losses[:5])
    out = tmp_path / "weights.safetensors"
    monkeypatch.setattr(codes, "DECODER_STEPS", 20)
    codes.main(training_file, tmp_path / "run" / "training.pt", out, threads=1)
    tensors = {k: t for k, t in load_file(out).items() if not k.startswith("decoder")}
    encoder = build_encoder(tensors).eval()
    tokens = ex.trace(encoder, ubiquitin).tokens
    assert len(np.unique(tokens)) > 5
    assert tokens.max() < 64
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.slow
def test_a_training_that_was_killed_goes_on_as_if_it_had_not_been(
    training_file, tmp_path, monkeypatch
):
    """Killed after step 13, with a checkpoint at 10: the weights are those of one run."""
    monkeypatch.setattr(train, "CHECKPOINT_EVERY", 10)
    train.train(training_file, tmp_path / "whole", steps=40, threads=1)
    losses, calls = train.loss_parts, []

    def killed(*args):
        calls.append(1)
        if len(calls) == 14:
            raise KeyboardInterrupt
        return losses(*args)

    monkeypatch.setattr(train, "loss_parts", killed)
    with pytest.raises(KeyboardInterrupt):
        train.train(training_file, tmp_path / "parts", steps=40, threads=1)
    assert len(train.train(training_file, tmp_path / "parts", steps=40, threads=1)) == 30
    whole, parts = (
        torch.load(tmp_path / name / "training.pt", weights_only=True)["model"]
        for name in ("whole", "parts")
    )
    for name, tensor in whole.items():
        assert torch.equal(tensor, parts[name]), name


@pytest.mark.slow
def test_wrong_training_data_is_refused(tmp_path, training_file):
    """No file, no npz, an array missing; a checkpoint of another training."""
    with pytest.raises(ex.EncoderError, match="no training data at"):
        train.train(tmp_path / "none.npz", tmp_path)
    (tmp_path / "text.npz").write_text("hello")
    with pytest.raises(ex.EncoderError, match=r"is not an \.npz"):
        train.train(tmp_path / "text.npz", tmp_path)
    np.savez(tmp_path / "part.npz", names=np.array(["a"]))
    with pytest.raises(ex.EncoderError, match="has no array 'start'"):
        train.train(tmp_path / "part.npz", tmp_path)
    train.train(training_file, tmp_path / "run", steps=2, threads=1)
    with pytest.raises(ex.EncoderError, match="of a training of 2 steps, not 3"):
        train.train(training_file, tmp_path / "run", steps=3, threads=1)


@pytest.mark.lines
def test_the_training_pass_computes_what_the_encoder_computes(ubiquitin):
    """Latents of the lean pass, on frames of our own cutting, are those of a trace."""
    encoder = mini.load_mini()
    trace = ex.trace(encoder, ubiquitin)
    frames = data.backbone_frames(torch.from_numpy(ubiquitin.atom37_positions[:, :3]))
    nodes = torch.from_numpy(trace.edges)
    batch = mini_pass.Neighborhoods.build(
        frames[0][nodes], frames[1][nodes], torch.from_numpy(trace.residue_index)[nodes]
    )
    with torch.no_grad():
        latents = mini_pass.latents(encoder, batch).numpy()
    np.testing.assert_allclose(latents, trace.pre_vq, atol=2e-3)


def test_hydrogen_bonds_of_a_helix(backbones):
    """In ubiquitin's helix, residues 23 to 34, the NH of i bonds to the CO of i - 4."""
    of_nh, of_co = data.hydrogen_bonds(backbones)
    assert (of_nh[26:33] == 2).all()
    assert (of_co[22:29] == 2).all()


def test_neighbors_are_those_of_esm(backbones, toy_encoder, ubiquitin):
    """The tree finds the same 16 residues as esm's matrix."""
    edges = ex.trace(toy_encoder, ubiquitin).edges
    np.testing.assert_array_equal(data.find_neighbors(backbones)[:76], edges)


def test_the_chains_set_aside_are_those_of_the_list():
    """By name, whatever the order of the file; none is in both lists."""
    training, held_out = (
        (FOLDER / f"{name}_chains.txt").read_text().split() for name in ("training", "held_out")
    )
    assert (len(training), len(held_out)) == (11_090, 600)
    names = np.array(sorted(training + held_out, reverse=True))
    assert set(names[data.split(names)[1]]) == set(held_out)


@pytest.mark.lines
def test_the_shipped_file_is_the_one_of_the_model_card():
    """Its checksum, at most 8 MB, finite, and of esm's class by strict keys."""
    content = mini.MINI_FILE.read_bytes()
    assert hashlib.sha256(content).hexdigest() in (FOLDER / "MODEL_CARD.md").read_text()
    assert len(content) <= 8_000_000
    encoder = ex.load_encoder("mini")
    info = ex.encoder_info(encoder)
    assert (info.d_code, info.n_codes, info.n_layers) == (128, 4096, 2)
    assert info.title == mini.TITLE


@pytest.mark.lines
def test_the_default_encoder_is_the_mini_one(ubiquitin):
    """And it says so; helix residues of ubiquitin share codes with those of other proteins."""
    trace = ex.trace(ex.load_encoder(), ubiquitin)
    assert trace.encoder_info.title.startswith("mini (esm_explore")
    other = ex.trace(ex.load_encoder(), ex.read_chain("1AKE"))
    assert set(trace.tokens[23:33]) & set(other.tokens)
