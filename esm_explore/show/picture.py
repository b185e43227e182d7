"""A plotly figure that says in words what is on it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from esm_explore.traces import Trace


class Picture(go.Figure):
    """A plotly figure whose text form is short and the same each time.

    The text names what is shown, of which chain, by which encoder, and sums up the numbers with
    so few digits that another processor's rounding does not change them.
    """

    def __repr__(self) -> str:
        return self.layout.meta["text"]

    def __str__(self) -> str:
        return repr(self)


def picture(
    data: list | go.Figure, what: str, source: str, numbers: np.ndarray, **layout
) -> Picture:
    """Make a picture.

    Parameters
    ----------
    data : list of plotly traces, or Figure
    what : str
        The title's first line.
    source : str
        The second: of what, and by which encoder.
    numbers : ndarray
        The numbers that are shown; the text form sums them up.
    **layout
        For plotly.

    Returns
    -------
    Picture
    """
    figure = Picture(data)
    known = np.asarray(numbers, dtype=float)
    finite = known[np.isfinite(known)]
    text = f"{what} | {source} | {' x '.join(map(str, known.shape))} numbers"
    if finite.size:
        text += f", mean {finite.mean():.2g}, from {finite.min():.2g} to {finite.max():.2g}"
    defaults = {"template": "plotly_white", "width": 820, "height": 480}
    figure.update_layout(
        title={"text": f"{what}<br><sub>{source}</sub>", "x": 0.02},
        meta={"text": text},
        margin={"t": 80, "l": 60, "r": 30, "b": 55},
        **(defaults | layout),
    )
    return figure


def source_of(trace: Trace) -> str:
    """Name a trace's chain and encoder, for the second line of a title."""
    return f"{trace.title}; encoder: {trace.encoder_info.title}"


def hover_of(trace: Trace) -> list[str]:
    """Describe each residue for hovering: number, name and token."""
    table = trace.to_frame()
    framed = np.where(trace.has_frame, "token " + table["token"].astype(str), "no backbone frame")
    return [
        f"{name} {label}, {rest}"
        for name, label, rest in zip(table["name"], trace.labels, framed, strict=True)
    ]
