"""A plotly figure that is linked both ways with Python, with one plotly.js a page.

Plotly's own FigureWidget sends its script of 5 MB with every figure and checks every value in
Python; and anywidget gives up on a model whose script takes more than two seconds to start, which
on a busy machine leaves an empty plot.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from traitlets import Dict, Int, List, Unicode

from esm_explore.widgets.libraries import plotly_script
from esm_explore.widgets.page import FOLDER, PageView, module

FOREGROUND = "foreground"


class PlotView(PageView):
    """A plot for linking.

    Parameters
    ----------
    on_click : callable
        Called with the point's number: in a heat map with its column.
    on_hover : callable
        Called with the number of the point under the mouse, -1 for none.
    on_lasso : callable
        Called with the numbers of the points that were lassoed.

    Attributes
    ----------
    base : list of dict
        Plotly traces that can be clicked. Set them with `draw`.
    overlay : list of dict
        Plotly traces on top, which cannot. The color `FOREGROUND` is black or white, as the theme
        has it.
    axes : dict
        Plotly's layout.
    height : int
        Pixels, or 0: as high as the box that it is in. The width is that of the box.
    source : str
        Chain and encoder, as plotly's text, below the plot where it is saved.
    """

    _esm = module("plot_text.js", "plot_view.js")
    _css = FOLDER / "plot_view.css"
    base: Any = List().tag(sync=True)
    overlay: Any = List().tag(sync=True)
    axes: Any = Dict().tag(sync=True)
    height = Int(400).tag(sync=True)
    source = Unicode().tag(sync=True)

    def __init__(
        self,
        on_click: Callable[[int], None],
        on_hover: Callable[[int], None] | None = None,
        on_lasso: Callable[[list[int]], None] | None = None,
        **traits: Any,
    ):
        super().__init__(_script=plotly_script(), **traits)
        self._on_click, self._on_hover, self._on_lasso = on_click, on_hover, on_lasso

    def draw(self, traces: list[dict], axes: dict) -> None:
        """Plot some traces; arrays may be numpy's, and NaN is left out."""
        with self.hold_sync():
            self.base, self.axes = plain(traces), plain(axes)

    def received(self, content: dict) -> None:
        """Tell of a click, of hovering and of a lasso."""
        kind, points = content.get("kind"), content.get("points", [])
        if kind == "click" and points:
            self._on_click(points[-1])
        elif kind == "hover" and self._on_hover:
            self._on_hover(points[-1] if points else -1)
        elif kind == "lasso" and self._on_lasso:
            self._on_lasso(points)


def plain(value: object) -> Any:
    """Make JSON of dictionaries, sequences and arrays; what is not finite becomes None.

    Examples
    --------
    >>> plain({"x": np.array([1.0, np.nan])})
    {'x': [1.0, None]}
    """
    match value:
        case dict():
            return {key: plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case np.ndarray() if value.dtype.kind == "f":
            return np.where(np.isfinite(value), value.astype(object), None).tolist()
        case np.ndarray():
            return value.tolist()
        case np.generic():
            return value.item()
        case _:
            return value
