"""How bundled structures are written."""

from __future__ import annotations

import gzip
from pathlib import Path

from biotite.structure import AtomArray, AtomArrayStack
from biotite.structure.io.pdbx import BinaryCIFFile, compress, set_structure

from esm_explore.outputs import put, unfinished
from esm_explore.parsing.binary_cif import binary_cif_bytes


def write_example(atoms: AtomArray | AtomArrayStack, target: Path) -> None:
    """Write atoms without alternate locations to a gzipped BinaryCIF file, the same each time."""
    atoms.del_annotation("altloc_id")
    file = BinaryCIFFile()
    set_structure(file, atoms, data_block=target.name.split(".")[0].upper())
    with unfinished(target) as folder:
        part = folder / target.name
        part.write_bytes(gzip.compress(binary_cif_bytes(compress(file)), mtime=0))
        put(part, target)
