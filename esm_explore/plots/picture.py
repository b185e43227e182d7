"""A plotly figure that says in words what is on it."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from esm_explore.encoders.codebook import nearest_codes
from esm_explore.tracing.traces import Trace

# Between the title and the plot.
LEGEND_ABOVE = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"}
BLUE, ORANGE, GRAY = "#3b6fb6", "#c9602b", "#777777"


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
    given = {"template": "plotly_white", "width": 820, "height": 480, "margin": {}} | layout
    figure.update_layout(meta={"text": text}, **given)
    # Room for the title's two lines and for what stands between them and the plot.
    above = 110 if figure.layout.legend.orientation == "h" or figure.layout.annotations else 80
    figure.update_layout(
        margin={"t": above, "l": 60, "r": 30, "b": 55} | given["margin"],
        title={
            "text": f"{what}<br><sub>{source}</sub>",
            **{"x": 0.02, "y": 1 - 24 / given["height"], "yanchor": "top"},
        },
    )
    return figure


def source_of(trace: Trace) -> str:
    """Name a trace's chain and encoder, for the second line of a title."""
    return f"{trace.title}; encoder: {trace.encoder_info.title}"


def hover_of(trace: Trace) -> list[str]:
    """Describe each residue for hovering: name, number, token and margin."""
    margin = nearest_codes(trace.codebook, trace.pre_vq, k=2).margin
    said = [f"token {t}, margin {m:.2f}" for t, m in zip(trace.tokens, margin, strict=True)]
    framed = np.where(trace.has_frame, said, "no backbone frame")
    return [
        f"{name} {label}, {rest}"
        for name, label, rest in zip(trace.to_frame()["name"], trace.labels, framed, strict=True)
    ]
