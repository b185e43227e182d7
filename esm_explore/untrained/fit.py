"""Fit the untrained encoder's codebook: ``python -m esm_explore.untrained.fit``.

The codes are latents of the bundled examples, moved by about as much as latents lie apart: so
tokens vary along a chain, and residues with similar surroundings can share one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from scipy.spatial import cKDTree

from esm_explore.chains import examples, read_chain
from esm_explore.tracing import trace
from esm_explore.untrained import CODEBOOK, SEED, SIZES, random_encoder


def fit() -> None:
    """Write the codebook, in half precision, beside this file."""
    encoder = random_encoder().eval()
    chains = examples()["chain"]
    traces = [trace(encoder, read_chain(name, chain)) for name, chain in chains.items()]
    latents = np.concatenate([t.pre_vq[t.has_frame] for t in traces])
    apart = cKDTree(latents).query(latents, k=2)[0][:, 1]
    rng = np.random.default_rng(SEED)
    chosen = rng.choice(len(latents), SIZES["n_codes"])
    # Moves of this length in random directions of the space that latents fill.
    moves = rng.standard_normal((SIZES["n_codes"], len(latents))) @ (latents - latents.mean(0))
    moves *= apart[chosen, None] / np.linalg.norm(moves, axis=1, keepdims=True)
    codes = torch.from_numpy(latents[chosen] + moves).half()
    save_file({"embeddings": codes}, Path(__file__).parent / CODEBOOK)


if __name__ == "__main__":
    fit()
