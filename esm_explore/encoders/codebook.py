"""How a latent becomes a code: distances to codes, and the margin of the choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from esm_explore.arguments import array_of, whole_number
from esm_explore.encoders.modes import plain_float32
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
    codebook = array_of(codebook, "codebook", "numbers of shape (n_codes, d_code)", ndim=2)
    right = f"numbers of shape (L, {codebook.shape[1]})"
    latents = array_of(latents, "latents", right, ndim=2).astype(np.float32, copy=False)
    if latents.shape[1] != codebook.shape[1]:
        raise TraceError(
            f"Latents of shape {latents.shape} do not fit codes of {codebook.shape[1]} numbers; "
            f"they have to be (L, {codebook.shape[1]})."
        )
    if not np.isfinite(latents).all():
        raise TraceError("Latents hold NaN or infinite numbers; leave those rows out.")
    k = whole_number(k, "k", 2, len(codebook))
    codes = torch.from_numpy(codebook.astype(np.float32, copy=False))
    with plain_float32():
        found = [nearest_rows(codes, rows, k) for rows in torch.from_numpy(latents).split(_CHUNK)]
        indices = torch.cat([index for index, _ in found]).numpy()
        squared = torch.cat([value for _, value in found]).numpy()
    distance = np.sqrt(squared[:, :2].clip(min=0))
    return NearestCodes(indices, squared, distance[:, 1] - distance[:, 0])


def squared_distances(
    codes: torch.Tensor, rows: torch.Tensor, norms: torch.Tensor | None = None
) -> torch.Tensor:
    """Compute the squared distance of each row to each code, (M, n_codes), as esm does.

    The steps are those of ``EMACodebook.forward``, in place: the same numbers, bit for bit. Who
    asks again and again gives the `code_norms`.
    """
    squared = (2 * rows @ codes.t()).neg_()
    squared.add_((rows**2).sum(dim=1, keepdim=True))
    return squared.add_(code_norms(codes) if norms is None else norms)


def code_norms(codes: torch.Tensor) -> torch.Tensor:
    """Compute the squared length of each code, shape=(1, n_codes), as esm does."""
    return (codes.t() ** 2).sum(dim=0, keepdim=True)


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
