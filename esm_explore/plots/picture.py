"""A plotly figure that says in words what is on it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from esm_explore.arguments import check_kind
from esm_explore.encoders.identity import Made, one_encoder
from esm_explore.errors import TraceError
from esm_explore.escaping import for_plotly, for_reading
from esm_explore.experiments.rerunning import name_of
from esm_explore.tracing.given import check_trace, traces_of
from esm_explore.tracing.traces import Trace

# Between the title and the plot.
# Plotly's mode bar lies over what is at the top right; the title begins below it.
_MODE_BAR = 18
LEGEND_ABOVE = {"orientation": "h", "x": 1, "xanchor": "right", "y": 1, "yanchor": "bottom"}
_TICKS = 10
# Pixels that letters of a title are wide in the widest of the fonts that plotly asks for, and
# that a line more takes.
_LETTER, _SMALL_LETTER, _TITLE_LINE = 10, 7, 22
BLUE, ORANGE, GRAY = "#3b6fb6", "#c9602b", "#777777"
# Of plotly's boxes without points.
WHISKERS = "box: quartiles; whiskers: smallest and largest"


class Picture(go.Figure):
    """A plotly figure whose text form is short and the same each time.

    The text names what is shown, of which chain, by which encoder, and sums up the numbers with
    so few digits that another processor's rounding does not change them.
    """

    @property
    def what(self) -> str:
        """What is shown: the title's first line."""
        return self.layout.meta["what"]

    def __repr__(self) -> str:
        return self.layout.meta["text"]

    def __str__(self) -> str:
        return repr(self)


def draw(
    data: list | go.Figure,
    what: str,
    traces: Trace | list[Trace],
    numbers: np.ndarray,
    *,
    source: str = "",
    **layout: Any,
) -> Picture:
    """Make a picture.

    Parameters
    ----------
    data : list of plotly traces, or Figure
    what : str
        The title's first line.
    traces : Trace or list of Trace
        Whose numbers they are; the title's second line is `source_of` them.
    numbers : ndarray
        The numbers that are shown; the text form sums them up.
    source : str
        Another second line, where the numbers are not of all their residues.
    **layout
        For plotly.

    Returns
    -------
    Picture
    """
    source = source or source_of(traces)
    figure = Picture(data)
    known = np.asarray(numbers, dtype=float)
    finite = known[np.isfinite(known)]
    text = f"{what} | {source} | {' x '.join(map(str, known.shape))} numbers"
    if finite.size:
        # Means of shares, such as 1/16, lie on an edge of rounding: all machines take one side.
        mean = finite.mean() * (1 + 1e-6)
        text += f", mean {mean:.2g}, from {finite.min():.2g} to {finite.max():.2g}"
    given: dict[str, Any] = {
        "template": "plotly_white",
        "width": 820,
        "height": 480,
        "margin": {},
    } | layout
    # Its button would upload the figure.
    figure.layout.modebar.remove = ["sendChartToCloud"]
    figure.update_layout(meta={"what": what, "text": text}, **given)
    # Room for the title's two lines and for what stands between them and the plot.
    above = 110 if figure.layout.legend.orientation == "h" or figure.layout.annotations else 80
    margin: dict[str, int] = {"t": above, "l": 60, "r": 30, "b": 55} | given["margin"]
    title = title_of(what, source, given["width"])
    # The plot keeps its size below a title of more lines.
    more = _MODE_BAR + _TITLE_LINE * (title.count("<br>") - 1)
    height = given["height"] + more
    figure.update_layout(
        margin=margin | {"t": margin["t"] + more},
        height=height,
        title={"text": title, "x": 0.02, "yanchor": "top", "y": 1 - (24 + _MODE_BAR) / height},
    )
    return figure


def check_table(given: pd.DataFrame, name: str, columns: tuple[str, ...], made_by: str) -> None:
    """Refuse what is no table with some columns, which a function makes."""
    right = f"the table that {made_by} makes, with columns {', '.join(columns)}"
    check_kind(given, pd.DataFrame, name, right)
    if not set(columns) <= set(given.columns):
        held = ", ".join(map(str, given.columns)) or "none"
        raise TraceError(f"{name} has columns {held}; it has to be {right}.")


def check_found(trace: Trace, found: Any, kind: type, name: str, made_by: str, verb: str) -> None:
    """Refuse what is no trace, no result of an experiment, or one of another trace.

    Results say of which trace they are by its ``title``, ``tokens`` and ``encoder_info``.
    """
    right = _check_kind(trace, found, kind, name, made_by, verb)
    if found.title != trace.title:
        raise TraceError(f"{name} is of {found.title}, not of {trace.title}; give {right}.")
    if not np.array_equal(found.tokens, trace.tokens):
        raise TraceError(f"{name} is of {found.title} with other tokens; give {right}.")


def check_found_at(
    trace: Trace, found: Any, kind: type, name: str, made_by: str, verb: str
) -> None:
    """Refuse what is no result about one of the trace's residues.

    Such results say which it is by their ``index``, ``name`` and ``token``.
    """
    right = _check_kind(trace, found, kind, name, made_by, verb)
    if found.index >= len(trace) or found.name != name_of(trace, found.index):
        raise TraceError(f"{name} is of {found.name}, not of {trace.title}; give {right}.")
    if found.token != trace.tokens[found.index]:
        raise TraceError(f"{name} is of {found.name} with another token; give {right}.")


def _check_kind(trace: Trace, found: Made, kind: type, name: str, made_by: str, verb: str) -> str:
    check_trace(trace, verb)
    right = f"what ex.experiments.{made_by} makes of the trace"
    check_kind(found, kind, name, right)
    one_encoder([trace, found])
    return right


def title_of(what: str, source: str, width: int) -> str:
    """Write a title as plotly has it: two lines, or more where they would be cut off.

    Parameters
    ----------
    what, source : str
        The first line, and the second one in small letters.
    width : int
        Of the figure, in pixels.

    Returns
    -------
    str

    Examples
    --------
    >>> title_of("Who sees whom", "1UBI chain A, 76 residues", 140)
    'Who sees whom<br><sub>1UBI chain A, 76</sub><br><sub>residues</sub>'
    """
    first = [for_plotly(line) for line in textwrap.wrap(what, width // _LETTER)]
    second = [for_plotly(line) for line in textwrap.wrap(source, width // _SMALL_LETTER)]
    return "<br>".join([*first, *(f"<sub>{line}</sub>" for line in second)])


def source_of(traces: Trace | list[Trace]) -> str:
    """Name chain and encoder, or how many chains of which encoder, for a title's second line."""
    traces = traces_of(traces, "A picture")
    if len(traces) == 1:
        return traces[0].source
    residues, info = sum(map(len, traces)), traces[0].encoder_info
    return f"{len(traces)} chains, {residues:,} residues; encoder: {info.title}"


def residue_ticks(labels: Sequence[str]) -> dict:
    """Mark round residue numbers on an axis where residues are at their places in the chain.

    Parameters
    ----------
    labels : sequence of str
        Residue numbers as in the file, with their insertion codes; of a complex after the chain.

    Returns
    -------
    dict
        For plotly's axes.
    """
    plain = [label.rpartition(":")[2] for label in labels]
    numbers = {i: int(label) for i, label in enumerate(plain) if label.lstrip("-").isdigit()}
    steps = (factor * 10**power for power in range(9) for factor in (1, 2, 5))
    for step in steps:
        marks = [i for i, number in numbers.items() if number % step == 0]
        if len(marks) <= _TICKS:
            break
    return {"tickvals": marks, "ticktext": [labels[i] for i in marks]}


def hover_of(trace: Trace) -> list[str]:
    """Describe each residue for hovering: name, number, token and margin."""
    chosen = zip(trace.tokens, trace.nearest.margin, strict=True)
    said = [f"token {token}, margin {margin:.2f}" for token, margin in chosen]
    framed = np.where(trace.has_frame, said, "no backbone frame")
    framed = np.where(trace.breaks, "between two chains", framed)
    return [
        for_reading(f"{name} {label}, {rest}")
        for name, label, rest in zip(trace.to_frame()["name"], trace.labels, framed, strict=True)
    ]
