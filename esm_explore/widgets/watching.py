"""A moving chain: a slider through its frames, the structure of each, and tokens over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import numpy as np
from traitlets import Int, TraitError, validate

from esm_explore.analysis.annotations import letters_of
from esm_explore.arguments import check_kind
from esm_explore.chains.backbone import fit
from esm_explore.chains.residues import three_letters
from esm_explore.escaping import for_html, for_plotly, for_reading
from esm_explore.experiments.followed import Followed
from esm_explore.palette import FRAMELESS, hex_colors, token_colors
from esm_explore.plots.followed import raster_axes, raster_of
from esm_explore.plots.still_page import StillParts, draw_still
from esm_explore.plots.structure import chain_cif
from esm_explore.widgets.messages import Whole
from esm_explore.widgets.plot_view import FOREGROUND, PlotView, plain
from esm_explore.widgets.structure_still import chain_still
from esm_explore.widgets.structure_view import StructureView, color_bytes

_HEIGHT = 360
# ms a frame.
_PACE = 400


def watch(followed: Followed) -> Watch:
    """Watch a chain move: 3D and tokens over time, linked by a slider.

    Click the raster to go to a frame, a residue in 3D or in the raster to select it.

    Parameters
    ----------
    followed : Followed
        What `follow` makes of frames.

    Returns
    -------
    Watch

    Raises
    ------
    TraceError
        If it is something else.
    """
    right = "what ex.experiments.follow makes of frames"
    check_kind(followed, Followed, "followed", right)
    return Watch(followed)


class Watch(Whole):
    """A chain in many frames; made by `watch`.

    Attributes
    ----------
    frame : int
        Which frame is shown, from 0.
    selected : int
        Index of the selected residue; -1 for none.
    """

    frame = Int(0)
    selected = Int(-1)

    def __init__(self, followed: Followed):
        super().__init__()
        self._followed = followed
        self._colors = token_colors(followed.codebook)
        self._image, self._step = raster_of(followed)
        self._slider = widgets.IntSlider(
            max=len(followed) - 1,
            description=followed.frames.kind,
            continuous_update=False,
            layout={"width": "60%"},
        )
        play = widgets.Play(max=len(followed) - 1, interval=_PACE)
        self.structure = StructureView(height=_HEIGHT, steady=True)
        self.raster = _Raster(self._clicked, height=_HEIGHT)
        self.raster.source = for_plotly(followed.source)
        self.raster.layout = {"flex": "1 1 auto", "min_width": "320px", "width": "50%"}
        self._said = widgets.HTML()
        heading = widgets.HTML(
            f"<b>{for_html(followed.title)}</b> · encoder: "
            f"<b>{for_html(followed.encoder_info.title)}</b>"
        )
        widgets.link((play, "value"), (self._slider, "value"))
        widgets.link((self._slider, "value"), (self, "frame"))
        widgets.link((self.structure, "selected"), (self, "selected"))
        self.children = [
            heading,
            widgets.HBox([play, self._slider]),
            widgets.HBox([self.structure, self.raster]),
            self._said,
        ]
        self.observe(lambda _: self._show(), "frame")
        self.observe(lambda _: self._mark(), "selected")
        title = {"text": "tokens over time", "font": {"size": 12}}
        axes = raster_axes(followed) | {"title": title, "showlegend": False}
        self.raster.draw([self._image], axes)
        self._show()

    def __repr__(self) -> str:
        return f"{self._followed.title}\nEncoder: {self._followed.encoder_info.title}"

    def still(self) -> bytes:
        """Draw what is seen now, as PNG: what a notebook keeps of it."""
        title, _, encoder = repr(self).partition("\nEncoder: ")
        raster = [*self.raster.base, *self.raster.overlay], self.raster.axes
        return draw_still(
            StillParts(title, encoder, [chain_still(self.structure)], [raster], self._sentence())
        )

    @validate("frame", "selected")
    def _is_known(self, proposal: dict) -> int:
        value, name = proposal["value"], proposal["trait"].name
        least, most = (0, len(self._followed)) if name == "frame" else (-1, len(self._labels))
        if not least <= value < most:
            raise TraitError(f"{name} is {value}; it has to be {least} to {most - 1}.")
        return value

    @property
    def _labels(self) -> list[str]:
        return self._followed.labels

    def _show(self) -> None:
        """Show a frame: read it, lay it on the mean of all, and color it by its tokens."""
        followed = self._followed
        chain = followed.frames[self.frame]
        tokens, margins = followed.tokens[self.frame], followed.margins[self.frame]
        ca = followed.ca[self.frame]
        known = np.isfinite(ca).all(1)
        positions = chain.atom37_positions
        if known.sum() >= 3:
            motion = fit(ca[known].astype(float), positions[known, 1].astype(float))
            positions = motion.apply(positions.reshape(-1, 3)).reshape(positions.shape)
        hexes = np.where(followed.has_frame, hex_colors(self._colors[tokens]), FRAMELESS)
        named = zip(chain.sequence, self._labels, tokens, margins, strict=True)
        with self.structure.hold_sync():
            self.structure.structure = chain_cif(chain, positions.astype(np.float32))
            self.structure.secondary = letters_of(chain)
            self.structure.colors = color_bytes(hexes.tolist())
            self.structure.labels = [
                for_reading(f"{three_letters(letter)} {label}, token {token}, margin {margin:.2f}")
                for letter, label, token, margin in named
            ]
            self.structure.caption = for_reading(
                f"{followed.title}: {followed.frames.kind} {self.frame}\n"
                f"Encoder: {followed.encoder_info.title}"
            )
        self._mark()

    def _mark(self) -> None:
        """Mark the frame and the residue in the raster, and say what they have."""
        last = len(self._labels) - 0.5
        line = {"color": FOREGROUND, "width": 1}
        style = {"type": "scatter", "mode": "lines", "hoverinfo": "skip", "line": line}
        marks = [{**style, "x": [self.frame] * 2, "y": [-0.5, last]}]
        if self.selected >= 0:
            ends = [-0.5 * self._step, len(self._followed) - 0.5]
            marks.append({**style, "x": ends, "y": [self.selected] * 2})
        self.raster.overlay = plain(marks)
        self._said.value = for_html(self._sentence())

    def _sentence(self) -> str:
        followed, kind = self._followed, self._followed.frames.kind
        others = (followed.tokens[self.frame] != followed.tokens[0])[followed.has_frame]
        said = f"{kind} {self.frame}: {others.sum()} of {others.size} tokens are not {kind} 0's."
        if self.selected < 0:
            return said
        label = self._labels[self.selected]
        states = followed.states(self.selected)
        token = followed.tokens[self.frame, self.selected]
        return (
            f"{said} Residue {label} has token {token}, as in {states.loc[token, 'share']:.0%} of "
            f"{kind}s; different ones: {len(states)}, changes: {followed.changes[self.selected]}."
        )

    def _clicked(self, residue: int, column: int) -> None:
        self.frame = min(column * self._step, len(self._followed) - 1)
        self.selected = residue


class _Raster(PlotView):
    """An image to click: its rows count, too.

    Parameters
    ----------
    on_cell : callable
        Called with row and column.
    """

    def __init__(self, on_cell: Callable[[int, int], None], **traits: Any):
        super().__init__(lambda _: None, **traits)
        self._on_cell = on_cell

    def received(self, content: dict) -> None:
        """Tell of a click."""
        points = content.get("points", [])
        if content.get("kind") == "click" and len(points) == 2:
            self._on_cell(*points)
        else:
            super().received(content)
