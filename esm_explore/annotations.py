"""What is known about residues without the encoder: secondary structure and burial."""

from __future__ import annotations

import numpy as np
import pandas as pd
from biotite.structure import CellList, annotate_sse
from esm.utils import residue_constants
from esm.utils.structure.protein_chain import ProteinChain

_CA = residue_constants.atom_order["CA"]
BURIAL_RADIUS = 10.0
# biotite 1 writes secondary structure in letters ("" where it has none), biotite 2 in numbers.
STRUCTURES = {
    **{"a": "helix", "b": "strand", "c": "coil", "": "unknown"},
    **{1: "helix", 2: "strand", 0: "coil"},
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

    Examples
    --------
    >>> import esm_explore as ex
    >>> annotate(ex.read_chain("1UBI"))["secondary_structure"].iloc[25]
    'helix'
    """
    present = chain.atom37_mask[:, _CA]
    atoms = chain.atom_array
    ca = atoms[atoms.atom_name == "CA"]
    structure = np.full(len(chain), STRUCTURES[""], dtype=object)
    structure[present] = [STRUCTURES[element] for element in annotate_sse(ca).tolist()]
    near = CellList(ca, cell_size=BURIAL_RADIUS).get_atoms(ca.coord, radius=BURIAL_RADIUS)
    burial = np.full(len(chain), np.nan)
    burial[present] = (near >= 0).sum(1) - 1
    return pd.DataFrame(
        {"amino_acid": list(chain.sequence), "secondary_structure": structure, "burial": burial}
    )
