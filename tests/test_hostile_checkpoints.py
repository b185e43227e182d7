"""Small files that ask for much: refused for what they are, before anything is taken."""

from __future__ import annotations

import io
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import esm_explore as ex
from esm_explore.encoders.checkpoints import read_weights

pytestmark = pytest.mark.lines
SCALES = "geom_attn.distance_scale_per_head"
LIMITED = """
import resource, sys
import psutil
import esm_explore as ex
ex.load_encoder()
limit = psutil.Process().memory_info().vms + 10**9
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for path in sys.argv[1:]:
    try:
        ex.load_encoder(path)
    except ex.EncoderError as error:
        print(str(error).split("/")[-1])
"""


def archive(header: bytes, compression: int = zipfile.ZIP_STORED, **members: bytes) -> bytes:
    """Lay bytes out as torch.save does."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as file:
        for name, content in {"data.pkl": header, "version": b"3\n", **members}.items():
            file.writestr(f"a/{name}", content)
    return made.getvalue()


def doubling(steps: int) -> bytes:
    """Pickle a text that each of some steps makes twice as long: 1.5 kB for gigabytes."""
    hexed = b"X\x03\x00\x00\x00hex"
    calls = b"h\x00" * steps
    return b"\x80\x02c_codecs\nencode\nq\x000" + calls + b"C\x04aaaa" + (hexed + b"\x86R") * steps


def nested_tuples(steps: int) -> bytes:
    """Pickle a dictionary whose key is a tuple of twice the same tuple, and so on."""
    put = b"".join(b"h%ch%c\x86q%c" % (i, i, i + 1) for i in range(steps))
    return b"\x80\x02)q\x00" + put + b"}h%cK\x01s." % steps


def empty_blocks(n: int) -> dict[str, torch.Tensor]:
    nothing = torch.zeros(0)
    names = ("geom_attn.s_norm.weight", SCALES, "ffn.0.weight")
    return {f"transformer.blocks.{i}.{name}": nothing for i in range(n) for name in names}


def saved(folder: Path, name: str, weights: dict, safe: bool = False) -> Path:
    path = folder / name
    if safe:
        save_file(weights, path)
    else:
        torch.save(weights, path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def hostile(folder, toy_encoder) -> dict[Path, str]:
    """Files, each with what is to be said of it."""
    state = dict(toy_encoder.state_dict())
    heads = {name: torch.zeros(500_000) for name in state if "scale_per_head" in name}
    width = torch.zeros(1).as_strided((200_000, 200_000), (0, 0))
    one = torch.zeros(1000, 1000)
    no_width = {
        name: t[..., :0] if t.ndim == 2 and t.shape[-1] == 64 else t for name, t in state.items()
    }
    files = {
        saved(folder, "no_width.pth", no_width): "holds no numbers",
        saved(folder, "no_codes.pth", state | {"codebook.embeddings": torch.zeros(0, 16)}): (
            "'codebook.embeddings' has shape (0, 16): it holds no numbers"
        ),
        saved(folder, "heads.safetensors", state | heads, safe=True): "has shape",
        saved(folder, "heads.pth", state | heads): "has shape",
        saved(folder, "blocks.pth", state | empty_blocks(20_000)): "headers of more than",
        saved(folder, "blocks.safetensors", state | empty_blocks(20_000), safe=True): (
            "has a header of"
        ),
        saved(folder, "more_blocks.pth", state | empty_blocks(1_000)): "holds no numbers",
        saved(folder, "stride.pth", state | {"pre_vq_proj.weight": width}): (
            "other than tensors (the number|asks for tensors of"
        ),
        saved(folder, "shared.pth", {f"a{i}": one for i in range(5_000)}): "asks for tensors of",
    }
    content = {
        "doubled.pth": (doubling(32), "other than tensors (_codecs.encode)"),
        "doubled_zip.pth": (archive(doubling(32)), "other than tensors (_codecs.encode)"),
        "tuples.pth": (archive(nested_tuples(60)), "other than tensors (a tuple within itself)"),
        "deflated.pth": (
            archive(b"\x80\x02}.", zipfile.ZIP_DEFLATED, **{"data/0": bytes(3 * 10**8)}),
            "is compressed",
        ),
        "long_header.safetensors": (
            struct.pack("<Q", 2**25) + b"{" + b" " * (2**25 + 10),
            "has a header of",
        ),
    }
    for name, (given, said) in content.items():
        (folder / name).write_bytes(given)
        files[folder / name] = said
    return files


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_all_are_refused_within_a_gigabyte(hostile):
    """In a process that cannot take more than 1 GB over its start; each for its own reason."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, hostile)],
        capture_output=True,
        text=True,
        timeout=240,
    )
    said = done.stdout.splitlines()
    assert len(said) == len(hostile), done.stderr
    for line, expected in zip(said, hostile.values(), strict=True):
        assert any(part in line for part in expected.split("|")), (line, expected)


def test_a_number_larger_than_the_file_is_refused_unread(tmp_path):
    """A shape of 10^12 over one number: no storage of that size is looked for."""
    torch.save({"a": torch.zeros(1).as_strided((10**12,), (0,))}, tmp_path / "a.pth")
    with pytest.raises(ex.EncoderError, match="the number 1e\\+12, in a file of"):
        read_weights(tmp_path / "a.pth")


@pytest.mark.parametrize("older", [True, False])
def test_what_esm_would_load_is_loaded(toy_encoder, tmp_path, older):
    """Both layouts of torch.save: with OrderedDict and its metadata, and with parameters."""
    torch.save(toy_encoder.state_dict(), tmp_path / "a", _use_new_zipfile_serialization=not older)
    weights = {name: torch.nn.Parameter(t) for name, t in toy_encoder.state_dict().items()}
    torch.save(weights, tmp_path / "b", _use_new_zipfile_serialization=not older)
    for name in "ab":
        read = read_weights(tmp_path / name)
        assert read.keys() == weights.keys()
        assert all(torch.equal(tensor, weights[name]) for name, tensor in read.items())


def test_a_state_dict_that_hides_its_names_is_read_as_it_is(tmp_path):
    """A pickle can hang attributes on a dictionary; they are not asked."""
    from collections import OrderedDict

    hung = OrderedDict(a=torch.zeros(2))
    hung.keys = 5
    torch.save(hung, tmp_path / "a")
    assert list(read_weights(tmp_path / "a")) == ["a"]


def test_a_pickle_of_another_protocol_is_refused(tmp_path):
    """With the operation that is not of torch's."""
    (tmp_path / "a").write_bytes(pickle.dumps({"a": b"x"}, protocol=4))
    with pytest.raises(ex.EncoderError, match="other than tensors .the operation FRAME"):
        read_weights(tmp_path / "a")
