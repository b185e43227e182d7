"""Where a picture without a browser is seen from: as 3Dmol.js has it, or where most is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

# 3Dmol.js: how far its eye is from the center at zoom 0, and how wide the eye is open.
_EYE = 150.0
_OPEN = np.tan(np.radians(20 / 2))
# Nearer to the eye than this part of its distance nothing is drawn.
_NEAR = 0.9


@dataclass(frozen=True)
class Camera:
    """A place to look from.

    Attributes
    ----------
    center : ndarray, shape=(3,), dtype=float
        What is in the middle, in Å.
    turn : ndarray, shape=(3, 3), dtype=float
        Rows are right, up, and towards the eye.
    distance : float
        From the eye to the center, in Å.
    """

    center: np.ndarray
    turn: np.ndarray
    distance: float

    @property
    def half(self) -> float:
        """Half of the height that is seen at the center, in Å."""
        return float(_OPEN * self.distance)

    @classmethod
    def of_view(cls, view: Sequence[float]) -> Camera:
        """Take over what ``getView()`` of 3Dmol.js gives.

        Parameters
        ----------
        view : sequence of float, length 8
            Minus the center (x, y, z), the zoom, and a quaternion (x, y, z, w).

        Returns
        -------
        Camera
        """
        numbers = np.asarray(view, dtype=float)
        turn = Rotation.from_quat(numbers[4:]).as_matrix()
        return cls(-numbers[:3], turn, max(_EYE - numbers[3], 1.0))

    @classmethod
    def facing(cls, points: np.ndarray, aspect: float, margin: float = 3.0) -> Camera:
        """Look at some points where they are widest, the longest side along the longer edge.

        Parameters
        ----------
        points : ndarray, shape=(N, 3), dtype=float
        aspect : float
            Width of the picture by its height.
        margin : float
            Around them, in Å.

        Returns
        -------
        Camera
        """
        center = (points.min(0) + points.max(0)) / 2 if len(points) else np.zeros(3)
        _, _, axes = np.linalg.svd(np.vstack([points - center, np.eye(3) * 1e-6]))
        # An axis has no direction of its own; a fixed one keeps pictures the same.
        axes = axes * np.sign(axes[np.arange(3), np.abs(axes).argmax(1)])[:, None]
        right, up = axes[:2] if aspect >= 1 else (axes[1], axes[0])
        turn = np.stack([right, up, np.cross(right, up)])
        seen = np.vstack([(points - center) @ turn.T, np.zeros((int(not len(points)), 3))])
        middle = (seen.min(0) + seen.max(0)) / 2
        x, y, depth = (seen - middle).T
        needed = np.maximum(np.abs(y) + margin, (np.abs(x) + margin) / aspect)
        # What is in front looks larger.
        return cls(center + middle @ turn, turn, float((needed / _OPEN + depth).max()))

    def see(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Project points.

        Parameters
        ----------
        points : ndarray, shape=(..., 3), dtype=float

        Returns
        -------
        places : ndarray, shape=(..., 2), dtype=float
            In Å at the center's depth; NaN for what is behind the eye.
        depth : ndarray, shape=(...), dtype=float
            In Å from the center towards the eye.
        scale : ndarray, shape=(...), dtype=float
            How much larger than at the center.
        """
        turned = (points - self.center) @ self.turn.T
        depth = turned[..., 2]
        scale = self.distance / np.where(
            depth < _NEAR * self.distance, self.distance - depth, np.nan
        )
        return turned[..., :2] * scale[..., None], depth, scale
