"""A picture of one map, colored by a value of its points."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from esm_explore.analysis.latent_maps import LatentMap, digest_of
from esm_explore.arguments import array_of, check_kind, wrong
from esm_explore.errors import TraceError
from esm_explore.escaping import all_for_plotly, for_plotly
from esm_explore.palette import colors_of
from esm_explore.plots.picture import LEGEND_ABOVE, Picture, draw
from esm_explore.tracing.traces import Trace

_VALUES = "numbers or words of shape (N,), or colors of shape (N, 3) and dtype uint8"
_MAP = "a LatentMap, from ex.analysis.fit_map(latents)"
BEHIND = "#d9d9d9"
BARE_AXIS = {"showticklabels": False, "showgrid": False, "zeroline": False}


def map_figure(
    traces: Trace | list[Trace],
    placed: LatentMap | np.ndarray,
    values: np.ndarray,
    what: str,
    hover: list[str] | None = None,
    behind: LatentMap | None = None,
) -> Picture:
    """Show a map, colored by a value of its points.

    Parameters
    ----------
    traces : Trace or list of Trace
        Whose points they are; all of one encoder.
    placed : LatentMap or ndarray, shape=(N, 2)
        The caption names the map: as `fit_map` was told, or else by a digest of its points.
    values : ndarray, shape=(N,) or (N, 3)
        Numbers, words, or colors (dtype uint8) such as `esm_explore.palette.token_colors` gives.
    what : str
        What the values are.
    hover : list of str, optional
    behind : LatentMap, optional
        A map to draw below, in pale gray: the one that `placed` was placed on.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If they are no traces of one encoder, it is no map, or there is not one value a point.
    """
    points = placed.points if isinstance(placed, LatentMap) else _points(placed)
    values = colorable(values, "values")
    _check_fit(values, "values", points)
    check_kind(what, str, "what", "a text")
    hover = hover_texts(hover, points)
    size = float(np.clip(300 / np.sqrt(len(points)), 3, 7))
    dots = []
    if behind is not None:
        check_kind(behind, LatentMap, "behind", _MAP)
        name = f"the map ({len(behind.points):,} points)"
        dots.append(_dots(behind.points, {"size": 4, "color": BEHIND}, None, name))
    if values.ndim == 2 or values.dtype.kind in "iuf":
        numbers = values.ndim == 1
        marker: dict[str, Any] = {
            "size": size,
            "color": values if numbers else colors_of(values).hex,
        }
        if numbers:
            marker |= {"colorscale": "Viridis", "colorbar": {"title": for_plotly(what)}}
        dots.append(_dots(points, marker, hover))
    else:
        for color, name in colors_of(values).legend:
            chosen = values.astype(str) == name
            dots.append(_dots(points[chosen], {"size": size, "color": color}, hover, name, chosen))
    figure = draw(
        dots,
        f"{_name_of(placed, points, behind)}, colored by {what}",
        traces,
        np.full(np.shape(points), np.nan),
        width=820,
        height=600,
        legend=LEGEND_ABOVE | {"itemsizing": "constant"},
    )
    figure.update_xaxes(**BARE_AXIS)
    figure.update_yaxes(**BARE_AXIS, scaleanchor="x")
    return figure


def _name_of(placed: object, points: np.ndarray, behind: LatentMap | None) -> str:
    """Name the map that is shown, so that no other has this caption."""
    if isinstance(placed, LatentMap):
        return placed.title
    return f"Placed on {behind.title}" if behind else f"Map {digest_of(points)}"


def _points(given: object) -> np.ndarray:
    right = "a LatentMap, or places on one: numbers of shape (N, 2)"
    points = array_of(given, "placed", right, ndim=2)
    if points.shape[1] != 2:
        raise wrong(points, "placed", right)
    return points


def _check_fit(values: np.ndarray, what: str, points: np.ndarray) -> None:
    if len(values) != len(points):
        raise TraceError(f"There are {len(values)} {what} for {len(points)} points.")


def colorable(given: object, name: str) -> np.ndarray:
    """Take what points are colored by."""
    values = array_of(given, name, _VALUES, ndim=(1, 2), kinds="iufbUO")
    if values.ndim == 2 and (values.shape[1] != 3 or values.dtype != np.uint8):
        raise wrong(values, name, _VALUES)
    return values


def hover_texts(given: object, points: np.ndarray) -> list[str] | None:
    """Take a text a point, or none."""
    if given is None:
        return None
    texts = array_of(given, "hover", "a list of texts, one a point", ndim=1, kinds="U")
    _check_fit(texts, "texts of hover", points)
    return all_for_plotly(texts)


def _dots(
    points: np.ndarray,
    marker: dict,
    hover: list[str] | None,
    name: str | None = None,
    chosen: np.ndarray | None = None,
) -> go.Scatter:
    if hover is not None and chosen is not None:
        hover = [text for text, take in zip(hover, chosen, strict=True) if take]
    # SVG: a browser keeps only some 16 WebGL pictures on a page, and blanks the oldest.
    return go.Scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="markers",
        marker=marker | {"opacity": 0.8},
        hovertext=hover,
        hoverinfo="text" if hover else "skip",
        name=None if name is None else for_plotly(name),
        showlegend=name is not None,
    )
