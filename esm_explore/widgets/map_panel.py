"""The inspector's map: residues as points to click, hover and lasso."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.decomposition import PCA

from esm_explore.analysis.maps import fit_map
from esm_explore.tracing.stages import Neighbors, Stage
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.plot_view import FOREGROUND, PlotView, plain

# Above this many points SVG is slow, and a WebGL context is worth it.
_SVG = 4_000
_HEIGHT = 440
_AXIS = {"showticklabels": False, "showgrid": False, "zeroline": False}


class MapPanel:
    """A scatter plot on the page.

    Parameters
    ----------
    n_points : int
    on_pick : callable
        Called with the number of a point that is clicked.
    on_hover : callable
        Called with the number of the point under the mouse, or -1.
    on_lasso : callable
        Called with the numbers of points that are lassoed or boxed.

    Attributes
    ----------
    figure : PlotView
    points : ndarray, shape=(N, 2)
    """

    def __init__(
        self,
        n_points: int,
        on_pick: Callable[[int], None],
        on_hover: Callable[[int], None],
        on_lasso: Callable[[list[int]], None],
    ):
        self._kind = "scatter" if n_points <= _SVG else "scattergl"
        self._size = float(np.clip(200 / np.sqrt(n_points), 3, 9))
        self._axes: dict = {}
        self._dots: dict = {"hoverinfo": "text", "marker": {"size": self._size}}
        self.figure = PlotView(on_pick, on_hover, on_lasso, height=_HEIGHT)
        self.points = np.zeros((0, 2))

    def place(self, points: np.ndarray, title: str) -> None:
        """Move the points."""
        self.points = points
        self._axes = {
            "title": {"text": title, "font": {"size": 13}, "x": 0.01},
            "margin": {"t": 30, "l": 10, "r": 10, "b": 10},
            "showlegend": False,
            "dragmode": "lasso",
            "xaxis": _AXIS,
            "yaxis": {**_AXIS, "scaleanchor": "x"},
        }
        self._dots |= {"x": points[:, 0], "y": points[:, 1]}

    def paint(self, hexes: list[str], hover: list[str]) -> None:
        """Give the points colors and texts."""
        self._dots |= {"marker": {"size": self._size, "color": hexes}, "hovertext": hover}

    def draw(self) -> None:
        """Show the points where they are now, in the colors that they have."""
        self.figure.draw([{"type": self._kind, "mode": "markers", **self._dots}], self._axes)

    def mark(self, selected: int, partner: int, chosen: list[int]) -> None:
        """Mark points: the selected one, its partner in another chain, many; -1 is none."""
        ring = {"color": "rgba(0,0,0,0)", "line": {"color": FOREGROUND, "width": 1.5}}
        marks = (
            (chosen, {**ring, "size": self._size + 4}),
            ([partner], {"size": 15, "symbol": "diamond-open", "color": FOREGROUND}),
            ([selected], {**ring, "size": 16, "line": {"color": FOREGROUND, "width": 3}}),
        )
        overlay = []
        for rows, marker in marks:
            places = self.points[[row for row in rows if row >= 0]]
            overlay.append(
                {
                    "type": self._kind,
                    "mode": "markers",
                    "hoverinfo": "skip",
                    "x": places[:, 0],
                    "y": places[:, 1],
                    "marker": marker,
                }
            )
        self.figure.overlay = plain(overlay)


LAYOUTS = ("PCA", "UMAP")


def place_residues(traces: list[Trace], step: Stage, layout: str) -> np.ndarray:
    """Lay out the residues of some chains by what they are at a step.

    Parameters
    ----------
    traces : list of Trace
    step : Stage
    layout : {"PCA", "UMAP"}
        PCA is immediate; UMAP takes seconds, the first time half a minute.

    Returns
    -------
    ndarray, shape=(N, 2), dtype=float
        Of the residues with a backbone frame, chain by chain. At KNN chains are seen along
        their thinnest direction, side by side: coordinates of different files have nothing to
        do with one another.

    Raises
    ------
    TraceError
        If UMAP is asked of too few residues.
    """
    states = [trace.states(step)[trace.has_frame] for trace in traces]
    if isinstance(step, Neighbors):
        return _side_by_side([_pca(rows) for rows in states])
    together = np.concatenate(states)
    return fit_map(together).points if layout == "UMAP" else _pca(together)


def _pca(rows: np.ndarray) -> np.ndarray:
    if len(rows) < 3:
        return np.stack([np.arange(len(rows)), np.zeros(len(rows))], axis=1)
    return PCA(2, svd_solver="covariance_eigh").fit_transform(rows.astype(float))


def _side_by_side(parts: list[np.ndarray]) -> np.ndarray:
    placed, edge = [], 0.0
    for points in parts:
        left, right = points[:, 0].min(), points[:, 0].max()
        placed.append(points + np.array([edge - left, 0]))
        edge += 1.1 * (right - left) + 5
    return np.concatenate(placed)
