"""Make a bundled structure with all its models.

``python -m esm_explore.recipes.example_models FILE OUT.bcif.gz``
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from biotite.structure import stack

from esm_explore.parsing.structure_files import read_model
from esm_explore.recipes.example_files import write_example
from esm_explore.sources.locating import locate


def cut(source: Path, target: Path) -> None:
    """Write heavy atoms of all models, which have the same ones and no alternate locations.

    Parameters
    ----------
    source : Path
        PDB, mmCIF or BinaryCIF.
    target : Path
        A gzipped BinaryCIF file.
    """
    located = locate(source)
    first = read_model(located)
    models = [first, *(read_model(located, model) for model in range(2, first.n_models + 1))]
    atoms = stack([one.atoms for one in models])
    atoms = atoms[:, ~np.isin(atoms.element, ["H", "D"])]
    write_example(atoms, target)


if __name__ == "__main__":
    cut(Path(sys.argv[1]), Path(sys.argv[2]))
