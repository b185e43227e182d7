"""Make a bundled structure with all its models.

``python -m esm_explore.recipes.example_models FILE OUT.bcif.gz``
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
from biotite.structure import stack
from biotite.structure.io.pdbx import BinaryCIFFile, compress, set_structure

from esm_explore.outputs import put, unfinished
from esm_explore.parsing.binary_cif import binary_cif_bytes
from esm_explore.parsing.structure_files import read_model
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
    atoms.del_annotation("altloc_id")
    file = BinaryCIFFile()
    set_structure(file, atoms, data_block=target.name.split(".")[0].upper())
    with unfinished(target) as folder:
        part = folder / target.name
        part.write_bytes(gzip.compress(binary_cif_bytes(compress(file)), mtime=0))
        put(part, target)


if __name__ == "__main__":
    cut(Path(sys.argv[1]), Path(sys.argv[2]))
