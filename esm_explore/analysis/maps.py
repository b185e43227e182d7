"""Maps of latents: UMAP fitted once, or read from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from esm_explore.analysis.latent_maps import (
    KIND,
    MIN_DIST,
    N_NEIGHBORS,
    LatentMap,
    MapSettings,
    finite_points,
)
from esm_explore.arguments import check_kind, whole_number, wrong
from esm_explore.array_files import read_arrays
from esm_explore.encoders.progress import bars_are_hidden
from esm_explore.errors import TraceError

# UMAP takes 500 for up to 10,000 points; 200, as for more, gives maps as trustworthy sooner.
_EPOCHS = 200


def fit_map(
    latents: np.ndarray,
    *,
    of: str = "",
    seed: int | None = 0,
    n_neighbors: int = N_NEIGHBORS,
    min_dist: float = MIN_DIST,
) -> LatentMap:
    """Fit a map.

    Parameters
    ----------
    latents : ndarray, shape=(N, width), dtype=float32
        Of residues with a backbone frame. UMAP wants at least some hundreds; 5,000 take half a
        minute.
    of : str
        What they are, such as ``"pre_vq"``: pictures of the map say it.
    seed : int or None
        The same gives the same map on the same machine; to other machines it is only similar.
        None uses all cores, for hundreds of thousands of points; each map is then another.
    n_neighbors : int
        Small for fine structure, large for the broad one.
    min_dist : float
        How close points may lie.

    Returns
    -------
    LatentMap

    Raises
    ------
    TraceError
        If there are no more points than neighbors, or points are not finite; if an option is
        none of those above.
    """
    latents = finite_points(latents)
    check_kind(of, str, "of", "a text")
    if seed is not None:
        seed = whole_number(seed, "seed", 0)
    n_neighbors = whole_number(n_neighbors, "n_neighbors", 2)
    if not isinstance(min_dist, float | int) or not 0 <= min_dist <= 1:
        raise wrong(min_dist, "min_dist", "a number from 0 to 1")
    if len(latents) <= n_neighbors:
        raise TraceError(
            f"A map with {n_neighbors} neighbors needs more than {n_neighbors} points; there are "
            f"{len(latents)}. Take more residues, or fewer neighbors."
        )
    settings = MapSettings(len(latents), latents.shape[1], seed, n_neighbors, min_dist, of=of)
    # The first map in a session takes some ten seconds more, to import and compile UMAP.
    said = f"UMAP of {len(latents):,} points (compiled before the first one)"
    form = {"bar_format": "{desc}, {elapsed}", "leave": False, "disable": bars_are_hidden()}
    with tqdm(total=0, desc=said, **form) as bar:
        bar.refresh()
        points = _fitted(settings, latents, disable=bar.disable, desc="layout")
    return LatentMap(points, latents, settings)


def load_map(path: str | Path) -> LatentMap:
    """Read a map that `LatentMap.save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    LatentMap
        With the same points.

    Raises
    ------
    TraceError
        If there is no such file, or it is not a map, is damaged or of a newer version.
    """
    arrays, about = read_arrays(path, KIND)
    try:
        # In version 1 the settings were not apart.
        held = about.get("settings") or {k: v for k, v in about.items() if k != "format"}
        settings = MapSettings(**held)
        data, points = finite_points(arrays["data"]), arrays["points"]
        if data.shape != (settings.n_points, settings.width) or points.shape != (len(data), 2):
            raise ValueError(f"its settings are of other data, {data.shape} on {points.shape}")
        if points.dtype != np.float32 or not np.isfinite(points).all():
            raise ValueError("its places are no finite float32 numbers")
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(f"{path} is a map that lacks something: {error}. Fit it again.") from error
    return LatentMap(points, data, settings)


def _fitted(settings: MapSettings, data: np.ndarray, **progress: Any) -> np.ndarray:
    # Imported here: umap takes seconds to import, and most of this package does not need it.
    from esm_explore.analysis.reducers import fitted

    options = {"n_neighbors": settings.n_neighbors, "min_dist": settings.min_dist}
    reducer = fitted(data, settings.seed, n_epochs=_EPOCHS, tqdm_kwds=progress, **options)
    return reducer.embedding_
