"""Small files that ask for gigabytes are refused: under 1 GB over the start, with our error."""

from __future__ import annotations

import gzip
import subprocess
import sys
import textwrap
import zipfile

import msgpack
import numpy as np
import pytest

LIMIT = 1_000_000_000
ROWS = 20_000
TAGS = (
    *("group_PDB", "label_atom_id", "label_alt_id", "label_comp_id", "label_asym_id"),
    *("label_seq_id", "Cartn_x", "Cartn_y", "Cartn_z", "auth_asym_id"),
)
READ = textwrap.dedent(
    """
    import resource, sys, warnings
    import esm_explore as ex
    ex.read_chain("1UBI")  # loads what reading needs
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + {limit}, size + {limit}))
    try:
        ex.read_chains(sys.argv[1])
    except ex.ChainError as error:
        print(error)
    """
).format(limit=LIMIT)


def mmcif(tag: str = "", value: str = "") -> bytes:
    """20,000 atoms, one of which has a value of its own."""
    row = dict(
        zip(TAGS, ["ATOM", "CA", ".", "GLY", "A", "1", "1.0", "2.0", "3.0", "A"], strict=True)
    )
    rows = [" ".join(row.values())] * ROWS
    if tag:
        rows[7] = " ".join((row | {tag: value}).values())
    head = "".join(f"_atom_site.{name}\n" for name in TAGS)
    return f"data_x\nloop_\n{head}".encode() + "\n".join(rows).encode() + b"\n"


def binary_cif(name: str, column: dict, rows: int) -> bytes:
    """One category with one column."""
    data = {"name": "Cartn_x", "mask": None, "data": column}
    category = {"name": name, "rowCount": rows, "columns": [data]}
    tree = {"version": "0.3.0", "encoder": "x", "dataBlocks": [{"header": "X"}]}
    tree["dataBlocks"][0]["categories"] = [category]
    return msgpack.packb(tree)


def run_length(name: str) -> bytes:
    encoding = [
        {"kind": "RunLength", "srcType": 3, "srcSize": 2_000_000_000},
        {"kind": "ByteArray", "type": 3},
    ]
    data = np.array([1, 2_000_000_000], "<i4").tobytes()
    return binary_cif(name, {"data": data, "encoding": encoding}, 2_000_000_000)


def wide_text() -> bytes:
    """100,000 letters once, and their number in each of 20,000 rows."""
    plain = [{"kind": "ByteArray", "type": 3}]
    encoding = {
        "kind": "StringArray",
        "stringData": "A" * 100_000,
        "offsets": np.array([0, 100_000], "<i4").tobytes(),
        "offsetEncoding": plain,
        "dataEncoding": plain,
    }
    data = np.zeros(ROWS, "<i4").tobytes()
    return binary_cif("_atom_site", {"data": data, "encoding": [encoding]}, ROWS)


BOMBS = {
    **{f"{tag} of 100,000 letters.cif": lambda tag=tag: mmcif(tag, "A" * 100_000) for tag in TAGS},
    "a coordinate of 100,000 digits.cif": lambda: mmcif("Cartn_x", "1" * 100_000),
    "text.bcif": wide_text,
    "run length.bcif": lambda: run_length("_atom_site"),
    "without underscore.bcif": lambda: run_length("atom_site"),
    "another category.bcif": lambda: run_length("_exptl"),
    "empty lists.bcif": lambda: b"\x81\xaadataBlocks\xdd\x03\x93\x87\x00" + b"\x90" * 60_000_000,
    "line ends.pdb.gz": lambda: gzip.compress(b"ATOM\n" + b"\n" * 900_000_000, 1),
    "one column.cif.gz": lambda: gzip.compress(b"data_x\nloop_\n_a.b\n" + b". " * 300_000_000, 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_asks_for_gigabytes_is_refused(name, tmp_path):
    """In a process that may take 1 GB more than it has once everything is loaded."""
    path = tmp_path / name
    path.write_bytes(BOMBS[name]())
    ended = subprocess.run(
        [sys.executable, "-c", READ, path], capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr[-600:]
    assert ended.stdout.strip()


@pytest.mark.slow
def test_an_archive_unpacks_to_no_more_than_it_may(tmp_path):
    """A zip of 900 MB of line ends takes 900 kB."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.pdb", b"ATOM  \n" + b"\n" * 900_000_000)
    assert path.stat().st_size < 2_000_000
    ended = subprocess.run(
        [sys.executable, "-c", READ, path], capture_output=True, text=True, timeout=120
    )
    assert "unpacks to more than 100 times its size" in ended.stdout, ended.stderr[-600:]


DOCTOR = textwrap.dedent(
    """
    import resource, sys
    import numpy as np
    from esm.utils.structure.protein_chain import ProteinChain
    import esm_explore as ex
    one = ex.read_chain("1UBI")
    ex.doctor(one)  # loads what it needs
    positions = np.full((5_000, 37, 3), np.nan, np.float32)
    positions[:, :3] = one.atom37_positions[0, :3]
    chain = ProteinChain.from_atom37(positions, sequence="A" * 5_000)
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + {limit}, size + {limit}))
    report = ex.doctor(chain)
    print(report.worst, report[0])
    """
).format(limit=LIMIT)


@pytest.mark.slow
def test_the_doctor_of_5000_residues_in_one_place_takes_no_gigabyte():
    """Each is as near to each as any: 25 million pairs. It says so."""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DOCTOR], capture_output=True, text=True, timeout=240
    )
    assert ended.stdout.startswith("error "), ended.stderr[-600:]
