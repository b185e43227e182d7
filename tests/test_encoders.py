"""An encoder is what its file says, loaded safely, and named for what it is."""

from __future__ import annotations

import copy
import hashlib
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import esm_explore as ex
from esm_explore.weights import build_encoder, read_weights

pytestmark = pytest.mark.lines
UNTRAINED = "a9534aae9c4ad393"


@pytest.fixture
def state(toy_encoder):
    return {name: tensor.clone() for name, tensor in toy_encoder.state_dict().items()}


def test_the_untrained_encoder_has_esm3s_architecture(full_encoder):
    """30.1 M parameters; eval, float32, without gradients; and it is called untrained."""
    info = ex.encoder_info(full_encoder)
    assert (info.d_model, info.v_heads, info.n_layers) == (1024, 128, 2)
    assert (info.d_code, info.n_codes) == (128, 4096)
    assert round(info.n_parameters / 1e6, 1) == 30.1
    assert info.title.startswith("untrained")
    assert not full_encoder.training
    assert {p.dtype for p in full_encoder.parameters()} == {torch.float32}
    assert not any(p.requires_grad for p in full_encoder.parameters())


def test_the_untrained_encoder_is_the_same_everywhere(full_encoder):
    """Its weights, bit for bit: on both lines of esm, whatever the version of torch."""
    digest = hashlib.sha256()
    for name, tensor in sorted(full_encoder.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.numpy().tobytes())
    assert digest.hexdigest()[:16] == UNTRAINED


def test_tokens_of_the_untrained_encoder_vary(full_encoder, ubiquitin):
    """A codebook that is not fitted gives a few tokens; this one many, on any chain."""
    assert len(np.unique(ex.trace(full_encoder, ubiquitin).tokens)) > 30


def test_loading_leaves_torchs_random_numbers_alone():
    """A user's seed means the same before and after."""
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    ex.load_encoder("untrained")
    torch.testing.assert_close(torch.rand(3), expected)


@pytest.mark.parametrize("kind", ["pth", "safetensors"])
def test_a_checkpoint_of_any_size_gives_the_same_tokens(toy_encoder, ubiquitin, tmp_path, kind):
    """Sizes are read from the tensors; the file's name is in the title."""
    path = tmp_path / f"mine.{kind}"
    if kind == "pth":
        torch.save(toy_encoder.state_dict(), path)
    else:
        save_file(toy_encoder.state_dict(), path)
    encoder = ex.load_encoder(path)
    np.testing.assert_array_equal(
        ex.trace(encoder, ubiquitin).tokens, ex.trace(toy_encoder, ubiquitin).tokens
    )
    assert ex.encoder_info(encoder).title == f"checkpoint mine.{kind}"


def test_an_encoder_that_changed_loses_its_name(full_encoder):
    """A fine-tuned encoder is not what was loaded."""
    encoder = copy.deepcopy(full_encoder)
    assert ex.encoder_info(encoder).title.startswith("untrained")
    encoder.pre_vq_proj.weight[0, 0] += 1
    assert ex.encoder_info(encoder).title.startswith("unnamed encoder ")


def test_an_encoder_of_esms_own_loader_is_unnamed(toy_encoder):
    """What load_encoder did not load it cannot vouch for."""
    info = ex.encoder_info(toy_encoder)
    assert info.title == f"unnamed encoder {info.fingerprint}"


def test_unknown_names_say_which_there_are():
    """Neither a name nor a file."""
    with pytest.raises(ex.EncoderError, match=r"'esm4' is not a file.* one of.*mini, esm3, "):
        ex.load_encoder("esm4")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        (b"<!DOCTYPE html>", "is a web page"),
        (b"PK\x03\x04 and no more", "damaged or cut off"),
        (b"\x00" * 8 + b"{not json", "damaged or cut off"),
    ],
)
def test_files_that_are_no_weights(tmp_path, content, message):
    """Each is called what it is."""
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ex.EncoderError, match=message):
        ex.load_encoder(path)


def test_a_truncated_checkpoint_is_refused(state, tmp_path):
    """Half of a good file."""
    path = tmp_path / "weights.pth"
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ex.EncoderError, match="damaged or cut off"):
        ex.load_encoder(path)


class Payload:
    """A pickle that runs code."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_code_in_a_checkpoint_does_not_run(tmp_path):
    """Neither from torch.save nor from a bare pickle."""
    proof = tmp_path / "ran"
    torch.save({"pre_vq_proj.weight": Payload(str(proof))}, tmp_path / "a.pth")
    (tmp_path / "b.pth").write_bytes(pickle.dumps(Payload(str(proof))))
    for name in ("a.pth", "b.pth"):
        with pytest.raises(ex.EncoderError, match="not loaded|damaged"):
            ex.load_encoder(tmp_path / name)
    assert not proof.exists()


def test_tensors_that_do_not_fit_are_named(state):
    """Missing, unknown, of the wrong shape, not finite."""
    with pytest.raises(ex.EncoderError, match="not a checkpoint of esm's StructureTokenEncoder"):
        build_encoder({"weight": torch.zeros(3)})
    block = "transformer.blocks.1.ffn.1.weight"
    with pytest.raises(ex.EncoderError, match=f"missing '{block}'"):
        build_encoder({k: v for k, v in state.items() if k != block})
    with pytest.raises(ex.EncoderError, match="unknown 'head.weight'"):
        build_encoder(state | {"head.weight": torch.zeros(3)})
    with pytest.raises(ex.EncoderError, match=rf"'{block}' has shape \(2, 2\)"):
        build_encoder(state | {block: torch.zeros(2, 2)})
    state["codebook.embeddings"][7, 3] = torch.nan
    with pytest.raises(ex.EncoderError, match="'codebook.embeddings' holds NaN"):
        build_encoder(state)


def test_a_file_of_something_else_is_refused(tmp_path):
    """A list, and a dictionary of numbers."""
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ex.EncoderError, match="holds a list"):
        read_weights(tmp_path / "list.pth")
    torch.save({"steps": 3}, tmp_path / "numbers.pth")
    with pytest.raises(ex.EncoderError, match="'steps' is not a tensor"):
        read_weights(tmp_path / "numbers.pth")
