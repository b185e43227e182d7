"""Is it a prediction: pLDDT in the column of B-factors."""

from __future__ import annotations

import numpy as np
import pandas as pd
from biotite.structure import AtomArray, get_residue_starts
from scipy.spatial import cKDTree

# Share of residues whose atoms all have one value.
_CONSTANT = 0.98
# Fewer residues than this do not tell buried from exposed.
_FEW = 30
_NEAR = 10.0


def plddt_scale(atoms: AtomArray, said: bool | None) -> float | None:
    """Look for pLDDT in B-factors.

    Parameters
    ----------
    atoms : AtomArray
        All protein of a model.
    said : bool or None
        Whether the file says that it is a prediction; None if it says nothing.

    Returns
    -------
    float or None
        What pLDDT of 1 is written as: 100 or 1. None if B-factors are B-factors.

    Notes
    -----
    Where the file does not say, pLDDT is the same in all atoms of a residue, differs between
    residues, lies between 0 and 100 (or 1), and is not lower where residues are buried. Grouped
    B-factors of cryo-EM and of crystals at low resolution are the same in a residue too, but go
    beyond 100, or are lowest where it is buried.
    """
    if said is False or not len(atoms):
        return None
    values = atoms.b_factor
    if values.min() < 0 or values.max() > 100 or len(np.unique(values)) < 3:
        return None
    scale = 1.0 if values.max() <= 1 else 100.0
    if said:
        return scale
    starts = get_residue_starts(atoms)
    ends = np.r_[starts[1:], len(atoms)]
    several = ends - starts > 1
    low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
    if several.sum() < 3 or (low == high)[several].mean() < _CONSTANT:
        return None
    if scale == 1.0:
        return scale
    return scale if _confident(atoms, low) else None


def _confident(atoms: AtomArray, values: np.ndarray) -> bool:
    """Say whether values rise with how buried residues are, as confidence does."""
    rows = atoms.atom_name == "CA"
    points, own = atoms.coord[rows], atoms.b_factor[rows]
    kept = np.isfinite(points).all(1)
    points, own = points[kept], own[kept]
    if len(own) >= _FEW and len(np.unique(own)) > 2:
        neighbors = cKDTree(points).query_ball_point(points, _NEAR, return_length=True)
        correlation = pd.DataFrame({"near": neighbors, "own": own}).corr("spearman").iloc[0, 1]
        if abs(correlation) > 0.1:
            return bool(correlation > 0)
    return bool(np.median(values) >= 70)
