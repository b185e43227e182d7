"""Static 3D structures: a chain colored by any value, and one residue's neighbourhood."""

from __future__ import annotations

import io
import json
from html import escape

import numpy as np
import py3Dmol
from biotite.structure import AtomArray
from biotite.structure.io.pdbx import CIFFile, set_structure

from esm_explore.errors import TraceError
from esm_explore.palette import FRAMELESS, Colors
from esm_explore.show.picture import hover_of
from esm_explore.show.residue_colors import color_values, residue_values
from esm_explore.show.script import load_3dmol
from esm_explore.traces import Trace

AXES = ("#d62728", "#2ca02c", "#1f77b4")
LINE = "#e69f00"
_BACKBONE = {"N": 0, "CA": 1, "C": 2, "O": 4}
_HOVER = """function(atom, viewer) {
  if (!atom.label) atom.label = viewer.addLabel(%s[atom.resi - 1],
    {position: atom, fontSize: 12, backgroundColor: "black", backgroundOpacity: 0.75});
}"""
_UNHOVER = """function(atom, viewer) {
  if (atom.label) { viewer.removeLabel(atom.label); delete atom.label; }
}"""

# The picture covers it; what cannot be drawn is then no white box, also in saved HTML.
_UNDER = """<p aria-hidden="true"
style="position: absolute; max-width: 24em; padding: 1em; font-size: 85%">
Here is a 3D picture. If you can read this, it is still being loaded, or this browser has no WebGL,
or 3Dmol.js could not be loaded.</p>"""


class StructurePicture:
    """A structure in 3D; Jupyter shows it, ``print`` says what is on it.

    Attributes
    ----------
    viewer : py3Dmol.view
        To change or add to the picture before it is shown. In it residues are numbered from 1 in
        the order of the chain; hovering shows their numbers in the file.
    """

    def __init__(
        self, viewer: py3Dmol.view, lines: list[str], legend: list[tuple[str, str]] | None = None
    ):
        self.viewer = viewer
        self._lines = lines
        self._legend = legend or []

    def __repr__(self) -> str:
        return "\n".join(self._lines)

    def _repr_html_(self) -> str:
        script, note = load_3dmol()
        swatches = "".join(
            f'<span style="display: inline-block; margin-right: 1em"><span style="display: '
            f'inline-block; width: 0.8em; height: 0.8em; background: {color}"></span> '
            f"{escape(meaning)}</span>"
            for color, meaning in self._legend
        )
        caption = "<br>".join([*map(escape, self._lines), *([swatches] if swatches else []), *note])
        return (
            f'{script}<div style="position: relative">{_UNDER}{self.viewer.write_html()}</div>'
            f'<p style="font-size: 85%; margin: 4px 0">{caption}</p>'
        )


def view(
    trace: Trace, color: str | np.ndarray = "token", *, label: str = "values"
) -> StructurePicture:
    """Show a traced chain in 3D, colored by token or by any other value of its residues.

    Codes that are near in the codebook have near colors, the same in every picture of the
    encoder. Residues without a backbone frame are grey: their token says nothing. Hover over a
    residue to read its number, name and token.

    Parameters
    ----------
    trace : Trace
    color : str or ndarray, shape=(L,)
        ``"token"``, ``"margin"`` (how clear the choice of the code was), ``"secondary_structure"``,
        ``"burial"``, ``"amino_acid"``; or values of your own, numbers or words.
    label : str
        What your own values are, for the caption.

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If there is no such color, or not one value a residue.
    """
    name, colors = _colors(trace, color, label)
    shown = np.where(trace.has_frame, colors.hex, FRAMELESS).tolist()
    viewer = _cartoon(trace, {"cartoon": {"colorscheme": _scheme(shown)}})
    viewer.zoomTo()
    lines = [f"{trace.title}, colored by {name}", f"Encoder: {trace.encoder_info.title}"]
    frameless = len(trace) - int(trace.has_frame.sum())
    if frameless:
        lines.append(f"Grey: {frameless} residues without a backbone frame")
    return StructurePicture(viewer, lines, colors.legend)


def view_neighborhood(
    trace: Trace, residue: int | str, block: int | None = None, head: int | None = None
) -> StructurePicture:
    """Show one residue's 16 nodes: their frames as axes, and lines to those it attends to.

    Parameters
    ----------
    trace : Trace
    residue : int or str
        As in `Trace.index_of`.
    block : int, optional
        Make lines as thick as the residue's attention in this block; without it all are alike.
    head : int, optional
        Of one head; without it the average of all.

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If there is no such residue, block or head.
    """
    index = trace.index_of(residue)
    nodes = trace.edges[index]
    weights = np.full(len(nodes), 0.3)
    what = "its nodes"
    if block is not None:
        attention = trace.neighborhood(index).attention
        blocks, heads = attention.shape[:2]
        if not 0 <= block < blocks or not 0 <= (head or 0) < heads:
            raise TraceError(
                f"Block {block}, head {head} is not there: blocks are 0 to {blocks - 1}, heads 0 "
                f"to {heads - 1}."
            )
        rows = attention[block, :, 0]
        weights = rows.mean(0) if head is None else rows[head]
        what = f"attention in block {block}, {'all heads' if head is None else f'head {head}'}"
    viewer = _cartoon(trace, {"cartoon": {"color": "#dddddd", "opacity": 0.5}})
    thickness = (weights / (1 if block is None else max(weights.max(), 1e-9))).tolist()
    for node, thick in zip(nodes.tolist(), thickness, strict=True):
        if trace.has_frame[node]:
            _draw_node(viewer, trace, index, node, thick)
    viewer.zoomTo({"resi": [int(node) + 1 for node in nodes]})
    lines = [
        f"{trace.title}: residue {trace.labels[index]} and {what}",
        f"Encoder: {trace.encoder_info.title}",
    ]
    axes = [(color, f"{name} of a backbone frame") for color, name in zip(AXES, "xyz", strict=True)]
    seen = "from the residue to its nodes" if block is None else "attention, by thickness"
    return StructurePicture(viewer, lines, [*axes, (LINE, seen)])


def _draw_node(viewer: py3Dmol.view, trace: Trace, query: int, node: int, weight: float) -> None:
    """Draw a node's frame, and a line from the query as thick as `weight` (0 to 1)."""
    n, ca, c = trace.chain.atom37_positions[node, :3].astype(float)
    x = (ca - c) / np.linalg.norm(ca - c)
    y = n - ca - ((n - ca) @ x) * x
    y /= np.linalg.norm(y)
    for axis, color in zip((x, y, np.cross(x, y)), AXES, strict=True):
        viewer.addCylinder(
            {"start": point(ca), "end": point(ca + 1.2 * axis), "radius": 0.08, "color": color}
        )
    label = {"position": point(ca), "fontSize": 11, "backgroundOpacity": 0.55}
    viewer.addLabel(trace.labels[node], label)
    if node != query:
        start = trace.chain.atom37_positions[query, 1].astype(float)
        line = {"start": point(start), "end": point(ca), "color": LINE}
        viewer.addCylinder({**line, "radius": 0.04 + 0.3 * weight})


def _colors(trace: Trace, color: str | np.ndarray, label: str) -> tuple[str, Colors]:
    if isinstance(color, str):
        values, label = residue_values(trace, color), color.replace("_", " ")
        if color == "token":
            label = f"token ({len(np.unique(trace.tokens[trace.has_frame]))} different)"
    else:
        values = np.asarray(color)
        if values.shape != (len(trace),):
            raise TraceError(f"Values have shape {values.shape}; one a residue is ({len(trace)},).")
    tokens = isinstance(color, str) and color == "token"
    return label, color_values(trace, values, tokens=tokens)


def _cartoon(trace: Trace, style: dict) -> py3Dmol.view:
    viewer = py3Dmol.view(width=640, height=420)
    viewer.addModel(backbone_cif(trace), "cif")
    viewer.setStyle(style)
    viewer.setHoverable({}, True, _HOVER % json.dumps(hover_of(trace)), _UNHOVER)
    return viewer


def _scheme(colors: list[str]) -> dict:
    return {"prop": "resi", "map": dict(enumerate(colors, start=1))}


def point(position: np.ndarray) -> dict[str, float]:
    """Write a place, shape=(3,), as 3Dmol.js has it."""
    return dict(zip("xyz", position.tolist(), strict=True))


def backbone_cif(trace: Trace) -> str:
    """Write N, CA, C and O with residues numbered from 1: 3Dmol.js knows no insertion codes."""
    positions = trace.chain.atom37_positions
    names, slots = list(_BACKBONE), list(_BACKBONE.values())
    present = trace.chain.atom37_mask[:, slots] & np.isfinite(positions[:, slots]).all(-1)
    residue, slot = np.nonzero(present)
    atoms = AtomArray(len(residue))
    atoms.coord = positions[:, slots][present]
    atoms.chain_id[:] = "A"
    atoms.res_id = residue + 1
    atoms.res_name = trace.to_frame()["name"].to_numpy(dtype=str)[residue]
    atoms.atom_name = np.array(names)[slot]
    atoms.element = np.array([name[0] for name in names])[slot]
    file = CIFFile()
    set_structure(file, atoms)
    text = io.StringIO()
    file.write(text)
    return text.getvalue()
