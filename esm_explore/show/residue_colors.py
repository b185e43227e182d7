"""Residues of some chains to colors, by any value that they have."""

from __future__ import annotations

import numpy as np

from esm_explore.annotations import annotate
from esm_explore.codebook import nearest_codes
from esm_explore.errors import TraceError
from esm_explore.palette import (
    FRAMELESS,
    Colors,
    amino_acid_classes,
    category_colors,
    hex_colors,
    number_colors,
    token_colors,
)
from esm_explore.traces import Trace

KEYS = ("token", "margin", "secondary_structure", "burial", "amino_acid")


def residue_values(trace: Trace, key: str) -> np.ndarray:
    """Give a value of each residue.

    Parameters
    ----------
    trace : Trace
    key : str
        One of `KEYS`.

    Returns
    -------
    ndarray, shape=(L,)
        Numbers (NaN where there is none) or words; of amino acids their class.

    Raises
    ------
    TraceError
        If there is no such value.
    """
    if key == "token":
        return trace.tokens
    if key == "margin":
        margin = nearest_codes(trace.codebook, trace.pre_vq, k=2).margin
        return np.where(trace.has_frame, margin, np.nan)
    if key not in KEYS:
        raise TraceError(
            f"There is no color {key!r}; there are {', '.join(KEYS)}, and arrays of "
            f"{len(trace)} values."
        )
    if key == "amino_acid":
        return np.array(amino_acid_classes(trace.chain.sequence))
    return annotate(trace.chain)[key].to_numpy()


def color_values(trace: Trace, values: np.ndarray, *, tokens: bool = False) -> Colors:
    """Color values of a chain's residues; those without a backbone frame are grey.

    Parameters
    ----------
    trace : Trace
        One of those that the values are of: its codebook gives the colors of tokens.
    values : ndarray, shape=(N,)
        Numbers or words.
    tokens : bool
        Whether they are codes.

    Returns
    -------
    Colors
    """
    if tokens:
        return Colors(np.array(hex_colors(token_colors(trace.codebook)))[values].tolist(), [])
    numeric = values.dtype.kind in "iuf"
    return number_colors(values) if numeric else category_colors(values.astype(str).tolist())


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
        One color a residue, chain by chain; grey without a backbone frame.
    legend : list of (str, str)
        Color and meaning.
    """
    if key == "chain":
        values = [np.full(len(t), f"{t.chain.id} {t.chain.chain_id}") for t in traces]
    else:
        values = [residue_values(trace, key) for trace in traces]
    colors = color_values(traces[0], np.concatenate(values), tokens=key == "token")
    return split_by_chain(traces, colors.hex), colors.legend


def split_by_chain(traces: list[Trace], hexes: list[str]) -> list[list[str]]:
    """Cut colors of all residues into chains, and make residues without a frame grey."""
    ends = np.cumsum([len(trace) for trace in traces])[:-1]
    parts = np.split(np.array(hexes, dtype=object), ends)
    return [
        np.where(trace.has_frame, part, FRAMELESS).tolist()
        for trace, part in zip(traces, parts, strict=True)
    ]
