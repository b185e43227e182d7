"""The encoder is the user's: whatever happens, it is left exactly as it was found."""

from __future__ import annotations

import copy
import threading

import numpy as np
import pytest
import torch

import esm_explore as ex
from esm_explore.tracing import tracer as tracing

pytestmark = pytest.mark.lines


@pytest.fixture
def encoder(toy_encoder):
    return copy.deepcopy(toy_encoder)


def state(encoder):
    """All that tracing could touch."""
    return {
        "weights": {name: tensor.clone() for name, tensor in encoder.state_dict().items()},
        "hooks": [len(module._forward_hooks) for module in encoder.modules()],
        "modes": [module.training for module in encoder.modules()],
        "instance": {k for k in vars(encoder) if not k.startswith("_")},
        "gradients": [parameter.requires_grad for parameter in encoder.parameters()],
    }


def assert_same(before, after):
    weights = before.pop("weights"), after.pop("weights")
    assert before == after
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]), name


def test_a_trace_leaves_nothing_behind(encoder, ubiquitin):
    """Also one of a single neighborhood."""
    before = state(encoder)
    ex.trace(encoder, ubiquitin).neighborhood(7)
    assert_same(before, state(encoder))


def test_a_train_mode_encoder_keeps_its_codebook_and_its_mode(encoder, ubiquitin):
    """Esm's encode in train mode overwrites the codebook, then raises."""
    expected = ex.trace(encoder, ubiquitin).tokens
    encoder.train()
    encoder.transformer.blocks[0].eval()
    before = state(encoder)
    np.testing.assert_array_equal(ex.trace(encoder, ubiquitin).tokens, expected)
    assert_same(before, state(encoder))


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("whole_chain", [512, 20])
def test_a_failure_half_way_leaves_nothing_behind(
    encoder, ubiquitin, monkeypatch, error, whole_chain
):
    """An exception from the second block, in one pass and in chunks."""
    monkeypatch.setattr(tracing, "WHOLE_CHAIN", whole_chain)

    def fail(*_):
        raise error("half way")

    handle = encoder.transformer.blocks[1].register_forward_pre_hook(fail)
    before = state(encoder)
    with pytest.raises(error, match="half way"):
        ex.trace(encoder, ubiquitin)
    assert_same(before, state(encoder))
    handle.remove()
    assert len(ex.trace(encoder, ubiquitin)) == 76


def test_a_users_own_neighbor_search_is_used_and_kept(encoder, ubiquitin):
    """Someone who shadows find_knn_edges finds their function still there."""
    calls = []
    original = encoder.find_knn_edges

    def search(*args, **kwargs):
        calls.append(1)
        return original(*args, **kwargs)

    encoder.find_knn_edges = search
    ex.trace(encoder, ubiquitin)
    assert calls
    assert encoder.find_knn_edges is search


def test_a_users_own_hooks_stay(encoder, ubiquitin):
    """A hook that was there fires during a trace, and afterwards is the only one left."""
    calls = []
    encoder.pre_vq_proj.register_forward_hook(lambda *_: calls.append(1))
    ex.trace(encoder, ubiquitin)
    assert calls == [1]
    assert len(encoder.pre_vq_proj._forward_hooks) == 1


def test_threads_that_share_an_encoder_do_not_mix_their_captures(encoder):
    """Eight threads, two chains: each thread gets the tokens of its own chain."""
    chains = [ex.read_chain("1UBI"), ex.read_chain("5PTI")]
    expected = [ex.trace(encoder, chain).tokens for chain in chains]
    found: dict[int, np.ndarray] = {}

    def work(i):
        found[i] = ex.trace(encoder, chains[i % 2]).tokens

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(8):
        np.testing.assert_array_equal(found[i], expected[i % 2])


def test_autocast_around_a_trace_changes_nothing(encoder, ubiquitin):
    """Esm fails or rounds under autocast; a trace is float32."""
    expected = ex.trace(encoder, ubiquitin)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = ex.trace(encoder, ubiquitin)
    np.testing.assert_array_equal(found.pre_vq, expected.pre_vq)


def test_a_half_precision_encoder_is_refused(encoder, ubiquitin):
    """The message says what to do about it."""
    with pytest.raises(ex.TraceError, match=r"float16.*encoder\.float\(\)"):
        ex.trace(encoder.half(), ubiquitin)
