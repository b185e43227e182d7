"""Fit the untrained encoder's codebook: ``python -m esm_explore.recipes.untrained_codebook``.

The codes are latents of twelve bundled examples, moved by about as much as latents lie apart: so
tokens vary along a chain, and residues with similar surroundings can share one.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from scipy.spatial import cKDTree

from esm_explore.chains.reading import read_chain
from esm_explore.encoders import untrained
from esm_explore.encoders.untrained import CODEBOOK, SEED, SIZES, random_encoder
from esm_explore.outputs import put, unfinished
from esm_explore.tracing.tracer import trace

# Named here, not taken from examples(): a new example must not change every token.
CHAINS = {
    "1AS5": "A",
    "1EJG": "A",
    "5PTI": "A",
    "1UBI": "A",
    "1A8O": "A",
    "1AKE": "A",
    "4AKE": "A",
    "3ENL": "A",
    "2HT0": "A",
    "1EK9": "A",
    "7CFN": "A",
    "1ITU": "B",
}


def fit() -> None:
    """Write the codebook, in half precision, where `esm_explore.encoders.untrained` reads it."""
    encoder = random_encoder().eval()
    traces = [trace(encoder, read_chain(name, chain)) for name, chain in CHAINS.items()]
    latents = np.concatenate([t.pre_vq[t.has_frame] for t in traces])
    apart = cKDTree(latents).query(latents, k=2)[0][:, 1]
    rng = np.random.default_rng(SEED)
    chosen = rng.choice(len(latents), SIZES["n_codes"])
    # Moves of this length in random directions of the space that latents fill.
    moves = rng.standard_normal((SIZES["n_codes"], len(latents))) @ (latents - latents.mean(0))
    moves *= apart[chosen, None] / np.linalg.norm(moves, axis=1, keepdims=True)
    codes = torch.from_numpy(latents[chosen] + moves).half()
    target = Path(str(files(untrained) / CODEBOOK))
    with unfinished(target) as folder:
        save_file({"embeddings": codes}, folder / target.name)
        put(folder / target.name, target)


if __name__ == "__main__":
    fit()
