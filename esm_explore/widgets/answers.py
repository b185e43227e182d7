"""What a tab says of a residue: contents of its panel, and what is drawn around it in 3D."""

from __future__ import annotations

from dataclasses import dataclass, field

from esm_explore.tracing.traces import Trace
from esm_explore.widgets.panel_contents import Contents
from esm_explore.widgets.stage_lines import Space


@dataclass(frozen=True)
class Answer:
    """What is shown of a residue.

    Attributes
    ----------
    contents : Contents
    space : Space
    ghost : list of dict
        As `StructureView` has them, but where the chain's file has it: ``points`` are arrays.
    """

    contents: Contents
    space: Space = field(default_factory=lambda: Space([], [], [], []))
    ghost: list[dict] = field(default_factory=list)


def around(trace: Trace, index: int) -> list[int]:
    """List the nodes of a residue that have a backbone frame: what the camera frames."""
    nodes = trace.edges[index]
    return nodes[trace.has_frame[nodes]].tolist()
