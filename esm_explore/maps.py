"""Maps of latents: UMAP fitted once, new points placed on it."""

from __future__ import annotations

import json
import warnings
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from sklearn.manifold import trustworthiness

from esm_explore.errors import TraceError

FORMAT = "esm_explore map 1"
# Trustworthiness compares all pairs; this many points are enough for two digits.
_SAMPLE = 2_000


@dataclass(frozen=True)
class MapSettings:
    """How a map was made.

    Attributes
    ----------
    n_points, width : int
        Of the data it was fitted to.
    seed, n_neighbors : int
    min_dist : float
    umap_version : str
    """

    n_points: int
    width: int
    seed: int
    n_neighbors: int
    min_dist: float
    umap_version: str = field(default_factory=lambda: version("umap-learn"))


class LatentMap:
    """A fitted map.

    Attributes
    ----------
    points : ndarray, shape=(N, 2), dtype=float32
        Where the data are on the map. Only neighbourhoods mean something: not directions, not
        sizes, and hardly large distances.
    settings : MapSettings
    """

    def __init__(self, reducer, data: np.ndarray, settings: MapSettings):
        self._reducer = reducer
        self._data = data
        self.points = reducer.embedding_
        self.settings = settings

    def __repr__(self) -> str:
        s = self.settings
        return (
            f"LatentMap of {s.n_points:,} points of {s.width} numbers (UMAP, {s.n_neighbors} "
            f"neighbours, seed {s.seed})"
        )

    def transform(self, latents: np.ndarray) -> np.ndarray:
        """Place new points on the map, without changing it.

        Parameters
        ----------
        latents : ndarray, shape=(M, width)

        Returns
        -------
        ndarray, shape=(M, 2), dtype=float32

        Raises
        ------
        TraceError
            If the points are not as wide as the map's data, or not finite.
        """
        latents = _checked(latents)
        if latents.shape[1] != self.settings.width:
            raise TraceError(
                f"Points of {latents.shape[1]} numbers do not fit a map of points of "
                f"{self.settings.width}: is it of another stage, or of another encoder?"
            )
        with _quiet():
            return self._reducer.transform(latents)

    def trustworthiness(self) -> float:
        """Measure how far neighbours on the map are neighbours in the data.

        Returns
        -------
        float
            From 0 to 1; 1 if no point has a neighbour on the map that it does not have in the
            data (Venna and Kaski, 2001; 15 neighbours, up to 2,000 points at random).
        """
        chosen = np.random.default_rng(0).permutation(len(self.points))[:_SAMPLE]
        n_neighbors = min(15, (len(chosen) - 1) // 2)
        return float(
            trustworthiness(self._data[chosen], self.points[chosen], n_neighbors=n_neighbors)
        )

    def save(self, path: str | Path) -> Path:
        """Write the map to a safetensors file; an existing one is replaced in one step."""
        path = Path(path)
        partial = path.with_name(path.name + ".partial")
        about = json.dumps({"format": FORMAT, **asdict(self.settings)})
        tensors = {"data": self._data, "points": np.ascontiguousarray(self.points)}
        save_file(tensors, partial, metadata={"esm_explore": about})
        return partial.replace(path)


def fit_map(
    latents: np.ndarray, *, seed: int = 0, n_neighbors: int = 15, min_dist: float = 0.1
) -> LatentMap:
    """Fit a map.

    Parameters
    ----------
    latents : ndarray, shape=(N, width), dtype=float32
        Of residues with a backbone frame. UMAP wants at least some hundreds; 5,000 take half a
        minute.
    seed : int
        The same gives the same map on the same machine; to other machines it is only similar.
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
        If there are no more points than neighbours, or points are not finite.
    """
    latents = _checked(latents)
    if len(latents) <= n_neighbors:
        raise TraceError(
            f"A map with {n_neighbors} neighbours needs more than {n_neighbors} points; there are "
            f"{len(latents)}. Take more residues, or fewer neighbours."
        )
    settings = MapSettings(len(latents), latents.shape[1], seed, n_neighbors, min_dist)
    with _quiet():
        reducer = _reducer(settings).fit(latents)
    return LatentMap(reducer, latents, settings)


def load_map(path: str | Path) -> LatentMap:
    """Read a map that `LatentMap.save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    LatentMap
        With the same points; its neighbour search is built again.

    Raises
    ------
    TraceError
        If there is no such file, or it is not a map.
    """
    path = Path(path)
    if not path.is_file():
        raise TraceError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("esm_explore", "{}"))
            if about.pop("format", None) != FORMAT:
                raise TraceError(f"{path} is not a map of LatentMap.save.")
            settings = MapSettings(**about)
            data, points = file.get_tensor("data"), file.get_tensor("points")
    except (SafetensorError, ValueError, TypeError) as error:
        raise TraceError(f"{path} is not a map, or is damaged: {error}") from error
    reducer = _reducer(settings)
    # No epochs: everything but the layout, which is put in from the file.
    reducer.n_epochs = 0
    with _quiet():
        reducer.fit(data)
    reducer.n_epochs = None
    reducer.embedding_ = points
    return LatentMap(reducer, data, settings)


def _checked(latents: np.ndarray) -> np.ndarray:
    latents = np.ascontiguousarray(latents, dtype=np.float32)
    if latents.ndim != 2 or not np.isfinite(latents).all():
        raise TraceError(
            f"A map needs finite points of shape (N, width), not {latents.shape}; leave out "
            "residues without a backbone frame."
        )
    return latents


def _reducer(settings: MapSettings):
    # Imported here: umap takes seconds to import, and most of this package does not need it.
    from umap import UMAP

    return UMAP(
        n_neighbors=settings.n_neighbors,
        min_dist=settings.min_dist,
        random_state=settings.seed,
        n_jobs=1,
    )


class _quiet(warnings.catch_warnings):
    """UMAP warns of what a seed means for threads, and sklearn of arguments that UMAP gives it."""

    def __enter__(self):
        super().__enter__()
        warnings.simplefilter("ignore")
