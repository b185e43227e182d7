"""Residues by what they are: a token, a kind, a comparison; or what there is instead."""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable

import numpy as np

from esm_explore.analysis.annotations import CLASSES, STRUCTURES, residue_values
from esm_explore.errors import TraceError
from esm_explore.tracing.traces import Trace

_FRAMELESS = "frameless"
_KINDS = dict.fromkeys(word for word in STRUCTURES.values() if word != "unknown")
WORDS = [*_KINDS, *dict.fromkeys(CLASSES.values()), _FRAMELESS]
LISTED = 8  # how many alternatives a message names
_SIGNS = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}


def with_token(trace: Trace, token: int) -> list[int]:
    """Find the residues with a token; else name tokens near to it that there are."""
    if token >= len(trace.codebook):
        raise TraceError(f"There is no token {token}; there are 0 to {len(trace.codebook) - 1}.")
    found = np.flatnonzero((trace.tokens == token) & trace.has_frame)
    if not len(found):
        there = np.unique(trace.tokens[trace.has_frame])
        apart = np.square(trace.codebook[there] - trace.codebook[token]).sum(axis=1)
        near = there[np.argsort(apart, kind="stable")][:LISTED].tolist()
        raise TraceError(
            f"No residue of {trace.title} has token {token}; of its {len(there)} tokens the "
            f"nearest are {', '.join(map(str, near))}."
        )
    return found.tolist()


def of_kind(trace: Trace, word: str) -> list[int]:
    """Find the residues that are what one of `WORDS` says; else say what they are."""
    if word == _FRAMELESS:
        found = np.flatnonzero(~trace.has_frame & ~trace.breaks)
        there = "all of them have a backbone frame"
    else:
        values = residue_values(trace, "secondary_structure" if word in _KINDS else "amino_acid")
        found = np.flatnonzero(values == word)
        kinds = Counter(value for value in values if value in WORDS).most_common()
        there = "they are " + ", ".join(f"{kind} ({n})" for kind, n in kinds)
    if not len(found):
        raise TraceError(f"No residue of {trace.title} is {word}; {there}.")
    return found.tolist()


def compared(trace: Trace, key: str, sign: str, limit: float) -> list[int]:
    """Find the residues whose margin or burial is so; else say from where to where they are."""
    values = residue_values(trace, key)
    compare: Callable = _SIGNS[sign]
    found = np.flatnonzero(np.isfinite(values) & compare(values, limit))
    if not np.isfinite(values).any():
        raise TraceError(f"No residue of {trace.title} has a {key}.")
    if not len(found):
        low, high = np.nanmin(values), np.nanmax(values)
        raise TraceError(
            f"No residue of {trace.title} has {key} {sign} {limit:g}; they are {low:.3g} to "
            f"{high:.3g}."
        )
    return found.tolist()
