"""A picture of the maps of several stages, with a button for each color."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from esm_explore.analysis.latent_maps import LatentMap
from esm_explore.arguments import check_is_one_of, check_mapping
from esm_explore.errors import TraceError
from esm_explore.escaping import for_plotly
from esm_explore.palette import Colors, colors_of
from esm_explore.plots.maps import BARE_AXIS, colorable, hover_texts
from esm_explore.plots.picture import Picture, draw, source_of, title_of
from esm_explore.tracing.given import traces_of
from esm_explore.tracing.traces import Trace

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
    colors = {name: colorable(values, f"colors[{name!r}]") for name, values in colors.items()}
    first = next(iter(colors)) if first is None else first
    check_is_one_of("color", first, colors)
    sizes = {name: len(one.points) for name, one in maps.items()}
    sizes |= {name: len(values) for name, values in colors.items()}
    if len(set(sizes.values())) != 1:
        raise TraceError(f"Maps and colors are not of the same residues: {sizes}.")
    hover = hover_texts(hover, next(iter(maps.values())).points)
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
                    "title.text": title_of(f"{what} {name}", source, shown.layout.width),
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
    shown.update_xaxes(**BARE_AXIS)
    shown.update_yaxes(**BARE_AXIS)
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
