"""How often codes are used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln

# A number about codes, for `ex.analysis`; esm's choice of a code stands on it, too.
from esm_explore.arguments import array_of, whole_number
from esm_explore.encoders.codebook import nearest_codes as nearest_codes
from esm_explore.errors import TraceError


@dataclass(frozen=True, eq=False)
class Usage:
    """How often codes were used.

    Attributes
    ----------
    counts : ndarray, shape=(n_codes,), dtype=int64
    perplexity : float
        The number of codes that, all used alike, would be as hard to guess: 1 for a single code,
        `n_codes` for all alike.
    rarefaction : ndarray, shape=(n_points, 2), dtype=float64
        Number of residues, and the codes expected among that many drawn at random.
    """

    counts: np.ndarray
    perplexity: float
    rarefaction: np.ndarray

    @property
    def n_used(self) -> int:
        """How many codes were used at all."""
        return int((self.counts > 0).sum())


def usage(tokens: np.ndarray, n_codes: int, n_points: int = 50) -> Usage:
    """Count how often each code is used.

    Parameters
    ----------
    tokens : ndarray, shape=(N,), dtype=int64
        Of residues with a backbone frame: ``trace.tokens[trace.has_frame]``. The others have a
        constant token that says nothing.
    n_codes : int
    n_points : int
        Points of the rarefaction curve, evenly spaced up to all residues.

    Returns
    -------
    Usage

    Raises
    ------
    TraceError
        If there are no tokens, or one is not a code; if the numbers are none.

    Notes
    -----
    Rarefaction is exact (Hurlbert, 1971): each code's chance of being missed by a draw without
    replacement, summed up.

    Examples
    --------
    >>> import numpy as np
    >>> found = usage(np.array([0, 0, 1, 1]), n_codes=3)
    >>> found.counts.tolist(), found.perplexity, found.n_used
    ([2, 2, 0], 2.0, 2)
    """
    tokens = array_of(tokens, "tokens", "an array of whole numbers, shape (N,)", ndim=1, kinds="iu")
    n_codes = whole_number(n_codes, "n_codes", 1)
    n_points = whole_number(n_points, "n_points", 1)
    if tokens.size == 0:
        raise TraceError("There are no tokens to count.")
    if tokens.min() < 0 or tokens.max() >= n_codes:
        raise TraceError(
            f"Tokens run from {tokens.min()} to {tokens.max()}; codes are 0 to {n_codes - 1}. "
            "Special tokens (BOS, EOS) do not count."
        )
    counts = np.bincount(tokens, minlength=n_codes)
    share = counts[counts > 0] / counts.sum()
    perplexity = float(np.exp(-(share * np.log(share)).sum()))
    total = int(counts.sum())
    drawn = np.unique(np.linspace(1, total, n_points).round().astype(int))
    used = counts[counts > 0]
    missed = _log_choose(total - used[None], drawn[:, None]) - _log_choose(total, drawn[:, None])
    expected = (1 - np.exp(missed)).sum(1)
    return Usage(counts, perplexity, np.stack([drawn, expected], 1).astype(float))


def _log_choose(n: np.ndarray | int, k: np.ndarray) -> np.ndarray:
    """Give log(n choose k), -inf where k > n."""
    n, k = np.broadcast_arrays(np.asarray(n, float), np.asarray(k, float))
    possible = k <= n
    chosen = np.where(possible, k, 0)
    value = gammaln(n + 1) - gammaln(chosen + 1) - gammaln(n - chosen + 1)
    return np.where(possible, value, -np.inf)
