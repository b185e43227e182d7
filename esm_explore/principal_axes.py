"""The directions in which rows of numbers differ most."""

from __future__ import annotations

import numpy as np


def principal_axes(rows: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Give rows in their first principal components, and each one's share of the variance.

    In numpy alone: scikit-learn takes two seconds to import, for which a first picture would wait.

    Parameters
    ----------
    rows : ndarray, shape=(N, width)
    n : int
        How many components, at most `width`.

    Returns
    -------
    ndarray, shape=(N, n), dtype=float64
        Of each axis the largest part is positive, so that pictures are the same everywhere.
    ndarray, shape=(n,), dtype=float64
        NaN where all rows are the same.

    Examples
    --------
    >>> places, shares = principal_axes(np.array([[0.0, 0], [2, 0], [4, 0]]), 2)
    >>> places[:, 0].tolist(), shares.tolist()
    ([-2.0, 0.0, 2.0], [1.0, 0.0])
    """
    centered = rows - rows.mean(0, dtype=np.float64)
    variances, axes = np.linalg.eigh(centered.T @ centered)
    axes = axes[:, : -n - 1 : -1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(n)])
    with np.errstate(invalid="ignore"):
        shares = variances[: -n - 1 : -1] / variances.sum()
    return centered @ axes, shares
