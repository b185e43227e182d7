"""Neighbors that changed places: of a residue's nodes the last with the next, and no other."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from esm_explore.experiments.rerunning import Setting, run_rows


class Encoded(Protocol):
    """A chain's tokens, shape=(L,), and its neighborhoods, shape=(L, K), such as a trace's."""

    @property
    def tokens(self) -> np.ndarray:
        """Codes."""

    @property
    def edges(self) -> np.ndarray:
        """Nodes of each residue."""


def kept_nodes(
    edges: np.ndarray, other: np.ndarray, match: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Count how many nodes of a residue are nodes of its counterpart, shape=(n,).

    Parameters
    ----------
    edges, other : ndarray, shape=(L, K) and (M, K), dtype=int64
    match : ndarray, shape=(L,), dtype=int64
        Counterparts, -1 where there is none.
    rows : ndarray, shape=(n,), dtype=int64
        Residues that have one.
    """
    return np.array(
        [np.isin(match[edges[row]], other[match[row]]).sum() for row in rows], dtype=np.int64
    )


def last_changed(
    edges: np.ndarray, other: np.ndarray, match: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Say of which residues the last node is another one and all the others stay, shape=(n,).

    Parameters
    ----------
    edges, other, match, rows : ndarray
        As in `kept_nodes`. In whatever order; the last node of the first has a counterpart.
    """
    found = np.zeros(len(rows), dtype=bool)
    if edges.shape[1] != other.shape[1]:
        return found
    for place, row in enumerate(rows):
        before, after = match[edges[row]], other[match[row]]
        new = before[-1] >= 0 and before[-1] not in after
        found[place] = new and set(before[:-1]) == set(after[:-1])
    return found


def only_swaps(
    setting: Setting, first: Encoded, second: Encoded, match: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Say of which residues the token flips for nothing but the last node's changing.

    Parameters
    ----------
    setting : Setting
        Of the second conformation.
    first, second : Encoded
    match, rows : ndarray
        As in `kept_nodes`.

    Returns
    -------
    ndarray, shape=(n,), dtype=bool
        All nodes but the last are the same, in whatever order, and given the first conformation's
        nodes the second has the first's token.
    """
    flipped = first.tokens[rows] != second.tokens[match[rows]]
    places = np.flatnonzero(flipped & last_changed(first.edges, second.edges, match, rows))
    found = np.zeros(len(rows), dtype=bool)
    if len(places):
        edges = torch.from_numpy(match[first.edges[rows[places]]]).to(setting.device)
        _, tokens = run_rows(setting, edges)
        found[places] = tokens == first.tokens[rows[places]]
    return found
