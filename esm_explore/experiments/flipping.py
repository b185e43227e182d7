"""The smallest disturbance that changes a code, residue by residue."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from esm_explore.arguments import check_kind, whole_number
from esm_explore.atlas.meanings import change_of_meaning
from esm_explore.atlas.reading import Atlas
from esm_explore.experiments.flipped import LARGEST, FlipRadius
from esm_explore.experiments.rerunning import Setting, code_steps, progress, setting_of
from esm_explore.experiments.shaking import (
    RIGID,
    Shaker,
    encoded,
    random_directions,
    small_changes,
)
from esm_explore.tracing.traces import Trace

N_DIRECTIONS = 3
# Å; from one to the next twice as much.
LEVELS = tuple(LARGEST / 2**k for k in range(11, -1, -1))
# Halvings of the way between two levels: 1.6 to 3.1 % of the radius is left.
_HALVINGS = 5


def flip_radius(trace: Trace, *, seed: int = 0, atlas: Atlas | None = None) -> FlipRadius:
    """Find how much noise it takes to change each residue's code, and what small changes do.

    All backbone atoms move along fixed random directions, farther and farther, and each residue
    is encoded anew, with the neighbors it then has, until its token changes. Where that is
    between two sizes of noise is found by bisection.

    Parameters
    ----------
    trace : Trace
        With its encoder.
    seed : int
        Of the directions, three, and of the rigid motion.
    atlas : Atlas, optional
        Of the trace's encoder, to say whether a code changes to one that means the same; for mini
        it is the bundled one.

    Returns
    -------
    FlipRadius

    Raises
    ------
    TraceError
        If it is no trace or seed; if the trace has no encoder, or it has changed.
    AtlasError
        If the atlas is of another encoder.

    Notes
    -----
    Sizes of noise are tried from 0.002 to 4 Å, each twice the last: a flip there and back again
    between two of them is not seen. The size is the root mean square displacement of an atom.
    A rigid motion moves latents by rounding alone; listed as near-ties are residues whose margin
    is so small that such a move could change the token, and no others do.

    Examples
    --------
    >>> import esm_explore as ex
    >>> trace = ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))
    >>> flip_radius(trace, seed=1).radii.shape
    (3, 76)
    """
    setting = setting_of(trace, "flip_radius")
    check_kind(atlas, Atlas | None, "atlas", "an Atlas of the trace's encoder, or None")
    # An atlas of another encoder is refused before anything is run.
    change_of_meaning(trace.tokens, trace.tokens, trace.encoder_info, atlas)
    random = np.random.default_rng(whole_number(seed, "seed", 0))
    shape = N_DIRECTIONS, len(trace)
    radii, new_tokens = np.full(shape, np.nan), np.full(shape, -1)
    n_passes = N_DIRECTIONS * int(trace.has_frame.sum()) * (len(LEVELS) + _HALVINGS)
    with progress(n_passes, "neighborhood") as bar:
        for row in range(N_DIRECTIONS):
            directions = random_directions(trace, random).to(setting.device)
            radii[row], new_tokens[row] = _radii(trace, setting, directions, bar)
    after, near_ties = {}, pd.DataFrame()
    for what, inputs in small_changes(trace, random):
        latents, after[what] = encoded(setting, inputs)
        if what == RIGID:
            near_ties = _near_ties(trace, latents, after[what])
    # Of the direction in which a code changes first.
    first = np.where(np.isnan(radii), np.inf, radii).argmin(0)
    new = new_tokens[first, np.arange(len(trace))]
    distance, place = code_steps(trace.codebook, trace.tokens, np.where(new < 0, trace.tokens, new))
    return FlipRadius(
        trace.title,
        trace.labels,
        seed,
        trace.tokens,
        trace.has_frame,
        radii,
        new_tokens,
        np.where(new < 0, np.nan, distance),
        np.where(new < 0, np.nan, place),
        change_of_meaning(trace.tokens, new, trace.encoder_info, atlas),
        after,
        near_ties,
        trace.encoder_info,
    )


def _radii(
    trace: Trace, setting: Setting, directions: torch.Tensor, bar: tqdm
) -> tuple[np.ndarray, np.ndarray]:
    shaker = Shaker(setting, directions)
    radii = np.where(trace.has_frame, np.inf, np.nan)
    low, tokens = np.zeros(len(trace)), np.full(len(trace), -1)

    def try_sizes(queries: np.ndarray, sizes: np.ndarray) -> None:
        found = shaker.tokens(queries, sizes)
        flips = found != trace.tokens[queries]
        radii[queries[flips]] = sizes[flips]
        tokens[queries[flips]] = found[flips]
        low[queries[~flips]] = sizes[~flips]
        bar.update(len(queries))

    for level in LEVELS:
        left = np.flatnonzero(np.isinf(radii))
        if len(left):
            try_sizes(left, np.full(len(left), level))
    flipped = np.flatnonzero(np.isfinite(radii))
    for _ in range(_HALVINGS if len(flipped) else 0):
        try_sizes(flipped, (low[flipped] + radii[flipped]) / 2)
    return radii, tokens


def _near_ties(trace: Trace, latents: np.ndarray, tokens: np.ndarray) -> pd.DataFrame:
    """List residues whose margin is within what a move of the latent, and rounding, can do."""
    moved = np.linalg.norm(latents - trace.pre_vq, axis=1)
    winner = trace.codebook[trace.tokens]
    size = (trace.pre_vq**2).sum(1) + (winner**2).sum(1)
    away = np.linalg.norm(trace.pre_vq - winner, axis=1)
    rounding = 4 * np.finfo(np.float32).eps * size / np.maximum(away, 1e-6)
    margin = trace.nearest.margin
    chosen = np.flatnonzero(trace.has_frame & (margin <= 2 * moved + rounding))
    return pd.DataFrame(
        {
            "residue": [trace.labels[i] for i in chosen],
            "margin": margin[chosen],
            "latent_moved": moved[chosen],
            "token": trace.tokens[chosen],
            "new_token": tokens[chosen],
            "flips": tokens[chosen] != trace.tokens[chosen],
        }
    )
