"""What a stage draws around a residue in 3D: lines to its nodes, frames, and what they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from esm_explore.plots.still import ACROSS, LINE
from esm_explore.tracing.neighborhood import Neighborhood
from esm_explore.tracing.stages import Attention, Neighbors, RelativePosition, Stage


@dataclass(frozen=True)
class Space:
    """What is drawn around a residue; residues are indices, as `StructureView` has them.

    Attributes
    ----------
    lines : list of (int, int, float) or (int, int, float, str)
        From the residue to a node, with the thickness from 0 to 1; to another chain with a color.
    frames : list of int
        Nodes whose backbone frame is drawn.
    near : list of int
        All nodes with a backbone frame: what the camera frames.
    said : list of (str, str)
        Colors and meanings of the lines.
    """

    lines: list[list]
    frames: list[int]
    near: list[int]
    said: list[list[str]]


def drawn_around(stage: Stage, opened: Neighborhood, head: int | None) -> Space:
    """Say what a stage draws around a residue, in a head or (None) on average."""
    weights, frames, said = _drawn(stage, opened, head)
    nodes = opened.edges.tolist()
    lines = [
        [nodes[0], node, float(min(weight, 1)), *([ACROSS] if other else [])]
        for node, weight, framed, other in zip(
            nodes, weights, opened.has_frame, opened.foreign, strict=True
        )
        if node != nodes[0] and framed and weight > 0
    ]
    near = opened.edges[opened.has_frame].tolist()
    legend = [[LINE, said]] if said else []
    if any(len(line) > 3 for line in lines):
        legend.append([ACROSS, "to another chain"])
    return Space(lines, near if frames else [], near, legend)


@singledispatch
def _drawn(stage: Stage, opened: Neighborhood, head: int | None) -> tuple[np.ndarray, bool, str]:
    """Give the thickness of the line to each node, whether frames are drawn, and what it is."""
    return np.zeros(len(opened)), False, ""


@_drawn.register
def _(stage: Neighbors, opened: Neighborhood, _head: object) -> tuple[np.ndarray, bool, str]:
    return np.full(len(opened), 0.3), True, "a node, with its backbone frame"


@_drawn.register
def _(stage: RelativePosition, opened: Neighborhood, _head: object) -> tuple[np.ndarray, bool, str]:
    return np.full(len(opened), 0.3), False, "a node"


@_drawn.register
def _(stage: Attention, opened: Neighborhood, head: int | None) -> tuple[np.ndarray, bool, str]:
    rows = opened.attention[stage.block, :, 0]
    weights = rows.mean(0) if head is None else rows[head]
    strongest = float(weights[1:].max(initial=0))
    said = f"attention to others; the thickest line is {strongest:.0%}"
    return weights / max(strongest, 1e-9), True, said
