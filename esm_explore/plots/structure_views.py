"""Static 3D structures: a chain colored by any value, a neighborhood, and one token's."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import py3Dmol

from esm_explore.analysis.annotations import secondary_letters
from esm_explore.analysis.heads import LOCAL
from esm_explore.arguments import check_kind
from esm_explore.errors import TraceError
from esm_explore.experiments.alike import SameToken
from esm_explore.palette import CATEGORIES, FRAMELESS
from esm_explore.plots.attention import check_head
from esm_explore.plots.picture import hover_of
from esm_explore.plots.residue_colors import given_colors
from esm_explore.plots.still import AXES, LINE, ChainStill, frame_axes, frame_lines
from esm_explore.plots.structure import (
    StructurePicture,
    backbone_cif,
    new_viewer,
    point,
)
from esm_explore.plots.structure_scripts import ribbon_script
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.traces import Trace

_OTHER = "#888888"
_HOVER = """function(atom, viewer) {
  if (!atom.label) atom.label = viewer.addLabel(%s[atom.resi - 1],
    {position: atom, fontSize: 12, backgroundColor: "black", backgroundOpacity: 0.75});
}"""
_UNHOVER = """function(atom, viewer) {
  if (atom.label) { viewer.removeLabel(atom.label); delete atom.label; }
}"""


def view(
    trace: Trace, color: str | np.ndarray = "token", *, label: str = "values"
) -> StructurePicture:
    """Show a traced chain in 3D, colored by token or by any other value of its residues.

    Codes that are near in the codebook have near colors, the same in every picture of the
    encoder. Residues without a backbone frame are gray: their token says nothing. Hover over a
    residue to read its number, name and token. Helices and strands are drawn as `annotate` assigns
    them, by P-SEA from CA atoms. Click the picture, and the wheel zooms it.

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
        If it is no trace, there is no such color, or not one value a residue.
    """
    check_trace(trace, "view")
    check_kind(label, str, "label", "a text")
    _, name, colors = given_colors(trace, color, label)
    shown = np.where(trace.has_frame, colors.hex, FRAMELESS).tolist()
    viewer = cartoon_viewer(trace, {"cartoon": {"colorscheme": scheme(shown)}})
    viewer.zoomTo()
    lines = [f"{trace.title}, colored by {name}", f"Encoder: {trace.encoder_info.title}"]
    frameless = int((~trace.has_frame & ~trace.breaks).sum())
    if frameless:
        lines.append(f"Gray: {frameless} residues without a backbone frame")
    return StructurePicture(viewer, still_of(trace, shown), lines, colors.legend, colors.bar)


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
        If it is no trace, or there is no such residue, block or head.
    """
    check_trace(trace, "view_neighborhood")
    if head is not None and block is None:
        raise TraceError(f"Head {head!r} is of a block, and there is none: give block, too.")
    index = trace.index_of(residue)
    nodes = trace.edges[index]
    weights = np.full(len(nodes), 0.3)
    what = "its nodes"
    if block is not None:
        opened = trace.neighborhood(index)
        check_head(opened, block, head)
        rows = opened.attention[block, :, 0]
        weights = rows.mean(0) if head is None else rows[head]
        what = f"attention in block {block}, {'all heads' if head is None else f'head {head}'}"
    viewer = cartoon_viewer(trace, {"cartoon": {"color": "#dddddd", "opacity": 0.5}})
    thickness = (weights / (1 if block is None else max(weights.max(), 1e-9))).tolist()
    framed = [node for node in nodes.tolist() if trace.has_frame[node]]
    drawn = dict(zip(nodes.tolist(), thickness, strict=True))
    for node in framed:
        _draw_node(viewer, trace, index, node, drawn[node])
    atoms = trace.chain.atom37_positions[framed, :3].astype(float)
    still = still_of(
        trace,
        ["#dddddd"] * len(trace),
        selected=index,
        lines=[(index, node, drawn[node]) for node in framed if node != index],
        focus=framed,
        named=framed,
        ghost=[axis for frame in atoms for axis in frame_lines(frame, 1.2)],
    )
    viewer.zoomTo({"resi": [int(node) + 1 for node in nodes]})
    lines = [
        f"{trace.title}: residue {trace.labels[index]} and {what}",
        f"Encoder: {trace.encoder_info.title}",
    ]
    axes = [(color, f"{name} of a backbone frame") for color, name in zip(AXES, "xyz", strict=True)]
    seen = "from the residue to its nodes" if block is None else "attention, by thickness"
    return StructurePicture(viewer, still, lines, [*axes, (LINE, seen)])


def _draw_node(viewer: py3Dmol.view, trace: Trace, query: int, node: int, weight: float) -> None:
    """Draw a node's frame, and a line from the query as thick as `weight` (0 to 1)."""
    atoms = trace.chain.atom37_positions[node, :3].astype(float)
    ca = atoms[1]
    for axis, color in zip(frame_axes(atoms), AXES, strict=True):
        viewer.addCylinder(
            {"start": point(ca), "end": point(ca + 1.2 * axis), "radius": 0.08, "color": color}
        )
    label = {"position": point(ca), "fontSize": 11, "backgroundOpacity": 0.55}
    viewer.addLabel(trace.labels[node], label)
    if node != query:
        start = trace.chain.atom37_positions[query, 1].astype(float)
        line = {"start": point(start), "end": point(ca), "color": LINE}
        viewer.addCylinder({**line, "radius": 0.04 + 0.3 * weight})


def cartoon_viewer(trace: Trace, style: dict) -> py3Dmol.view:
    """Make a viewer of a chain's ribbon, in a style of 3Dmol.js, that says who is hovered over."""
    viewer = new_viewer()
    viewer.addModel(backbone_cif(trace), "cif")
    viewer.startjs += ribbon_script(secondary_letters(trace))
    viewer.setStyle(style)
    viewer.setHoverable({}, True, _HOVER % json.dumps(hover_of(trace)), _UNHOVER)
    return viewer


def still_of(trace: Trace, hexes: list[str], **marks: Any) -> ChainStill:
    """Say how a chain is drawn without a browser: colors, and marks as `ChainStill` has them."""
    ca = trace.chain.atom37_positions[:, 1].astype(float)
    ca = np.where(trace.chain.atom37_mask[:, 1, None], ca, np.nan)
    return ChainStill(ca, hexes, secondary_letters(trace), trace.labels, **marks)


def laid_on(
    trace: Trace, hexes: list[str], other: Trace, atoms: np.ndarray
) -> tuple[py3Dmol.view, ChainStill]:
    """Show a chain in colors, and another one laid on it, with atoms at these places, in gray."""
    viewer = cartoon_viewer(trace, {"cartoon": {"colorscheme": scheme(hexes)}})
    viewer.addModel(backbone_cif(other, atoms), "cif")
    viewer.setStyle({"model": 1}, {"cartoon": {"color": _OTHER, "opacity": 0.6}})
    viewer.zoomTo()
    ca = atoms[:, 1].astype(float)
    ghost = [{"points": ca[np.isfinite(ca).all(1)], "color": _OTHER, "radius": 0.1}]
    return viewer, still_of(trace, hexes, ghost=ghost)


def scheme(colors: list[str]) -> dict:
    """Give residues colors, ``#rrggbb`` each, in a style of 3Dmol.js."""
    return {"prop": "resi", "map": dict(enumerate(colors, start=1))}


MOST = 30


def view_same_token(alike: SameToken) -> StructurePicture:
    """Show neighborhoods with the same token, superposed by the backbone frame of their query.

    Neighbors up to 4 along the chain are joined to a line; the others are balls. At most 30
    neighborhoods are drawn, evenly chosen; the caption says of how many.

    Parameters
    ----------
    alike : SameToken

    Returns
    -------
    StructurePicture

    Raises
    ------
    TraceError
        If it is not what `same_token` gives.
    """
    check_kind(
        alike, SameToken, "alike", "a SameToken, from ex.experiments.same_token(traces, token)"
    )
    shown = np.unique(np.linspace(0, len(alike) - 1, min(MOST, len(alike))).round().astype(int))
    viewer = new_viewer()
    middle, along, across = CATEGORIES[-1], CATEGORIES[0], CATEGORIES[1]
    viewer.addSphere({"center": {"x": 0, "y": 0, "z": 0}, "radius": 0.5, "color": middle})
    ghost = [{"points": np.zeros((1, 3)), "color": middle, "radius": 0.25}]
    for row in shown:
        ghost += draw_neighborhood(viewer, alike.ca[row], alike.relative_positions[row])
    viewer.zoomTo()
    lines = [
        f"Token {alike.token}: {len(shown)} of {len(alike)} neighborhoods, superposed",
        f"Encoder: {alike.encoder_info.title}",
    ]
    legend = [(middle, "the residue"), (along, "up to 4 along the chain"), (across, "others")]
    return StructurePicture(viewer, ChainStill(np.zeros((0, 3)), [], ghost=ghost), lines, legend)


def draw_neighborhood(viewer: py3Dmol.view, ca: np.ndarray, relative: np.ndarray) -> list[dict]:
    """Add a neighborhood; give its lines and balls for a picture without a browser."""
    known, drawn = np.isfinite(ca).all(1), []
    near = known & (np.abs(relative) <= LOCAL)
    order = np.flatnonzero(near)[np.argsort(relative[near])]
    for a, b in pairwise(order):
        if relative[b] - relative[a] == 1:
            ends = {"start": point(ca[a]), "end": point(ca[b])}
            viewer.addCylinder({**ends, "radius": 0.12, "color": CATEGORIES[0]})
            drawn.append({"points": ca[[a, b]], "color": CATEGORIES[0], "radius": 0.06})
    for place in ca[known & ~near]:
        ball = {"center": point(place), "radius": 0.35, "color": CATEGORIES[1], "opacity": 0.7}
        viewer.addSphere(ball)
        drawn.append({"points": place[None], "color": CATEGORIES[1]})
    return drawn
