"""Saved traces and maps come back as they were written, or not at all."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import esm_explore as ex
from esm_explore.analysis.latent_maps import KIND as MAP
from esm_explore.analysis.latent_maps import LatentMap, MapSettings
from esm_explore.analysis.maps import load_map
from esm_explore.array_files import read_arrays, write_arrays
from esm_explore.tracing.trace_files import KIND as TRACE

OLD = Path(__file__).parent / "data" / "saved"
FLIPS = 1_500


@pytest.fixture(scope="module")
def trace(toy_encoder):
    return ex.trace(toy_encoder, ex.read_chain("1EJG"))


@pytest.fixture(scope="module")
def latent_map():
    rng = np.random.default_rng(0)
    points, data = (rng.normal(size=(30, width)).astype(np.float32) for width in (2, 4))
    return LatentMap(points, data, MapSettings(30, 4, seed=0, n_neighbors=5, min_dist=0.1))


def held(trace):
    """All that a trace keeps, as bytes and text."""
    chain = {name: np.asarray(value).tobytes() for name, value in vars(trace.chain).items()
             if isinstance(value, np.ndarray)}  # fmt: skip
    arrays = {name: trace.output(name).tobytes() for s in trace.stages for name in s.outputs}
    said = repr(trace), trace.chain.sequence, trace.labels, asdict(trace.encoder_info)
    return chain, arrays, trace.numbering, trace.codebook.tobytes(), said


def flipped(content):
    """One bit of a file at a time: half of them in its header."""
    header = 8 + int.from_bytes(content[:8], "little")
    rng = np.random.default_rng(7)
    for i in range(FLIPS):
        changed = bytearray(content)
        changed[rng.integers(0, header) if i % 2 else rng.integers(header, len(content))] ^= (
            1 << rng.integers(0, 8)
        )
        yield changed


@pytest.mark.slow
def test_no_flipped_bit_loads_as_another_trace(trace, tmp_path):
    """1,500 of them, header and numbers: each is refused, or loads equal."""
    path, before = trace.save(tmp_path / "trace"), held(trace)
    refused = 0
    for changed in flipped(path.read_bytes()):
        path.write_bytes(changed)
        try:
            assert held(ex.load_trace(path)) == before
        except ex.TraceError:
            refused += 1
    assert refused > 0.9 * FLIPS


@pytest.mark.slow
def test_no_flipped_bit_loads_as_another_map(latent_map, tmp_path):
    """As of traces; what passes is compared before UMAP is made ready."""
    path = latent_map.save(tmp_path / "map")
    arrays, about = read_arrays(path, MAP)
    refused = 0
    for changed in flipped(path.read_bytes()):
        path.write_bytes(changed)
        try:
            same, told = read_arrays(path, MAP)
            assert told == about
            assert all(same[name].tobytes() == arrays[name].tobytes() for name in arrays)
        except ex.TraceError:
            refused += 1
    assert refused > 0.9 * FLIPS


def rewritten(path, arrays=None, **about):
    """Write a file again with other words, or arrays, and the old checksum."""
    with safe_open(path, framework="numpy") as file:
        told = json.loads(file.metadata()["esm_explore"]) | about
    save_file(load_file(path) | (arrays or {}), path, metadata={"esm_explore": json.dumps(told)})


@pytest.mark.parametrize("setting", ["seed", "n_neighbors", "width", "n_points", "min_dist"])
def test_a_map_loads_with_its_own_settings_alone(latent_map, tmp_path, setting):
    """Written anew with one setting changed, it is refused."""
    path = latent_map.save(tmp_path / "map")
    settings = asdict(latent_map.settings)
    rewritten(path, settings=settings | {setting: settings[setting] + 1})
    with pytest.raises(ex.TraceError, match="damaged"):
        load_map(path)


def test_a_number_of_version_that_was_damaged_does_not_take_the_checksum_away(
    trace, latent_map, tmp_path
):
    """Version 1 had none: a later file that calls itself 1, 2 or 0 is refused."""
    for thing, kind, load in ((trace, "trace", ex.load_trace), (latent_map, "map", load_map)):
        for version in range(3):
            path = thing.save(tmp_path / "file")
            rewritten(path, format=f"esm_explore {kind} {version}")
            with pytest.raises(ex.TraceError, match="damaged|but not a"):
                load(path)
    path = trace.save(tmp_path / "file")
    rewritten(path, checksum=None)
    with pytest.raises(ex.TraceError, match="damaged"):
        ex.load_trace(path)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_traces_of_older_versions_load(version, tmp_path):
    """Files as they were written then: 18 residues, insertion codes, no digest before version 3."""
    trace = ex.load_trace(OLD / f"trace_{version}.safetensors")
    assert trace.chain.sequence == "WFAAIYRRHRGGSVTYVC"
    assert trace.labels[7:14] == ["36", "37", "37A", "37B", "37C", "37D", "38"]
    assert trace.tokens.tolist() == [5] * 18
    assert bool(trace.encoder_info.digest) == (version == 3)
    latest = ex.load_trace(OLD / "trace_3.safetensors")
    for name in ("edges", "query", "z_q", "blocks[0]"):
        np.testing.assert_array_equal(trace.output(name), latest.output(name))
    assert held(ex.load_trace(trace.save(tmp_path / "new"))) == held(trace)
    assert TRACE.version == 4


@pytest.mark.slow
@pytest.mark.parametrize("version", [1, 2, 3])
def test_maps_of_older_versions_load(version):
    """Files as they were written then, with their settings."""
    settings = load_map(OLD / f"map_{version}.safetensors").settings
    assert replace(settings, umap_version="") == MapSettings(24, 4, 3, 5, 0.25, "")
    assert MAP.version == 4


def test_insertion_codes_of_any_length_come_back(toy_encoder, ubiquitin, tmp_path):
    """11AB does not become 11A, nor 11 with four letters."""
    codes = np.full(76, "", dtype="<U4")
    codes[10:13] = ["AB", "ABCD", "A"]
    trace = ex.trace(toy_encoder, replace(ubiquitin, insertion_code=codes))
    loaded = ex.load_trace(trace.save(tmp_path / "trace"))
    assert loaded.labels[10:13] == ["11AB", "12ABCD", "13A"]
    assert loaded.labels == trace.labels
    assert loaded.to_frame().equals(trace.to_frame())


def test_numbers_of_numpy_in_what_is_said_are_saved(toy_encoder, ubiquitin, tmp_path):
    """An entity id or a seed that came out of an array."""
    trace = ex.trace(toy_encoder, replace(ubiquitin, entity_id=np.int64(2)))
    assert ex.load_trace(trace.save(tmp_path / "trace")).chain.entity_id == 2


@pytest.fixture(params=["trace", "map"])
def saved(request, trace, latent_map):
    return (trace, ex.load_trace) if request.param == "trace" else (latent_map, load_map)


def test_what_is_no_file_of_ours_is_refused(saved, tmp_path):
    """Garbage, empty files, deep and odd JSON, folders, pipes, devices, impossible names."""
    _, load = saved
    rng = np.random.default_rng(0)
    header = b'{"__metadata__":{"esm_explore":"%s"}}'
    contents = [b"", b"\0" * 100, b"\xff" * 100, *(rng.bytes(n) for n in (1, 9, 5_000))]
    for inner in (b"[]", b"7", b"null", b"[" * 90_000, b"\\\\ud800", b'{\\"format\\": {}}'):
        told = header % inner
        contents.append(len(told).to_bytes(8, "little") + told)
    for content in contents:
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(ex.TraceError):
            load(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")
    named = {
        tmp_path: "is a directory, not a file",
        tmp_path / "pipe": "is a pipe, socket or device",
        "/dev/null": "is a pipe, socket or device",
        tmp_path / ("x" * 5_000): r"\.\.\.x+ is not the path of a file",
        tmp_path / "a\0b": "is not the path of a file: embedded null",
        tmp_path / "file" / "below": "There is no file",
    }
    for path, message in named.items():
        with pytest.raises(ex.TraceError, match=message) as caught:
            load(path)
        assert len(str(caught.value)) < 300
        assert "\0" not in str(caught.value)


def test_what_cannot_be_a_file_of_ours_is_not_written(saved, tmp_path):
    """And what is there stays: a folder, a pipe, a device; names that no system takes."""
    thing, _ = saved
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.iterdir())
    for name in ("pipe", "folder", "x" * 5_000, "a\0b", "\ud800", "."):
        with pytest.raises(ex.TraceError):
            thing.save(tmp_path / name)
    with pytest.raises(ex.TraceError, match="is a pipe, socket or device"):
        thing.save("/dev/null")
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "pipe").is_fifo()


CRAFTED = {
    "edges": lambda held: held + 1_000,
    "tokens": lambda held: held - 1_000,
    "relative_position.bins": lambda held: held + 66,
    "blocks.1": lambda held: held[:-1],
    "pre_vq": lambda held: held.astype(np.float64),
    "chain.residue_index": lambda held: held[:-1],
    "chain.atom37_positions": lambda held: held[:, :3].copy(),
    "coords": lambda held: held[:, 0].copy(),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_arrays_that_are_not_of_one_trace_are_refused(trace, tmp_path, name):
    """Also where the checksum is right: numbers beyond the chain, other shapes, other types."""
    arrays, about = read_arrays(trace.save(tmp_path / "trace"), TRACE)
    path = write_arrays(
        tmp_path / "crafted", TRACE, arrays | {name: CRAFTED[name](arrays[name])}, about
    )
    with pytest.raises(ex.TraceError, match="lacks something, or is damaged"):
        ex.load_trace(path)


@pytest.mark.parametrize(
    "change",
    [
        {"blocks": 10**12},
        {"blocks": "two"},
        {"numbering": "mine"},
        {"encoder": []},
        {"encoder": {"title": 5}},
        {"chain": None},
        {"chain": {"id": "x", "chain_id": "A", "entity_id": 1, "sequence": "AAA"}},
    ],
)
def test_words_that_are_not_of_one_trace_are_refused(trace, tmp_path, change):
    """Also where the checksum is right."""
    arrays, about = read_arrays(trace.save(tmp_path / "trace"), TRACE)
    path = write_arrays(tmp_path / "crafted", TRACE, arrays, about | change)
    with pytest.raises(ex.TraceError, match="lacks something, or is damaged"):
        ex.load_trace(path)


def test_what_is_not_of_this_program_is_never_replaced(toy_encoder, ubiquitin, tmp_path):
    """A user's PDB file, another program's safetensors; a trace is, also through a link."""
    trace = ex.trace(toy_encoder, ubiquitin)
    other = tmp_path / "mine.pdb"
    other.write_text("ATOM")
    with pytest.raises(ex.TraceError, match="is not of this program and stays"):
        trace.save(other)
    assert other.read_text() == "ATOM"
    saved, link = trace.save(tmp_path / "a.trace"), tmp_path / "link"
    link.symlink_to(saved)
    trace.save(link)
    assert link.is_symlink()
    assert len(ex.load_trace(saved).tokens) == 76
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
