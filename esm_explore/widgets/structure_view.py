"""A structure in 3D that is linked both ways with Python: `StructureView`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from ipywidgets import Layout
from traitlets import Bool, Bytes, Dict, Float, Int, List, Unicode, link, validate

from esm_explore.analysis.annotations import secondary_letters
from esm_explore.errors import TraceError
from esm_explore.escaping import for_reading
from esm_explore.palette import FRAMELESS, hex_colors, token_colors
from esm_explore.plots.picture import hover_of
from esm_explore.plots.structure import AXES, LINE, backbone_cif
from esm_explore.plots.threedmol import CDN
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.lasting import Lasting
from esm_explore.widgets.libraries import threedmol_script
from esm_explore.widgets.page import FOLDER, PageView, module
from esm_explore.widgets.selection import NotThereError, check_is_one_of

STYLES = ("cartoon", "stick", "surface")
# What the page's side is made of; the last one uses the others.
_PARTS = ("engine", "space", "camera", "chain", "marks", "labels")
_PARTS += ("input", "tools", "legend", "png", "view")


class StructureView(Lasting, PageView):
    """A chain in 3D, for linking: click a residue, and `selected` says which.

    Shift and a click put a residue into `selection` or take it out; arrow keys go on by one
    residue. The wheel zooms once the picture is clicked or has the focus, until the pointer leaves
    it or Esc is pressed. All residues are 0-based indices. Without WebGL the picture is a message,
    and all traits still work.

    Attributes
    ----------
    structure : str
        mmCIF with the backbone's atoms in Å, residues numbered from 1. A new one is loaded and
        centered, unless the view is steady.
    steady : bool
        Whether a new structure keeps the camera: for frames that lie on each other.
    secondary : str
        Secondary structure that the ribbon shows, a letter a residue: h is helix, s is strand,
        others are coil. If it is empty, 3Dmol.js takes its own.
    colors : bytes
        Red, green and blue of each residue; see `color_bytes`. Residues beyond the last are gray.
        New ones keep the camera.
    legend : list of [str, str]
        Colors (``#rrggbb``) and their meanings; they stand under the picture.
    bar : dict
        Colors of numbers, at the picture's right edge: ``colors`` (``#rrggbb``, from the lowest),
        ``marks`` ([fraction of the bar, text] each) and ``title``. An empty one is not shown.
    style : str
        ``"cartoon"``, ``"stick"`` or ``"surface"``. Sticks and surface are of the atoms that
        `structure` has: the backbone. A surface takes seconds.
    labels : list of str
        What each residue is called where it is hovered over or selected.
    selected : int
        The residue with the marker; -1 for none. Set by clicks and from Python. Its ring is dashed
        where something nearer covers it.
    hovered : int
        The residue under the pointer; -1 for none.
    selection : list of int
        Residues that are marked together.
    lines : list of (int, int, float) or (int, int, float, str)
        Pairs of residues to join, with a weight from 0 to 1 for the thickness, and a color
        (``#rrggbb``) if it is not that of all lines.
    frames : list of int
        Residues whose backbone frame is drawn as three axes.
    ghost : list of dict
        Other places to compare with: ``points`` ([x, y, z] in Å each) are joined in order by a
        line of a ``color`` (``#rrggbb``), thin or of a ``radius`` in Å.
    focus : list of int
        Residues that fill the picture, `selected` near its middle if it is one of them; the chain
        is translucent then where lines, frames or ghosts are drawn. Empty for the whole chain.
    near : list of int
        What the button "Zoom to the neighborhood" puts into `focus`.
    camera : list of float
        Where the camera is, as 3Dmol.js's ``getView`` has it: shift of the model (3 numbers),
        depth, and turn as a quaternion (4). Set by the page when the camera rests, and from
        Python. Empty until then.
    group : str
        Views of one group on a page turn and zoom together; "" is none.
    caption : str
        Stands under the picture; names the chain and the encoder.
    height : int
        Of the picture, in pixels; 0 for a view as high as what it stands in.

    Raises
    ------
    NotThereError
        If `style` is none of the three, or `camera` is not 8 finite numbers.
    """

    _esm = module(*(f"structure_{part}.js" for part in _PARTS))
    _css = FOLDER / "structure_view.css"

    structure = Unicode().tag(sync=True)
    steady = Bool(False).tag(sync=True)
    secondary = Unicode().tag(sync=True)
    colors = Bytes().tag(sync=True)
    legend: Any = List().tag(sync=True)
    bar = Dict().tag(sync=True)
    style = Unicode(STYLES[0])
    # In the page each widget's `style` is a model of ipywidgets.
    _style = Unicode(STYLES[0]).tag(sync=True)
    labels = List(Unicode()).tag(sync=True)
    selected = Int(-1).tag(sync=True)
    hovered = Int(-1).tag(sync=True)
    selection = List(Int()).tag(sync=True)
    lines: Any = List().tag(sync=True)
    frames = List(Int()).tag(sync=True)
    ghost = List(Dict()).tag(sync=True)
    focus = List(Int()).tag(sync=True)
    near = List(Int()).tag(sync=True)
    camera = List(Float()).tag(sync=True)
    group = Unicode().tag(sync=True)
    caption = Unicode().tag(sync=True)
    height = Int(420).tag(sync=True)
    _cdn = Unicode(CDN).tag(sync=True)
    _drawn = Dict({"axes": list(AXES), "line": LINE, "missing": FRAMELESS}).tag(sync=True)

    def __init__(self, **traits: Any):
        # In a Box a view without these would have no width.
        layout = Layout(flex="1 1 auto", min_width="240px")
        super().__init__(**{"_script": threedmol_script(), "layout": layout} | traits)
        link((self, "style"), (self, "_style"))

    @classmethod
    def of(
        cls,
        trace: Trace,
        colors: Sequence[str] | None = None,
        *,
        coords: np.ndarray | None = None,
    ) -> StructureView:
        """Make the view of a traced chain.

        Parameters
        ----------
        trace : Trace
        colors : sequence of str, shape=(L,), optional
            ``#rrggbb`` of each residue; by default the colors of the tokens. Residues without a
            backbone frame are gray.
        coords : ndarray, shape=(L, 37, 3), optional
            Where its atoms are shown, in Å, if that is not where they are.

        Returns
        -------
        StructureView

        Raises
        ------
        TraceError
            If there is not one color a residue.
        """
        if colors is None:
            colors = hex_colors(token_colors(trace.codebook)[trace.tokens])
        if len(colors) != len(trace):
            raise TraceError(f"There are {len(colors)} colors; one a residue is {len(trace)}.")
        colored = color_bytes(np.where(trace.has_frame, colors, FRAMELESS).tolist())
        return cls(colors=colored, **_described(trace, coords))

    def show(self, trace: Trace, colors: bytes, coords: np.ndarray | None = None) -> None:
        """Show another chain, in some colors, as a whole and without ghosts."""
        with self.hold_sync():
            self.colors = colors
            self.focus, self.near, self.ghost = [], [], []
            for name, value in _described(trace, coords).items():
                setattr(self, name, value)

    def __repr__(self) -> str:
        return self.caption or "A structure in 3D"

    def still(self) -> bytes:
        """Draw what is seen now, as PNG: what a notebook keeps of it."""
        # matplotlib is loaded when a picture is drawn.
        from esm_explore.plots.still_page import StillParts, draw_still
        from esm_explore.widgets.structure_still import chain_still, how_it_lives

        title, _, encoder = repr(self).partition("\nEncoder: ")
        legend = [(color or "#ffffff", text) for color, text in self.legend]
        parts = StillParts(title, encoder, [chain_still(self)], legend=legend, bar=self.bar)
        return draw_still(replace(parts, how=how_it_lives(self)))

    @validate("style", "camera")
    def _is_there(self, proposal: dict) -> object:
        value = proposal["value"]
        if proposal["trait"].name == "style":
            check_is_one_of("style", value, STYLES)
        elif len(value) not in (0, 8) or not np.isfinite(value).all():
            raise NotThereError(f"A camera is 8 finite numbers, or none; this one is {value}.")
        return value


def _described(trace: Trace, coords: np.ndarray | None) -> dict[str, object]:
    return {
        "structure": backbone_cif(trace, coords),
        "secondary": secondary_letters(trace),
        "labels": hover_of(trace),
        "caption": for_reading(f"{trace.title}\nEncoder: {trace.encoder_info.title}"),
    }


def color_bytes(colors: Sequence[str]) -> bytes:
    """Write colors as `StructureView.colors` has them: 3 bytes each.

    Parameters
    ----------
    colors : sequence of str
        ``#rrggbb``.

    Returns
    -------
    bytes

    Examples
    --------
    >>> list(color_bytes(["#ff0010", "#000001"]))
    [255, 0, 16, 0, 0, 1]
    """
    return bytes.fromhex("".join(color.removeprefix("#") for color in colors))
