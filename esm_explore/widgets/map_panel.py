"""The inspector's map: residues as points to click, hover and lasso."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import NamedTuple

import numpy as np

from esm_explore.analysis.maps import fit_map
from esm_explore.errors import EsmExploreError
from esm_explore.escaping import all_for_plotly, for_plotly
from esm_explore.experiments.comparing import superposed_on
from esm_explore.plots.picture import hover_of, source_of
from esm_explore.plots.residue_colors import ResidueColors
from esm_explore.principal_axes import principal_axes
from esm_explore.tracing.stages import Neighbors, Stage
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.plot_view import FOREGROUND, PlotView, plain
from esm_explore.widgets.selection import Selection

# Above this many points SVG is slow, and a WebGL context is worth it.
_SVG = 4_000
_AXIS = {"showticklabels": False, "showgrid": False, "zeroline": False}
LAYOUTS = ("PCA", "UMAP")


class Places(NamedTuple):
    """Where the residues with a backbone frame are, chain by chain.

    Attributes
    ----------
    points : ndarray, shape=(N, 2), dtype=float
    how : str
        How it was done, for the title.
    axes : (str, str)
        What the two directions are; "" where they mean nothing.
    """

    points: np.ndarray
    how: str
    axes: tuple[str, str] = ("", "")


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
    rows : list of (int, int)
        Chain and residue of each point.
    """

    def __init__(self, selection: Selection, say: Callable[[str], None]):
        self._selection, self._say = selection, say
        self.rows = [
            (chain, int(residue))
            for chain, trace in enumerate(selection.traces)
            for residue in np.flatnonzero(trace.has_frame)
        ]
        self._numbers = {row: number for number, row in enumerate(self.rows)}
        self._hover = self._framed([_named(trace) for trace in selection.traces])
        self._kind = "scatter" if len(self.rows) <= _SVG else "scattergl"
        self._size = float(np.clip(200 / np.sqrt(len(self.rows)), 3, 9))
        self._hexes: list[str] = []
        self._placed: dict[tuple[Stage, str], Places] = {}
        self._axes: dict = {}
        self.figure = PlotView(self.picked, self._hovered, self.lassoed, height=0)
        self.figure.source = for_plotly(source_of(selection.traces))
        self.points = np.zeros((len(self.rows), 2))
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
        key = stage, layout
        if key not in self._placed:
            # What has a map of its own is not laid out.
            general = place_residues.dispatch(type(stage)) is place_residues.dispatch(Stage)
            is_slow = layout == "UMAP" and general
            if is_slow:
                self._say("UMAP lays out the residues; the first time this takes half a minute.")
            try:
                self._placed[key] = place_residues(stage, self._selection.traces, layout)
            except EsmExploreError as error:
                self._say(str(error))
                return
            if is_slow:
                self._say("")
        self.points, how, axes = self._placed[key]
        named = [
            {**_AXIS, "title": {"text": for_plotly(name), "font": {"size": 11}, "standoff": 3}}
            for name in axes
        ]
        edge = 22 if any(axes) else 6
        title = f"{number} {stage.title}: {how}"
        self._axes = {
            "title": {"text": title, "font": {"size": 12}, "x": 0.01},
            "margin": {"t": 24, "l": edge, "r": 6, "b": edge},
            "showlegend": False,
            "dragmode": "lasso",
            "xaxis": named[0],
            "yaxis": {**named[1], "scaleanchor": "x"},
        }

    def paint(self, colored: ResidueColors) -> None:
        """Give the residues of all chains colors; `draw` shows it."""
        self._hexes = self._framed(colored.hexes)

    def draw(self) -> None:
        """Show the points where they are now, in the colors that they have."""
        marker = {"size": self._size, "color": self._hexes}
        dots = self._dots(self.points, marker, hoverinfo="text", hovertext=self._hover)
        self.figure.draw([dots], self._axes)
        self._mark()

    def picked(self, point: int) -> None:
        """Choose the residue of a point."""
        self._selection.select(*self.rows[point])

    def lassoed(self, points: list[int]) -> None:
        """Choose the residues of some points."""
        rows = [self.rows[point] for point in points]
        # Many residues are of one chain: the one that is chosen, if any of its are there.
        chain = self._selection.chain
        if rows and chain not in {row[0] for row in rows}:
            chain = rows[0][0]
        self._selection.select_many(chain, [residue for of, residue in rows if of == chain])

    def _hovered(self, point: int) -> None:
        self._selection.hovered = self.rows[point] if point >= 0 else (self._selection.chain, -1)

    def _framed(self, values: list[list[str]]) -> list[str]:
        return [values[chain][residue] for chain, residue in self.rows]

    def _mark(self, _change: dict | None = None) -> None:
        """Mark the chosen residues, and in two chains the selected one's counterpart."""
        now = self._selection
        beside = 1 - now.chain
        pair = [(beside, now.partner(beside)[0])] if len(now.traces) == 2 else []
        ring = {"color": "rgba(0,0,0,0)", "line": {"color": FOREGROUND, "width": 1.5}}
        thick = {**ring, "size": 16, "line": {"color": FOREGROUND, "width": 3}}
        overlay = []
        for rows, marker in (
            ([(now.chain, i) for i in now.selection], {**ring, "size": self._size + 4}),
            (pair, {"size": 15, "symbol": "diamond-open", "color": FOREGROUND}),
            ([(now.chain, now.selected)], thick),
        ):
            points = self.points[[self._numbers[row] for row in rows if row in self._numbers]]
            overlay.append(self._dots(points, marker, hoverinfo="skip"))
        self.figure.overlay = plain(overlay)

    def _dots(self, points: np.ndarray, marker: dict, **more: object) -> dict:
        x, y = points.T
        return {"type": self._kind, "mode": "markers", "x": x, "y": y, "marker": marker, **more}


def _named(trace: Trace) -> list[str]:
    return all_for_plotly(f"{trace.short_title} {text}" for text in hover_of(trace))


@singledispatch
def place_residues(stage: Stage, traces: list[Trace], layout: str) -> Places:
    """Lay out the residues of some chains by what they are at a stage.

    Parameters
    ----------
    stage : Stage
    traces : list of Trace
    layout : {"PCA", "UMAP"}
        PCA is immediate; UMAP takes seconds, the first time half a minute.

    Returns
    -------
    Places

    Raises
    ------
    TraceError
        If UMAP is asked of too few residues.
    """
    together = np.concatenate([trace.states(stage)[trace.has_frame] for trace in traces])
    if layout == "UMAP":
        return Places(fit_map(together).points, layout)
    points, shares = _pca(together)
    axes = f"component 1 ({shares[0]:.0%})", f"component 2 ({shares[1]:.0%})"
    return Places(points, f"PCA, {shares[0]:.0%} and {shares[1]:.0%} of the variance", axes)


@place_residues.register
def _(stage: Neighbors, traces: list[Trace], layout: str) -> Places:
    """See chains along their thinnest direction: side by side, unless they can be superposed."""
    places = [trace.chain.atom37_positions[trace.has_frame, 1] for trace in traces]
    for i, other in enumerate(traces[1:], start=1):
        laid = superposed_on(traces[0], other)
        if laid is None:
            break
        places[i] = laid[other.has_frame, 1]
    else:
        how = "the backbone in space" + (", superposed" if len(traces) > 1 else "")
        return Places(_pca(np.concatenate(places))[0], how)
    placed, edge = [], 0.0
    for own in places:
        points, _ = _pca(own)
        left, right = points[:, 0].min(), points[:, 0].max()
        placed.append(points + np.array([edge - left, 0]))
        edge += 1.1 * (right - left) + 5
    return Places(np.concatenate(placed), "the backbones in space, side by side")


def _pca(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the first two components, and their shares of the variance."""
    if len(rows) < 3:
        return np.stack([np.arange(len(rows)), np.zeros(len(rows))], axis=1), np.array([1.0, 0.0])
    return principal_axes(rows, 2)
