"""The 3D structure, colored by token."""

from __future__ import annotations

import io
import json
from html import escape

import numpy as np
import py3Dmol
from biotite.structure import AtomArray
from biotite.structure.io.pdbx import CIFFile, set_structure

from esm_explore.palette import FRAMELESS, hex_colors, token_colors
from esm_explore.show.script import load_3dmol
from esm_explore.traces import Trace

_BACKBONE = {"N": 0, "CA": 1, "C": 2, "O": 4}
_HOVER = """function(atom, viewer) {
  if (!atom.label) atom.label = viewer.addLabel(%s[atom.resi - 1],
    {position: atom, fontSize: 12, backgroundColor: "black", backgroundOpacity: 0.75});
}"""
_UNHOVER = """function(atom, viewer) {
  if (atom.label) { viewer.removeLabel(atom.label); delete atom.label; }
}"""


class StructureView:
    """A chain as a cartoon; Jupyter shows it, ``print`` says what is on it.

    Attributes
    ----------
    viewer : py3Dmol.view
        To change or add to the picture before it is shown. In it residues are numbered from 1 in
        the order of the chain; hovering shows their numbers in the file.
    """

    def __init__(self, viewer: py3Dmol.view, lines: list[str]):
        self.viewer = viewer
        self._lines = lines

    def __repr__(self) -> str:
        return "\n".join(self._lines)

    def _repr_html_(self) -> str:
        script, note = load_3dmol()
        caption = "<br>".join(escape(line) for line in [*self._lines, *note])
        return (
            f"{script}{self.viewer.write_html()}"
            f'<p style="font-size: 85%; margin: 4px 0">{caption}</p>'
        )


def view(trace: Trace) -> StructureView:
    """Show a traced chain in 3D, colored by token.

    Codes that are near in the codebook have near colors, the same in every picture of the
    encoder. Residues without a backbone frame are grey: their token says nothing. Hover over a
    residue to read its number, name and token.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    StructureView
    """
    colors = np.array(hex_colors(token_colors(trace.codebook)))[trace.tokens]
    colors = np.where(trace.has_frame, colors, FRAMELESS)
    table = trace.to_frame()
    hover = [
        f"{name} {label}, " + (f"token {token}" if framed else "no backbone frame")
        for label, name, token, framed in zip(
            trace.labels, table["name"], trace.tokens, trace.has_frame, strict=True
        )
    ]
    viewer = py3Dmol.view(width=640, height=420)
    viewer.addModel(_backbone_cif(trace), "cif")
    scheme = {"prop": "resi", "map": dict(enumerate(colors.tolist(), start=1))}
    viewer.setStyle({"cartoon": {"colorscheme": scheme}})
    viewer.setHoverable({}, True, _HOVER % json.dumps(hover), _UNHOVER)
    viewer.zoomTo()
    return StructureView(viewer, _lines(trace))


def _lines(trace: Trace) -> list[str]:
    framed = trace.tokens[trace.has_frame]
    lines = [
        f"{trace.title}, colored by token ({len(np.unique(framed))} different)",
        f"Encoder: {trace.encoder_info.title}",
    ]
    if len(framed) < len(trace):
        lines.append(f"Grey: {len(trace) - len(framed)} residues without a backbone frame")
    return lines


def _backbone_cif(trace: Trace) -> str:
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
