"""Maps of latents: UMAP fitted once, new points placed on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from esm_explore.arguments import array_of, whole_number, wrong
from esm_explore.array_files import FileKind, read_arrays, write_arrays
from esm_explore.errors import TraceError

KIND = FileKind("map", 3, 3, "LatentMap.save")
# Trustworthiness compares all pairs; this many points are enough for two digits.
_SAMPLE = 2_000
# UMAP takes 500 for up to 10,000 points; 200, as for more, gives maps as trustworthy sooner.
_EPOCHS = 200


@dataclass(frozen=True)
class MapSettings:
    """How a map was made.

    Attributes
    ----------
    n_points, width : int
        Of the data it was fitted to.
    seed : int or None
    n_neighbors : int
    min_dist : float
    umap_version : str
    """

    n_points: int
    width: int
    seed: int | None
    n_neighbors: int
    min_dist: float
    umap_version: str = field(default_factory=lambda: version("umap-learn"))


class LatentMap:
    """A fitted map.

    Attributes
    ----------
    points : ndarray, shape=(N, 2), dtype=float32
        Where the data are on the map. Only neighborhoods mean something: not directions, not
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
            f"neighbors, seed {s.seed})"
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
        return self._reducer.transform(latents)

    def trustworthiness(self) -> float:
        """Measure how far neighbors on the map are neighbors in the data.

        Returns
        -------
        float
            From 0 to 1; 1 if no point has a neighbor on the map that it does not have in the
            data (Venna and Kaski, 2001; 15 neighbors, up to 2,000 points at random).
        """
        from sklearn.manifold import trustworthiness  # two seconds, which the inspector has not

        chosen = np.random.default_rng(0).permutation(len(self.points))[:_SAMPLE]
        n_neighbors = min(15, (len(chosen) - 1) // 2)
        return float(
            trustworthiness(self._data[chosen], self.points[chosen], n_neighbors=n_neighbors)
        )

    def save(self, path: str | Path) -> Path:
        """Write the map to a safetensors file; an existing one is replaced in one step."""
        tensors = {"data": self._data, "points": self.points}
        return write_arrays(path, KIND, tensors, {"settings": asdict(self.settings)})


def fit_map(
    latents: np.ndarray, *, seed: int | None = 0, n_neighbors: int = 15, min_dist: float = 0.1
) -> LatentMap:
    """Fit a map.

    Parameters
    ----------
    latents : ndarray, shape=(N, width), dtype=float32
        Of residues with a backbone frame. UMAP wants at least some hundreds; 5,000 take half a
        minute.
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
    latents = _checked(latents)
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
    settings = MapSettings(len(latents), latents.shape[1], seed, n_neighbors, min_dist)
    # The first map in a session takes some ten seconds more, to import and compile UMAP.
    said = f"UMAP of {len(latents):,} points (compiled before the first one)"
    with tqdm(total=0, desc=said, bar_format="{desc}, {elapsed}", leave=False) as bar:
        bar.refresh()
        reducer = _fitted(settings, latents, _EPOCHS, disable=bar.disable, desc="layout")
    return LatentMap(reducer, latents, settings)


def load_map(path: str | Path) -> LatentMap:
    """Read a map that `LatentMap.save` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    LatentMap
        With the same points; its neighbor search is built again.

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
        data, points = _checked(arrays["data"]), arrays["points"]
        if data.shape != (settings.n_points, settings.width) or points.shape != (len(data), 2):
            raise ValueError(f"its settings are of other data, {data.shape} on {points.shape}")
        # No epochs: everything but the layout, which is put in from the file.
        reducer = _fitted(settings, data, 0)
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(f"{path} is a map that lacks something: {error}. Fit it again.") from error
    reducer.n_epochs = _EPOCHS
    reducer.embedding_ = points
    return LatentMap(reducer, data, settings)


def _checked(latents: np.ndarray) -> np.ndarray:
    right = "finite numbers of shape (N, width), without residues that have no backbone frame"
    latents = array_of(latents, "What is put on a map", right, ndim=2)
    if not np.isfinite(latents).all():
        raise TraceError(
            f"What is put on a map holds NaN or infinite numbers; it has to be {right}."
        )
    return np.array(latents, dtype=np.float32, order="C")


def _fitted(settings: MapSettings, data: np.ndarray, n_epochs: int, **progress):
    # Imported here: umap takes seconds to import, and most of this package does not need it.
    from esm_explore.analysis.reducers import fitted

    options = {"n_neighbors": settings.n_neighbors, "min_dist": settings.min_dist}
    return fitted(data, settings.seed, n_epochs=n_epochs, tqdm_kwds=progress, **options)
