"""Ribbons, tubes and balls as flat shapes, drawn from the back to the front."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from esm_explore.plots.still_camera import Camera
from esm_explore.plots.still_ribbon import Ribbon

_TUBE = 0.36  # Å, half the thickness of a coil
_OUTLINE, _HALO = 0.9, 3.0  # pixels beside the ribbon
_BEHIND = 2.5  # Å that a halo lies behind its ribbon: more than neighbors of a piece are deep
_LIGHT = np.array([-0.35, 0.5, 0.79])
_MISTY = 0.62  # how much of the color is gone at the back
_BALL = 2.2  # radius of a ball by that of its tube
_TURN = np.linspace(0, 2 * np.pi, 14, endpoint=False)
_ROUND = np.stack([np.cos(_TURN), np.sin(_TURN)], 1)


class Shapes:
    """Four-cornered pieces, drawn from the back to the front."""

    def __init__(self, camera: Camera, pixel: float, mist: tuple[float, float]):
        self._camera, self._pixel, self._mist = camera, pixel, mist
        self._corners: list[np.ndarray] = []
        self._depths: list[np.ndarray] = []
        self._colors: list[np.ndarray] = []

    def add_ribbon(self, ribbon: Ribbon, colors: np.ndarray) -> None:
        """Add a ribbon in its residues' colors, shape=(L, 3)."""
        if not len(ribbon.residue):
            return
        middle, depth, scale = self._camera.see(ribbon.middle)
        side = (ribbon.side @ self._camera.turn.T)[..., :2] * scale[..., None]
        lit = colors[ribbon.residue] * self._shade(ribbon)[:, None]
        far, near = self._mist
        mist = 1 - ((depth.mean(1) - far) / max(near - far, 1e-9)).clip(0, 1)
        self._add(middle, side, depth, scale, self._layers(lit, _MISTY * mist[:, None]))

    def add_path(self, points: np.ndarray, color: np.ndarray, radius: float) -> None:
        """Add a tube through some points, with balls at them, in one color, also at the back."""
        ends = np.stack([points[:-1], points[1:]], 1)
        middle, depth, scale = self._camera.see(ends)
        colors = np.tile(color, (len(points), 1))
        flat = np.zeros_like(middle)
        self._add(middle, flat, depth, scale, self._layers(colors[1:]), radius)
        middle, depth, scale = self._camera.see(points)
        for wider, behind, shown in self._layers(colors):
            size = scale * _BALL * radius + wider * self._pixel
            self._keep(middle[:, None] + size[:, None, None] * _ROUND, depth, behind, shown)

    def _add(
        self,
        middle: np.ndarray,
        side: np.ndarray,
        depth: np.ndarray,
        scale: np.ndarray,
        layers: list[tuple[float, float, np.ndarray]],
        radius: float = _TUBE,
    ) -> None:
        normal = _normals(middle)
        # From the edge a ribbon is as thick as a tube.
        out = (side * normal).sum(-1, keepdims=True)
        missing = (radius * scale[..., None] - np.abs(out)).clip(0)
        side = side + np.where(out.sum(1, keepdims=True) < 0, -1, 1) * missing * normal
        wide = np.linalg.norm(side, axis=-1, keepdims=True)
        for wider, behind, shown in layers:
            edge = side * (1 + wider * self._pixel / np.maximum(wide, 1e-9))
            corners = [
                *(middle[:, 0] - edge[:, 0], middle[:, 0] + edge[:, 0]),
                *(middle[:, 1] + edge[:, 1], middle[:, 1] - edge[:, 1]),
            ]
            self._keep(np.stack(corners, 1), depth.mean(1), behind, shown)

    @staticmethod
    def _layers(
        colors: np.ndarray, mist: np.ndarray | float = 0.0
    ) -> list[tuple[float, float, np.ndarray]]:
        """Give pixels that a layer is wider, Å that it lies behind, and its colors."""
        lit = colors.clip(0, 1)
        layers = [(_HALO, _BEHIND, lit * 0 + 1), (_OUTLINE, _BEHIND / 2, lit * 0.35), (0, 0, lit)]
        return [(wider, behind, shown + (1 - shown) * mist) for wider, behind, shown in layers]

    def _keep(
        self, corners: np.ndarray, depth: np.ndarray, behind: float, colors: np.ndarray
    ) -> None:
        self._corners.append(corners)
        self._depths.append(depth - behind)
        self._colors.append(colors)

    def _shade(self, ribbon: Ribbon) -> np.ndarray:
        """Say how bright each piece is: what lies flat to the light most."""
        along = ribbon.middle[:, 1] - ribbon.middle[:, 0]
        face = np.cross(along, ribbon.side[:, 0] + ribbon.side[:, 1]) @ self._camera.turn.T
        size = np.linalg.norm(face, axis=1)
        flat = np.where(size > 1e-6, np.abs(face @ _LIGHT) / np.maximum(size, 1e-9), 0.85)
        return 0.62 + 0.43 * flat

    def draw(self, ax: Axes) -> None:
        """Draw them all."""
        corners = [shape for some in self._corners for shape in some]
        if not corners:
            return
        depth, colors = np.concatenate(self._depths), np.concatenate(self._colors)
        whole = [np.isfinite(some).all((1, 2)) for some in self._corners]
        order = np.argsort(depth, kind="stable")
        order = order[np.concatenate(whole)[order]]
        # Edges in the same color close the seams between pieces.
        style = {"facecolors": colors[order], "edgecolors": colors[order], "linewidths": 0.3}
        ax.add_collection(PolyCollection([corners[i] for i in order], **style), autolim=False)


def _normals(middle: np.ndarray) -> np.ndarray:
    """Give the direction across at both ends of pieces, shape=(N, 2, 2); neighbors share theirs."""
    along = middle[:, 1] - middle[:, 0]
    along = along / np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    joined = (np.abs(middle[1:, 0] - middle[:-1, 1]) < 1e-6).all(1, keepdims=True)
    before, after = along.copy(), along.copy()
    before[1:] += joined * along[:-1]
    after[:-1] += joined * along[1:]
    both = np.stack([before, after], 1)
    both = both / np.maximum(np.linalg.norm(both, axis=-1, keepdims=True), 1e-9)
    return np.stack([-both[..., 1], both[..., 0]], -1)
