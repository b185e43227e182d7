"""One structure is one and the same chain, whatever it comes in."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from biotite.structure import AtomArray
from biotite.structure.io import pdb, pdbx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import esm_explore as ex

pytestmark = [pytest.mark.lines, pytest.mark.filterwarnings("ignore::UserWarning")]


def whole(path: Path) -> AtomArray:
    """Read an example with biotite alone."""
    content = gzip.decompress(path.read_bytes())
    if path.name.endswith(".cif.gz"):
        file = pdbx.CIFFile.read(io.StringIO(content.decode()))
    else:
        file = pdbx.BinaryCIFFile.read(io.BytesIO(content))
    fields = ["occupancy", "b_factor"]
    return pdbx.get_structure(file, model=1, extra_fields=fields, use_author_fields=True)


EXAMPLES = Path(ex.__file__).parent / "sources" / "examples"
SOURCES = [EXAMPLES / f"{name}.bcif.gz" for name in ("1ubi", "1ejg", "1a8o")]
# With insertion codes.
SOURCES.append(Path(__file__).parent / "data" / "4zhl.cif.gz")
STRUCTURES = {path.name[:4]: whole(path) for path in SOURCES}


def as_pdb(atoms: AtomArray) -> bytes:
    file, stream = pdb.PDBFile(), io.StringIO()
    file.set_structure(atoms, hybrid36=bool(atoms.res_id.max() > 9_999))
    file.write(stream)
    return stream.getvalue().encode()


def as_cif(atoms: AtomArray) -> bytes:
    file, stream = pdbx.CIFFile(), io.StringIO()
    pdbx.set_structure(file, atoms, data_block="X")
    file.write(stream)
    return stream.getvalue().encode()


def as_bcif(atoms: AtomArray) -> bytes:
    file, stream = pdbx.BinaryCIFFile(), io.BytesIO()
    pdbx.set_structure(file, atoms, data_block="X")
    pdbx.compress(file).write(stream)
    return stream.getvalue()


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside/x.ent", content)
    return stream.getvalue()


FORMS = {
    "x.pdb": as_pdb,
    "x.cif": as_cif,
    "x.bcif": as_bcif,
    "x.pdb.gz": lambda atoms: gzip.compress(as_pdb(atoms), 1),
    "x.cif.gz": lambda atoms: gzip.compress(as_cif(atoms), 1),
    "x.zip": lambda atoms: zipped(as_pdb(atoms)),
    "x": as_cif,
}


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    name=st.sampled_from([*STRUCTURES]),
    chain_id=st.sampled_from("ABz07"),
    offset=st.integers(-50, 12_000),
    first=st.integers(0, 30),
    shift=st.tuples(*[st.floats(-90, 90).map(lambda x: round(x, 3))] * 3),
)
def test_every_format_gives_one_and_the_same_chain(tmp_path, name, chain_id, offset, first, shift):
    """Numbers up to hybrid-36, insertion codes, MSE as HETATM, any place: equal to the last bit."""
    atoms = STRUCTURES[name].copy()
    labels = np.char.add(atoms.res_id.astype(str), atoms.ins_code)
    start = list(dict.fromkeys(labels.tolist()))[first]
    atoms = atoms[np.flatnonzero(labels == start)[0] :]
    atoms.chain_id[:] = chain_id
    atoms.res_id += offset - int(atoms.res_id.min())
    atoms.coord = np.round(atoms.coord + np.array(shift, np.float32), 3)
    expected = None
    for form, write in FORMS.items():
        path = tmp_path / form
        path.write_bytes(write(atoms))
        chain = ex.read_chain(path)
        expected = expected or chain
        check_same(chain, expected)
    check_same(ex.read_chain(atoms), expected)


def check_same(chain, expected) -> None:
    assert (chain.chain_id, chain.sequence) == (expected.chain_id, expected.sequence)
    assert chain.residue_index.tolist() == expected.residue_index.tolist()
    assert chain.insertion_code.tolist() == expected.insertion_code.tolist()
    np.testing.assert_array_equal(chain.atom37_positions, expected.atom37_positions)
    np.testing.assert_array_equal(chain.atom37_mask, expected.atom37_mask)
    np.testing.assert_array_equal(chain.confidence, expected.confidence)
