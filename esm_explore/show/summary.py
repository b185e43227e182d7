"""What many selected residues have in common."""

from __future__ import annotations

from collections import Counter

import numpy as np

from esm_explore.show.residue_colors import residue_values
from esm_explore.traces import Trace


def summarize(trace: Trace, selection: list[int]) -> str:
    """Sum up some residues as HTML: how many, which amino acids, structures and tokens.

    Parameters
    ----------
    trace : Trace
    selection : list of int

    Returns
    -------
    str
        "" for none.
    """
    if not selection:
        return ""
    chosen = np.array(selection)
    framed = chosen[trace.has_frame[chosen]]
    letters = Counter(np.array(list(trace.chain.sequence))[chosen].tolist()).most_common()
    structure = Counter(residue_values(trace, "secondary_structure")[chosen].tolist())
    tokens = Counter(trace.tokens[framed].tolist())
    parts = [
        f"<b>{len(chosen)} residues selected</b>: "
        + " ".join(f"{letter}{count}" for letter, count in letters),
        ", ".join(f"{count} {name}" for name, count in structure.most_common()),
    ]
    if tokens:
        most = ", ".join(f"{token} ({count})" for token, count in tokens.most_common(3))
        parts.append(f"{len(tokens)} different tokens, most often {most}")
    if len(framed) < len(chosen):
        parts.append(f"{len(chosen) - len(framed)} without a backbone frame, whose token is none")
    return "; ".join(parts)
