"""Codes that mean the same, found when an atlas is built."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from esm_explore.atlas.counting import COLUMNS, Counts
from esm_explore.atlas.pairs import values_at
from esm_explore.atlas.statistics import LEAST

# Codes that are listed, and among which those of the same meaning are looked for.
NEAREST = 10
# As many more are compared by differences.
_MORE = 6
# What has to be alike, in bits of Jensen and Shannon's divergence beyond what chance makes.
ANNOTATIONS = ("ss", "ramachandran", "burial", "amino_acid")
ALIKE = 0.05
# A share of the residues of both whose runner-up is the other.
EXCHANGED = 0.05


def near_codes(codebook: np.ndarray, counts: Counts) -> dict[str, list | np.ndarray]:
    """List the codes near to each in the codebook, and number those of one meaning.

    Parameters
    ----------
    codebook : ndarray, shape=(n_codes, d_code), dtype=float32
    counts : Counts

    Returns
    -------
    dict
        The columns near and meaning of `CODES`.

    Notes
    -----
    Two codes mean the same where each is among the other's ten nearest, their annotations are
    alike, and they are each other's runner-up often enough. Clusters are of complete linkage:
    any two codes of one mean the same.
    """
    used = counts.count > 0
    nearest, distance = _nearest(codebook.astype(np.float64), used)
    n = nearest.shape[1]
    rows = np.repeat(np.arange(len(codebook)), n)
    columns = nearest.ravel()
    divergence = divergences(counts, rows, columns)
    exchanged = exchanges(counts, rows, columns)
    listed = [
        [
            {"token": t, "distance": d, "divergence": None if np.isnan(j) else j, "exchanged": e}
            for t, d, j, e in zip(*them, strict=True)
        ]
        if used[code]
        else []
        for code, them in enumerate(
            zip(
                *(
                    values.reshape(-1, n).tolist()
                    for values in (columns, distance.ravel(), divergence, exchanged)
                ),
                strict=True,
            )
        )
    ]
    same = np.zeros((len(codebook), len(codebook)), bool)
    # NaN, of codes too rare to tell, is not alike.
    alike = (divergence <= ALIKE) & (exchanged >= EXCHANGED)
    same[rows[alike], columns[alike]] = True
    return {"near": listed, "meaning": _clusters(same & same.T, used)}


def _nearest(codebook: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the codes nearest to each among those that residues have, and how far they are."""
    n = min(NEAREST, max(int(used.sum()) - 1, 0))
    norm = (codebook**2).sum(1)
    squared = norm[:, None] + np.where(used, norm, np.inf) - 2 * codebook @ codebook.T
    np.fill_diagonal(squared, np.inf)
    # Products are too rough to rank by: of a few more than are asked for, differences tell.
    few = min(n + _MORE, len(codebook))
    found = np.argpartition(squared, few - 1, axis=1)[:, :few]
    apart = np.linalg.norm(codebook[found] - codebook[:, None], axis=2)
    apart = np.where(np.isfinite(np.take_along_axis(squared, found, 1)), apart, np.inf)
    order = np.lexsort([found, apart], axis=1)[:, :n]
    return tuple(np.take_along_axis(a, order, 1) for a in (found, apart.astype(np.float32)))


def divergences(counts: Counts, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Compare the annotations of pairs of codes.

    Parameters
    ----------
    counts : Counts
    first, second : ndarray, shape=(n,)
        Codes.

    Returns
    -------
    ndarray, shape=(n,), dtype=float64
        The largest of the annotations' Jensen-Shannon divergences, in bits, less what two samples
        of one distribution have on the mean; at least 0. NaN for codes of fewer than 20 residues.
    """
    found = []
    for kind in ANNOTATIONS:
        weighted = counts.sums.counts[:, COLUMNS[kind]][:, :-1]
        total = weighted.sum(1)
        share = weighted / np.maximum(total, 1e-9)[:, None]
        p, q = share[first], share[second]
        middle = (p + q) / 2
        bits = _entropy(middle) - (_entropy(p) + _entropy(q)) / 2
        chance = ((middle > 0).sum(1) - 1) / (8 * np.log(2))
        few = (total[first] < LEAST) | (total[second] < LEAST)
        n = np.maximum(total, 1)
        bits = bits - chance * (1 / n[first] + 1 / n[second])
        # Not known of any residue, it says nothing.
        found.append(np.where(few, np.nan if total.any() else 0, bits.clip(min=0)))
    return np.max(found, axis=0)


def _entropy(shares: np.ndarray) -> np.ndarray:
    return -(shares * np.log2(np.where(shares > 0, shares, 1))).sum(1)


def exchanges(counts: Counts, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Give the share of the residues of two codes whose runner-up is the other, shape=(n,)."""
    total, borders = counts.sums.counts[:, 0], counts.pairs.borders
    both = values_at(borders, first, second) + values_at(borders, second, first)
    return both / np.maximum(total[first] + total[second], 1e-9)


def _clusters(same: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Give each code the first code of its cluster; -1 where no residue has the code."""
    meaning = np.full(len(same), -1)
    codes = np.flatnonzero(used)
    if len(codes) < 2:
        meaning[codes] = codes
        return meaning
    apart = 1.0 - same[np.ix_(codes, codes)]
    np.fill_diagonal(apart, 0)
    found = fcluster(linkage(squareform(apart), "complete"), 0.5, "distance")
    first = np.full(found.max() + 1, len(same))
    np.minimum.at(first, found, codes)
    meaning[codes] = first[found]
    return meaning
