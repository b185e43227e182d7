"""Which residue of one chain stands for which of another."""

from __future__ import annotations

import numpy as np
import pandas as pd
from biotite.sequence import ProteinSequence
from biotite.sequence.align import SubstitutionMatrix, align_optimal

from esm_explore.traces import Trace

LINKS = ("residue number", "alignment")


def match_residues(first: Trace, second: Trace, by: str) -> np.ndarray:
    """Find each residue's counterpart.

    Parameters
    ----------
    first, second : Trace
    by : {"residue number", "alignment"}
        The same number and insertion code, or the same column of a global sequence alignment
        (BLOSUM62, affine gaps).

    Returns
    -------
    ndarray, shape=(len(first),), dtype=int64
        Indices in `second`; -1 where there is none.
    """
    if by == "residue number":
        places = pd.Series(np.arange(len(second)), index=second.labels)
        return places.reindex(first.labels).fillna(-1).to_numpy(dtype=np.int64)
    sequences = [ProteinSequence(trace.chain.sequence) for trace in (first, second)]
    matrix = SubstitutionMatrix.std_protein_matrix()
    alignment = align_optimal(
        *sequences, matrix, gap_penalty=(-10, -1), terminal_penalty=False, max_number=1
    )[0]
    pairs = alignment.trace[(alignment.trace >= 0).all(1)]
    match = np.full(len(first), -1, dtype=np.int64)
    match[pairs[:, 0]] = pairs[:, 1]
    return match
