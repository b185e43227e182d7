"""No function of `analysis` or `tokens` draws from the random states that are the user's."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

import esm_explore as ex
from esm_explore.analysis.maps import fit_map, load_map


@pytest.fixture(scope="module")
def traces(toy_encoder):
    return [
        ex.trace(toy_encoder, ex.read_chain(n)) for n in ["1UBI", "5PTI", "1A8O", "1EJG", "1AS5"]
    ]


def states():
    """Of numpy, torch and Python, as bytes and text."""
    _, words, *place = np.random.get_state()  # noqa: NPY002
    return words.tobytes(), place, torch.get_rng_state().numpy().tobytes(), random.getstate()


CHEAP = {
    "amino_acid_classes": lambda traces: ex.analysis.amino_acid_classes("GKX"),
    "annotate": lambda traces: ex.analysis.annotate(traces[0].chain),
    "residue_values": lambda traces: ex.analysis.residue_values(traces[0], "margin"),
    "nearest_codes": lambda traces: ex.analysis.nearest_codes(
        traces[0].codebook, traces[0].pre_vq, 2
    ),
    "usage": lambda traces: ex.analysis.usage(traces[0].tokens, 512),
    "head_weights": lambda traces: ex.analysis.head_weights(traces[0]),
    "head_statistics": lambda traces: ex.analysis.head_statistics(traces[0], [1, 2]),
    "stage_states": lambda traces: ex.analysis.stage_states(traces),
    "probe_stages": lambda traces: ex.analysis.probe_stages(
        traces, [t.pre_vq[:, 0] > np.median(t.pre_vq[:, 0]) for t in traces]
    ),
    "find_residues": lambda traces: ex.analysis.find_residues(traces, "strand"),
    "tokenize": lambda traces: list(ex.tokenize(traces[0].encoder, [t.chain for t in traces])),
}
# UMAP is compiled for half a minute.
SLOW = {"fit_map", "load_map"}


def test_every_public_function_is_among_those_that_are_tried():
    """A new one has to be added here."""
    assert CHEAP.keys() | SLOW == {*dir(ex.analysis), "tokenize"}


@pytest.mark.parametrize("name", CHEAP)
def test_nothing_moves_the_users_random_state(traces, name):
    """What the user draws next is what it would have been."""
    before = states()
    CHEAP[name](traces)
    assert states() == before


@pytest.mark.slow
def test_no_map_moves_the_users_random_state(tmp_path):
    """With and without a seed, of few points and of as many as neighbors are searched with draws.

    Without a seed the map is another each time, also where the user has set numpy's seed.
    """
    data = np.random.default_rng(0).normal(size=(4_100, 4)).astype(np.float32)
    before = states()
    for seed in (0, None):
        for points in (data[:40], data):
            fitted = fit_map(points, seed=seed)
            load_map(fitted.save(tmp_path / "map")).transform(points[:3])
    assert states() == before
    assert not np.array_equal(fit_map(data[:40], seed=None).points, fitted.points[:40])


@pytest.mark.slow
def test_a_map_does_not_change_with_the_users_array(tmp_path):
    """Its points are those that were given: trustworthiness and the saved file stay."""
    data = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    fitted = fit_map(data)
    before = fitted.trustworthiness(), fitted.save(tmp_path / "map").read_bytes()
    data[:] = np.random.default_rng(1).normal(size=(40, 4))
    assert (fitted.trustworthiness(), fitted.save(tmp_path / "map").read_bytes()) == before
