"""The atoms of one model of a file, and what the file says about them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from biotite.structure import AtomArray

from esm_explore.errors import ChainError

# Å; a farther C and N are not bonded. A peptide bond is 1.33 Å long.
BONDED = 2.0
# What titles and remarks of predictions name, in capitals.
PREDICTORS = re.compile(r"ALPHAFOLD|COLABFOLD|ESMFOLD|BOLTZ|CHAI-1|OPENFOLD|ROSETTAFOLD|PLDDT")
# Annotations beside biotite's own, with what they are where a format has none.
ANNOTATIONS: dict[str, tuple[Any, Any]] = {
    "altloc_id": ("<U2", ""),
    "occupancy": (float, 1.0),
    "b_factor": (float, 0.0),
    # Segment id of PDB files, label_asym_id of mmCIF.
    "segment": ("<U8", ""),
    # How many TER records, and how many END records, stand before the atom.
    "ter": (int, 0),
    "part": (int, 0),
    # Whether the file itself says that the residue is of a polymer.
    "polymer": (bool, False),
    # Place among `Model.flaws`, counted from 1; 0 for none.
    "flaw": (int, 0),
}


@dataclass(frozen=True)
class Model:
    """The atoms of one model of a file.

    Attributes
    ----------
    atoms : AtomArray
        All atoms, with the author's chain ids and numbers, all alternate locations, and
        `ANNOTATIONS`. Coordinates in Å, NaN where the file has none.
    n_models : int
        How many models the file has.
    ending : {"", "no END line", "cut off"}
        What is odd about the end of the file.
    parents : dict of str to set of str
        What the file says of the parents of modified residues, by residue name.
    lengths : dict of str to int
        Residues in the sequence of each chain, by chain id, where the file says so.
    sequenced : bool
        Whether the file says of every residue if it is of a polymer.
    predicted : bool or None
        Whether the file says that it is a prediction; None if it says nothing.
    flaws : list of str
        What cannot be read of some atoms; an error only where the encoder needs them.
    notes : list of str
        What was read in another way than it is written.
    """

    atoms: AtomArray
    n_models: int
    ending: str = ""
    parents: dict[str, set[str]] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    sequenced: bool = False
    predicted: bool | None = None
    flaws: Sequence[str] = ()
    notes: Sequence[str] = ()


def complete(atoms: AtomArray) -> AtomArray:
    """Add those of `ANNOTATIONS` that are missing.

    Parameters
    ----------
    atoms : AtomArray

    Returns
    -------
    AtomArray
        The same.
    """
    present = atoms.get_annotation_categories()
    for name, (dtype, value) in ANNOTATIONS.items():
        if name not in present:
            atoms.set_annotation(name, np.full(atoms.array_length(), value, dtype))
    return atoms


def check_model(model: int, n_models: int, title: str) -> None:
    """Refuse a model that the file does not have."""
    if not 1 <= model <= n_models:
        has = "1 model" if n_models == 1 else f"{n_models} models"
        raise ChainError(f"Model {model} is not in {title}; it has {has}.")
