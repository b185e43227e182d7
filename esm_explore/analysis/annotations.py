"""What is known about residues without the encoder: secondary structure and burial."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from biotite.structure import AtomArray, annotate_sse
from esm.utils import residue_constants
from esm.utils.structure.protein_chain import ProteinChain
from scipy.spatial import cKDTree

from esm_explore.arguments import array_of
from esm_explore.chains.joined import numbers_apart
from esm_explore.encoders.own_chains import own_chain
from esm_explore.errors import TraceError
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.traces import Trace

METHOD = "P-SEA, from CA atoms"
_LETTERS = {"helix": "h", "strand": "s", "coil": "c"}
_CA = residue_constants.atom_order["CA"]
BURIAL_RADIUS = 10.0
# biotite 1 writes secondary structure in letters ("" where it has none), biotite 2 in numbers.
STRUCTURES: dict[str | int, str] = {
    "a": "helix", "b": "strand", "c": "coil", "": "unknown",
    1: "helix", 2: "strand", 0: "coil",
}  # fmt: skip
CLASSES = {
    **dict.fromkeys("AVILM", "aliphatic"),
    **dict.fromkeys("FWY", "aromatic"),
    **dict.fromkeys("STNQC", "polar"),
    **dict.fromkeys("KRH", "positive"),
    **dict.fromkeys("DE", "negative"),
    "G": "glycine",
    "P": "proline",
}


def annotate(chain: ProteinChain) -> pd.DataFrame:
    """Annotate the residues of a chain, from their CA atoms.

    Parameters
    ----------
    chain : ProteinChain

    Returns
    -------
    DataFrame
        One row a residue: amino_acid (one letter), secondary_structure ("helix", "strand",
        "coil"; "unknown" without a CA; biotite's P-SEA) and burial (other CA within 10 Å; NaN
        without a CA).

    Raises
    ------
    TraceError
        If it is no chain, or its arrays do not fit one another.

    Examples
    --------
    >>> import esm_explore as ex
    >>> annotate(ex.read_chain("1UBI"))["secondary_structure"].iloc[25]
    'helix'
    """
    chain = own_chain(chain)
    present = chain.atom37_mask[:, _CA]
    ca = chain.atom37_positions[present, _CA]
    structure = np.full(len(chain), STRUCTURES[""], dtype=object)
    burial = np.full(len(chain), np.nan)
    if present.any():
        structure[present] = _secondary_structure(ca, numbers_apart(chain)[present])
        burial[present] = cKDTree(ca).query_ball_point(ca, BURIAL_RADIUS, return_length=True) - 1
    return pd.DataFrame(
        {"amino_acid": list(chain.sequence), "secondary_structure": structure, "burial": burial}
    )


def _secondary_structure(ca: np.ndarray, numbers: np.ndarray) -> list[str]:
    atoms = AtomArray(len(ca))
    atoms.coord, atoms.res_id, atoms.atom_name[:], atoms.res_name[:] = ca, numbers, "CA", "ALA"
    # Neighbors of one number would be one residue to biotite.
    atoms.ins_code = np.resize(["", "A"], len(ca))
    return [STRUCTURES[element] for element in annotate_sse(atoms).tolist()]


def secondary_letters(trace: Trace) -> str:
    """Write the secondary structure that `annotate` gives, one letter a residue.

    Parameters
    ----------
    trace : Trace

    Returns
    -------
    str
        h, s and c; a space where it is not known.
    """
    return letters_of(trace.chain)


def letters_of(chain: ProteinChain) -> str:
    """Write a chain's secondary structure as `secondary_letters`."""
    words = annotate(chain)["secondary_structure"]
    return "".join(_LETTERS.get(word, " ") for word in words)


def amino_acid_classes(letters: Sequence[str]) -> list[str]:
    """Sort amino acids into classes, few enough for colors that are told apart.

    Parameters
    ----------
    letters : sequence of str
        One-letter codes.

    Returns
    -------
    list of str
        "aliphatic", "aromatic", "polar", "positive", "negative", "glycine", "proline"; "other"
        for letters that are none of the twenty.

    Raises
    ------
    TraceError
        If they are no letters.

    Examples
    --------
    >>> amino_acid_classes("GKX")
    ['glycine', 'positive', 'other']
    """
    right = "one-letter codes, such as chain.sequence"
    listed = list(letters) if isinstance(letters, str) else letters
    given = array_of(listed, "letters", right, ndim=1, kinds="UO")
    return [CLASSES.get(str(letter), "other") for letter in given.tolist()]


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
        If it is no trace, or there is no such value.
    """
    check_trace(trace, "residue_values")
    if not isinstance(key, str) or key not in KEYS:
        raise TraceError(
            f"There is no color {key!r}; there are {', '.join(KEYS)}, and arrays of "
            f"{len(trace)} values."
        )
    if key == "token":
        return trace.tokens
    if key == "margin":
        return np.where(trace.has_frame, trace.nearest.margin, np.nan)
    if key == "amino_acid":
        return np.array(amino_acid_classes(trace.chain.sequence))
    return annotate(trace.chain)[key].to_numpy()
