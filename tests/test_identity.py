"""Which encoder it is: a digest of all that a pass uses decides."""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import esm_explore as ex
from esm_explore.analysis.heads import head_statistics, head_weights
from esm_explore.analysis.probes import stage_states
from esm_explore.array_files import _checksum
from esm_explore.decoding.local import decode_neighborhood
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
    with pytest.raises(ex.TraceError, match="not known whose these are"):
        compare(loaded, trace)
    with pytest.raises(ex.TraceError, match="not by unnamed encoder"):
        ex.load_trace(path, scaled)
    with_encoder = ex.load_trace(path, mini)
    assert with_encoder.neighborhood("30").token == trace.tokens[29]
    assert not compare(with_encoder, trace)["changed"].any()


@pytest.mark.slow
def test_of_older_traces_it_is_said_that_nobody_knows_whose_they_are(
    mini, toy_encoder, ubiquitin, tmp_path
):
    """Each by itself may be of one encoder; given it they meet; other sizes are another's."""

    def saved(encoder, name):
        path = ex.trace(encoder, ubiquitin).save(tmp_path / name)
        return older(path, path.with_suffix(".old"))

    paths = [saved(mini, "first"), saved(mini, "second")]
    both = [ex.load_trace(path) for path in paths]
    for meet in (lambda: compare(*both), lambda: one_encoder(both), lambda: stage_states(both)):
        with pytest.raises(ex.TraceError, match=r"not known whose .*load_trace\(path, encoder\)"):
            meet()
    assert "not known whose" in ex.inspect(both).children[0].value
    assert not compare(*(ex.load_trace(path, mini) for path in paths))["changed"].any()
    with pytest.raises(ex.TraceError, match="different encoders"):
        compare(both[0], ex.load_trace(saved(toy_encoder, "toy")))


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


SETTINGS = {
    "one block scaled by 1.001": lambda e: e.transformer.blocks[0].geom_attn.proj.weight.mul_(
        1.001
    ),
    "knn = 8": change_knn,
    "eps": change_eps,
    "a hook": add_hook,
}


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_what_two_encoders_made_meets_nowhere(setting, mini, ubiquitin, tmp_path):
    """All entry points that take two things: each pair of them, in both orders."""
    other = copy.deepcopy(mini)
    SETTINGS[setting](other)
    chains = ubiquitin, ex.read_chain("5PTI")
    mine, theirs = ex.trace(mini, chains[0]), ex.trace(other, chains[0])
    saved = {"mine": mine.save(tmp_path / "mine"), "theirs": theirs.save(tmp_path / "theirs")}
    sources = [
        (mine, theirs),
        (theirs, mine),
        (ex.load_trace(saved["mine"]), theirs),
        (mine, ex.load_trace(saved["theirs"])),
        (ex.load_trace(saved["mine"], mini), ex.load_trace(saved["theirs"], other)),
    ]
    some_map = SimpleNamespace(points=np.eye(152)[:, :2], trustworthiness=lambda: 1.0)
    colors = {"token": np.arange(152)}
    used = ex.analysis.usage(mine.tokens, len(mine.codebook))
    takers = {
        "compare": compare,
        "same_token": lambda *traces: same_token([*traces], int(traces[0].tokens[0])),
        "probes": lambda *traces: stage_states([*traces]),
        "maps": lambda *traces: ex.plots.stage_maps([*traces], {"x": some_map}, colors),
        "usage": lambda *traces: ex.plots.code_usage([*traces], used),
    }
    for pair in sources:
        for take in takers.values():
            with pytest.raises(ex.TraceError, match="of different encoders"):
                take(*pair)
        assert "different encoders" in ex.inspect([*pair]).children[0].value
    ex.build_atlas(mini, ["1EJG"], tmp_path / "atlas", progress=False)
    atlas = ex.open_atlas(tmp_path / "atlas")
    assert len(atlas.neighbors(mine, 3, k=2)) == 2
    for trace in (theirs, ex.load_trace(saved["theirs"])):
        with pytest.raises(ex.errors.AtlasError, match="of the encoder"):
            atlas.neighbors(trace, 3, k=2)
    for path, encoder in ((saved["mine"], other), (saved["theirs"], mini)):
        with pytest.raises(ex.TraceError, match="was made by"):
            ex.load_trace(path, encoder)


@pytest.mark.slow
def test_two_checkpoints_of_one_file_name_are_two_encoders(mini, ubiquitin, tmp_path):
    """Their titles are the same, their digests are not."""
    traces = []
    for factor in (1, 1.001):
        path = tmp_path / str(factor) / "mine.pth"
        path.parent.mkdir()
        torch.save({name: t * factor for name, t in mini.state_dict().items()}, path)
        traces.append(ex.trace(ex.load_encoder(path), ubiquitin))
    assert {trace.encoder_info.title for trace in traces} == {"checkpoint mine.pth"}
    with pytest.raises(ex.TraceError, match="different encoders"):
        compare(*traces)


@pytest.mark.parametrize("change", SETTINGS.values(), ids=SETTINGS)
def test_a_trace_whose_encoder_was_changed_says_so_later(change, mini, ubiquitin):
    """Neighborhoods and heads are refused; what the trace holds is as it was."""
    encoder = copy.deepcopy(mini)
    trace = ex.trace(encoder, ubiquitin)
    codes, nearest = trace.codebook.copy(), trace.nearest.margin.copy()
    trace.neighborhood(3)
    change(encoder)
    for ask in (lambda: trace.neighborhood(3), lambda: head_statistics(trace, [1]),
                lambda: head_weights(trace)):  # fmt: skip
        with pytest.raises(ex.TraceError, match="encoder has changed since this trace was made"):
            ask()
    np.testing.assert_array_equal(trace.codebook, codes)
    np.testing.assert_array_equal(trace.nearest.margin, nearest)


def test_decoding_takes_the_codes_that_its_decoder_was_trained_with(mini):
    """An encoder whose codes are others by one number is another one."""
    other = copy.deepcopy(mini)
    other.codebook.embeddings[0, 0] += 1e-3
    with pytest.raises(ex.EncoderError, match="Only the codes of the bundled encoder"):
        decode_neighborhood(other, 3)


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        ("codebook", "n_codes", 17),
        ("transformer.blocks.0.geom_attn", "mask_and_zero_frameless", True),
        ("relative_positional_embedding.embedding", "max_norm", 0.5),
        ("transformer.blocks.1", "use_geom_attn", False),
    ],
)
def test_any_setting_of_any_module_is_part_of_the_identity(mini, place, name, value):
    """Also those that nobody thought of; tokenize, which goes its own way, refuses them."""
    other = copy.deepcopy(mini)
    setattr(other.get_submodule(place), name, value)
    assert not same_encoder(ex.encoder_info(other), ex.encoder_info(mini))
    with pytest.raises(ex.TraceError, match=f"changed at {place}"):
        ex.tokenize(other, [])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:torch.quantize_per:UserWarning")
def test_quantized_and_compiled_encoders_are_refused(mini, ubiquitin):
    """By trace, by tokenize, and where it is asked which encoder they are."""
    quantized = torch.ao.quantization.quantize_dynamic(copy.deepcopy(mini), {torch.nn.Linear})
    inside = copy.deepcopy(mini)
    inside.transformer.blocks[0] = torch.compile(inside.transformer.blocks[0])
    method = copy.deepcopy(mini)
    method.transformer.blocks[1].compile()
    for wrong, message in (
        (quantized, "a quantized encoder gives other tokens than esm's"),
        (torch.compile(copy.deepcopy(mini)), "what torch.compile made .*: give the encoder itself"),
        (inside, "was compiled at transformer.blocks.0"),
        (method, "was compiled at transformer.blocks.1"),
    ):
        for ask in (
            lambda e: ex.trace(e, ubiquitin),
            lambda e: ex.tokenize(e, [ubiquitin]),
            ex.encoder_info,
        ):
            with pytest.raises(ex.TraceError, match=message):
                ask(wrong)


@pytest.mark.slow
def test_an_encoder_compiled_as_a_whole_is_as_before(mini, ubiquitin):
    """Esm calls its methods, never the encoder itself: compile() in place changes no token."""
    other = copy.deepcopy(mini)
    other.compile()
    np.testing.assert_array_equal(
        ex.trace(other, ubiquitin).tokens, ex.trace(mini, ubiquitin).tokens
    )


@pytest.mark.parametrize("change", [lambda e: e.half(), lambda e: e.to("meta")])
def test_half_precision_and_meta_encoders_are_refused(mini, ubiquitin, change):
    """With what would be right; by `tokenize`, too, that had the encoder ready before."""
    encoder = copy.deepcopy(mini)
    list(ex.tokenize(encoder, [ubiquitin]))
    change(encoder)
    for verb in (ex.trace, lambda encoder, chain: ex.tokenize(encoder, [chain])):
        with pytest.raises(ex.TraceError, match=r"encoder\.(float\(\)|to\(device\))"):
            verb(encoder, ubiquitin)


def test_which_encoder_without_numbers_it_is_cannot_be_said(mini):
    """There is nothing to make a digest of."""
    with pytest.raises(ex.TraceError, match=r"on meta; .* use encoder\.to\(device\)"):
        ex.encoder_info(copy.deepcopy(mini).to("meta"))
