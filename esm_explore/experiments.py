"""Comparisons: one token in several proteins, one protein in two conformations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from biotite.structure import rmsd, superimpose

from esm_explore.errors import TraceError
from esm_explore.forward import Inputs
from esm_explore.traces import Trace


@dataclass(frozen=True, eq=False, repr=False)
class SameToken:
    """Neighbourhoods that got the same token, each seen from its query's backbone frame.

    Attributes
    ----------
    token : int
    labels : list of str
        Chain and residue of each query, such as ``1UBI A 30``.
    ca : ndarray, shape=(n, K, 3), dtype=float32
        CA of the nodes in Å, the query at the origin; NaN without a backbone frame.
    relative_positions : ndarray, shape=(n, K), dtype=int64
        Residue number minus the query's.
    encoder : str
        The encoder's title.
    """

    token: int
    labels: list[str]
    ca: np.ndarray
    relative_positions: np.ndarray
    encoder: str

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return (
            f"Token {self.token}: {len(self)} neighbourhoods, superposed by their query's frame; "
            f"encoder: {self.encoder}"
        )

    def spread(self) -> pd.DataFrame:
        """Measure how far nodes at the same relative position lie from their average.

        Returns
        -------
        DataFrame
            One row a relative position that at least three neighbourhoods have: n, and
            deviation, the root mean square distance from the average place, Å.
        """
        rows = []
        for position in np.unique(self.relative_positions):
            places = self.ca[self.relative_positions == position]
            places = places[np.isfinite(places).all(1)]
            if len(places) >= 3:
                off = np.linalg.norm(places - places.mean(0), axis=1)
                rows.append((position, len(places), float(np.sqrt((off**2).mean()))))
        return pd.DataFrame(rows, columns=["relative_position", "n", "deviation"])


def same_token(traces: list[Trace], token: int) -> SameToken:
    """Gather all neighbourhoods with a token.

    Parameters
    ----------
    traces : list of Trace
        All of one encoder.
    token : int

    Returns
    -------
    SameToken

    Raises
    ------
    TraceError
        If no residue with a backbone frame has it, or traces are of several encoders.
    """
    encoders = sorted({trace.encoder_info.title for trace in traces})
    if len(encoders) != 1:
        raise TraceError(f"Traces of one encoder are needed; there are: {encoders or 'no traces'}.")
    labels, places, relative = [], [], []
    for trace in traces:
        for query in np.flatnonzero((trace.tokens == token) & trace.has_frame):
            nodes = trace.edges[query]
            if len(nodes) < 16:
                continue
            places.append(_seen_from(trace, int(query))[nodes])
            relative.append(trace.residue_index[nodes] - trace.residue_index[query])
            labels.append(f"{trace.chain.id} {trace.chain.chain_id} {trace.labels[query]}")
    if not labels:
        raise TraceError(f"No neighbourhood of 16 residues has token {token} in these chains.")
    return SameToken(token, labels, np.stack(places), np.stack(relative), encoders[0])


def compare_conformations(first: Trace, second: Trace) -> pd.DataFrame:
    """Compare a protein's residues in two conformations.

    Parameters
    ----------
    first, second : Trace
        Of one encoder; residues are matched by number and insertion code.

    Returns
    -------
    DataFrame
        One row a residue that both have with a backbone frame, indexed by its number: the two
        tokens, changed, whole_chain (how far its CA is moved after superposing all of them, Å),
        neighbourhood (RMSD of the CA of its nodes in `first`, superposed alone, Å) and latent
        (distance between the latents).

    Raises
    ------
    TraceError
        If encoders differ, or fewer than three residues match.
    """
    if first.encoder_info != second.encoder_info:
        raise TraceError(
            f"The traces are of two encoders: {first.encoder_info.title} and "
            f"{second.encoder_info.title}."
        )
    places = pd.Series(np.arange(len(second)), index=second.labels)
    there = places.reindex(first.labels)
    framed = first.has_frame & there.notna().to_numpy()
    match = there.fillna(0).astype(int).to_numpy()
    framed &= second.has_frame[match]
    rows = np.flatnonzero(framed)
    if len(rows) < 3:
        raise TraceError(f"{first.title} and {second.title} share fewer than three residues.")
    ca = first.coords[:, 1], second.coords[match, 1]
    fitted = _superposed(ca[0][rows], ca[1][rows])
    whole = np.linalg.norm(fitted - ca[0][rows], axis=1)
    local = []
    for row in rows:
        nodes = [node for node in first.edges[row] if framed[node]]
        local.append(float(rmsd(ca[0][nodes], _superposed(ca[0][nodes], ca[1][nodes]))))
    return pd.DataFrame(
        {
            "first_token": first.tokens[rows],
            "second_token": second.tokens[match[rows]],
            "changed": first.tokens[rows] != second.tokens[match[rows]],
            "whole_chain": whole,
            "neighbourhood": local,
            "latent": np.linalg.norm(first.pre_vq[rows] - second.pre_vq[match[rows]], axis=1),
        },
        index=pd.Index(np.array(first.labels)[rows], name="residue"),
    )


def _superposed(fixed: np.ndarray, mobile: np.ndarray) -> np.ndarray:
    """Move points onto others, as biotite does."""
    found = superimpose(fixed, mobile)
    # biotite 1 gives the moved points and the transformation, biotite 2 the latter alone.
    return (found[1] if isinstance(found, tuple) else found).apply(mobile)


def _seen_from(trace: Trace, query: int) -> np.ndarray:
    """Move the chain's CA into one residue's backbone frame, shape=(L, 3)."""
    inputs = Inputs.build(torch.from_numpy(trace.coords), torch.from_numpy(trace.residue_index))
    rotation = inputs.affine.rot.tensor[0, query].reshape(3, 3).numpy()
    ca = np.where(trace.has_frame[:, None], trace.coords[:, 1], np.nan)
    return (ca - trace.coords[query, 1]) @ rotation
