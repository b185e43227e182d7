"""Residues of a chain: their labels, their table, and how they are numbered."""

from __future__ import annotations

from collections import Counter
import numpy as np
from esm.utils.structure.protein_chain import ProteinChain
import re
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Literal
import pandas as pd
import torch
from biotite.sequence import ProteinSequence
from esm.models.vqvae import StructureTokenEncoder
from esm.tokenization.structure_tokenizer import StructureTokenizer
import os
from biotite.structure import AtomArray
from biotite.structure.info import one_letter_code
from esm.utils import residue_constants

from esm_explore.errors import TraceError
from esm_explore.findings import Finding



def residue_labels(chain: ProteinChain) -> list[str]:
    """Give each residue's number and insertion code, such as ``57`` or ``57A``."""
    codes = np.char.strip(np.asarray(chain.insertion_code, dtype=str))
    return [f"{int(n)}{c}" for n, c in zip(chain.residue_index, codes, strict=True)]



def repeated_numbers(chain: ProteinChain) -> list[Finding]:
    """Find residues that have the number and code of another.

    Parameters
    ----------
    chain : ProteinChain

    Returns
    -------
    list of Finding
    """
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
    """Give a residue's name, UNK for an X."""
    try:
        return ProteinSequence.convert_letter_1to3(letter)
    except KeyError:
        return "UNK"



def residue_table(chain: ProteinChain, has_frame: np.ndarray, tokens: np.ndarray) -> pd.DataFrame:
    """Make the table of `Trace.to_frame`, one row a residue."""
    return pd.DataFrame(
        {
            "chain": chain.chain_id,
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



def _labels(chain: ProteinChain) -> pd.Series:
    return pd.Series(chain.residue_index).astype(str) + pd.Series(chain.insertion_code)



def _some(labels: list[str]) -> str:
    return ", ".join(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
