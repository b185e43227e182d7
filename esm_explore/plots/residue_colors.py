"""Residues of some chains to colors, by any value that they have."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from esm_explore.analysis.annotations import residue_values
from esm_explore.palette import FRAMELESS, colors_of, hex_colors, token_colors
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


def color_together(traces: list[Trace], key: str) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Color the residues of several chains on one scale.

    Parameters
    ----------
    traces : list of Trace
        All of one encoder.
    key : str
        One of `KEYS`, or "chain".

    Returns
    -------
    hexes : list of list of str
        One color a residue, chain by chain; gray without a backbone frame.
    legend : list of (str, str)
        Color and meaning.
    """
    if key == "chain":
        values = [np.full(len(t), f"{t.chain.id} {t.chain.chain_id}") for t in traces]
    else:
        values = [values_to_color(trace, key) for trace in traces]
    colors = colors_of(np.concatenate(values))
    return split_by_chain(traces, colors.hex), colors.legend


def split_by_chain(traces: list[Trace], hexes: list[str]) -> list[list[str]]:
    """Cut colors of all residues into chains, and make residues without a frame gray."""
    ends = np.cumsum([len(trace) for trace in traces])[:-1]
    parts = np.split(np.array(hexes, dtype=object), ends)
    return [
        np.where(trace.has_frame, part, FRAMELESS).tolist()
        for trace, part in zip(traces, parts, strict=True)
    ]


def color_by_stage(traces: list[Trace], stage: Stage) -> list[list[str]]:
    """Color residues by what they are at a stage: alike there, alike in color.

    Parameters
    ----------
    traces : list of Trace
    stage : Stage

    Returns
    -------
    list of list of str
        One color a residue, chain by chain; gray without a backbone frame. At the last stage it
        is the tokens' own color, as everywhere.
    """
    return split_by_chain(traces, hex_colors(_colors_at(stage, traces)))


@singledispatch
def _colors_at(stage: Stage, traces: list[Trace]) -> np.ndarray:
    """Give each residue a color, shape=(N, 3), dtype=uint8; black without a backbone frame."""
    return _alike([trace.states(stage) for trace in traces], traces)


@_colors_at.register
def _(stage: Neighbors, traces: list[Trace]) -> np.ndarray:
    # Where a chain is in space says nothing of another.
    states = [trace.states(stage) for trace in traces]
    return _alike([s - s[t.has_frame].mean(0) for s, t in zip(states, traces, strict=True)], traces)


@_colors_at.register
def _(_stage: Codebook, traces: list[Trace]) -> np.ndarray:
    return np.concatenate([values_to_color(trace, "token") for trace in traces])


def _alike(states: list[np.ndarray], traces: list[Trace]) -> np.ndarray:
    framed = np.concatenate([trace.has_frame for trace in traces])
    colors = np.zeros((len(framed), 3), np.uint8)
    colors[framed] = token_colors(np.concatenate(states)[framed])
    return colors
