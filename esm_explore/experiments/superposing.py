"""How alike two backbones of one chain are: TM-score of residues that belong together."""

from __future__ import annotations

import numpy as np

from esm_explore.chains.backbone import fit

_SHORTEST = 4
# Residues nearer than this, or than d0, are fitted next, Å; the bounds are those of TM-score.
_NEAR = (4.5, 8.0)
_ROUNDS = 20


def tm_score(fixed: np.ndarray, mobile: np.ndarray) -> float:
    """Give the TM-score of CA that belong together, row by row.

    The superposition is sought as the program TM-score does: from fragments of all residues, a
    half, a quarter, an eighth and four of them, each grown to the residues that come to lie near.

    Parameters
    ----------
    fixed, mobile : ndarray, shape=(N, 3)
        Å; at least 3 rows, without NaN.

    Returns
    -------
    float
        0 to 1, normalized by N (Zhang and Skolnick, 2004, equation 1).
    """
    n = len(fixed)
    d0 = max(0.5, 1.24 * np.cbrt(n - 15) - 1.8) if n > 15 else 0.5
    near = float(np.clip(d0, *_NEAR))
    best = 0.0
    for size in sorted({max(_SHORTEST, n // part) for part in (1, 2, 4, 8)} | {_SHORTEST}):
        size = min(size, n)
        for start in range(0, n - size + 1, max(1, size // 4)):
            best = max(best, _grown(fixed, mobile, np.arange(start, start + size), d0, near))
    return best


def _grown(
    fixed: np.ndarray, mobile: np.ndarray, rows: np.ndarray, d0: float, near: float
) -> float:
    """Fit some rows, then those that came near, and so on; give the best score on the way."""
    best, seen = 0.0, None
    for _ in range(_ROUNDS):
        laid = fit(fixed[rows], mobile[rows]).apply(mobile)
        distance = np.linalg.norm(laid - fixed, axis=1)
        best = max(best, float((1 / (1 + (distance / d0) ** 2)).mean()))
        # Three are needed to lay one on the other.
        limit = max(near, np.sort(distance)[2] + 1e-6)
        rows = np.flatnonzero(distance <= limit)
        if seen is not None and np.array_equal(rows, seen):
            break
        seen = rows
    return best
