"""Many at once, many in a row, and broken off anywhere: nothing mixed up, nothing left behind."""

from __future__ import annotations

import copy
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from esm.models.vqvae import StructureTokenEncoder
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from test_encoder_left_alone import assert_same, state

import esm_explore as ex
from esm_explore import array_files
from esm_explore.analysis.latent_maps import LatentMap, MapSettings
from esm_explore.analysis.maps import load_map
from esm_explore.tracing.run import run


@pytest.fixture
def encoder(toy_encoder):
    """A copy, run on one thread: torch's own would wait for one another longer than they work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield copy.deepcopy(toy_encoder)
    torch.set_num_threads(threads)


@pytest.mark.slow
def test_240_traces_at_once_get_the_tokens_of_their_own_chain(encoder):
    """Twelve threads on one encoder, four chains of other lengths, traces and neighborhoods."""
    whole = ex.read_chain("1UBI")
    chains = [whole[:16], whole[20:40], ex.read_chain("1AS5"), whole[50:]]
    expected = [ex.trace(encoder, chain) for chain in chains]
    before = state(encoder)

    def work(i):
        trace = ex.trace(encoder, chains[i % 4])
        return trace.pre_vq, trace.neighborhood(i % 16).token

    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(work, range(240)))
    for i, (latents, token) in enumerate(found):
        np.testing.assert_array_equal(latents, expected[i % 4].pre_vq)
        assert token == expected[i % 4].tokens[i % 16]
    assert_same(before, state(encoder))


@pytest.mark.slow
@pytest.mark.usefixtures("encoder")
def test_1000_traces_in_a_row_do_not_grow_memory():
    """After the first 100, less than 10 MB more: a trace kept each time would be 70 MB."""
    small = StructureTokenEncoder(
        d_model=64, n_heads=1, v_heads=4, n_layers=1, d_out=16, n_codes=512
    )
    chain = ex.read_chain("1UBI")[:16]
    process = psutil.Process()
    for i in range(1_000):
        ex.trace(small, chain)
        if i == 100:
            start = process.memory_info().rss
    assert process.memory_info().rss - start < 10e6


MODULES = [
    "relative_positional_embedding",
    "transformer.blocks.0.geom_attn",
    "transformer.blocks.0.ffn",
    "transformer.blocks.1",
    "pre_vq_proj",
    "codebook",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*MODULES, "find_knn_edges"])
def test_an_interrupt_at_any_stage_leaves_the_encoder_as_it_was(
    encoder, ubiquitin, monkeypatch, name
):
    """Ctrl-C in each module and in the neighbor search, in a trace and in a neighborhood."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    trace = ex.trace(encoder, ubiquitin)
    before = state(encoder)
    if name == "find_knn_edges":
        monkeypatch.setattr(type(encoder), name, staticmethod(interrupt))
    else:
        monkeypatch.setattr(encoder.get_submodule(name), "forward", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ex.trace(encoder, ubiquitin)
    if name != "find_knn_edges":
        with pytest.raises(KeyboardInterrupt):
            run(encoder, trace.inputs, torch.from_numpy(trace.edges[3:4]))
    monkeypatch.undo()
    assert_same(before, state(encoder))
    np.testing.assert_array_equal(ex.trace(encoder, ubiquitin).tokens, trace.tokens)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_a_real_interrupt_at_any_moment_leaves_the_encoder_as_it_was(encoder, request):
    """SIGINT after 0.2 to 20 ms, a hundred times."""
    # Where the tests run in the background the shell has it ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    chain = ex.read_chain("1AS5")
    ex.trace(encoder, chain)
    left = state(encoder)
    delays = np.geomspace(2e-4, 2e-2, 100)
    interrupted = 0
    for delay in delays:
        timer = threading.Timer(delay, signal.raise_signal, [signal.SIGINT])
        try:
            timer.start()
            ex.trace(encoder, chain)
            timer.join()
            time.sleep(0)  # where a signal that came last is noticed
        except KeyboardInterrupt:
            interrupted += 1
    assert interrupted > 50
    assert_same(left, state(encoder))


@pytest.fixture
def latent_map():
    rng = np.random.default_rng(0)
    points, data = (rng.normal(size=(30, width)).astype(np.float32) for width in (2, 4))
    return LatentMap(points, data, MapSettings(30, 4, seed=0, n_neighbors=5, min_dist=0.1))


# To load a map is to import and compile UMAP.
@pytest.fixture(params=["trace", pytest.param("map", marks=pytest.mark.slow)])
def saved(request, toy_encoder, ubiquitin, latent_map):
    """Something to save, and what loads it."""
    if request.param == "trace":
        return ex.trace(toy_encoder, ubiquitin), ex.load_trace
    return latent_map, load_map


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("no space left on device")])
def test_a_save_that_breaks_off_leaves_the_old_file_and_nothing_else(
    saved, tmp_path, monkeypatch, error
):
    """Half of the file is written when it happens."""
    thing, load = saved
    path = thing.save(tmp_path / "file")
    before = path.read_bytes()

    def half(_arrays, part, **_):
        Path(part).write_bytes(before[:1000])
        raise error

    monkeypatch.setattr(array_files, "save_file", half)
    with pytest.raises((KeyboardInterrupt, ex.TraceError), match="no space|^$"):
        thing.save(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    load(path)


def test_eight_threads_that_save_to_one_path_leave_one_whole_file(saved, tmp_path):
    """Each writes a part of its own, and the last one stays."""
    thing, load = saved
    path = tmp_path / "file"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: thing.save(path), range(16)))
    load(path)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_damaged_file_is_refused_with_a_reason(saved, tmp_path):
    """A flipped bit in any place, and cuts: never other numbers in silence."""
    thing, load = saved
    path = thing.save(tmp_path / "file")
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for where in rng.integers(0, len(content), size=40):
        changed = bytearray(content)
        changed[where] ^= 1 << rng.integers(0, 8)
        path.write_bytes(changed)
        with pytest.raises(ex.TraceError, match="damaged|is not a|but not a|lacks something"):
            load(path)
    for size in (0, 5, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(ex.TraceError, match="damaged"):
            load(path)


def rewritten(path, **about):
    """Write a file again with other words about itself."""
    with safe_open(path, framework="numpy") as file:
        held = json.loads(file.metadata()["esm_explore"])
    arrays = load_file(path)
    held |= about
    save_file(arrays, path, metadata={"esm_explore": json.dumps(held)})


def test_a_file_of_a_newer_version_is_refused_as_that(saved, tmp_path):
    """With its version, and what this package reads."""
    thing, load = saved
    path = thing.save(tmp_path / "file")
    kind = "trace" if load is ex.load_trace else "map"
    rewritten(path, format=f"esm_explore {kind} 9")
    with pytest.raises(ex.TraceError, match=f"newer esm_explore: it is a {kind} of version 9"):
        load(path)
    rewritten(path, format="esm_explore other 1")
    with pytest.raises(ex.TraceError, match=f"is a other of esm_explore, but not a {kind}"):
        load(path)


def test_a_path_that_cannot_be_written(saved, tmp_path):
    """No such folder: our error, with the path."""
    with pytest.raises(ex.TraceError, match="none/file could not be written"):
        saved[0].save(tmp_path / "none" / "file")


def test_gradients_and_random_numbers_are_the_users(encoder, ubiquitin):
    """Neither torch's grad mode nor its generator is changed by a trace."""
    before = torch.get_rng_state()
    with torch.enable_grad():
        ex.trace(encoder, ubiquitin)
        assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), before)
