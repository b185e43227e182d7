"""A widget's static picture: what it shows, laid out as one image with its caption inside."""

from __future__ import annotations

import io
import textwrap
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from esm_explore.outputs import printable
from esm_explore.plots.still import ChainStill
from esm_explore.plots.still_chain import draw_chain
from esm_explore.plots.still_figures import TITLE, draw_figure
from esm_explore.plots.still_text import drawable, plain_text

HOW = "This is a picture: run the cell to bring it to life."
_DPI = 100
_LINE = 17  # pixels that a line of text is high
_EDGE = 10  # pixels around all
_LETTER = 6.9  # pixels that a letter is wide, on average
# Matplotlib's settings are the process's, and a notebook answers its widgets in another thread.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class StillParts:
    """What a widget shows, as plain data.

    Attributes
    ----------
    title : str
        Names the chain; "" where it stands beside the picture.
    encoder : str
        Names the encoder; as title.
    chains : sequence of ChainStill
        In 3D, side by side.
    figures : sequence of (list of dict, dict)
        Plotly traces and a layout each: the map, and the residue's figure.
    sentence : str
        What is said about the residue; HTML is read as text.
    legend : sequence of (str, str)
        Color and meaning; a bar takes its place.
    bar : dict
        A color bar: {"colors": [...], "marks": [[fraction, text], ...], "title": str}, or {}.
    how : str
        How it comes to life.
    width, height : int
        In pixels.
    """

    title: str
    encoder: str
    chains: Sequence[ChainStill] = ()
    figures: Sequence[tuple[list[dict], dict]] = ()
    sentence: str = ""
    legend: Sequence[tuple[str, str]] = ()
    bar: dict | None = None
    how: str = HOW
    width: int = 900
    height: int = 520


def draw_still(parts: StillParts) -> bytes:
    """Draw a widget's static picture.

    Neither pyplot's state nor the reader's settings of matplotlib are used or changed.

    Parameters
    ----------
    parts : StillParts

    Returns
    -------
    bytes
        PNG of ``parts.width`` x ``parts.height`` pixels, at most 256 colors.
    """
    with _drawn(parts) as figure:
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    meant = [color for color, _ in parts.legend] + (parts.bar or {}).get("colors", [])
    return _packed(Image.fromarray(pixels), meant)


def draw_still_svg(parts: StillParts, about: str) -> bytes:
    """Draw it in lines and areas, for print; `about` is what the file says of itself.

    The same parts give the same bytes.
    """
    sink = io.BytesIO()
    # A chain's name can hold what XML cannot.
    about = "\n".join(map(printable, about.splitlines()))
    with _drawn(parts) as figure:
        matplotlib.rcParams["svg.hashsalt"] = about
        FigureCanvasSVG(figure).print_svg(sink, metadata={"Description": about, "Date": None})
    return sink.getvalue()


@contextmanager
def _drawn(parts: StillParts) -> Iterator[Figure]:
    """Draw a page on a figure, which is to be written with the same settings."""
    with _ONE_AT_A_TIME, matplotlib.rc_context():
        matplotlib.rcdefaults()
        figure = Figure((parts.width / _DPI, parts.height / _DPI), dpi=_DPI)
        _Page(figure, parts).draw()
        yield figure


def draw_beside(pictures: Sequence[bytes], meant: list[str]) -> bytes:
    """Put PNGs beside each other, as one, in which these colors are as they are."""
    images = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in pictures]
    size = sum(image.width for image in images), max((i.height for i in images), default=1)
    whole = Image.new("RGB", size, "white")
    left = 0
    for image in images:
        whole.paste(image, (left, 0))
        left += image.width
    return _packed(whole, meant)


def _packed(image: Image.Image, meant: list[str]) -> bytes:
    """Write a PNG of 256 colors; those that mean something are among them as they are."""
    own = np.array([to_rgb(color) for color in dict.fromkeys(["white", *meant])][:128])
    own = np.round(255 * own).astype(np.uint8)
    packed = image.quantize(256 - len(own), dither=Image.Dither.NONE)
    palette = np.zeros((256, 3), np.uint8)
    found = np.array(packed.getpalette(), np.uint8).reshape(-1, 3)[: 256 - len(own)]
    palette[: len(found)], palette[-len(own) :] = found, own
    numbers, pixels = np.array(packed), np.array(image).astype(np.int32) @ [1 << 16, 1 << 8, 1]
    for i, color in enumerate(own.astype(np.int32) @ [1 << 16, 1 << 8, 1]):
        numbers[pixels == color] = 256 - len(own) + i
    packed = Image.fromarray(numbers, "P")
    packed.putpalette(palette.ravel().tolist())
    data = io.BytesIO()
    packed.save(data, "png")
    return data.getvalue()


class _Page:
    """From the top: title, pictures, legend, the sentence, and how it comes to life."""

    def __init__(self, figure: Figure, parts: StillParts):
        self._figure, self._parts = figure, parts

    def draw(self) -> None:
        parts = self._parts
        letters = int((parts.width - 2 * _EDGE) / _LETTER)
        sentence = textwrap.wrap(plain_text(parts.sentence), letters, max_lines=4)
        title = textwrap.fill(parts.title, int(0.85 * letters))
        encoder = textwrap.fill(parts.encoder and f"Encoder: {parts.encoder}", letters)
        top = self._write(_EDGE, title, weight="bold", size=9.5) if title else 0
        top = self._write(top, encoder) if encoder else top
        bottom = self._write(parts.height - _EDGE - _LINE, parts.how, color="#555555")
        bottom = parts.height - _EDGE - _LINE - _LINE * len(sentence)
        self._write(bottom, "\n".join(sentence))
        if parts.legend and not parts.bar:
            bottom = self._legend(bottom)
        self._pictures(top + 4, bottom - 4)

    def _write(self, top: float, text: str, size: float = 8.5, **style: Any) -> float:
        """Write lines from this far below the top; give where they end."""
        width, height = self._parts.width, self._parts.height
        self._figure.text(
            _EDGE / width, 1 - top / height, drawable(text), va="top", size=size, linespacing=1.4,
            parse_math=False, **style,
        )  # fmt: skip
        return top + _LINE * (text.count("\n") + 1)

    def _axis(self, left: float, top: float, right: float, bottom: float) -> Axes:
        width, height = self._parts.width, self._parts.height
        box = (left / width, 1 - bottom / height, (right - left) / width, (bottom - top) / height)
        return self._figure.add_axes(box)

    def _legend(self, bottom: float) -> float:
        """Write swatches in lines that end here; give where they begin."""
        x = 0.0
        rows: list[list[Any]] = [[]]
        for color, meaning in self._parts.legend:
            wide = 26 + _LETTER * len(meaning)
            if rows[-1] and x + wide > self._parts.width - 2 * _EDGE:
                rows, x = [*rows, []], 0.0
            rows[-1].append((x, color, meaning))
            x += wide
        top = bottom - _LINE * len(rows)
        ax = self._axis(_EDGE, top, self._parts.width - _EDGE, bottom)
        ax.set(xlim=(0, self._parts.width - 2 * _EDGE), ylim=(bottom - top, 0))
        ax.set_axis_off()
        for i, row in enumerate(rows):
            for x, color, meaning in row:
                ax.add_patch(Rectangle((x, _LINE * i + 3), 10, 10, facecolor=color))
                ax.text(
                    x + 14, _LINE * i + 8, drawable(meaning), va="center", size=8, parse_math=False
                )
        return top

    def _pictures(self, top: float, bottom: float) -> None:
        """Lay out chains at the left, or on the whole width, and figures at the right."""
        parts, right = self._parts, self._parts.width - _EDGE
        if parts.bar:
            right -= 70
            self._bar(right + 12, top + 14, bottom - 14)
        middle = right
        if parts.figures and parts.chains:
            middle = _EDGE + 0.6 * (right - _EDGE)
        edges = np.linspace(_EDGE, middle, len(parts.chains) + 1)
        for chain, left, end in zip(parts.chains, edges, edges[1:], strict=False):
            draw_chain(self._axis(left, top, end - 4, bottom), chain)
            said = drawable(chain.caption)
            self._figure.text(
                (left + 2) / parts.width, 1 - (top + 2) / parts.height, said, va="top", size=8,
                parse_math=False,
            )  # fmt: skip
        left = middle if parts.chains else _EDGE
        heights = np.linspace(top, bottom, len(parts.figures) + 1)
        for (data, layout), high, low in zip(parts.figures, heights, heights[1:], strict=False):
            self._fit(self._axis(left, high, right, low), data, layout)

    def _fit(self, ax: Axes, data: list[dict], layout: dict) -> None:
        """Draw a figure so that its title and its ticks stay within the axis' first place."""
        # Frozen, because what matplotlib gives moves with the axis.
        room = ax.get_window_extent().frozen()
        draw_figure(ax, data, layout)
        used, at = ax.get_tightbbox(), ax.get_window_extent()
        x0 = at.x0 + room.x0 + _EDGE - min(used.x0, at.x0)
        y0 = at.y0 + room.y0 - used.y0
        # A title as wide as the place is no reason to shrink.
        right = max([at.x1, *(child.get_tightbbox().x1 for child in ax.child_axes)])
        x1 = room.x1 - (right - at.x1)
        y1 = room.y1 - (used.y1 - at.y1)
        size = np.array([self._parts.width, self._parts.height] * 2)
        ax.set_position(np.array([x0, y0, x1 - x0, y1 - y0]) / size)
        ax.set_title(ax.get_title("left"), x=(room.x0 + _EDGE - x0) / (x1 - x0), **TITLE)

    def _bar(self, left: float, top: float, bottom: float) -> None:
        bar = self._parts.bar
        ax = self._axis(left, top, left + 12, bottom)
        colors = np.arange(len(bar["colors"]))[:, None]
        ax.imshow(
            colors, cmap=ListedColormap(bar["colors"]), aspect="auto", origin="lower",
            extent=(0, 1, 0, 1),
        )  # fmt: skip
        ax.set_xticks([])
        ax.yaxis.tick_right()
        shares, texts = zip(*bar["marks"], strict=True) if bar["marks"] else ((), ())
        ax.set_yticks(shares, list(map(drawable, texts)), parse_math=False)
        ax.tick_params(labelsize=7, length=2)
        ax.set_title(drawable(bar.get("title", "")), fontsize=7, parse_math=False)
