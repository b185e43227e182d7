"""What only the encoder can say: constant codes, near-ties, and what numbering changes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from esm_explore.chains.residues import NUMBERINGS
from esm_explore.errors import TraceError, heard
from esm_explore.findings import Finding
from esm_explore.tracing.traces import Trace

# Of the usual distance to a code. On the bundled chains, most tokens that a move of 0.01 Å turns
# over (other than by another neighbor) have smaller margins.
_NEAR = 2e-3


def token_findings(trace: Trace, retrace: Callable[[str], Trace] | None) -> list[Finding]:
    """Find tokens that say nothing, could as well be others, or depend on a choice.

    Parameters
    ----------
    trace : Trace
    retrace : callable, optional
        Traces the same chain with another numbering; without it that is not compared.

    Returns
    -------
    list of Finding
    """
    return [*_one_token(trace), *_frameless(trace), *_numbering(trace, retrace), *_ties(trace)]


def _one_token(trace: Trace) -> list[Finding]:
    distinct = np.unique(trace.tokens[trace.has_frame])
    if len(distinct) > 1 or trace.has_frame.sum() < 2:
        return []
    return [
        Finding(
            "error",
            f"all residues have the token {distinct[0]}",
            (),
            "The encoder tells nothing apart: damaged weights do that.",
            "Load the encoder again, and compare on a bundled example.",
        )
    ]


def _frameless(trace: Trace) -> list[Finding]:
    frameless = ~trace.has_frame & ~trace.breaks
    if not frameless.any():
        return []
    code = trace.tokens[frameless][0]
    seen = int((trace.tokens[trace.has_frame] == code).sum())
    return Finding.at(
        frameless,
        trace.labels,
        "warning",
        f"no backbone frame, so that the token is the constant code {code}: "
        f"{frameless.sum()} of {frameless.sum() + trace.has_frame.sum()} residues",
        f"It is the code of an empty state and says nothing ({seen} residues with a frame "
        "have it, too); other residues' neighborhoods lack them.",
        "Leave them out of every statistic (has_frame); model the missing atoms if you can.",
    )


def _numbering(trace: Trace, retrace: Callable[[str], Trace] | None) -> list[Finding]:
    other = next(name for name in NUMBERINGS if name != trace.numbering)
    numbers = np.asarray(trace.chain.residue_index)
    if (np.diff(numbers) == 1).all():
        return []
    why = (
        "The encoder is told differences of residue numbers. tokenize_structure numbers residues "
        "1 to L; encode takes what it is given."
    )
    remedy = f'Say which was used ("{trace.numbering}" here) and compare tokens of one kind only.'
    if retrace is None:
        title = "numbers have jumps; what numbering changes was not computed, without the encoder"
        return [Finding("note", title, (), why, remedy)]
    with heard():
        changed = (retrace(other).tokens != trace.tokens) & trace.has_frame
    title = f'numbering="{other}" changes {changed.sum()} of {trace.has_frame.sum()} tokens'
    return Finding.at(changed, trace.labels, "warning", title, why, remedy)


def _ties(trace: Trace) -> list[Finding]:
    try:
        nearest = trace.nearest
    except TraceError:  # no two codes, or none that is finite
        return []
    squared = nearest.squared_distances[trace.has_frame, 0]
    usual = float(np.median(np.sqrt(squared.clip(min=0))))
    near = trace.has_frame & (nearest.margin < _NEAR * usual)
    return Finding.at(
        near,
        trace.labels,
        "note",
        f"near-ties: {near.sum()} of {len(squared)} tokens (margin below {_NEAR * usual:.2g})",
        "Two codes are about equally near: moving the atoms by 0.01 Å can turn the token over.",
        "Do not read meaning into a change there; compare latents, or both codes.",
    )
