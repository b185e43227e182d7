"""A residue's neighborhood against that of its code's medoid, in an atlas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from esm_explore.atlas.cards import Card
from esm_explore.errors import TraceError
from esm_explore.experiments.alike import put_back, seen_from
from esm_explore.tracing.traces import Trace


@dataclass(frozen=True, eq=False, repr=False)
class AgainstMedoid:
    """Two neighborhoods, laid on each other by the backbone frames of their queries alone.

    Attributes
    ----------
    medoid : str
        Structure, chain and residue.
    own : ndarray, shape=(K, 3), dtype=float64
        CA of the residue's nodes, where they are in the chain's file, Å; NaN without a frame.
    own_numbers : ndarray, shape=(K,), dtype=int64
        Residue number of each minus the query's.
    places : ndarray, shape=(M, 3), dtype=float64
        CA of the medoid's nodes, its frame laid on the residue's.
    numbers : ndarray, shape=(M,), dtype=int64
    rmsd : float
        Å; each node is paired with one of the other neighborhood, so that it is least.
    n : int
        Pairs.
    """

    medoid: str
    own: np.ndarray
    own_numbers: np.ndarray
    places: np.ndarray
    numbers: np.ndarray
    rmsd: float
    n: int


def against_medoid(trace: Trace, index: int, card: Card) -> AgainstMedoid:
    """Compare a residue with the medoid of a code.

    Parameters
    ----------
    trace : Trace
    index : int
        Of a residue with a backbone frame.
    card : Card
        Of an atlas of the trace's encoder.

    Returns
    -------
    AgainstMedoid

    Raises
    ------
    TraceError
        If no residue of the atlas has the code.
    """
    # Takes half a second to bring in.
    from scipy.optimize import linear_sum_assignment

    if not card.exemplars:
        raise TraceError(f"No residue of the atlas has code {card.code}: it has no medoid.")
    medoid, nodes = card.exemplars[0], trace.edges[index]
    own = seen_from(trace, index)[nodes].astype(float)
    sets = [places[np.isfinite(places).all(1)] for places in (own, medoid.ca.astype(float))]
    squared = ((sets[0][:, None] - sets[1][None]) ** 2).sum(-1)
    pairs = linear_sum_assignment(squared)
    return AgainstMedoid(
        medoid.label,
        put_back(trace, index, own),
        trace.residue_index[nodes] - trace.residue_index[index],
        put_back(trace, index, medoid.ca),
        medoid.relative_positions,
        float(np.sqrt(squared[pairs].mean())),
        len(pairs[0]),
    )
