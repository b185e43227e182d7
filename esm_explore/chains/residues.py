"""Residues of a chain: their labels, their table, and how they are numbered."""

from __future__ import annotations

import re
from collections import Counter
from typing import Literal

import numpy as np
import pandas as pd
from biotite.sequence import ProteinSequence
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.joined import BREAK, ids_of_residues, parts_of
from esm_explore.errors import TraceError
from esm_explore.findings import Finding


def plain_labels(chain: ProteinChain) -> list[str]:
    """Give each residue's number and insertion code, whichever chain of several it is of."""
    codes = np.char.strip(np.asarray(chain.insertion_code, dtype=str))
    return [f"{int(n)}{c}" for n, c in zip(chain.residue_index, codes, strict=True)]


def residue_labels(chain: ProteinChain) -> list[str]:
    """Give each residue's number and insertion code, such as ``57`` or ``57A``.

    Of several chains in one the chain's id stands before it, ``A:57``; between two is ``|``.
    """
    labels = plain_labels(chain)
    if not parts_of(chain):
        return labels
    ids = ids_of_residues(chain).tolist()
    return [
        BREAK if letter == BREAK else f"{name}:{label}"
        for letter, name, label in zip(chain.sequence, ids, labels, strict=True)
    ]


def repeated_numbers(chain: ProteinChain) -> list[Finding]:
    """Find residues that have the number and code of another.

    Parameters
    ----------
    chain : ProteinChain

    Returns
    -------
    list of Finding
    """
    if (np.diff(chain.residue_index) > 0).all():
        return []  # of most chains, and no label has to be written
    # esm 3.4 numbers all residues that were not observed -1.
    seen = np.isfinite(chain.atom37_positions[:, :3]).all((1, 2))
    counts = Counter(np.array(residue_labels(chain), dtype=object)[seen])
    repeated = [label for label, count in counts.items() if count > 1]
    if not repeated:
        return []
    return [
        Finding(
            "warning",
            "residue numbers that occur more than once",
            tuple(repeated),
            "Equal numbers are the same place in the chain to the encoder: these may be several "
            "chains under one id.",
            "Encode each chain by itself, or number residues once.",
        )
    ]


Numbering = Literal["file", "sequential"]
NUMBERINGS = {
    "file": "residue numbers from the file",
    "sequential": "residues numbered 1 to L, as tokenize_structure does",
}


def three_letters(letter: str) -> str:
    """Give a residue's name, UNK for an X; nothing between two chains."""
    if letter == BREAK:
        return ""
    try:
        return ProteinSequence.convert_letter_1to3(letter)
    except KeyError:
        return "UNK"


def residue_table(chain: ProteinChain, has_frame: np.ndarray, tokens: np.ndarray) -> pd.DataFrame:
    """Make the table of `Trace.to_frame`, one row a residue."""
    return pd.DataFrame(
        {
            "chain": ids_of_residues(chain) if parts_of(chain) else chain.chain_id,
            "number": chain.residue_index,
            "insertion_code": np.char.strip(np.asarray(chain.insertion_code, dtype=str)),
            "name": [three_letters(letter) for letter in chain.sequence],
            "has_frame": has_frame,
            "token": tokens,
        }
    )


def check_numbering(numbering: Numbering) -> None:
    """Refuse what is not one of the ways to number residues."""
    if not isinstance(numbering, str) or numbering not in NUMBERINGS:
        raise TraceError(f"numbering is {numbering!r}; it can be: {', '.join(NUMBERINGS)}.")


def _number_of(label: str) -> str:
    """Give a label without insertion code and chain."""
    return re.match(r"-?\d*", label.rpartition(":")[2])[0]


def find_residue(labels: list[str], residue: int | str, title: str) -> int:
    """Find a residue by its 0-based index, or by its label as a string.

    Parameters
    ----------
    labels : list of str
        Of all residues, as `residue_labels` gives them.
    residue : int or str
    title : str
        Of what, for messages.

    Returns
    -------
    int
        The 0-based index.

    Raises
    ------
    TraceError
        If there is no such residue.
    """
    if isinstance(residue, str):
        wanted = residue.strip()
        if wanted in labels:
            return labels.index(wanted)
        same = [label for label in labels if _number_of(label) == wanted]
        hint = f"with that number: {', '.join(same)}" if same else f"{labels[0]} to {labels[-1]}"
        raise TraceError(f"Residue {residue!r} is not in {title}; it has: {hint}.")
    whole = isinstance(residue, int | np.integer) and not isinstance(residue, bool)
    if not whole or not 0 <= residue < len(labels):
        raise TraceError(
            f"Index {residue!r} is not one of {title}: 0 to {len(labels) - 1}. "
            f"For a residue number give a string, such as {labels[0]!r}."
        )
    return int(residue)
