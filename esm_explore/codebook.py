"""How a latent becomes a code: distances to codes, the margin of the choice, and code usage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import gammaln

from esm_explore.errors import TraceError

# 1,000 residues x 4,096 codes of float32 are 16 MB at a time.
_CHUNK = 1_000


@dataclass(frozen=True, eq=False)
class NearestCodes:
    """The codes nearest to each latent.

    Attributes
    ----------
    codes : ndarray, shape=(L, k), dtype=int64
        Nearest first; column 0 is the token.
    squared_distances : ndarray, shape=(L, k), dtype=float32
        In esm's arithmetic, ``|z|² - 2 z·c + |c|²``: rounding can make them slightly negative.
    margin : ndarray, shape=(L,), dtype=float32
        Distance to the runner-up less the distance to the winner: 0 is a tie, and what a
        small move of the atoms can turn over.
    """

    codes: np.ndarray
    squared_distances: np.ndarray
    margin: np.ndarray


def nearest_codes(codebook: np.ndarray, latents: np.ndarray, k: int = 8) -> NearestCodes:
    """Find the codes nearest to some latents.

    Parameters
    ----------
    codebook : ndarray, shape=(n_codes, d_code), dtype=float32
        `Trace.codebook`.
    latents : ndarray, shape=(L, d_code), dtype=float32
        `Trace.pre_vq`, or any other points of the latent space.
    k : int
        How many codes to give, from 2 up to all.

    Returns
    -------
    NearestCodes

    Raises
    ------
    TraceError
        If the latents are not as wide as the codes, are not finite, or `k` is out of range.

    Notes
    -----
    The arithmetic is that of ``esm.layers.codebook.EMACodebook.forward``, so that ties go the
    way they go there.

    Examples
    --------
    >>> import numpy as np
    >>> codebook = np.array([[0, 0], [3, 0], [0, 5]], dtype=np.float32)
    >>> found = nearest_codes(codebook, np.array([[1, 0]], dtype=np.float32), k=2)
    >>> found.codes.tolist(), found.margin.tolist()
    ([[0, 1]], [1.0])
    """
    latents = np.asarray(latents, dtype=np.float32)
    if latents.ndim != 2 or latents.shape[1] != codebook.shape[1]:
        raise TraceError(
            f"Latents of shape {latents.shape} do not fit codes of {codebook.shape[1]} numbers; "
            f"they have to be (L, {codebook.shape[1]})."
        )
    if not np.isfinite(latents).all():
        raise TraceError("Latents hold NaN or infinite numbers; leave those rows out.")
    if not 2 <= k <= len(codebook):
        raise TraceError(f"k is {k}; it can be 2 to {len(codebook)}, the number of codes.")
    codes = torch.from_numpy(codebook)
    found = [nearest_rows(codes, rows, k) for rows in torch.from_numpy(latents).split(_CHUNK)]
    indices = torch.cat([index for index, _ in found]).numpy()
    squared = torch.cat([value for _, value in found]).numpy()
    distance = np.sqrt(squared[:, :2].clip(min=0))
    return NearestCodes(indices, squared, distance[:, 1] - distance[:, 0])


def squared_distances(codes: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Compute the squared distance of each row to each code, (M, n_codes), as esm does.

    The steps are those of ``EMACodebook.forward``, in place: the same numbers, bit for bit.
    """
    squared = (2 * rows @ codes.t()).neg_()
    squared.add_((rows**2).sum(dim=1, keepdim=True))
    return squared.add_((codes.t() ** 2).sum(dim=0, keepdim=True))


def nearest_rows(
    codes: torch.Tensor, rows: torch.Tensor, k: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the `k` codes nearest to each row: their numbers and squared distances, (M, k) each."""
    squared = squared_distances(codes, rows)
    winner, nearest = take_nearest(squared)
    runner_up, index = squared.topk(k - 1, dim=1, largest=False)
    return torch.cat([winner, index], 1), torch.cat([nearest, runner_up], 1)


def take_nearest(squared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give each row's nearest code and its distance, (M, 1) each, and make it infinitely far.

    It is taken apart from the others: among equal distances topk need not agree with argmin.
    """
    winner = squared.argmin(dim=1, keepdim=True)
    nearest = squared.gather(1, winner)
    squared.scatter_(1, winner, torch.inf)
    return winner, nearest


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
        If there are no tokens, or one is not a code.

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
    tokens = np.asarray(tokens)
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
