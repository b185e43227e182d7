"""FASTA: a letter a residue, or tokens as numbers of equally many digits."""

from __future__ import annotations

import re

import numpy as np

from esm_explore.arguments import wrong
from esm_explore.export.needed import import_needed
from esm_explore.export.values import ResidueValues
from esm_explore.outputs import printable
from esm_explore.tracing.traces import Trace

_WIDE = 60
_LETTERS = {"helix": "H", "strand": "E", "coil": "C", "unknown": "X"}
_LETTER = re.compile(r"[A-Za-z*-]")
_BACKBONE = {"N": 0, "CA": 1, "C": 2, "CB": 3}


def fasta(data: ResidueValues) -> bytes:
    """Write a record a chain; the header names chain, value and encoder."""
    trace = data.trace
    said = " | ".join(data.said)
    if data.name == "token":
        digits = len(str(len(trace.codebook) - 1))
        said += f" | {digits} digits a token, {'-' * digits} without a backbone frame"
        letters = [text.zfill(digits) if text else "-" * digits for text in data.texts()]
        line = _WIDE // digits
    else:
        letters, line = _letters(data), _WIDE
    lines = []
    for name, rows in trace.parts or [(trace.chain.chain_id, slice(0, len(trace)))]:
        lines.append(f">{printable(f'{trace.chain.id}_{name} | {said}')}")
        own = letters[rows]
        lines += ["".join(own[i : i + line]) for i in range(0, len(own), line)]
    return "\n".join([*lines, ""]).encode()


def _letters(data: ResidueValues) -> list[str]:
    if data.name == "amino_acid":
        return list(data.trace.chain.sequence)
    if data.name == "secondary_structure":
        return [_LETTERS[word] for word in data.values.tolist()]
    letters = [text or "-" for text in data.texts()]
    if data.are_numbers or not all(_LETTER.fullmatch(letter) for letter in letters):
        right = "token, amino_acid, secondary_structure, 3di or one letter a residue for a .fasta"
        raise wrong(data.name, "value", right)
    return letters


def letters_3di(trace: Trace) -> np.ndarray:
    """Give Foldseek's letters, by mini3di.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    ndarray, shape=(L,), dtype=str
    """
    mini3di = import_needed("mini3di", "value '3di'")
    encoder = mini3di.Encoder()
    positions = trace.chain.atom37_positions
    atoms = {name: positions[:, slot] for name, slot in _BACKBONE.items()}
    states = encoder.encode_atoms(atoms["CA"], atoms["CB"], atoms["N"], atoms["C"])
    return np.array(list(encoder.build_sequence(states)))
