"""UMAP without a draw from numpy's global random state."""

from __future__ import annotations

from typing import Any

import numpy as np
from umap import UMAP
from umap.umap_ import nearest_neighbors

# From here on UMAP looks for neighbors with draws.
_MANY = 4_096


def fitted(data: np.ndarray, seed: int | None, **options: Any) -> UMAP:
    """Fit UMAP, on one core with a seed, on all without.

    Parameters
    ----------
    data : ndarray, shape=(N, width), dtype=float32
    seed : int or None
    **options
        Of `UMAP`.

    Returns
    -------
    UMAP
    """
    if seed is not None:
        return UMAP(random_state=seed, n_jobs=1, **options).fit(data)
    # UMAP uses all cores only where it has no random state: it would take numpy's global one.
    draws = np.random.RandomState()
    if len(data) >= _MANY:
        neighbors = options["n_neighbors"]
        options["precomputed_knn"] = nearest_neighbors(
            data, neighbors, "euclidean", {}, angular=False, random_state=draws
        )
    reducer = _OwnDraws(**options)
    reducer.draws = draws
    return reducer.fit(data)


class _OwnDraws(UMAP):
    draws: np.random.RandomState

    def _fit_embed_data(
        self, X: Any, n_epochs: Any, init: Any, random_state: Any, **kwargs: Any
    ) -> Any:
        return super()._fit_embed_data(X, n_epochs, init, self.draws, **kwargs)
