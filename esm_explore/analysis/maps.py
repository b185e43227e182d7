"""Maps of latents: UMAP fitted once, new points placed on it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from tqdm.auto import tqdm

from esm_explore.arguments import array_of, check_kind, whole_number, wrong
from esm_explore.array_files import FileKind, read_arrays, write_arrays
from esm_explore.errors import TraceError

KIND = FileKind("map", 4, 3, "LatentMap.save")
N_NEIGHBORS, MIN_DIST = 15, 0.1  # as umap has them
# Trustworthiness compares all pairs; this many points are enough for two digits.
_SAMPLE = 2_000
# UMAP takes 500 for up to 10,000 points; 200, as for more, gives maps as trustworthy sooner.
_EPOCHS = 200
# Distances that are held at once when points are placed: 64 MB.
_AT_ONCE = 8_000_000


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
    of : str
        What the data are, such as ``"pre_vq"``; "" if nobody said.
    """

    n_points: int
    width: int
    seed: int | None
    n_neighbors: int
    min_dist: float
    umap_version: str = field(default_factory=lambda: version("umap-learn"))
    of: str = ""


class LatentMap:
    """A fitted map.

    Attributes
    ----------
    points : ndarray, shape=(N, 2), dtype=float32
        Where the data are on the map. Only neighborhoods mean something: not directions, not
        sizes, and hardly large distances.
    settings : MapSettings
    """

    def __init__(self, points: np.ndarray, data: np.ndarray, settings: MapSettings):
        self.points = points
        self._data = data
        self.settings = settings

    def __repr__(self) -> str:
        s = self.settings
        return (
            f"LatentMap of {s.of + ', ' if s.of else ''}{s.n_points:,} points of {s.width} numbers "
            f"(UMAP, {s.n_neighbors} neighbors, seed {s.seed})"
        )

    @property
    def title(self) -> str:
        """Name the map as captions do: no other has this title.

        A map that was not told what it is of has a digest of its points in place of it, which is
        another one on another machine, as the points are.
        """
        s = self.settings
        told = [
            f"{s.n_points:,} points",
            f"{s.n_neighbors} neighbors" if s.n_neighbors != N_NEIGHBORS else "",
            f"min_dist {s.min_dist}" if s.min_dist != MIN_DIST else "",
            f"seed {s.seed}" if s.seed != 0 else "",
        ]
        of = f"UMAP of {s.of}" if s.of else f"UMAP {digest_of(self.points)}"
        return f"{of} ({', '.join(filter(None, told))})"

    def transform(self, latents: np.ndarray) -> np.ndarray:
        """Place new points on the map, without changing it.

        A point lies at the mean of its nearest data's places, weighted by one over the distance:
        of as many as the map was fitted with, found exactly. So its place depends on that point
        alone, and the map's own data stay where they are (equal ones at their mean); umap's
        ``transform`` moves points by what is placed together with them (umap issues 566 and
        1224). A point between two islands lies between them, where there are no data.

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
        rows = max(1, _AT_ONCE // len(self._data))
        parts = [self._placed(latents[i : i + rows]) for i in range(0, len(latents), rows)]
        return np.concatenate([np.empty((0, 2), np.float32), *parts])

    def _placed(self, latents: np.ndarray) -> np.ndarray:
        # A matrix product would be faster, and rounds by how many rows it has.
        distances = cdist(latents, self._data)
        n_near = min(self.settings.n_neighbors, len(self._data))
        nearest = np.argsort(distances, axis=1, kind="stable")[:, :n_near]
        distances = np.take_along_axis(distances, nearest, axis=1)
        with np.errstate(divide="ignore"):
            weights = 1 / distances
        own = distances == 0
        weights = np.where(own.any(1, keepdims=True), own, weights)
        places = np.zeros((len(latents), 2))
        for weight, found in zip(weights.T, nearest.T, strict=True):
            places += weight[:, None] * self.points[found]
        return (places / weights.sum(1, keepdims=True)).astype(np.float32)

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
    latents = _checked(latents)
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
    with tqdm(total=0, desc=said, bar_format="{desc}, {elapsed}", leave=False) as bar:
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
        data, points = _checked(arrays["data"]), arrays["points"]
        if data.shape != (settings.n_points, settings.width) or points.shape != (len(data), 2):
            raise ValueError(f"its settings are of other data, {data.shape} on {points.shape}")
        if points.dtype != np.float32 or not np.isfinite(points).all():
            raise ValueError("its places are no finite float32 numbers")
    except (KeyError, TypeError, ValueError) as error:
        raise TraceError(f"{path} is a map that lacks something: {error}. Fit it again.") from error
    return LatentMap(points, data, settings)


def digest_of(points: np.ndarray) -> str:
    """Name places that have no name, by what they are.

    Examples
    --------
    >>> digest_of(np.zeros((2, 2))) == digest_of(np.ones((2, 2)))
    False
    """
    packed = np.ascontiguousarray(points, dtype=np.float32)
    return hashlib.blake2b(packed.tobytes(), digest_size=4).hexdigest()


def _checked(latents: np.ndarray) -> np.ndarray:
    right = "finite numbers of shape (N, width), without residues that have no backbone frame"
    latents = array_of(latents, "What is put on a map", right, ndim=2)
    if not np.isfinite(latents).all():
        raise TraceError(
            f"What is put on a map holds NaN or infinite numbers; it has to be {right}."
        )
    return np.array(latents, dtype=np.float32, order="C")


def _fitted(settings: MapSettings, data: np.ndarray, **progress: Any) -> np.ndarray:
    # Imported here: umap takes seconds to import, and most of this package does not need it.
    from esm_explore.analysis.reducers import fitted

    options = {"n_neighbors": settings.n_neighbors, "min_dist": settings.min_dist}
    reducer = fitted(data, settings.seed, n_epochs=_EPOCHS, tqdm_kwds=progress, **options)
    return reducer.embedding_
