"""Other places in a structure in 3D, to compare with: joined along the chain."""

from __future__ import annotations

import numpy as np

from esm_explore.chains.backbone import fit
from esm_explore.tracing.traces import Trace


def joined(places: np.ndarray, numbers: np.ndarray, color: str) -> list[dict]:
    """Join places along the chain, as ghosts: a line where numbers follow one another.

    Parameters
    ----------
    places : ndarray, shape=(K, 3), dtype=float
        Å; NaN is left out.
    numbers : ndarray, shape=(K,), dtype=int
    color : str
        ``#rrggbb``.

    Returns
    -------
    list of dict
    """
    order = np.argsort(numbers)
    known = [i for i in order if np.isfinite(places[i]).all()]
    parts = np.split(known, np.flatnonzero(np.diff(numbers[known]) != 1) + 1)
    return [{"points": places[part], "color": color} for part in parts if len(part)]


def shown_at(trace: Trace, coords: np.ndarray | None, ghosts: list[dict]) -> list[dict]:
    """Move ghosts to where their chain is shown, and write them as `StructureView` has them.

    Parameters
    ----------
    trace : Trace
    coords : ndarray, shape=(L, 37, 3), or None
        Where the chain is shown, Å; None is where it is.
    ghosts : list of dict
        Where the chain's file has it.

    Returns
    -------
    list of dict
    """
    if coords is None:
        return [{**ghost, "points": ghost["points"].tolist()} for ghost in ghosts]
    framed = trace.has_frame
    way = fit(coords[framed, 1], trace.chain.atom37_positions[framed, 1])
    return [{**ghost, "points": way.apply(ghost["points"]).tolist()} for ghost in ghosts]
