"""Another thread, another process, another mode of torch: the numbers are esm's all the same."""

from __future__ import annotations

import copy
import dataclasses
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from test_encoder_left_alone import assert_same, state

import esm_explore as ex
from esm_explore.analysis.heads import head_statistics
from esm_explore.decoding.local import decode_neighborhood
from esm_explore.plots.picture import hover_of

pytestmark = pytest.mark.lines


@pytest.fixture
def encoder(toy_encoder):
    """A copy, run on one thread: torch's own would wait for one another longer than they work."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield copy.deepcopy(toy_encoder)
    torch.set_num_threads(threads)


def esms(encoder, chain) -> torch.Tensor:
    """Tokens by esm's own encode."""
    coords, _, residue_index = chain.to_structure_encoder_inputs()
    with torch.no_grad():
        return encoder.encode(coords, residue_index=residue_index)[1][0]


@pytest.mark.slow
def test_100_traces_while_another_thread_encodes(encoder):
    """With the same encoder and chains of other lengths: all of both are as when alone."""
    mine, theirs = ex.read_chain("1UBI")[:40], ex.read_chain("5PTI")
    expected = ex.trace(encoder, mine)
    opened = expected.neighborhood(3)
    other, wrong, done = esms(encoder, theirs), [], threading.Event()
    before = state(encoder)

    def encode() -> int:
        times = 0
        while not done.is_set():
            try:
                wrong.extend([] if torch.equal(esms(encoder, theirs), other) else ["tokens"])
            except Exception as error:
                wrong.append(error)
            times += 1
        return times

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(encode)
        try:
            for _ in range(100):
                found = ex.trace(encoder, mine)
                np.testing.assert_array_equal(found.pre_vq, expected.pre_vq)
                np.testing.assert_array_equal(found.edges, expected.edges)
                np.testing.assert_array_equal(found.neighborhood(3).attention, opened.attention)
                assert found.encoder_info is expected.encoder_info
        finally:
            done.set()
        assert running.result() > 50
    assert wrong == []
    assert_same(before, state(encoder))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("_", range(5))
def test_a_fork_while_another_thread_traces(encoder, ubiquitin, _):
    """The child can trace and tokenize, with the tokens and the name of the encoder, and ends."""
    expected = ex.trace(encoder, ubiquitin)
    stop = threading.Event()

    def keep_tracing():
        while not stop.is_set():
            ex.trace(encoder, ubiquitin)

    thread = threading.Thread(target=keep_tracing)
    thread.start()
    try:
        time.sleep(0.05)
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            status = 1
            try:
                found = ex.trace(encoder, ubiquitin)
                (lean,) = ex.tokenize(encoder, [ubiquitin])
                same = np.array_equal(found.tokens, expected.tokens)
                same &= np.array_equal(lean.tokens, expected.tokens)
                status = 0 if same and found.encoder_info == expected.encoder_info else 2
            finally:
                os._exit(status)
    finally:
        stop.set()
        thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_within_a_pass_goes_on_in_both(encoder, ubiquitin):
    """By a hook of the user, in the tracing thread: the child finishes its trace, too."""
    children = []
    encoder.pre_vq_proj.register_forward_hook(
        lambda *_: children.append(os.fork()) if not children else None
    )
    trace = ex.trace(encoder, ubiquitin)
    if children[0] == 0:
        os._exit(0 if len(ex.trace(encoder, ubiquitin)) == len(trace) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0


MODES = {
    "autocast": lambda: torch.autocast("cpu", dtype=torch.bfloat16),
    "inference mode": torch.inference_mode,
    "gradients": torch.enable_grad,
}


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_around_everything_changes_nothing(encoder, ubiquitin, mode):
    """Traces, nearest codes, neighborhoods, heads and decoding; and what they give can be used."""

    def everything():
        trace = ex.trace(encoder, ubiquitin)
        (tokens,) = ex.tokenize(encoder, [ubiquitin])
        inside = trace.neighborhood(5)
        decoded = decode_neighborhood(ex.load_encoder(), 3)
        return [
            *(trace.pre_vq, trace.z_q, trace.tokens, trace.nearest.squared_distances),
            *(trace.nearest.margin, trace.relative_position.embeddings, inside.attention),
            *(inside.distance_term, tokens.pre_vq, tokens.margin, decoded.ca),
            head_statistics(trace, [1, 2]).to_numpy(),
        ], trace  # fmt: skip

    expected, _ = everything()
    with MODES[mode]():
        found, trace = everything()
    for a, b in zip(expected, found, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(trace.neighborhood(5).attention, expected[6])


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_around_what_is_told_of_a_trace_changes_no_word(encoder, ubiquitin, mode):
    """Of one that was made before: hover texts, pictures, table and report say the same."""

    def told():
        trace = dataclasses.replace(made)  # nothing is kept of what was asked before
        pictures = [ex.view(trace, color) for color in ("token", "margin", "burial")]
        pictures += [ex.plots.code_distances(trace), ex.plots.margins_along_chain(trace)]
        return hover_of(trace), list(map(repr, pictures)), str(ex.doctor(trace)), trace.to_frame()

    made = ex.trace(encoder, ubiquitin)
    *expected, table = told()
    with MODES[mode]():
        *found, other = told()
    assert found == expected
    assert other.equals(table)


def test_what_holds_for_threads_is_said_where_one_looks():
    """In the docstring of trace."""
    assert "Threads can share an encoder: traces wait for one another" in ex.trace.__doc__


@pytest.mark.slow
def test_deterministic_algorithms_change_nothing(encoder, ubiquitin):
    """The flag that refuses what is not."""
    expected = ex.trace(encoder, ubiquitin).pre_vq
    try:
        torch.use_deterministic_algorithms(True)
        np.testing.assert_array_equal(ex.trace(encoder, ubiquitin).pre_vq, expected)
        (tokens,) = ex.tokenize(encoder, [ubiquitin])
    finally:
        torch.use_deterministic_algorithms(False)
    np.testing.assert_array_equal(tokens.tokens, ex.trace(encoder, ubiquitin).tokens)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["mini", "untrained", "file"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_the_default_dtype_rounds_no_weights(toy_encoder, ubiquitin, tmp_path, source, dtype):
    """Loaded and traced under another default: the same digest, and the tokens of esm."""
    if source == "file":
        source = tmp_path / "toy.pth"
        torch.save(toy_encoder.state_dict(), source)
    expected = ex.encoder_info(ex.load_encoder(source))
    try:
        torch.set_default_dtype(dtype)
        encoder = ex.load_encoder(source)
        trace = ex.trace(encoder, ubiquitin)
    finally:
        torch.set_default_dtype(torch.float32)
    assert ex.encoder_info(encoder) == expected
    np.testing.assert_array_equal(trace.tokens, ex.trace(encoder, ubiquitin).tokens)


def test_a_default_device_without_numbers_is_refused_with_what_would_be_right(ubiquitin):
    """Loading is left alone by it; then esm's own encode says "Unsupported device type: meta"."""
    expected = ex.trace(ex.load_encoder(), ubiquitin).tokens
    try:
        torch.set_default_device("meta")
        encoder = ex.load_encoder()
        with pytest.raises(ex.TraceError, match=r"use torch\.set_default_device\('cpu'\)"):
            ex.trace(encoder, ubiquitin)
        with pytest.raises(ex.TraceError, match="without numbers"):
            list(ex.tokenize(encoder, [ubiquitin]))
    finally:
        torch.set_default_device(None)
    np.testing.assert_array_equal(ex.trace(encoder, ubiquitin).tokens, expected)


def test_an_encoder_loaded_in_inference_mode_is_an_ordinary_one(ubiquitin):
    """Its weights can be changed and trained afterwards."""
    with torch.inference_mode():
        encoder = ex.load_encoder()
    assert not any(tensor.is_inference() for tensor in encoder.state_dict().values())
    expected = ex.trace(ex.load_encoder(), ubiquitin).tokens
    np.testing.assert_array_equal(ex.trace(encoder, ubiquitin).tokens, expected)


def test_loading_in_threads_leaves_each_threads_draws_alone():
    """A user who draws while encoders are loaded draws what the seed says, each number once."""
    torch.manual_seed(3)
    expected = torch.rand(2_000)
    torch.manual_seed(3)
    with ThreadPoolExecutor(2) as pool:
        loading = [pool.submit(ex.load_encoder) for _ in range(6)]
        found = torch.stack([torch.rand(()) for _ in range(2_000)])
        for each in loading:
            each.result()
    assert torch.equal(found, expected)


def test_nothing_moves_the_global_random_state(encoder, ubiquitin):
    """Torch's, numpy's and Python's: a trace, its neighborhood, tokens, a decoded code."""

    def states():
        return str(np.random.get_state()), random.getstate()  # noqa: NPY002

    before = torch.get_rng_state(), states()
    trace = ex.trace(encoder, ubiquitin)
    trace.neighborhood(2)
    list(ex.tokenize(encoder, [ubiquitin]))
    decode_neighborhood(ex.load_encoder("mini"), 5)
    ex.doctor(trace)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert states() == before[1]


def test_warnings_are_the_users_whole_time(encoder, ubiquitin):
    """No filter is put in place for a while, which all threads would share."""
    before, seen = warnings.filters.copy(), []
    encoder.pre_vq_proj.register_forward_hook(lambda *_: seen.append(warnings.filters.copy()))
    ex.trace(encoder, ubiquitin)
    assert seen == [before]


@pytest.mark.slow
def test_esms_own_calls_of_torch_do_not_warn():
    """A fresh process says nothing."""
    code = "import esm_explore as ex; ex.trace(ex.load_encoder(), ex.read_chain('1EJG'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
