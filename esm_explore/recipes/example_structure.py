"""Make a bundled structure.

``python -m esm_explore.recipes.example_structure FILE OUT.bcif.gz [CHAIN]``
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from biotite.structure import concatenate

from esm_explore.chains.alternates import most_occupied
from esm_explore.errors import ChainError
from esm_explore.parsing.structure_files import read_model
from esm_explore.recipes.example_files import write_example
from esm_explore.sources.locating import locate


def cut(source: Path, target: Path, chain_id: str | None = None) -> None:
    """Write heavy atoms of model 1, most occupied locations only.

    Parameters
    ----------
    source : Path
        PDB, mmCIF or BinaryCIF.
    target : Path
        A gzipped BinaryCIF file.
    chain_id : str, optional
        Only this chain.

    Raises
    ------
    ChainError
        If there is a file at `target` already.
    """
    if os.path.lexists(target):
        raise ChainError(f"{target} is there already, and is left as it is: delete it first.")
    atoms = read_model(locate(source)).atoms
    atoms = atoms[~np.isin(atoms.element, ["H", "D"])]
    chains = dict.fromkeys(atoms.chain_id.tolist()) if chain_id is None else [chain_id]
    kept = concatenate([most_occupied(atoms[atoms.chain_id == chain])[0] for chain in chains])
    write_example(kept, target)


if __name__ == "__main__":
    cut(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
