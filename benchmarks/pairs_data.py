"""Pairs of conformations for `pairs.py`: encoded, and compared residue by residue."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import pandas as pd
from biotite.sequence.align import SubstitutionMatrix
from esm.models.vqvae import StructureTokenEncoder
from pairs_reading import Pairs

import esm_explore as ex
from esm_explore.encoders.inputs import chain_inputs
from esm_explore.encoders.neighbors import nearest_edges
from esm_explore.experiments.comparing import neighborhood_motion
from esm_explore.experiments.rerunning import Setting
from esm_explore.experiments.swapping import kept_nodes, last_changed, only_swaps

# States of 3Di, in the order of its matrix.
LETTERS = "acdefghiklmnpqrstvwy"


@dataclass(frozen=True)
class Encoded:
    """What one tokenizer makes of one chain.

    Attributes
    ----------
    tokens : ndarray, shape=(L,), dtype=int64
    latents : ndarray, shape=(L, d)
    has_token : ndarray, shape=(L,), dtype=bool
        Not without a backbone frame.
    edges : ndarray, shape=(L, K), dtype=int64, or None
    setting : Setting or None
        What it takes to run neighborhoods again.
    """

    tokens: np.ndarray
    latents: np.ndarray
    has_token: np.ndarray
    edges: np.ndarray | None = None
    setting: Setting | None = None


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer and what it made of all chains; digest is empty for 3Di."""

    title: str
    digest: str
    codes: np.ndarray
    chains: list[Encoded]


def encode(encoder: StructureTokenEncoder, pairs: Pairs) -> Tokenizer:
    """Tokenize all chains."""
    info = ex.encoder_info(encoder)
    found = []
    for tokens in ex.tokenize(encoder, pairs.chains):
        inputs = chain_inputs(tokens.chain, "file")
        edges = nearest_edges(encoder, inputs)
        setting = Setting(encoder, inputs, edges)
        found.append(
            Encoded(tokens.tokens, tokens.pre_vq, tokens.has_frame, edges.numpy(), setting)
        )
    return Tokenizer(info.title, info.digest, encoder.codebook.embeddings.numpy(), found)


def encode_3di(pairs: Pairs) -> Tokenizer:
    """Have mini3di tokenize all chains; its latents are two numbers a residue."""
    import mini3di

    encoder, found = mini3di.Encoder(), []
    *layers, centroids = encoder.vae_encoder.layers
    for chain in pairs.chains:
        n, ca, c, cb = chain.atom37_positions[:, :4].astype(float).transpose(1, 0, 2)
        features = encoder.feature_encoder.encode_atoms(ca=ca, cb=cb, n=n, c=c)
        latents = features.data
        for layer in layers:
            latents = layer(latents)
        unknown = np.ma.getmaskarray(features)[:, 0]
        found.append(Encoded(centroids(latents).astype(np.int64), latents, ~unknown))
    return Tokenizer(f"3Di (mini3di {version('mini3di')})", "", centroids.centroids, found)


def matrix_3di() -> np.ndarray:
    """Foldseek's own matrix of 3Di states, as biotite ships it (BSD-3-Clause)."""
    matrix = SubstitutionMatrix.std_3di_matrix()
    order = matrix.get_alphabet1().encode_multiple(LETTERS)
    return matrix.score_matrix()[np.ix_(order, order)]


def residues(pairs: Pairs, tokenizer: Tokenizer, motion: pd.DataFrame) -> pd.DataFrame:
    """Add to the table of motion what a tokenizer says of its residues.

    Returns
    -------
    DataFrame
        changed, code and latent (distances); NaN where one of the two has no token.
    """
    parts = []
    for pair, rows in motion.groupby("pair", sort=False):
        a, b = (tokenizer.chains[chain] for chain in pairs.members[pair])
        i, j = rows["first"].to_numpy(), rows["second"].to_numpy()
        codes = tokenizer.codes[a.tokens[i]] - tokenizer.codes[b.tokens[j]]
        table = rows.assign(
            changed=(a.tokens[i] != b.tokens[j]).astype(float),
            code=np.linalg.norm(codes, axis=1),
            latent=np.linalg.norm(a.latents[i] - b.latents[j], axis=1),
        )
        known = a.has_token[i] & b.has_token[j]
        table.loc[~known, ["changed", "code", "latent"]] = np.nan
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def motion_of(pairs: Pairs, tokenizer: Tokenizer) -> pd.DataFrame:
    """Say how much each residue's neighborhood moves, from the first conformation to the second.

    Returns
    -------
    DataFrame
        One row a pair of residues with backbone frames: pair, first and second (indices) and
        neighborhood (Å). Neighborhoods are the same for all of esm's encoders.
    """
    parts = []
    for pair, (match, rows) in enumerate(matches(pairs, tokenizer)):
        a, b = pairs.members[pair]
        ca, other = (pairs.chains[chain].atom37_positions[:, 1].astype(float) for chain in (a, b))
        moves = neighborhood_motion(ca, other[match], tokenizer.chains[a].edges, rows)
        columns = {"pair": pair, "first": rows, "second": match[rows], "neighborhood": moves}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def neighbors_of(pairs: Pairs, tokenizer: Tokenizer) -> pd.DataFrame:
    """Say of the rows of `motion_of` how many nodes are kept, and what is only a swap.

    Returns
    -------
    DataFrame
        kept (how many nodes of the first are nodes of the second), last (the last alone changed)
        and swap (as `only_swaps` has it).
    """
    kept, last, swap = [], [], []
    for pair, (match, rows) in enumerate(matches(pairs, tokenizer)):
        first, second = (tokenizer.chains[chain] for chain in pairs.members[pair])
        kept.append(kept_nodes(first.edges, second.edges, match, rows))
        last.append(last_changed(first.edges, second.edges, match, rows))
        swap.append(only_swaps(second.setting, first, second, match, rows))
    columns = {"kept": kept, "last": last, "swap": swap}
    return pd.DataFrame({name: np.concatenate(parts) for name, parts in columns.items()})


def matches(pairs: Pairs, tokenizer: Tokenizer):
    """Give of each pair every residue's counterpart (-1: none), and those with two frames."""
    for (a, b), (i, j) in zip(pairs.members, pairs.paired, strict=True):
        first, second = tokenizer.chains[a], tokenizer.chains[b]
        match = np.full(len(first.tokens), -1, dtype=np.int64)
        match[i] = j
        yield match, np.flatnonzero(first.has_token & (match >= 0) & second.has_token[match])
