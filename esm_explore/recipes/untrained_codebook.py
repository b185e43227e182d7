"""Fit the untrained encoder's codebook.

``python -m esm_explore.recipes.untrained_codebook --data train_nr30.npz``: k-means over latents of
some training chains, as the codes of a trained encoder are made, so that tokens vary along any
chain, residues with similar surroundings share one, and no two codes lie on top of each other.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from esm.utils.structure.protein_chain import ProteinChain
from safetensors.torch import save_file
from sklearn.cluster import KMeans

from esm_explore.encoders import untrained
from esm_explore.encoders.untrained import CODEBOOK, SEED, SIZES, random_encoder
from esm_explore.outputs import put, unfinished
from esm_explore.recipes.mini_data import Backbones, read_backbones, split
from esm_explore.tokens.tokenizing import tokenize

# Three residues a code; more would take longer and move few codes.
RESIDUES = 12_000
ROUNDS = 20
_ATOMS = [0, 1, 2, 4]  # N, CA, C and O among esm's 37


def main(data: Annotated[Path, typer.Option()], out: Path | None = None) -> None:
    """Write the codebook, in half precision, where `esm_explore.encoders.untrained` reads it."""
    encoder = random_encoder().eval().requires_grad_(False)
    chains = some_chains(read_backbones(data), RESIDUES)
    # As long as the codebook is blank, all residues have one token: of that it warns.
    latents = np.concatenate([found.pre_vq for found in tokenize(encoder, chains)])
    codes = torch.from_numpy(fit(latents, SIZES["n_codes"])).half()
    target = out or Path(str(files(untrained) / CODEBOOK))
    with unfinished(target) as folder:
        save_file({"embeddings": codes}, folder / target.name)
        put(folder / target.name, target)


def some_chains(data: Backbones, residues: int) -> list[ProteinChain]:
    """Draw training chains until so many residues are reached."""
    drawn = np.random.default_rng(SEED).permutation(split(data.names)[0])
    enough = np.searchsorted(np.cumsum(data.size[drawn]), residues) + 1
    return [chain_of(data, chain) for chain in drawn[:enough]]


def chain_of(data: Backbones, chain: int) -> ProteinChain:
    """Make one of the chains esm's, all alanine: the encoder sees no side chains."""
    rows = slice(data.start[chain], data.start[chain] + data.size[chain])
    positions = np.full((data.size[chain], 37, 3), np.nan, dtype=np.float32)
    positions[:, _ATOMS] = data.xyz[rows]
    return ProteinChain.from_atom37(
        positions,
        id=str(data.names[chain]),
        sequence="A" * len(positions),
        residue_index=data.number[rows],
    )


def fit(latents: np.ndarray, n_codes: int) -> np.ndarray:
    """Cluster latents, shape=(N, d_code), from a start among them; gives (n_codes, d_code).

    Not in batches, as the mini encoder's two million: there some centers never get a residue of
    their own, and stay on top of each other.
    """
    start = np.random.default_rng(SEED).choice(len(latents), n_codes, replace=False)
    means = KMeans(n_codes, init=latents[start], n_init=1, max_iter=ROUNDS)
    return means.fit(latents).cluster_centers_.astype(np.float32)


if __name__ == "__main__":
    typer.run(main)
