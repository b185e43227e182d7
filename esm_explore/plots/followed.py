"""Pictures of a chain in motion: tokens over time, states of a residue, entropy and RMSF."""

from __future__ import annotations

import base64
import io

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from plotly.subplots import make_subplots

from esm_explore.arguments import check_kind
from esm_explore.escaping import all_for_plotly
from esm_explore.experiments.followed import Followed
from esm_explore.palette import FRAMELESS, hex_colors, token_colors
from esm_explore.plots.picture import BLUE, GRAY, ORANGE, Picture, draw, residue_ticks

# More frames than this are thinned: a page is not as wide.
_WIDEST = 1_600
# States of a residue that have a row of their own.
_STATES = 12
_RIGHT = "what ex.experiments.follow makes of frames"


def raster_of(followed: Followed) -> tuple[dict, int]:
    """Draw tokens over time, a row a residue and a column a frame, in the colors of the tokens.

    Parameters
    ----------
    followed : Followed

    Returns
    -------
    dict
        A plotly trace of type image.
    int
        Every how manieth frame has a column.
    """
    step = -(-len(followed) // _WIDEST)
    colors = token_colors(followed.codebook)[followed.tokens[::step].T]
    colors[~followed.has_frame] = [int(FRAMELESS[i : i + 2], 16) for i in (1, 3, 5)]
    written = io.BytesIO()
    Image.fromarray(colors).save(written, "PNG")
    source = "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()
    places = {"x0": 0, "dx": step, "y0": 0, "dy": 1}
    return {"type": "image", "source": source, "hoverinfo": "x+y", **places}, step


def raster_axes(followed: Followed) -> dict:
    """Give the axes of `raster_of`, for plotly: frames to the right, residues downward."""
    ticks = residue_ticks(followed.labels)
    # An image's own axes keep its pixels square.
    y = {"title": {"text": "residue number"}, "scaleanchor": False, "constrain": "domain"}
    return {
        "xaxis": {"title": {"text": followed.frames.kind}, "range": [-0.5, len(followed) - 0.5]},
        "yaxis": {**y, "range": [len(followed.labels) - 0.5, -0.5], **ticks},
    }


def tokens_over_time(followed: Followed) -> Picture:
    """Show each residue's token in each frame, and how many are not those of the first frame.

    Near codes have near colors, as in `view`.

    Parameters
    ----------
    followed : Followed
        What `follow` makes of frames.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is something else.
    """
    check_kind(followed, Followed, "followed", _RIGHT)
    image, step = raster_of(followed)
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[0.75, 0.25], vertical_spacing=0.05
    )
    figure.add_trace(go.Image(image), 1, 1)
    framed = followed.has_frame
    other = 100 * (followed.tokens[:, framed] != followed.tokens[0, framed]).mean(1)
    x = np.arange(0, len(followed), step)
    figure.add_trace(go.Scatter(x=x, y=other[::step], line={"color": ORANGE, "width": 1.2}), 2, 1)
    every = f", every {step}th" if step > 1 else ""
    kind = followed.frames.kind
    shown = draw(
        figure,
        f"Tokens, {kind} by {kind}{every}",
        [],
        other,
        source=followed.source,
        showlegend=False,
        height=560,
    )
    axes = raster_axes(followed)
    ends = [-step / 2, len(x) * step - step / 2]
    shown.update_xaxes(range=ends)
    shown.update_yaxes(**axes["yaxis"], row=1)
    shown.update_xaxes(title=f"{kind}, from 0", row=2)
    shown.update_yaxes(title=f"not as in {kind} 0, %", rangemode="tozero", row=2)
    return shown


def entropy_and_motion(followed: Followed) -> Picture:
    """Show along the chain the entropy of tokens and the RMSF of CA, and one against the other.

    Parameters
    ----------
    followed : Followed
        What `follow` makes of frames.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is something else.
    """
    check_kind(followed, Followed, "followed", _RIGHT)
    entropy, rmsf = followed.entropy, np.where(followed.has_frame, followed.rmsf, np.nan)
    figure = make_subplots(
        rows=3,
        cols=1,
        specs=[[{}], [{}], [{}]],
        row_heights=[0.25, 0.25, 0.5],
        vertical_spacing=0.13,
    )
    x, table = np.arange(len(followed.labels)), followed.to_frame()
    said = all_for_plotly(
        f"{label}: {tokens} tokens, {changes} changes"
        for label, tokens, changes in table[["tokens", "changes"]].itertuples()
    )
    for row, (values, color) in enumerate(((entropy, BLUE), (rmsf, ORANGE)), start=1):
        line = {"width": 1.2, "color": color}
        curve = go.Scatter(x=x, y=values, hovertext=said, mode="lines+markers", line=line)
        figure.add_trace(curve.update(marker={"size": 4}), row, 1)
    dots = {"color": BLUE, "size": 7, "opacity": 0.75, "line": {"color": GRAY, "width": 0.5}}
    scatter = go.Scatter(x=rmsf, y=entropy, hovertext=said, mode="markers", marker=dots)
    figure.add_trace(scatter, 3, 1)
    rank = followed.correlation
    of = f", rank correlation {rank:.2f}" if np.isfinite(rank) else ""
    shown = draw(
        figure,
        f"Entropy of tokens and motion{of}",
        [],
        np.stack([entropy, rmsf]),
        source=followed.source,
        showlegend=False,
        height=720,
    )
    ticks = residue_ticks(followed.labels)
    for row, title in ((1, "entropy, bits"), (2, "RMSF of CA, Å"), (3, "entropy, bits")):
        shown.update_yaxes(title=title, rangemode="tozero", row=row)
    shown.update_xaxes(**ticks, row=1)
    shown.update_xaxes(**ticks, title="residue number", row=2)
    shown.update_xaxes(title="RMSF of CA, Å", rangemode="tozero", row=3)
    return shown


def token_states(followed: Followed, residue: int | str) -> Picture:
    """Show one residue's tokens as states: which it has when, and which follows which.

    Parameters
    ----------
    followed : Followed
        What `follow` makes of frames.
    residue : int or str
        As in `Trace.index_of`.

    Returns
    -------
    Picture

    Raises
    ------
    TraceError
        If it is something else, or there is no such residue.
    """
    check_kind(followed, Followed, "followed", _RIGHT)
    index = followed.index_of(residue)
    column, states = followed.tokens[:, index], followed.states(residue)
    shown_states = states.index[:_STATES].tolist()
    rest = len(states) - len(shown_states)
    places = {token: place for place, token in enumerate(shown_states)}
    rows = np.array([places.get(token, len(places)) for token in column.tolist()])
    names = [f"token {token}" for token in shown_states] + [f"{rest} others"] * (rest > 0)
    figure = make_subplots(rows=2, cols=1, row_heights=[0.5, 0.5], vertical_spacing=0.16)
    hexes = hex_colors(token_colors(followed.codebook)[column])
    kind = followed.frames.kind
    when = go.Scatter(
        x=np.arange(len(followed)),
        y=rows,
        mode="lines+markers",
        line={"color": GRAY, "width": 0.7, "shape": "hv"},
        marker={"color": hexes, "size": 8, "line": {"color": GRAY, "width": 0.5}},
        hovertext=[f"{kind} {i}: token {token}" for i, token in enumerate(column.tolist())],
    )
    figure.add_trace(when, 1, 1)
    counts = np.zeros((len(names), len(names)), dtype=int)
    np.add.at(counts, (rows[:-1], rows[1:]), 1)
    matrix = go.Heatmap(
        z=np.where(counts, counts, np.nan),
        x=all_for_plotly(names),
        y=all_for_plotly(names),
        text=np.where(counts, counts.astype(str), ""),
        texttemplate="%{text}",
        colorscale="Blues",
        zmin=0,
        showscale=False,
        xgap=1,
        ygap=1,
    )
    figure.add_trace(matrix, 2, 1)
    shown = draw(
        figure,
        f"States of residue {followed.labels[index]}: {len(states)} tokens, "
        f"{followed.changes[index]} changes",
        [],
        counts,
        source=followed.source,
        showlegend=False,
        height=640,
    )
    ticks = {"tickvals": list(range(len(names))), "ticktext": all_for_plotly(names)}
    shown.update_yaxes(**ticks, autorange="reversed", row=1)
    shown.update_xaxes(title=f"{kind}, from 0", row=1)
    shown.update_yaxes(title=f"in one {kind}", autorange="reversed", row=2)
    shown.update_xaxes(title="in the next", row=2)
    return shown
