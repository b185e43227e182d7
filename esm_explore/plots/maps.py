"""Pictures of maps: one, or those of all stages beside each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from esm_explore.analysis.maps import LatentMap, digest_of
from esm_explore.arguments import array_of, check_is_one_of, check_kind, check_mapping, wrong
from esm_explore.errors import TraceError
from esm_explore.escaping import all_for_plotly, for_plotly
from esm_explore.palette import Colors, colors_of
from esm_explore.plots.picture import LEGEND_ABOVE, Picture, draw, source_of, title_of
from esm_explore.tracing.given import traces_of
from esm_explore.tracing.traces import Trace

_VALUES = "numbers or words of shape (N,), or colors of shape (N, 3) and dtype uint8"
_MAP = "a LatentMap, from ex.analysis.fit_map(latents)"
BEHIND = "#d9d9d9"
_BARE = {"showticklabels": False, "showgrid": False, "zeroline": False}


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

    Raises
    ------
    TraceError
        If they are no traces of one encoder, it is no map, or there is not one value a point.
    """
    points = placed.points if isinstance(placed, LatentMap) else _points(placed)
    values = _values(values, "values")
    _check_fit(values, "values", points)
    check_kind(what, str, "what", "a text")
    hover = _hover(hover, points)
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
    figure.update_xaxes(**_BARE)
    figure.update_yaxes(**_BARE, scaleanchor="x")
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


def _values(given: object, name: str) -> np.ndarray:
    values = array_of(given, name, _VALUES, ndim=(1, 2), kinds="iufbUO")
    if values.ndim == 2 and (values.shape[1] != 3 or values.dtype != np.uint8):
        raise wrong(values, name, _VALUES)
    return values


def _hover(given: object, points: np.ndarray) -> list[str] | None:
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


COLUMNS = 3
SPACING = {"horizontal_spacing": 0.03, "vertical_spacing": 0.08}


def stage_maps(
    traces: Trace | list[Trace],
    maps: dict[str, LatentMap],
    colors: dict[str, np.ndarray],
    hover: list[str] | None = None,
    first: str | None = None,
) -> Picture:
    """Show maps of the same residues at several stages, with a button for each color.

    Parameters
    ----------
    traces : Trace or list of Trace
        Whose residues they are; all of one encoder.
    maps : dict
        By stage; all of the same N residues in the same order.
    colors : dict of ndarray, shape=(N,) or (N, 3)
        By what they are: numbers, words, or colors (dtype uint8).
    hover : list of str, optional
        What each residue is.
    first : str, optional
        The color to begin with; by default the first.

    Returns
    -------
    Picture
        The title of each map has its trustworthiness.

    Raises
    ------
    TraceError
        If they are no traces of one encoder or no maps, if maps or colors are not of the same
        number of residues, or there is no such color.
    """
    traces = traces_of(traces, "stage_maps")
    check_mapping(maps, LatentMap, "maps", "a dict of LatentMap, by stage")
    check_mapping(colors, object, "colors", "a dict of arrays, by what they are")
    colors = {name: _values(values, f"colors[{name!r}]") for name, values in colors.items()}
    first = next(iter(colors)) if first is None else first
    check_is_one_of("color", first, colors)
    sizes = {name: len(one.points) for name, one in maps.items()}
    sizes |= {name: len(values) for name, values in colors.items()}
    if len(set(sizes.values())) != 1:
        raise TraceError(f"Maps and colors are not of the same residues: {sizes}.")
    hover = _hover(hover, next(iter(maps.values())).points)
    painted = {name: colors_of(values) for name, values in colors.items()}
    rows = -(-(len(maps) + 1) // COLUMNS)
    titles = [
        f"{for_plotly(name)}, trustworthiness {one.trustworthiness():.2f}"
        for name, one in maps.items()
    ]
    figure = make_subplots(rows, COLUMNS, subplot_titles=titles, **SPACING)
    figure.update_annotations(font_size=13)
    for i, one in enumerate(maps.values()):
        dots = go.Scattergl(
            x=one.points[:, 0],
            y=one.points[:, 1],
            mode="markers",
            marker={"size": 3, "opacity": 0.8, "color": painted[first].hex},
            hovertext=hover,
            hoverinfo="text" if hover else "skip",
            showlegend=False,
        )
        figure.add_trace(dots, i // COLUMNS + 1, i % COLUMNS + 1)
    heads = list(figure.layout.annotations)
    shape = (len(maps), *next(iter(maps.values())).points.shape)
    source = source_of(traces)
    if shape[1] != sum(int(trace.has_frame.sum()) for trace in traces):
        source = f"{shape[1]:,} points of {source}"
    what = f"UMAP of {len(maps)} stages, colored by"
    shown = draw(
        figure,
        f"{what} {first}",
        traces,
        np.full(shape, np.nan),
        source=source,
        width=830,
        height=150 + 270 * rows,
        margin={"t": 140, "l": 20, "r": 10, "b": 10},
    )
    shown.update_layout(annotations=[*heads, _legend(first, painted[first])])
    buttons = [
        {
            "label": for_plotly(name),
            "method": "update",
            "args": [
                {"marker.color": [one.hex]},
                {
                    "annotations": [*heads, _legend(name, one)],
                    "title.text": title_of(f"{what} {name}", source),
                },
            ],
        }
        for name, one in painted.items()
    ]
    menu = {
        "type": "buttons",
        "direction": "right",
        "buttons": buttons,
        "active": list(painted).index(first),
        **{"x": 0, "xanchor": "left", "y": 1, "yanchor": "bottom", "pad": {"b": 28}},
        "font": {"size": 11},
    }
    shown.update_layout(updatemenus=[menu])
    shown.update_xaxes(**_BARE)
    shown.update_yaxes(**_BARE)
    return shown


def _legend(name: str, colors: Colors) -> dict:
    """Write the legend in the place of the last panel."""
    marks = [
        f'<span style="color:{color}">■</span> {for_plotly(word)}' for color, word in colors.legend
    ]
    if not marks:
        marks = ["near in the codebook:", "near in color"]
    text = f"<b>{for_plotly(name)}</b><br>" + "<br>".join(marks)
    place = {"xref": "paper", "yref": "paper", "x": 0.72, "y": 0.46, "xanchor": "left"}
    return {"text": text, **place, "yanchor": "top", "align": "left", "showarrow": False}
