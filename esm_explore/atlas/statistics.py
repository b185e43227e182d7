"""Which categories residues fall into, and whether a code has more of one than all residues do."""

from __future__ import annotations

import numpy as np
import pandas as pd

# Of fewer residues a share says too little.
LEAST = 20
KINDS = {
    "ss": tuple("HGIPEBTSC"),
    "amino_acid": tuple("ACDEFGHIKLMNPQRSTVWY"),
    "ramachandran": ("alpha", "beta", "left", "other"),
    "burial": ("exposed", "middle", "buried"),
}
# Other CA within 10 Å: about a third of the residues of known structures is in each class.
EXPOSED, BURIED = 14, 21


def classes(rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Sort residues into the categories of each kind.

    Parameters
    ----------
    rows : DataFrame
        With ss, amino_acid, phi, psi and burial.

    Returns
    -------
    dict of str to ndarray, shape=(N,), dtype=int8
        Indices into `KINDS`; -1 where it is not known, or none of them.
    """
    found = {
        kind: pd.Index(KINDS[kind]).get_indexer(rows[kind].astype(object)).astype(np.int8)
        for kind in ("ss", "amino_acid")
    }
    phi, psi = (rows[name].to_numpy(float) for name in ("phi", "psi"))
    burial = rows["burial"].to_numpy(float)
    helical = (psi >= -120) & (psi < 50)
    regions = [(phi < 0) & helical, phi < 0, (phi < 120) & (psi >= -60) & (psi < 100)]
    known = np.isfinite(phi) & np.isfinite(psi)
    found["ramachandran"] = np.where(known, np.select(regions, [0, 1, 2], 3), -1).astype(np.int8)
    degree = np.select([burial < EXPOSED, burial < BURIED], [0, 1], 2)
    found["burial"] = np.where(np.isfinite(burial), degree, -1).astype(np.int8)
    return found


def wilson(count: np.ndarray, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Give Wilson's 95 % interval of shares.

    Examples
    --------
    >>> low, high = wilson(np.array([0, 50]), 100)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.404], [0.037, 0.596])
    """
    z = 1.959964
    share = count / total
    middle = share + z**2 / (2 * total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    scale = 1 + z**2 / total
    return ((middle - half) / scale).clip(0, 1), ((middle + half) / scale).clip(0, 1)


def enrichment(counts: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, ...]:
    """Compare codes' categories with those of all residues.

    Parameters
    ----------
    counts : ndarray, shape=(n_codes, n_categories), dtype=int
    background : ndarray, shape=(n_categories,), dtype=int
        Of all residues.

    Returns
    -------
    share : ndarray, shape=(n_codes, n_categories), dtype=float64
        NaN for codes of fewer than `LEAST` residues, as in the others.
    ratio : ndarray, shape=(n_codes, n_categories), dtype=float64
        The share over that of all residues; 1 where neither has any.
    q : ndarray, shape=(n_codes, n_categories), dtype=float64
        Two-sided binomial test, by Benjamini and Hochberg over all codes and categories.

    Notes
    -----
    Residues count as independent, which neighbors in a chain are not: q-values order what is found,
    and are too small.
    """
    from scipy.stats import binom, false_discovery_control

    total = counts.sum(1, keepdims=True)
    known = np.broadcast_to(total >= LEAST, counts.shape)
    expected = background / max(background.sum(), 1)
    share = np.where(known, counts / np.maximum(total, 1), np.nan)
    ratio = np.where(expected > 0, share / np.where(expected > 0, expected, 1), share + 1)
    q = np.full(counts.shape, np.nan)
    if known.any():
        upper, lower = binom.sf(counts - 1, total, expected), binom.cdf(counts, total, expected)
        p = (2 * np.minimum(upper, lower)).clip(0, 1)
        q[known] = false_discovery_control(p[known])
    return share, ratio, q
