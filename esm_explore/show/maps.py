"""Pictures of maps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from esm_explore.errors import TraceError
from esm_explore.maps import LatentMap
from esm_explore.palette import CATEGORIES, category_colors, hex_colors
from esm_explore.show.picture import LEGEND_ABOVE, Picture, picture

BEHIND = "#d9d9d9"
_BARE = {"showticklabels": False, "showgrid": False, "zeroline": False}


def map_figure(
    placed: LatentMap | np.ndarray,
    values: np.ndarray,
    what: str,
    source: str,
    hover: list[str] | None = None,
    behind: LatentMap | None = None,
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
    behind : LatentMap, optional
        A map to draw below, in pale grey: the one that `placed` was placed on.

    Raises
    ------
    TraceError
        If there is not one value a point.
    """
    points = placed.points if isinstance(placed, LatentMap) else placed
    values = np.asarray(values)
    if len(values) != len(points):
        raise TraceError(f"There are {len(values)} values for {len(points)} points.")
    size = float(np.clip(300 / np.sqrt(len(points)), 3, 7))
    dots = []
    if behind is not None:
        name = f"the map ({len(behind.points):,} points)"
        dots.append(_dots(behind.points, {"size": 4, "color": BEHIND}, None, name))
    if values.ndim == 2 or values.dtype.kind in "iuf":
        numbers = values.ndim == 1
        marker = {"size": size, "color": values if numbers else hex_colors(values)}
        if numbers:
            marker |= {"colorscale": "Viridis", "colorbar": {"title": what}}
        dots.append(_dots(points, marker, hover))
    else:
        values = values.astype(str)
        for color, name in category_colors(values.tolist()).legend:
            chosen = values == name
            dots.append(_dots(points[chosen], {"size": size, "color": color}, hover, name, chosen))
    figure = picture(
        dots,
        f"Colored by {what}",
        source,
        np.full(np.shape(points), np.nan),
        width=760,
        height=600,
        legend=LEGEND_ABOVE | {"itemsizing": "constant"},
    )
    figure.update_xaxes(**_BARE)
    figure.update_yaxes(**_BARE, scaleanchor="x")
    return figure


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
        name=name,
        showlegend=name is not None,
    )


def probe_scores(tables: dict[str, pd.DataFrame], source: str) -> Picture:
    """Show how well each stage lets itself be read, beside guessing the most frequent label.

    Parameters
    ----------
    tables : dict
        By what was read, a table of `esm_explore.probes.probe_stages`.
    source : str
        Of what, by which encoder.
    """
    lines = []
    for (name, table), color in zip(tables.items(), CATEGORIES, strict=False):
        guess = {"color": color, "dash": "dot", "width": 1}
        lines += [
            go.Scatter(x=table["stage"], y=table["accuracy"], name=name, line={"color": color}),
            go.Scatter(
                x=table["stage"],
                y=table["majority"],
                name=f"{name}: always the most frequent",
                mode="lines",
                line=guess,
                showlegend=False,
            ),
        ]
    scores = np.stack([table[["accuracy", "majority"]] for table in tables.values()])
    figure = picture(
        lines,
        "What a linear probe reads off each stage (dotted: always the most frequent)",
        source,
        scores,
        legend=LEGEND_ABOVE,
    )
    figure.update_yaxes(title="accuracy on chains left out", range=[0, 1])
    figure.update_xaxes(title="stage")
    return figure
