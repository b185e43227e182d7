"""An encoder is what its file says, loaded safely, and named for what it is."""

from __future__ import annotations

import copy
import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import esm_explore as ex
from esm_explore.encoders.checkpoints import read_weights
from esm_explore.encoders.weights import build_encoder

pytestmark = pytest.mark.lines
UNTRAINED = "69a7a31e2fbe217a"


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


def test_codes_of_the_untrained_encoder_lie_apart(full_encoder, ubiquitin):
    """No two on top of each other, and no choice left to rounding, as in a trained codebook."""
    codes = full_encoder.codebook.embeddings
    apart = torch.cdist(codes, codes).fill_diagonal_(torch.inf).amin(1)
    assert apart.min() > 0.01
    assert ex.trace(full_encoder, ubiquitin).nearest.margin.min() > 1e-5


@pytest.mark.parametrize("source", ["mini", "untrained", "file"])
def test_loading_leaves_torchs_random_numbers_alone(source, state, tmp_path):
    """A user's seed means the same before and after."""
    if source == "file":
        source = tmp_path / "toy.pth"
        torch.save(state, source)
    before = torch.get_rng_state()
    ex.load_encoder(source)
    assert torch.equal(torch.get_rng_state(), before)


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


@pytest.mark.parametrize(
    "name",
    [
        "relative_positional_embedding.embedding.weight",
        "transformer.blocks.0.geom_attn.distance_scale_per_head",
        "transformer.blocks.1.ffn.1.weight",
        "pre_vq_proj.weight",
        "codebook.embeddings",
    ],
)
def test_an_encoder_that_changed_loses_its_name(full_encoder, name):
    """One number anywhere: a fine-tuned or damaged encoder is not what was loaded."""
    encoder = copy.deepcopy(full_encoder)
    assert ex.encoder_info(encoder).title.startswith("untrained")
    encoder.state_dict()[name].view(-1)[3] += 1
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
        (b'{"error": "refused"}', "neither of torch.save nor safetensors: it begins with.*refused"),
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


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_a_truncated_checkpoint_is_refused(state, tmp_path, kind):
    """Wherever it was cut: torch raises errors of several types, some without a text."""
    path = tmp_path / "weights.pth"
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "zip")
    content = path.read_bytes()
    for size in [9, 100, *range(1000, len(content), len(content) // 60), len(content) - 1]:
        path.write_bytes(content[:size])
        with pytest.raises(ex.EncoderError, match=r"damaged or cut off|other than tensors"):
            ex.load_encoder(path)


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_mutated_headers_raise_only_our_errors(state, tmp_path, kind):
    """Bytes of the first kilobytes changed at random: loaded, or an EncoderError."""
    path = tmp_path / "weights.pth"
    if kind == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=kind == "zip")
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(60):
        changed = bytearray(content)
        for where in rng.integers(0, 3000, size=4):
            changed[where] ^= rng.integers(1, 256)
        path.write_bytes(changed)
        try:
            ex.load_encoder(path)
        except ex.EncoderError:
            refused += 1
    assert refused > 30


def test_flipped_bytes_are_noticed(full_encoder, tmp_path):
    """4,000 of 121 million: esm loads them without a word, and every token is the same."""
    path = tmp_path / "weights.pth"
    torch.save(full_encoder.state_dict(), path)
    content = np.fromfile(path, dtype=np.uint8)
    rng = np.random.default_rng(0)
    # Behind the names at the start, and before the directory at the end.
    where = rng.integers(1_000_000, len(content) - 100_000, size=4000)
    content[where] ^= rng.integers(1, 256, size=4000).astype(np.uint8)
    content.tofile(path)
    with pytest.raises(ex.EncoderError, match="holds (NaN|numbers as large as).* is damaged"):
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
    with pytest.raises(ex.EncoderError, match="unknown 'transformer.blocks.1000000.x'"):
        build_encoder(state | {"transformer.blocks.1000000.x": torch.zeros(1)})
    state["codebook.embeddings"][7, 3] = torch.nan
    with pytest.raises(ex.EncoderError, match="'codebook.embeddings' holds NaN"):
        build_encoder(state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.to(torch.complex64), "is of torch.complex64"),
        (lambda t: t.long(), "is of torch.int64"),
        (lambda t: t.to_sparse(), "torch.sparse_coo"),
        (lambda t: t.to("meta"), "on meta"),
        (lambda t: torch.full_like(t, 1e300, dtype=torch.float64), "infinite numbers"),
        (lambda t: torch.full_like(t, -1e30), "as large as 1e\\+30"),
    ],
)
def test_numbers_that_cannot_be_weights_are_refused(state, change, message):
    """None is turned into something else without a word; 1e300 is infinite in float32."""
    state["pre_vq_proj.weight"] = change(state["pre_vq_proj.weight"])
    with pytest.raises(ex.EncoderError, match=rf"'pre_vq_proj.weight'.*{message}"):
        build_encoder(state)


@pytest.mark.parametrize(
    "name", ["pre_vq_proj.weight", "codebook.embeddings", "transformer.blocks.0.ffn.3.weight"]
)
def test_a_matrix_of_one_number_is_refused(state, name):
    """Never filled, or overwritten: every token would be the same, or nearly."""
    for value in (0.0, 1.5):
        state[name] = torch.full_like(state[name], value)
        with pytest.raises(ex.EncoderError, match=f"'{name}' holds nothing but {value:g}"):
            build_encoder(state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["pre_vq_proj.weight"].mul_(1e-30), "latents that differ"),
        (lambda s: s["codebook.embeddings"][1:].add_(1e4), "distinct tokens: 1 on 1EJG, which has"),
        (lambda s: s["transformer.blocks.0.ffn.3.weight"].mul_(1e9), "finite latents|distinct"),
    ],
)
def test_finite_weights_that_tell_nothing_apart_fail_the_self_test(
    state, tmp_path, change, message
):
    """Each number could be a weight; the message says which test failed."""
    change(state)
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(ex.EncoderError, match=f"failed its self-test, .*{message}"):
        ex.load_encoder(tmp_path / "weights.pth")


@pytest.mark.slow
def test_the_checksum_is_that_of_the_file_and_goes_into_traces(state, ubiquitin, tmp_path):
    """As sha256sum prints it; none for weights that changed, or that came from no file."""
    path = tmp_path / "mine.pth"
    torch.save(state, path)
    encoder = ex.load_encoder(path)
    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    trace = ex.trace(encoder, ubiquitin)
    assert trace.encoder_info.checksum == expected
    loaded = ex.load_trace(trace.save(tmp_path / "trace"))
    assert loaded.encoder_info.checksum == expected
    encoder.pre_vq_proj.bias[0] += 1
    assert ex.encoder_info(encoder).checksum == ""
    assert ex.encoder_info(ex.load_encoder("untrained")).checksum == ""
    mini = Path(ex.__file__).parent / "encoders" / "mini" / "weights.safetensors"
    expected = hashlib.sha256(mini.read_bytes()).hexdigest()
    assert ex.encoder_info(ex.load_encoder()).checksum == expected


def test_what_is_no_source_and_no_device(tmp_path):
    """Each says what it should have been."""
    for source in (5, ["mini"], b"mini"):
        with pytest.raises(ex.EncoderError, match="by name or path, not from a"):
            ex.load_encoder(source)
    with pytest.raises(ex.EncoderError, match=r"cannot be put on 'gpu9'.*device=\"cpu\""):
        ex.load_encoder(device="gpu9")
    with pytest.raises(ex.EncoderError, match=r"cannot be put on 'meta' \(there, tensors have no"):
        ex.load_encoder(device="meta")
    with pytest.raises(ex.EncoderError, match="is a folder without data/weights/esm3_structure"):
        ex.load_encoder(tmp_path)


def test_half_precision_is_read_as_float32(state):
    """Exactly: every half is a float."""
    encoder = build_encoder({name: tensor.half() for name, tensor in state.items()})
    assert {tensor.dtype for tensor in encoder.state_dict().values()} == {torch.float32}
    assert torch.equal(encoder.pre_vq_proj.weight, state["pre_vq_proj.weight"].half().float())


def test_a_file_of_something_else_is_refused(tmp_path):
    """A list, and dictionaries of numbers and of tensors without names."""
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ex.EncoderError, match="holds a list"):
        read_weights(tmp_path / "list.pth")
    torch.save({"steps": 3}, tmp_path / "numbers.pth")
    with pytest.raises(ex.EncoderError, match="'steps' is not a tensor"):
        read_weights(tmp_path / "numbers.pth")
    torch.save({7: torch.zeros(2)}, tmp_path / "nameless.pth")
    with pytest.raises(ex.EncoderError, match="7 is no name of a tensor"):
        read_weights(tmp_path / "nameless.pth")
