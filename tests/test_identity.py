"""Which encoder it is: a digest of all that a pass uses decides."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import esm_explore as ex
from esm_explore.analysis.probes import stage_states
from esm_explore.array_files import _checksum
from esm_explore.encoders.identity import one_encoder, same_encoder
from esm_explore.experiments.alike import same_token
from esm_explore.experiments.comparing import compare

pytestmark = pytest.mark.lines


@pytest.fixture(scope="module")
def mini():
    return ex.load_encoder()


@pytest.fixture(scope="module")
def scaled(mini):
    """Mini, one block's projection scaled by 1.001: codes and last layer are the same."""
    other = copy.deepcopy(mini)
    other.transformer.blocks[0].geom_attn.proj.weight *= 1.001
    return other


def change_eps(encoder):
    encoder.transformer.blocks[1].ffn[0].eps = 1e-3


def change_knn(encoder):
    encoder.knn = 8


def change_bins(encoder):
    encoder.relative_positional_embedding.bins = 16


def add_hook(encoder):
    encoder.pre_vq_proj.register_forward_hook(lambda _module, _args, output: output * 2)


def change_scale(encoder):
    encoder.transformer.blocks[0].scaling_factor = 2.0


@pytest.mark.parametrize("change", [change_eps, change_knn, change_bins, add_hook, change_scale])
def test_what_is_no_weight_is_part_of_the_identity(mini, change):
    """All of these change tokens; the title goes, too, and comes back with the encoder."""
    other = copy.deepcopy(mini)
    before = ex.encoder_info(other)
    assert same_encoder(before, ex.encoder_info(mini))
    change(other)
    after = ex.encoder_info(other)
    assert not same_encoder(before, after)
    assert after.title == f"unnamed encoder {after.fingerprint}"
    assert after.checksum == ""


def test_averages_that_training_keeps_are_not_part_of_it(mini):
    """A pass does not use the codebook's N and z_avg."""
    other = copy.deepcopy(mini)
    other.codebook.N += 1
    other.codebook.z_avg += 1
    assert same_encoder(ex.encoder_info(other), ex.encoder_info(mini))


def test_an_unchanged_encoder_is_digested_once(mini):
    """The same object each time; a weight that is written to makes another."""
    other = copy.deepcopy(mini)
    first = ex.encoder_info(other)
    assert ex.encoder_info(other) is first
    with torch.no_grad():
        other.pre_vq_proj.bias[0] += 1
    assert ex.encoder_info(other) is not first


def test_the_same_weights_are_the_same_encoder_wherever_they_were_loaded(mini):
    """Also without a title."""
    again = ex.load_encoder()
    del again._esm_explore_named
    assert same_encoder(ex.encoder_info(again), ex.encoder_info(mini))


def test_traces_of_two_encoders_do_not_meet(mini, scaled, ubiquitin, tmp_path):
    """One block differs: compare, same_token, probes, the inspector and files notice."""
    first, second = ex.trace(mini, ubiquitin), ex.trace(scaled, ubiquitin)
    np.testing.assert_array_equal(first.codebook, second.codebook)
    for meet in (
        lambda: compare(first, second),
        lambda: same_token([first, second], int(first.tokens[0])),
        lambda: stage_states([first, second]),
        lambda: one_encoder([first, second]),
    ):
        with pytest.raises(ex.TraceError, match="different encoders, mini .* and unnamed encoder"):
            meet()
    assert "different encoders" in ex.inspect([first, second]).children[0].value
    path = first.save(tmp_path / "first.trace")
    with pytest.raises(ex.TraceError, match="was made by mini .*, not by unnamed encoder"):
        ex.load_trace(path, scaled)
    assert ex.load_trace(path, mini).encoder is mini
    compare(first, ex.load_trace(path))


def older(path, new):
    """Write a trace as version 0.1 did: version 2, with a fingerprint and no digest."""
    arrays = load_file(path)
    with safe_open(path, framework="numpy") as file:
        about = json.loads(file.metadata()["esm_explore"])
    about["format"] = "esm_explore trace 2"
    about["encoder"] = {**about["encoder"], "fingerprint": "0" * 8}
    del about["encoder"]["digest"]
    codes = np.array(about["chain"].pop("insertion_code"), dtype="U1")
    arrays["chain.insertion_code"] = codes.view(np.uint32)
    about["checksum"] = _checksum(arrays, None)
    save_file(arrays, new, metadata={"esm_explore": json.dumps(about)})
    return new


def test_an_older_trace_takes_an_encoder_if_a_residue_encodes_alike(
    mini, scaled, ubiquitin, tmp_path
):
    """Without a digest the numbers decide; the encoder that made it is then known."""
    trace = ex.trace(mini, ubiquitin)
    path = older(trace.save(tmp_path / "new.trace"), tmp_path / "old.trace")
    loaded = ex.load_trace(path)
    assert loaded.encoder_info.digest == ""
    with pytest.raises(ex.TraceError, match="different encoders"):
        compare(loaded, trace)
    with pytest.raises(ex.TraceError, match="not by unnamed encoder"):
        ex.load_trace(path, scaled)
    with_encoder = ex.load_trace(path, mini)
    assert with_encoder.neighborhood("30").token == trace.tokens[29]
    assert not compare(with_encoder, trace)["changed"].any()


@pytest.mark.parametrize("change", [change_knn, add_hook])
def test_an_older_trace_takes_no_encoder_that_was_changed(change, mini, ubiquitin, tmp_path):
    """Its neighborhoods would be others, or its hooks were not there."""
    path = older(ex.trace(mini, ubiquitin).save(tmp_path / "new"), tmp_path / "old")
    other = copy.deepcopy(mini)
    change(other)
    with pytest.raises(ex.TraceError, match="not by unnamed encoder"):
        ex.load_trace(path, other)


def test_hooks_that_follow_one_another_are_told_apart(mini):
    """Also where the next takes the place in memory of one that is gone."""
    other, digests = copy.deepcopy(mini), set()
    for factor in range(2, 7):
        handle = other.pre_vq_proj.register_forward_hook(lambda _m, _a, out, by=factor: out * by)
        digests.add(ex.encoder_info(other).digest)
        handle.remove()
    assert len(digests) == 5
    assert same_encoder(ex.encoder_info(other), ex.encoder_info(mini))


def test_what_cannot_have_made_an_older_trace_is_refused(mini, ubiquitin, tmp_path):
    """Half precision, another number of blocks, no encoder at all."""
    path = older(ex.trace(mini, ubiquitin).save(tmp_path / "new"), tmp_path / "old")
    shorter = copy.deepcopy(mini)
    del shorter.transformer.blocks[1]
    for wrong in (copy.deepcopy(mini).bfloat16(), shorter, "mini"):
        with pytest.raises(ex.TraceError):
            ex.load_trace(path, wrong)
