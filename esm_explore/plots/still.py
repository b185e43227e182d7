"""A chain in 3D without a browser: drawn with matplotlib, for what has to outlive the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke

from esm_explore.palette import FRAMELESS
from esm_explore.plots.still_camera import Camera
from esm_explore.plots.still_ribbon import Ribbon, ribbon_of, smooth_trace

LINE = "#e69f00"
_TUBE = 0.36  # Å, half the thickness of a coil
_OUTLINE, _HALO = 0.9, 3.0  # pixels beside the ribbon
_BEHIND = 2.5  # Å that a halo lies behind its ribbon: more than neighbors of a piece are deep
_LIGHT = np.array([-0.35, 0.5, 0.79])
_MISTY = 0.62  # how much of the color is gone at the back


@dataclass(frozen=True)
class ChainStill:
    """A chain in 3D as it is seen.

    Attributes
    ----------
    ca : ndarray, shape=(L, 3), dtype=float
        In Å, NaN where there is none.
    hexes : list of str
        ``#rrggbb`` of each residue.
    secondary : str
        One letter a residue: h, s, c, or a space; "" draws a tube.
    labels : sequence of str
        What each residue is called.
    camera : sequence of float
        As ``getView()`` of 3Dmol.js; empty looks at `focus`, or at all, where it is widest.
    selected : int
        The residue with a ring and its label; -1 for none.
    selection : sequence of int
        Residues with a dot.
    lines : sequence of (int, int, float)
        Pairs of residues to join, with a weight from 0 to 1 for the thickness.
    focus : sequence of int
        Residues that a picture without a camera frames.
    named : sequence of int
        Residues whose label is written too.
    ghost : sequence of dict
        Polylines {"points": [[x, y, z], ...], "color": "#rrggbb"}.
    caption : str
        Stands under the picture.
    """

    ca: np.ndarray
    hexes: Sequence[str]
    secondary: str = ""
    labels: Sequence[str] = ()
    camera: Sequence[float] = ()
    selected: int = -1
    selection: Sequence[int] = ()
    lines: Sequence[tuple[int, int, float]] = ()
    focus: Sequence[int] = ()
    named: Sequence[int] = ()
    ghost: Sequence[dict] = field(default=())
    caption: str = ""


def draw_chain(ax: Axes, chain: ChainStill) -> None:
    """Draw a chain on an axis, which becomes a picture without ticks.

    What is far is pale, what crosses has a gap around it, and helices and strands are wider than
    coils.

    Parameters
    ----------
    ax : Axes
    chain : ChainStill
    """
    secondary = (chain.secondary or "").ljust(len(chain.ca))
    box = ax.get_window_extent()
    aspect = box.width / max(box.height, 1)
    # A ghost may be all there is.
    ghosts = [np.asarray(line["points"], dtype=float).reshape(-1, 3) for line in chain.ghost]
    places = smooth_trace(chain.ca, secondary)
    camera = _camera(chain, places, ghosts, aspect)
    ax.set_axis_off()
    ax.set_xlim(-camera.half * aspect, camera.half * aspect)
    ax.set_ylim(-camera.half, camera.half)
    pixel = 2 * camera.half / max(box.height, 1) * ax.figure.dpi / 100
    shapes = _Shapes(camera, pixel, _mist_of(camera, [places, *ghosts]))
    shapes.add_ribbon(ribbon_of(chain.ca, secondary), np.array([to_rgb(c) for c in chain.hexes]))
    for points, line in zip(ghosts, chain.ghost, strict=True):
        shapes.add_path(points, np.array(to_rgb(line["color"])))
    shapes.draw(ax)
    _mark(ax, chain, camera, places)


def _camera(
    chain: ChainStill, places: np.ndarray, ghosts: list[np.ndarray], aspect: float
) -> Camera:
    if len(chain.camera) == 8:
        return Camera.of_view(chain.camera)
    framed = places[list(chain.focus)] if len(chain.focus) else np.vstack([places, *ghosts])
    return Camera.facing(framed[np.isfinite(framed).all(1)], aspect)


def _mist_of(camera: Camera, places: list[np.ndarray]) -> tuple[float, float]:
    """Say where mist is thickest and where it ends, in Å towards the eye."""
    depth = camera.see(np.vstack(places))[1]
    depth = depth[np.isfinite(depth)]
    return (float(depth.min()), float(depth.max())) if len(depth) else (-1.0, 1.0)


class _Shapes:
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
        shade = self._shade(ribbon)
        self._add(middle, side, depth, scale, colors[ribbon.residue] * shade[:, None])

    def add_path(self, points: np.ndarray, color: np.ndarray) -> None:
        """Add a tube through some points, in one color."""
        if len(points) < 2:
            return
        ends = np.stack([points[:-1], points[1:]], 1)
        middle, depth, scale = self._camera.see(ends)
        self._add(middle, np.zeros_like(middle), depth, scale, np.tile(color, (len(ends), 1)))

    def _add(self, middle, side, depth, scale, color) -> None:
        normal = _normals(middle)
        # From the edge a ribbon is as thick as a tube.
        out = (side * normal).sum(-1, keepdims=True)
        missing = (_TUBE * scale[..., None] - np.abs(out)).clip(0)
        side = side + np.where(out.sum(1, keepdims=True) < 0, -1, 1) * missing * normal
        wide = np.linalg.norm(side, axis=-1, keepdims=True)
        depth = depth.mean(1)
        far, near = self._mist
        mist = _MISTY * (1 - ((depth - far) / max(near - far, 1e-9)).clip(0, 1))[:, None]
        lit = color.clip(0, 1)
        for wider, behind, shown in (
            (_HALO, _BEHIND, np.ones_like(lit)),
            (_OUTLINE, _BEHIND / 2, lit * 0.35),
            (0, 0, lit),
        ):
            edge = side * (1 + wider * self._pixel / np.maximum(wide, 1e-9))
            corners = [
                *(middle[:, 0] - edge[:, 0], middle[:, 0] + edge[:, 0]),
                *(middle[:, 1] + edge[:, 1], middle[:, 1] - edge[:, 1]),
            ]
            self._corners.append(np.stack(corners, 1))
            self._depths.append(depth - behind)
            self._colors.append(shown + (1 - shown) * mist)

    def _shade(self, ribbon: Ribbon) -> np.ndarray:
        """Say how bright each piece is: flat to the light most, the inside of a helix least."""
        along = ribbon.middle[:, 1] - ribbon.middle[:, 0]
        face = np.cross(along, ribbon.side[:, 0] + ribbon.side[:, 1]) @ self._camera.turn.T
        size = np.linalg.norm(face, axis=1)
        flat = np.where(size > 1e-6, np.abs(face @ _LIGHT) / np.maximum(size, 1e-9), 0.85)
        return 0.62 + 0.43 * flat

    def draw(self, ax: Axes) -> None:
        """Draw them all."""
        if not self._corners:
            return
        corners, depth = np.concatenate(self._corners), np.concatenate(self._depths)
        order = np.argsort(depth, kind="stable")
        order = order[np.isfinite(corners[order]).all((1, 2))]
        colors = np.concatenate(self._colors)[order]
        # Edges in the same color close the seams between pieces.
        ax.add_collection(
            PolyCollection(corners[order], facecolors=colors, edgecolors=colors, linewidths=0.3),
            autolim=False,
        )


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


def _mark(ax: Axes, chain: ChainStill, camera: Camera, places: np.ndarray) -> None:
    """Draw what is told about: on top, because it has to be seen."""
    seen = camera.see(places)[0]
    known = np.isfinite(seen).all(1)
    for i, j, weight in chain.lines:
        if known[i] and known[j]:
            width = 0.8 + 3.5 * float(np.clip(weight, 0, 1))
            ax.plot(*seen[[i, j]].T, color="white", lw=width + 1.6, solid_capstyle="round")
            ax.plot(*seen[[i, j]].T, color=LINE, lw=width, solid_capstyle="round")
            ax.plot(*seen[j], "o", ms=6, mfc=chain.hexes[j], mec="black", mew=0.8)
    for i in chain.selection:
        if known[i]:
            ax.plot(*seen[i], "o", ms=5, mfc="black", mec="white", mew=0.8)
    for i in chain.named:
        if known[i] and i != chain.selected:
            _write(ax, chain.labels[i], seen[i], 6, 8)
    i = chain.selected
    if 0 <= i < len(known) and known[i]:
        ax.plot(*seen[i], "o", ms=9, mfc=chain.hexes[i] or FRAMELESS, mec="black", mew=1)
        ax.plot(*seen[i], "o", ms=16, mfc="none", mec="white", mew=3.5)
        ax.plot(*seen[i], "o", ms=16, mfc="none", mec="black", mew=2)
        if len(chain.labels):
            _write(ax, chain.labels[i], seen[i], 12, 9, weight="bold")


def _write(ax: Axes, text: str, at: np.ndarray, away: float, size: float, **more: object) -> None:
    # Towards the middle, so that it stays within the picture.
    right = at[0] < 0.3 * ax.get_xlim()[1]
    ax.annotate(
        text,
        at,
        (away if right else -away, away),
        textcoords="offset points",
        ha="left" if right else "right",
        fontsize=size,
        parse_math=False,
        path_effects=[withStroke(linewidth=3, foreground="white")],
        annotation_clip=True,
        **more,
    )
