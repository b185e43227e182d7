"""The inspector's plotly figures without a browser: dots, bars and heat maps in matplotlib."""

from __future__ import annotations

import base64
import io
import re
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from PIL import Image
from plotly.colors import get_colorscale

from esm_explore.errors import TraceError
from esm_explore.plots.still_text import plain_text

_SYMBOLS = {"circle": "o", "diamond": "D", "diamond-open": "D", "line-ew-open": "_", "x": "x"}
TITLE: dict[str, Any] = {"fontsize": 8.5, "loc": "left", "parse_math": False}
_KINDS = ("scatter", "bar", "heatmap", "image")
_POINTS = 0.6  # of a pixel of plotly's: the picture is shown smaller than the page's view
_MOST_TICKS = 24
_LETTER = 6.2  # pixels that a letter of a title is wide


def draw_figure(ax: Axes, data: Sequence[dict], layout: dict) -> None:
    """Draw plotly traces on an axis.

    Parameters
    ----------
    ax : Axes
    data : sequence of dict
        Traces of type scatter, scattergl, bar, heatmap or image (a PNG), as widgets have them.
    layout : dict
        Title and axes.

    Raises
    ------
    TraceError
        If a trace is of another type.
    """
    plot = _Plot(ax, layout, list(dict.fromkeys(trace.get("offsetgroup") for trace in data)))
    for trace in data:
        plot.draw(trace)
    plot.dress()


class _Plot:
    def __init__(self, ax: Axes, layout: dict, groups: list[str | None]):
        self._ax, self._layout, self._groups = ax, layout, groups
        self._axes = {letter: layout.get(f"{letter}axis", {}) for letter in "xy"}
        self._words: dict[str, dict[str, int]] = {"x": {}, "y": {}}
        self._named = 0

    def draw(self, trace: dict) -> None:
        kind = trace.get("type", "scatter").removesuffix("gl")
        draw = getattr(self, f"_{kind}") if kind in _KINDS else None
        if draw is None:
            raise TraceError(f"There are no stills of {kind}; there are of {', '.join(_KINDS)}.")
        draw(trace)

    def dress(self) -> None:
        """Write title, axes and legend."""
        ax = self._ax
        title = plain_text(self._layout.get("title"))
        letters = max(int(ax.get_window_extent().width / _LETTER), 20)
        ax.set_title(textwrap.fill(title, max(letters - 6, 12)), **TITLE)
        for letter, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
            given = self._axes[letter]
            axis.label.set(text=plain_text(given.get("title")), size=7.5, parse_math=False)
            words = list(self._words[letter])
            if words:
                shown = range(0, len(words), -(-len(words) // _MOST_TICKS))
                long = letter == "x" and len(words) + sum(map(len, words)) > 45
                slanted = {"rotation": 25, "ha": "right"}
                turned = {"rotation": 90} if max(map(len, words)) < 6 else slanted
                turned = turned if long else {}
                axis.set_ticks(shown, [words[i] for i in shown], parse_math=False, **turned)
            if "ticktext" in given:
                named = [plain_text(text) for text in given["ticktext"]]
                axis.set_ticks(given["tickvals"], named, parse_math=False)
            if given.get("showticklabels") is False:
                axis.set_ticks([])
                ax.spines["bottom" if letter == "x" else "left"].set_visible(False)
            if given.get("range"):
                (ax.set_xlim if letter == "x" else ax.set_ylim)(*given["range"])
            if given.get("autorange") == "reversed":
                axis.set_inverted(True)
        ax.tick_params(labelsize=7, length=2)
        ax.spines[["top", "right"]].set_visible(False)
        if self._axes["y"].get("scaleanchor"):
            ax.set_aspect("equal", adjustable="datalim")
        if self._named > 1:
            ax.legend(fontsize=6.5, frameon=False, loc="best")

    def _places(self, letter: str, trace: dict, count: int = 0) -> np.ndarray:
        """Give numbers; words are numbered in the order of their first appearance."""
        values = _array(trace.get(letter, np.arange(count)))
        if self._axes[letter].get("type") != "category" and values.dtype.kind in "iuf":
            return values.astype(float)
        if values.dtype == object and all(v is None or isinstance(v, float) for v in values):
            return values.astype(float)
        words = self._words[letter]
        return np.array([words.setdefault(plain_text(v), len(words)) for v in values.tolist()])

    def _name(self, trace: dict) -> str | None:
        self._named += "name" in trace
        return plain_text(trace["name"]) if "name" in trace else None

    def _scatter(self, trace: dict) -> None:
        x, y = (self._places(letter, trace) for letter in "xy")
        mode, name = trace.get("mode", "markers"), self._name(trace)
        if "lines" in mode:
            line = trace.get("line", {})
            self._ax.plot(x, y, color=_color(line.get("color")), lw=_POINTS * line.get("width", 2))
        if "error_y" in trace:
            error = trace["error_y"]
            spread = np.array([error.get("arrayminus", error["array"]), error["array"]], float)
            color = _color(error.get("color"))
            self._ax.errorbar(x, y, spread, fmt="none", ecolor=color, elinewidth=1)
        if "markers" in mode:
            _dots(self._ax, x, y, trace.get("marker", {}), name)
        for at, said in zip(zip(x, y, strict=True), trace.get("text", ()), strict=False):
            if "text" in mode:
                style = {"fontsize": 6, "parse_math": False, "annotation_clip": True}
                self._ax.annotate(
                    plain_text(said), at, (4, -2), textcoords="offset points", **style
                )

    def _bar(self, trace: dict) -> None:
        x, y = (self._places(letter, trace) for letter in "xy")
        color = _color(trace.get("marker", {}).get("color"))
        at, of = self._beside(trace)
        width = 0.8 / of
        aside = width * (at - (of - 1) / 2)
        named = {"color": color, "label": self._name(trace)}
        if trace.get("orientation") == "h":
            self._ax.barh(y + aside, x, width, **named)
        else:
            self._ax.bar(x + aside, y, width, **named)

    def _beside(self, trace: dict) -> tuple[int, int]:
        """Give the place of bars among those that stand side by side, and how many do."""
        groups = self._groups if self._layout.get("barmode") == "group" else []
        group = trace.get("offsetgroup")
        return (groups.index(group), len(groups)) if group in groups else (0, 1)

    def _heatmap(self, trace: dict) -> None:
        z = _array(trace["z"]).astype(float)
        x, y = self._places("x", trace, z.shape[1]), self._places("y", trace, z.shape[0])
        shown = self._ax.pcolormesh(
            x, y, z, cmap=_scale(trace), vmin=trace.get("zmin"), vmax=trace.get("zmax")
        )
        if trace.get("showscale", True):
            place = self._ax.inset_axes((1.02, 0, 0.03, 1))
            bar = self._ax.figure.colorbar(shown, cax=place)
            said = plain_text(trace.get("colorbar", {}).get("title"))
            bar.set_label(said, fontsize=6.5, parse_math=False)
            bar.ax.tick_params(labelsize=6.5, length=2)
            bar.outline.set_visible(False)

    def _image(self, trace: dict) -> None:
        pixels = Image.open(io.BytesIO(base64.b64decode(trace["source"].partition(",")[2])))
        width, height = pixels.size
        ends = [trace.get(f"{letter}0", 0) - trace.get(f"d{letter}", 1) / 2 for letter in "xy"]
        right, low = ends[0] + width * trace.get("dx", 1), ends[1] + height * trace.get("dy", 1)
        extent = (ends[0], right, low, ends[1])
        self._ax.imshow(pixels, aspect="auto", interpolation="nearest", extent=extent)


def _dots(ax: Axes, x: np.ndarray, y: np.ndarray, marker: dict, name: str | None) -> None:
    """Draw markers; matplotlib wants one symbol at a time."""
    colors = np.empty(len(x), dtype=object)
    given = _color(marker.get("color"))
    colors[:] = given if isinstance(given, list) else [given] * len(x)
    sizes = np.broadcast_to(np.asarray(marker.get("size", 6), dtype=float), x.shape) * _POINTS
    symbols = np.broadcast_to(np.asarray(marker.get("symbol", "circle"), dtype=object), x.shape)
    edge = marker.get("line", {})
    for symbol in dict.fromkeys(symbols.tolist()):
        here = symbols == symbol
        shape = _SYMBOLS.get(symbol, "o")
        if symbol.endswith("-open"):
            # A dash has no inside.
            faces, edges, width = "none", colors[here].tolist(), 2
            faces, edges = (edges, None) if shape == "_" else (faces, edges)
        else:
            faces, width = colors[here].tolist(), edge.get("width", 0)
            edges = _color(edge.get("color")) if width else "none"
        style = {"facecolors": faces, "edgecolors": edges, "linewidths": _POINTS * width}
        ax.scatter(x[here], y[here], sizes[here] ** 2, marker=shape, label=name, **style)
        name = None


def _array(values: object) -> np.ndarray:
    """Read what plotly has as an array: also its packed form."""
    if isinstance(values, dict):
        numbers = np.frombuffer(base64.b64decode(values["bdata"]), np.dtype(values["dtype"]))
        shape = str(values.get("shape", numbers.size)).split(",")
        return numbers.reshape([int(length) for length in shape])
    return np.asarray(values if hasattr(values, "dtype") else list(values))


def _color(given: object) -> object:
    """Write colors as matplotlib has them: a list if there are many."""
    if isinstance(given, (list, tuple, np.ndarray)):
        return [_color(color) for color in given]
    if given is None or given == "foreground":
        return "black" if given else "#0072b2"
    if str(given).startswith("rgb"):
        parts = [float(part) for part in re.findall(r"[\d.]+", str(given))]
        return (*(part / 255 for part in parts[:3]), *parts[3:])
    return str(given)


def _scale(trace: dict) -> LinearSegmentedColormap:
    given = trace.get("colorscale") or "Viridis"
    scale = get_colorscale(given) if isinstance(given, str) else given
    return LinearSegmentedColormap.from_list("", [(share, _color(color)) for share, color in scale])
