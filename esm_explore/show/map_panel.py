"""The inspector's map: residues as points to click, hover and lasso."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from esm_explore.show.plot import FOREGROUND, PlotView, plain

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
