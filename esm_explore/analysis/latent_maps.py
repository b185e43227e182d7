"""A fitted map of latents, and new points placed on it."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
from scipy.spatial.distance import cdist

from esm_explore.arguments import array_of
from esm_explore.array_files import FileKind, write_arrays
from esm_explore.errors import TraceError

KIND = FileKind("map", 4, 3, "LatentMap.save")
N_NEIGHBORS, MIN_DIST = 15, 0.1  # as umap has them
# Trustworthiness compares all pairs; this many points are enough for two digits.
_SAMPLE = 2_000
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
        latents = finite_points(latents)
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


def digest_of(points: np.ndarray) -> str:
    """Name places that have no name, by what they are.

    Examples
    --------
    >>> digest_of(np.zeros((2, 2))) == digest_of(np.ones((2, 2)))
    False
    """
    packed = np.ascontiguousarray(points, dtype=np.float32)
    return hashlib.blake2b(packed.tobytes(), digest_size=4).hexdigest()


def finite_points(latents: np.ndarray) -> np.ndarray:
    """Take what a map can be made of, as float32."""
    right = "finite numbers of shape (N, width), without residues that have no backbone frame"
    latents = array_of(latents, "What is put on a map", right, ndim=2)
    if not np.isfinite(latents).all():
        raise TraceError(
            f"What is put on a map holds NaN or infinite numbers; it has to be {right}."
        )
    return np.array(latents, dtype=np.float32, order="C")
