"""A chain in 3D without a browser: drawn with matplotlib."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke

from esm_explore.palette import FRAMELESS
from esm_explore.plots.still import LINE, ChainStill
from esm_explore.plots.still_camera import Camera
from esm_explore.plots.still_ribbon import ribbon_of, smooth_trace
from esm_explore.plots.still_shapes import Shapes
from esm_explore.plots.still_text import drawable

_THIN = 0.15  # Å, half the thickness of other lines


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
    shapes = Shapes(camera, pixel, _mist_of(camera, [places, *ghosts]))
    shapes.add_ribbon(ribbon_of(chain.ca, secondary), np.array([to_rgb(c) for c in chain.hexes]))
    for points, line in zip(ghosts, chain.ghost, strict=True):
        shapes.add_path(points, np.array(to_rgb(line["color"])), line.get("radius", _THIN))
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


def _mark(ax: Axes, chain: ChainStill, camera: Camera, places: np.ndarray) -> None:
    """Draw what is told about: on top, because it has to be seen."""
    seen = camera.see(places)[0]
    known = np.isfinite(seen).all(1)
    for i, j, weight, *given in chain.lines:
        if known[i] and known[j]:
            width = 0.8 + 3.5 * float(np.clip(weight, 0, 1))
            ax.plot(*seen[[i, j]].T, color="white", lw=width + 1.6, solid_capstyle="round")
            color = given[0] if given else LINE
            ax.plot(*seen[[i, j]].T, color=color, lw=width, solid_capstyle="round")
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
        drawable(text),
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
