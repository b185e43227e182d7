"""Pictures of maps."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from esm_explore.errors import TraceError
from esm_explore.maps import LatentMap
from esm_explore.palette import category_colors, hex_colors
from esm_explore.show.picture import Picture, picture


def map_figure(
    placed: LatentMap | np.ndarray,
    values: np.ndarray,
    what: str,
    source: str,
    hover: list[str] | None = None,
) -> Picture:
    """Show a map, colored by a value of its points.

    Parameters
    ----------
    placed : LatentMap or ndarray, shape=(N, 2)
    values : ndarray, shape=(N,) or (N, 3)
        Numbers, words, or colors (dtype uint8) such as `esm_explore.palette.token_colors` gives.
    what, source : str
        Lines of the title: what is shown, and of what by which encoder.
    hover : list of str, optional

    Raises
    ------
    TraceError
        If there is not one value a point.
    """
    points = placed.points if isinstance(placed, LatentMap) else placed
    values = np.asarray(values)
    if len(values) != len(points):
        raise TraceError(f"There are {len(values)} values for {len(points)} points.")
    size = float(np.clip(300 / np.sqrt(len(points)), 2, 7))
    if values.ndim == 2 or values.dtype.kind in "iuf":
        numbers = values.ndim == 1
        marker = {"size": size, "color": values if numbers else hex_colors(values)}
        if numbers:
            marker |= {"colorscale": "Viridis", "colorbar": {"title": what}}
        dots = [_dots(points, marker, hover)]
    else:
        legend = category_colors(values.astype(str).tolist()).legend
        dots = [
            _dots(
                points[values == name],
                {"size": size, "color": color},
                _some(hover, values == name),
                name,
            )
            for color, name in legend
        ]
    shown = points.shape if isinstance(placed, LatentMap) else np.shape(points)
    figure = picture(
        dots, f"Colored by {what}", source, np.full(shown, np.nan), width=680, height=560
    )
    figure.update_xaxes(showticklabels=False, showgrid=False, zeroline=False)
    figure.update_yaxes(showticklabels=False, showgrid=False, zeroline=False, scaleanchor="x")
    return figure


def _dots(points: np.ndarray, marker: dict, hover: list[str] | None, name: str | None = None):
    return go.Scattergl(
        x=points[:, 0],
        y=points[:, 1],
        mode="markers",
        marker=marker | {"opacity": 0.8},
        hovertext=hover,
        hoverinfo="text" if hover else "skip",
        name=name,
        showlegend=name is not None,
    )


def _some(hover: list[str] | None, chosen: np.ndarray) -> list[str] | None:
    return (
        None if hover is None else [text for text, take in zip(hover, chosen, strict=True) if take]
    )
