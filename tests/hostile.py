"""Texts that would do harm in a page, and all that is shown of a chain that is full of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from esm.models.vqvae import StructureTokenDecoder

import esm_explore as ex
from esm_explore import experiments, plots
from esm_explore.analysis.annotations import residue_values
from esm_explore.analysis.code_usage import usage
from esm_explore.analysis.heads import head_weights
from esm_explore.atlas.found_runs import FoundRuns
from esm_explore.atlas.reading import open_atlas
from esm_explore.decoding.identity import name_decoder
from esm_explore.encoders.identity import name_encoder
from esm_explore.experiments.alike import same_token
from esm_explore.experiments.comparing import compare

IMAGE = '<img src=x onerror="window.hacked=1">'
SCRIPT = "</script><script>window.hacked=2</script>"
LINK = '<a href="https://x.invalid">here</a>'
FORMULA = r"$\href{javascript:window.hacked=3}{x}$"
TURNED = "\u202eturned"
# What turns the letters after it is shown as its escape.
TURNED_SHOWN = r"\u202eturned"
PIECES = (
    *(IMAGE, SCRIPT, LINK, FORMULA, TURNED),
    r"\(a^2\)",
    "javascript:window.hacked=4",
    "{{7*7}}",
    '"onmouseover="window.hacked=5',
    "'onmouseover='window.hacked=6",
    "<svg onload=window.hacked=7>",
    "${window.hacked=8}",
    "\\",
    '\\"%{x}%{customdata}',
    "one\ntwo\u2028three",
    "<b>bold</b>",
    "&lt;i&gt;",
)
HOSTILE = " ".join(PIECES)
# A file's name has no slash.
FILE_NAME = f"{FORMULA}{IMAGE}{TURNED}{{{{7*7}}}}\n.pth"


def hostile_trace(encoder, chain):
    """Trace a chain whose ids, insertion codes and letters are hostile."""
    codes = np.array([PIECES[i % len(PIECES)] for i in range(len(chain))])
    letters = ("<>&\"'$\\`" * len(chain))[: len(chain) // 2] + chain.sequence[len(chain) // 2 :]
    changed = dataclasses.replace(
        chain, id=SCRIPT, chain_id=IMAGE, insertion_code=codes, sequence=letters
    )
    return ex.trace(encoder, changed)


def from_hostile_file(encoder, folder: Path):
    """Save an encoder's weights as a file with a hostile name, and load them: it is its title."""
    path = folder / FILE_NAME
    torch.save(encoder.state_dict(), path)
    return ex.load_encoder(path)


def words(trace) -> np.ndarray:
    """Give each residue a hostile word."""
    return np.array([PIECES[i % len(PIECES)] for i in range(len(trace))])


def hostile_card(trace):
    """Give a card of the bundled atlas whose texts are hostile."""
    card = open_atlas().code(1234)
    frame = card.to_frame()
    frame["category"] = [PIECES[i % len(PIECES)] for i in range(len(frame))]
    labeled = [dataclasses.replace(one, label=PIECES[i]) for i, one in enumerate(card.exemplars)]
    said = {"title": trace.encoder_info.title, "description": HOSTILE}
    edges = [(HOSTILE, margin) for _, margin in card.edges]
    return dataclasses.replace(card, exemplars=labeled, edges=edges, _frame=frame, **said)


def _scores() -> pd.DataFrame:
    return pd.DataFrame({"stage": [HOSTILE], "accuracy": [0.5], "majority": [0.4]})


def _renamed(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={"distance_weight": HOSTILE})


def moved(trace):
    """Trace the chain again, its atoms moved at random: of two equal ones there is no picture."""
    noise = np.random.default_rng(0).normal(size=trace.chain.atom37_positions.shape)
    places = (trace.chain.atom37_positions + 0.5 * noise).astype(np.float32)
    return ex.trace(trace.encoder, dataclasses.replace(trace.chain, atom37_positions=places))


def hostile_atlas():
    """Open the bundled atlas, and its encoder, with hostile titles."""
    atlas, encoder = open_atlas(), ex.load_encoder("mini")
    atlas.manifest["encoder"]["title"] = HOSTILE
    name_encoder(encoder, HOSTILE, "")
    return atlas, encoder


def followed(trace):
    """Follow tokens over three models of a chain whose ids are hostile."""
    frames = ex.read_frames("1AS5")[:3]
    frames.chain = dataclasses.replace(frames.chain, id=SCRIPT, chain_id=IMAGE)
    return experiments.follow(trace.encoder, frames, progress=False)


def found_runs(trace):
    """Give a find whose names are hostile."""
    backbone = trace.chain.atom37_positions[:12, :3]
    runs = pd.DataFrame({"structure": [SCRIPT], "chain": [IMAGE], "rmsd": [0.0]})
    return FoundRuns(HOSTILE, "A" * 12, backbone, runs, backbone[None], 1, trace.encoder_info)


def benchmark():
    """Give the bundled benchmark, of encoders with hostile names."""
    bundled = experiments.pairs_benchmark()
    scores, curves = (table.assign(encoder=HOSTILE) for table in (bundled.scores, bundled.curves))
    return dataclasses.replace(bundled, scores=scores, curves=curves, command=HOSTILE)


def decoder_of(trace):
    """Give a decoder with a hostile name, of as many codes as the encoder has."""
    with torch.random.fork_rng():
        decoder = StructureTokenDecoder(d_model=64, n_heads=1, n_layers=1).eval()
    decoder.vqvae_codebook_size = len(trace.codebook)
    name_decoder(decoder, HOSTILE)
    return decoder


def round_trip(trace):
    """Decode by such a decoder."""
    return experiments.round_trip(trace, decoder_of(trace))


def local_trip(trace):
    """Trace the same chain with mini, whose codes alone decode locally."""
    own = ex.trace(ex.load_encoder(), trace.chain)
    return own, experiments.decode_local(own)


def _interface(trace, draw):
    """Compare a complex of two such chains, on each other's side, whose ids are hostile too."""
    places = trace.chain.atom37_positions + np.float32(8)
    other = dataclasses.replace(trace.chain, chain_id=SCRIPT, atom37_positions=places)
    joint = ex.trace(trace.encoder, ex.read_complex([trace.chain, other]))
    return draw(joint, experiments.compare_joint(joint))


def _conformations(trace, draw):
    other = moved(trace)
    return draw(trace, other, experiments.compare_conformations(trace, other))


FIGURES = {
    "attention_matrix": lambda t: plots.attention_matrix(t, t.neighborhood(3), 1),
    "head_map": lambda t: plots.head_map(t, _renamed(head_weights(t)), HOSTILE, HOSTILE),
    "logit_terms": lambda t: plots.logit_terms(t, t.neighborhood(3), 1),
    "residual_stream": plots.residual_stream,
    "code_distances": plots.code_distances,
    "code_usage": lambda t: plots.code_usage(t, usage(t.tokens, 512)),
    "stored_counts": lambda t: plots.stored_counts(t, usage(t.tokens, 512)),
    "along_chain": plots.along_chain,
    "edge_matrix": plots.edge_matrix,
    "separation": plots.separation,
    "motion_along_chain": lambda t: plots.motion_along_chain(t, t, compare(t, t)),
    "latent_and_codes": lambda t: plots.latent_and_codes(t, 3),
    "latent_numbers": plots.latent_numbers,
    "latent_spectrum": plots.latent_spectrum,
    "margins_along_chain": plots.margins_along_chain,
    "map_figure": lambda t: plots.map_figure(t, t.pre_vq[:, :2], words(t), HOSTILE, list(words(t))),
    "map_figure of numbers": lambda t: plots.map_figure(
        t, t.pre_vq[:, :2], residue_values(t, "burial"), HOSTILE, list(words(t))
    ),
    "stage_maps": lambda t: plots.stage_maps(
        t, {HOSTILE: ex.analysis.fit_map(t.pre_vq)}, {HOSTILE: words(t)}, list(words(t))
    ),
    "probe_scores": lambda t: plots.probe_scores(t, {HOSTILE: _scores()}),
    "bin_path": plots.bin_path,
    "bin_similarity": plots.bin_similarity,
    "bin_usage": plots.bin_usage,
    "knock_out_effects": lambda t: plots.knock_out_effects(t, experiments.knock_out(t, 3)),
    "knock_outs_along_chain": lambda t: plots.knock_outs_along_chain(
        t, experiments.knock_out_profile(t)
    ),
    "replaced_by_stage": lambda t: plots.replaced_by_stage(
        t, experiments.replace(t, "all", 3, "zero")
    ),
    "enrichments": lambda t: plots.enrichments(hostile_card(t)),
    "atlas_usage": lambda _: plots.atlas_usage(hostile_atlas()[0]),
    "atlas_silhouettes": lambda _: plots.atlas_silhouettes(*hostile_atlas()),
    "atlas_stored_counts": lambda _: plots.atlas_stored_counts(*hostile_atlas()),
    "letters_left_open": lambda _: plots.letters_left_open([hostile_atlas()[0].crosswalk("dssp")]),
    "tokens_over_time": lambda t: plots.tokens_over_time(followed(t)),
    "token_states": lambda t: plots.token_states(followed(t), 3),
    "entropy_and_motion": lambda t: plots.entropy_and_motion(followed(t)),
    "motion_detected": lambda _: plots.motion_detected(benchmark()),
    "round_trip_along_chain": lambda t: plots.round_trip_along_chain(t, round_trip(t)),
    "local_trip_along_chain": lambda t: plots.local_trip_along_chain(*local_trip(t)),
    "codes_on_the_way": lambda t: plots.codes_on_the_way(
        t, experiments.interpolate(t, 3, int(t.tokens[3] + 1) % 512, decoder_of(t))
    ),
    "stability": lambda t: plots.stability(t, experiments.flip_radius(t)),
    "interface_along_chains": lambda t: _interface(t, plots.interface_along_chains),
    "latents_and_motion": lambda t: _conformations(t, plots.latents_and_motion),
}
STRUCTURES = {
    "view": lambda t: ex.view(t, words(t), label=HOSTILE),
    "view_neighborhood": lambda t: plots.view_neighborhood(t, 3),
    "view_same_token": lambda t: plots.view_same_token(same_token([t], int(t.tokens[0]))),
    "view_knock_out": lambda t: plots.view_knock_out(t, experiments.knock_out(t, 3)),
    "view_replaced": lambda t: plots.view_replaced(t, experiments.replace(t, "all", 3, "zero")),
    "view_flip_radii": lambda t: plots.view_flip_radii(t, experiments.flip_radius(t)),
    "view_exemplars": lambda t: plots.view_exemplars(hostile_card(t)),
    "view_conformations": lambda t: plots.view_conformations(
        t, t, experiments.compare_conformations(t, t)
    ),
    "view_interface": lambda t: _interface(t, plots.view_interface),
    "view_round_trip": lambda t: plots.view_round_trip(t, round_trip(t)),
    "view_local_trip": lambda t: plots.view_local_trip(*local_trip(t), 3),
    "view_runs": lambda t: plots.view_runs(found_runs(t)),
    "Beside": lambda t: plots.Beside(ex.view(t), plots.view_neighborhood(t, 3)),
}
