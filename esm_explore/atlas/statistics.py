"""Whether a code has more of a category than all residues do, and how sure that is."""

from __future__ import annotations

import numpy as np

# Of fewer residues a share says too little.
LEAST = 20
_Z = 1.959964
# Less of a residue is rounding.
_NONE = 1e-9


def wilson(share: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give Wilson's 95 % interval of shares of so many independent residues.

    Examples
    --------
    >>> low, high = wilson(np.array([0, 0.5]), np.array([100, 100]))
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 0.404], [0.037, 0.596])
    """
    middle = share + _Z**2 / (2 * total)
    half = _Z * np.sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    scale = 1 + _Z**2 / total
    return ((middle - half) / scale).clip(0, 1), ((middle + half) / scale).clip(0, 1)


def enrichment(
    counts: np.ndarray, total: np.ndarray, expected: np.ndarray, effect: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Compare codes' categories with those of all residues.

    Parameters
    ----------
    counts : ndarray, shape=(n_codes, n_categories)
    total : ndarray, shape=(n_codes,)
        Residues of which it is known.
    expected : ndarray, shape=(n_categories,)
        Shares of all residues.
    effect : ndarray, shape=(n_codes, n_categories)
        How many residues count as one.

    Returns
    -------
    share : ndarray, shape=(n_codes, n_categories), dtype=float64
        NaN for codes of fewer than `LEAST` residues, as in the others.
    ratio : ndarray, shape=(n_codes, n_categories), dtype=float64
        The share over that of all residues; 1 where neither has any.
    q : ndarray, shape=(n_codes, n_categories), dtype=float64
        Two-sided binomial test, by Benjamini and Hochberg over all codes and categories.
    low, high : ndarray, shape=(n_codes, n_categories), dtype=float64
        Wilson's 95 % interval of the share.

    Notes
    -----
    A binomial test of the residues over their design effect, which are no whole number: the
    distribution is continued by the incomplete beta function (Rao and Scott, 1992).
    """
    from scipy.special import betainc, betaincc
    from scipy.stats import false_discovery_control

    total = total[:, None]
    known = np.broadcast_to(total >= LEAST, counts.shape)
    share = np.where(known, counts / np.maximum(total, 1), np.nan)
    ratio = np.where(expected > 0, share / np.where(expected > 0, expected, 1), share + 1)
    independent = np.maximum(total, 1) / effect
    low, high = wilson(share, independent)
    q = np.full(counts.shape, np.nan)
    if known.any():
        found = np.where(known, share, 0) * independent
        left = independent - found
        some, others = found > _NONE, left > _NONE
        upper = np.where(some, betainc(np.where(some, found, 1), left + 1, expected), 1)
        lower = np.where(others, betaincc(found + 1, np.where(others, left, 1), expected), 1)
        p = (2 * np.minimum(upper, lower)).clip(0, 1)
        q[known] = false_discovery_control(p[known])
    return share, ratio, q, low, high


def q_of_some(p: np.ndarray, n_tests: int) -> np.ndarray:
    """Give q-values by Benjamini and Hochberg, where all other of so many tests have p = 1.

    Examples
    --------
    >>> q_of_some(np.array([0.01, 0.001]), 10).tolist()
    [0.05, 0.01]
    """
    order = np.argsort(p)
    ranked = p[order] * n_tests / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum.accumulate(ranked[::-1])[::-1].clip(max=1)
    return q


def correlation(
    total: np.ndarray,
    counts: np.ndarray,
    families: np.ndarray,
    squares: np.ndarray,
    same: np.ndarray,
) -> np.ndarray:
    """Estimate how alike residues of one code and one family are.

    Parameters
    ----------
    total : ndarray, shape=(n_codes,)
        Residues.
    counts : ndarray, shape=(n_codes, n_categories)
        Residues of each category.
    families : ndarray, shape=(n_codes,)
        In so many families.
    squares : ndarray, shape=(n_codes,)
        Sum over families of the square of their residues.
    same : ndarray, shape=(n_codes, n_categories)
        Sum over families of the square of a category's residues, over their residues.

    Returns
    -------
    ndarray, shape=(n_categories,), dtype=float64
        Intraclass correlation, 0 to 1, by the analysis of variance, of all codes together; 1 where
        families are too few to tell.
    """
    used = total > 0
    total, counts, families, squares, same = (
        values[used] for values in (total, counts, families, squares, same)
    )
    between, within = (families - 1).sum(), (total - families).sum()
    if between <= 0 or within <= 0:
        return np.ones(counts.shape[1])
    mean_between = (same - counts**2 / total[:, None]).sum(0) / between
    mean_within = (counts - same).sum(0) / within
    size = (total - squares / total).sum() / between
    whole = mean_between + (size - 1) * mean_within
    found = np.where(whole > 0, (mean_between - mean_within) / np.where(whole > 0, whole, 1), 0)
    return found.clip(0, 1)


def design_effect(cluster: np.ndarray, correlated: np.ndarray) -> np.ndarray:
    """Say how many residues count as one.

    Parameters
    ----------
    cluster : ndarray, shape=(n_codes,)
        Residues in the family of one: the mean over a code's residues.
    correlated : ndarray, shape=(n_categories,)
        As `correlation` gives them.

    Returns
    -------
    ndarray, shape=(n_codes, n_categories), at least 1
    """
    return 1 + (np.maximum(cluster, 1)[:, None] - 1) * correlated


def usage_effect(
    counts: np.ndarray, squares: np.ndarray, with_size: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    """Say how many residues count as one where codes' shares of all residues are asked for.

    Parameters
    ----------
    counts, squares : ndarray, shape=(n_codes,)
        Residues, and the sum over families of the square of theirs.
    with_size : ndarray, shape=(n_codes,)
        Sum over families of the code's residues times all residues.
    sizes : ndarray, shape=(n_families,)
        All residues.

    Returns
    -------
    ndarray, shape=(n_codes,), at least 1
        By the variance of a ratio of sums over families; all residues are one in a single family.
    """
    total, n = sizes.sum(), len(sizes)
    if n < 2:
        return np.full(len(counts), max(total, 1.0))
    share = counts / total
    spread = squares - 2 * share * with_size + share**2 * (sizes**2).sum()
    alone = share * (1 - share) * total
    effect = np.where(alone > 0, spread / np.where(alone > 0, alone, 1), 1) * n / (n - 1)
    return effect.clip(min=1)
