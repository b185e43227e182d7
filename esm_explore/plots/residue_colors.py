"""Residues of some chains to colors, by any value that they have."""

from __future__ import annotations

from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from esm_explore.analysis.annotations import METHOD, residue_values
from esm_explore.arguments import array_of
from esm_explore.errors import TraceError
from esm_explore.experiments.comparing import superposed_on
from esm_explore.palette import FRAMELESS, Colors, colors_of, hex_colors, token_colors
from esm_explore.tracing.stages import Codebook, Neighbors, Stage
from esm_explore.tracing.traces import Trace


def values_to_color(trace: Trace, key: str) -> np.ndarray:
    """Give what `colors_of` takes: a value of each residue, or the colors of their tokens.

    Parameters
    ----------
    trace : Trace
    key : str
        One of `KEYS`.

    Returns
    -------
    ndarray, shape=(L,) or (L, 3)
    """
    values = residue_values(trace, key)
    return token_colors(trace.codebook)[values] if key == "token" else values


def given_colors(
    trace: Trace, color: str | np.ndarray, label: str
) -> tuple[np.ndarray, str, Colors]:
    """Color residues by what a user gave: the name of a value, or values of their own.

    Parameters
    ----------
    trace : Trace
    color : str or ndarray, shape=(L,)
        One of `KEYS`, or numbers or words.
    label : str
        What a user's own values are.

    Returns
    -------
    values : ndarray, shape=(L,) or (L, 3)
        As `values_to_color` gives them.
    name : str
        What they are, for a caption.
    colors : Colors

    Raises
    ------
    TraceError
        If there is no such color, or not one value a residue.
    """
    if isinstance(color, str):
        values, name = values_to_color(trace, color), color.replace("_", " ")
        if color == "secondary_structure":
            name = f"{name} ({METHOD})"
        if color == "token":
            name = f"token ({len(np.unique(trace.tokens[trace.has_frame]))} different)"
    else:
        right = "the name of a color, such as 'token', or an array of a value a residue"
        values, name = array_of(color, "color", right, ndim=1, kinds="iufbUO"), label
        if values.shape != (len(trace),):
            raise TraceError(f"Values have shape {values.shape}; one a residue is ({len(trace)},).")
    return values, name, colors_of(values, root=isinstance(color, str) and color == "margin")


@dataclass(frozen=True)
class ResidueColors:
    """Colors of the residues of some chains, and what they mean.

    Attributes
    ----------
    hexes : list of list of str
        ``#rrggbb`` of each residue, chain by chain; gray without a backbone frame.
    legend : list of [str, str]
        Color and meaning.
    bar : dict
        A color bar, as `Colors` has it; then there is no other legend but that of the gray.
    """

    hexes: list[list[str]]
    legend: list[list[str]]
    bar: dict


def color_together(traces: list[Trace], key: str) -> ResidueColors:
    """Color the residues of several chains on one scale.

    Parameters
    ----------
    traces : list of Trace
        All of one encoder.
    key : str
        One of `KEYS`, or "chain".

    Returns
    -------
    ResidueColors
    """
    if key == "chain":
        values = [_chain_names(trace) for trace in traces]
    else:
        values = [values_to_color(trace, key) for trace in traces]
    colors = colors_of(np.concatenate(values), root=key == "margin")
    legend = [] if colors.bar else [list(entry) for entry in colors.legend]
    if key == "secondary_structure":
        legend.append(["", METHOD])
    bar = colors.bar
    if bar:
        bar = bar | {"title": ", ".join(filter(None, [key.replace("_", " "), bar["title"]]))}
    elif not legend:
        legend = [["", "near in the codebook, near in color"]]
    return _colored(traces, colors.hex, legend, bar)


def _chain_names(trace: Trace) -> np.ndarray:
    names = np.full(len(trace), trace.short_title, dtype=object)
    for name, rows in trace.parts:
        # The row behind a chain has no color of its own.
        names[rows.start : rows.stop + 1] = f"{trace.short_title} {name}"
    return names.astype(str)


def _colored(
    traces: list[Trace], hexes: list[str], legend: list[list[str]], bar: dict
) -> ResidueColors:
    """Cut colors of all residues into chains, and make residues without a frame gray."""
    ends = np.cumsum([len(trace) for trace in traces])[:-1]
    parts = np.split(np.array(hexes, dtype=object), ends)
    grayed = [
        np.where(trace.has_frame, part, FRAMELESS).tolist()
        for trace, part in zip(traces, parts, strict=True)
    ]
    if not all((trace.has_frame | trace.breaks).all() for trace in traces):
        legend = [*legend, [FRAMELESS, "no backbone frame"]]
    return ResidueColors(grayed, legend, bar)


def color_by_stage(traces: list[Trace], stage: Stage) -> ResidueColors:
    """Color residues by what they are at a stage: alike there, alike in color.

    Parameters
    ----------
    traces : list of Trace
    stage : Stage

    Returns
    -------
    ResidueColors
        At the last stage it is the tokens' own color, as everywhere.
    """
    said = [["", "alike here, alike in color"]]
    return _colored(traces, hex_colors(_colors_at(stage, traces)), said, {})


@singledispatch
def _colors_at(stage: Stage, traces: list[Trace]) -> np.ndarray:
    """Give each residue a color, shape=(N, 3), dtype=uint8; black without a backbone frame."""
    return _alike([trace.states(stage) for trace in traces], traces)


@_colors_at.register
def _(stage: Neighbors, traces: list[Trace]) -> np.ndarray:
    # Where a chain is in space says nothing of another; if it can be, it is laid on the first.
    places = [trace.chain.atom37_positions[:, 1] for trace in traces]
    for i, other in enumerate(traces[1:], start=1):
        laid = superposed_on(traces[0], other)
        centers = [places[n][traces[n].has_frame].mean(0) for n in (0, i)]
        places[i] = places[i] - centers[1] + centers[0] if laid is None else laid[:, 1]
    return _alike(places, traces)


@_colors_at.register
def _(_stage: Codebook, traces: list[Trace]) -> np.ndarray:
    return np.concatenate([values_to_color(trace, "token") for trace in traces])


def _alike(states: list[np.ndarray], traces: list[Trace]) -> np.ndarray:
    framed = np.concatenate([trace.has_frame for trace in traces])
    colors = np.zeros((len(framed), 3), np.uint8)
    colors[framed] = token_colors(np.concatenate(states)[framed])
    return colors
