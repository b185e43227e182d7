"""A structure in 3D that is linked both ways with Python: `StructureView`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

import numpy as np
from ipywidgets import Layout
from traitlets import Bytes, Dict, Int, List, Unicode

from esm_explore.errors import TraceError
from esm_explore.palette import FRAMELESS, hex_colors, token_colors
from esm_explore.plots.picture import hover_of
from esm_explore.plots.structure import AXES, LINE, backbone_cif
from esm_explore.plots.threedmol import CDN
from esm_explore.tracing.traces import Trace
from esm_explore.widgets.page import FOLDER, PageView, Script, module


class StructureView(PageView):
    """A chain in 3D, for linking: click a residue, and `selected` says which.

    Shift and a click put a residue into `selection` or take it out; arrow keys go on by one
    residue. All residues are 0-based indices. Without WebGL the picture is a message, and all
    traits still work.

    Attributes
    ----------
    structure : str
        mmCIF with the backbone's atoms in Å, residues numbered from 1. A new one is loaded and
        centered.
    colors : bytes
        Red, green and blue of each residue; see `color_bytes`. Residues beyond the last are gray.
        New ones keep the camera.
    labels : list of str
        What each residue is called where it is hovered over or selected.
    selected : int
        The residue with the marker; -1 for none. Set by clicks and from Python.
    hovered : int
        The residue under the pointer; -1 for none.
    selection : list of int
        Residues that are marked together.
    lines : list of (int, int, float)
        Pairs of residues to join, with a weight from 0 to 1 for the thickness.
    frames : list of int
        Residues whose backbone frame is drawn as three axes.
    caption : str
        Stands under the picture; names the chain and the encoder.
    height : int
        Of the picture, in pixels.
    """

    _esm = module("structure_view.js")
    _css = FOLDER / "structure_view.css"

    structure = Unicode().tag(sync=True)
    colors = Bytes().tag(sync=True)
    labels = List(Unicode()).tag(sync=True)
    selected = Int(-1).tag(sync=True)
    hovered = Int(-1).tag(sync=True)
    selection = List(Int()).tag(sync=True)
    lines = List().tag(sync=True)
    frames = List(Int()).tag(sync=True)
    caption = Unicode().tag(sync=True)
    height = Int(420).tag(sync=True)
    secondary = Unicode().tag(sync=True)
    focus = List(Int()).tag(sync=True)
    near = List(Int()).tag(sync=True)
    camera = List().tag(sync=True)
    group = Unicode().tag(sync=True)
    ghost = List().tag(sync=True)
    legend = List().tag(sync=True)
    bar = Dict().tag(sync=True)
    _cdn = Unicode(CDN).tag(sync=True)
    _drawn = Dict({"axes": list(AXES), "line": LINE, "missing": FRAMELESS}).tag(sync=True)

    def __init__(self, **traits):
        # In a Box a view without these would have no width.
        layout = Layout(flex="1 1 auto", min_width="240px")
        script = Script.of("3Dmol.js", read_3dmol)
        super().__init__(**{"_script": script, "layout": layout} | traits)

    @classmethod
    def of(cls, trace: Trace, colors: Sequence[str] | None = None, *, coords=None) -> StructureView:
        """Make the view of a traced chain.

        Parameters
        ----------
        trace : Trace
        colors : sequence of str, shape=(L,), optional
            ``#rrggbb`` of each residue; by default the colors of the tokens. Residues without a
            backbone frame are gray.

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

    def show(self, trace: Trace, colors: bytes, coords=None) -> None:
        """Show another chain, in some colors."""
        with self.hold_sync():
            self.colors = colors
            for name, value in _described(trace, coords).items():
                setattr(self, name, value)


def _described(trace: Trace, coords=None) -> dict[str, object]:
    caption = f"{trace.title}\nEncoder: {trace.encoder_info.title}"
    return {"structure": backbone_cif(trace, coords), "labels": hover_of(trace), "caption": caption}


def read_3dmol() -> bytes:
    """Read 3Dmol.js; nothing where the package was installed without it."""
    script = files("esm_explore") / "static" / "3Dmol.es6-min.js"
    return script.read_bytes() if script.is_file() else b""


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
