"""The inspector's map: residues as points to click, hover and lasso."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch

import numpy as np
from sklearn.decomposition import PCA

from esm_explore.analysis.maps import fit_map
from esm_explore.errors import EsmExploreError
from esm_explore.plots.picture import hover_of
from esm_explore.tracing.stages import Neighbors, Stage
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.plot_view import FOREGROUND, PlotView, plain
from esm_explore.widgets.selection import Selection

# Above this many points SVG is slow, and a WebGL context is worth it.
_SVG = 4_000
_HEIGHT = 440
_IN_SPACE = "the backbone in space"
_AXIS = {"showticklabels": False, "showgrid": False, "zeroline": False}


LAYOUTS = ("PCA", "UMAP")


class MapPanel:
    """A scatter plot on the page of all residues with a backbone frame, chain by chain.

    It shows what a selection says, and writes into it what is clicked, pointed at and lassoed.

    Parameters
    ----------
    selection : Selection
    say : callable
        Called with what the reader should know: that it takes a while, or why it cannot be.

    Attributes
    ----------
    figure : PlotView
    points : ndarray, shape=(N, 2)
    """

    def __init__(self, selection: Selection, say: Callable[[str], None]):
        self._selection, self._say = selection, say
        traces = selection.traces
        self._rows = [
            (chain, int(residue))
            for chain, trace in enumerate(traces)
            for residue in np.flatnonzero(trace.has_frame)
        ]
        self._numbers = {row: number for number, row in enumerate(self._rows)}
        hover = [
            [f"{t.chain.id} {t.chain.chain_id} {text}" for text in hover_of(t)] for t in traces
        ]
        self._hover = self._framed(hover)
        self._kind = "scatter" if len(self._rows) <= _SVG else "scattergl"
        self._size = float(np.clip(200 / np.sqrt(len(self._rows)), 3, 9))
        self._hexes: list[str] = []
        self._placed: dict[tuple[Stage, str], np.ndarray] = {}
        self._axes: dict = {}
        self.figure = PlotView(self.picked, self._hovered, self.lassoed, height=_HEIGHT)
        self.figure.layout.flex, self.figure.layout.min_width = "1 1 0", "0"
        self.points = np.zeros((len(self._rows), 2))
        selection.observe(self._mark, ["choice", "linked_by"])

    def place(self, stage: Stage, layout: str, number: int) -> None:
        """Move the points to where they are at a stage; `draw` shows it.

        Parameters
        ----------
        stage : Stage
        layout : {"PCA", "UMAP"}
        number : int
            The stage's, from 1, for the title.
        """
        how = layout_of(stage, layout)
        if (stage, how) not in self._placed:
            if how == "UMAP":
                self._say("UMAP lays out the residues; the first time this takes half a minute.")
            try:
                self._placed[stage, how] = place_residues(self._selection.traces, stage, layout)
            except EsmExploreError as error:
                self._say(str(error))
                return
        self.points = self._placed[stage, how]
        self._axes = {
            "title": {
                "text": f"{number} {stage.title}: {how}; one point a residue",
                "font": {"size": 13},
                "x": 0.01,
            },
            "margin": {"t": 30, "l": 10, "r": 10, "b": 10},
            "showlegend": False,
            "dragmode": "lasso",
            "xaxis": _AXIS,
            "yaxis": {**_AXIS, "scaleanchor": "x"},
        }

    def paint(self, hexes: list[list[str]]) -> None:
        """Give the residues of all chains colors; `draw` shows it."""
        self._hexes = self._framed(hexes)

    def draw(self) -> None:
        """Show the points where they are now, in the colors that they have."""
        dots = {"x": self.points[:, 0], "y": self.points[:, 1], "hovertext": self._hover}
        marker = {"size": self._size, "color": self._hexes}
        shown = {"type": self._kind, "mode": "markers", "hoverinfo": "text", "marker": marker}
        self.figure.draw([{**shown, **dots}], self._axes)
        self._mark()

    def picked(self, point: int) -> None:
        """Choose the residue of a point."""
        self._selection.select(*self._rows[point])

    def lassoed(self, points: list[int]) -> None:
        """Choose the residues of some points."""
        rows = [self._rows[point] for point in points]
        # Many residues are of one chain: the one that is chosen, if any of its are there.
        chain = self._selection.chain
        if rows and chain not in {row[0] for row in rows}:
            chain = rows[0][0]
        self._selection.select_many(chain, [residue for of, residue in rows if of == chain])

    def _hovered(self, point: int) -> None:
        self._selection.hovered = self._rows[point] if point >= 0 else (self._selection.chain, -1)

    def _framed(self, values: list[list[str]]) -> list[str]:
        return [values[chain][residue] for chain, residue in self._rows]

    def _mark(self, _change: dict | None = None) -> None:
        """Mark the chosen residues, and in two chains the selected one's counterpart."""
        now = self._selection
        other = 1 - now.chain if len(now.traces) == 2 else now.chain
        ring = {"color": "rgba(0,0,0,0)", "line": {"color": FOREGROUND, "width": 1.5}}
        marks = (
            (now.chain, now.selection, {**ring, "size": self._size + 4}),
            (
                other,
                [now.partner(other)[0]] if other != now.chain else [],
                {"size": 15, "symbol": "diamond-open", "color": FOREGROUND},
            ),
            (
                now.chain,
                [now.selected],
                {**ring, "size": 16, "line": {"color": FOREGROUND, "width": 3}},
            ),
        )
        overlay = []
        for chain, residues, marker in marks:
            rows = [(chain, residue) for residue in residues]
            places = self.points[[self._numbers[row] for row in rows if row in self._numbers]]
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


@singledispatch
def layout_of(stage: Stage, layout: str) -> str:
    """Say how the residues are laid out at a stage, when a layout is asked for."""
    return layout


@layout_of.register
def _(stage: Neighbors, layout: str) -> str:
    return _IN_SPACE


def place_residues(traces: list[Trace], stage: Stage, layout: str) -> np.ndarray:
    """Lay out the residues of some chains by what they are at a stage.

    Parameters
    ----------
    traces : list of Trace
    stage : Stage
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
    states = [trace.states(stage)[trace.has_frame] for trace in traces]
    how = layout_of(stage, layout)
    if how == _IN_SPACE:
        return _side_by_side([_pca(rows) for rows in states])
    together = np.concatenate(states)
    return fit_map(together).points if how == "UMAP" else _pca(together)


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
