"""What people have is read: open files, pipes, addresses, ids as they are written, and objects."""

from __future__ import annotations

import dataclasses
import errno
import gzip
import io
import os
import pickle
import socket
import subprocess
import sys
import threading
from pathlib import Path

import biotite.structure
import gemmi
import msgpack
import numpy as np
import pytest
from biotite.structure.io.pdb import PDBFile
from biotite.structure.io.pdbx import BinaryCIFFile
from conftest import pdb_lines, with_positions
from esm.sdk.api import ESMProtein
from esm.utils.structure.protein_complex import ProteinComplex
from test_chain_errors import service as _service
from typer.testing import CliRunner

import esm_explore as ex
from esm_explore.cli import app
from esm_explore.parsing.binary_cif import binary_cif_bytes
from esm_explore.parsing.structure_files import read_model
from esm_explore.sources import downloads, unpacking
from esm_explore.sources.locating import locate

service = _service
EXAMPLES = Path(ex.__file__).parent / "sources" / "examples"


@pytest.fixture(scope="module")
def pdb() -> Path:
    """2HT0 in PDB columns: proteins A and B."""
    atoms = read_model(locate("2HT0")).atoms
    return "\n".join([*pdb_lines(atoms), "END", ""])


@pytest.fixture
def path(tmp_path, pdb):
    path = tmp_path / "2ht0.x.pdb"
    path.write_text(pdb)
    return path


def assert_same(chain, expected):
    """Alike in all but the structure's name."""
    for field in dataclasses.fields(expected):
        if field.name not in ("id", "confidence", "entity_id"):
            left, right = getattr(chain, field.name), getattr(expected, field.name)
            np.testing.assert_array_equal(left, right, field.name)


def of_gemmi(path):
    return gemmi.read_structure(str(path))


def of_biopython(path):
    from Bio.PDB import PDBParser

    return PDBParser(QUIET=True).get_structure("2ht0", path)


def of_biotite(path, **options):
    return PDBFile.read(path).get_structure(**options)


def complex_of(path):
    return ProteinComplex.from_chains(ex.read_chains(path))


SOURCES = {
    "text file": lambda path: path.open(),
    "binary file": lambda path: path.open("rb"),
    "StringIO": lambda path: io.StringIO(path.read_text()),
    "BytesIO": lambda path: io.BytesIO(path.read_bytes()),
    "BytesIO of gzip": lambda path: io.BytesIO(gzip.compress(path.read_bytes())),
    "GzipFile": lambda path: gzip.GzipFile(
        fileobj=io.BytesIO(gzip.compress(path.read_bytes())), filename="2ht0.gz"
    ),
    "file address": lambda path: path.as_uri(),
    "AtomArray": lambda path: of_biotite(path, model=1, altloc="all"),
    "AtomArrayStack": of_biotite,
    "gemmi Structure": of_gemmi,
    "gemmi Model": lambda path: of_gemmi(path)[0],
    "Biopython Structure": of_biopython,
    "Biopython Model": lambda path: of_biopython(path)[0],
    "ProteinComplex": complex_of,
    "ESMProtein of two chains": lambda path: ESMProtein.from_protein_complex(complex_of(path)),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SOURCES)
def test_every_source_gives_the_chains_of_the_file(path, kind):
    """All of them, one by one and by id; the same from the same structure."""
    expected = ex.read_chains(path)
    chains = ex.read_chains(SOURCES[kind](path))
    assert [chain.chain_id for chain in chains] == ["A", "B"]
    if kind == "ESMProtein of two chains":  # it does not keep numbers
        assert [chain.sequence for chain in chains] == [chain.sequence for chain in expected]
        return
    for chain, other in zip(chains, expected, strict=True):
        assert_same(chain, other)
        assert_same(ex.read_chain(SOURCES[kind](path), other.chain_id), other)
    assert_same(ex.read_chain(SOURCES[kind](path)), expected[0])


def test_single_chains_of_other_libraries(path):
    """A chain is a structure with one chain; esm's own is given back as it is."""
    expected = ex.read_chain(path, "B")
    for chain in (of_gemmi(path)[0]["B"], of_biopython(path)[0]["B"]):
        assert_same(ex.read_chain(chain), expected)
    assert ex.read_chain(expected) is expected
    protein = ESMProtein.from_protein_chain(expected)
    np.testing.assert_array_equal(
        ex.read_chain(protein).atom37_positions, expected.atom37_positions
    )


def test_names_of_structures(path):
    """Of a file, an open file and another library's structure; what has none is called one."""
    assert ex.read_chain(path.open()).id == "2ht0"
    assert ex.read_chain(io.StringIO(path.read_text())).id == "structure"
    assert ex.read_chain(of_biopython(path)).id == "2ht0"


def test_a_stack_has_models_and_an_object_is_left_as_it_was(path):
    """`model` picks; the user's arrays get no annotations."""
    first = of_biotite(path, model=1)
    other = first.copy()
    other.coord += 1
    stack = biotite.structure.stack([first, other])
    moved = ex.read_chain(stack, model=2).atom37_positions - ex.read_chain(stack).atom37_positions
    np.testing.assert_allclose(moved[np.isfinite(moved)], 1, atol=1e-4)
    with pytest.raises(ex.ChainError, match=r"Model 99 is not in the AtomArrayStack; it has"):
        ex.read_chain(stack, model=99)
    assert "altloc_id" not in stack.get_annotation_categories()


def test_a_given_chain_is_checked_as_one_that_was_read(ubiquitin):
    """No frame, no such chain or model; and what is missing is said."""
    positions = ubiquitin.atom37_positions.copy()
    positions[29, 2] = np.nan
    with pytest.warns(ex.ChainWarning, match="no backbone frame at 30"):
        ex.read_chain(with_positions(ubiquitin, positions))
    positions[:, 2] = np.nan
    with pytest.raises(ex.ChainError, match="No residue of 1UBI chain A has N, CA and C"):
        ex.read_chain(with_positions(ubiquitin, positions))
    with pytest.raises(ex.ChainError, match=r"'Z' is not a protein chain of 1UBI; it has: A \(76"):
        ex.read_chain(ubiquitin, "Z")
    with pytest.raises(ex.ChainError, match="Model 2 is not in the ProteinChain"):
        ex.read_chain(ubiquitin, model=2)


def test_what_is_wrong_with_an_open_file_is_said(path, tmp_path):
    """Read to its end, closed, opened for writing, a binary one opened as text."""
    file = path.open()
    ex.read_chain(file)
    with pytest.raises(ex.ChainError, match=r"was read to its end before: see its seek\(0\)"):
        ex.read_chain(file)
    file.close()
    with pytest.raises(ex.ChainError, match="could not be read .*closed"):
        ex.read_chain(file)
    with (tmp_path / "w").open("w") as written, pytest.raises(ex.ChainError, match="not readable"):
        ex.read_chain(written)
    with (
        (EXAMPLES / "1ubi.bcif.gz").open(encoding="utf-8") as text,
        pytest.raises(ex.ChainError, match="open it with 'rb'"),
    ):
        ex.read_chain(text)
    with pytest.raises(ex.ChainError, match=r"the text of a structure.*io\.StringIO\(text\)"):
        ex.read_chain(path.read_text())


def test_standard_input_and_pipes(path, monkeypatch, pdb):
    """`-`, also in the shell; a pipe with a name; a terminal has nothing."""
    stdin = io.TextIOWrapper(io.BytesIO(gzip.compress(pdb.encode())))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert [chain.id for chain in ex.read_chains("-")] == ["stdin", "stdin"]
    done = CliRunner().invoke(app, ["doctor", "-", "--chain", "B"], input=pdb)
    assert "stdin chain B, 93 residues" in done.output
    stdin.isatty = lambda: True
    with pytest.raises(ex.ChainError, match="nothing in standard input"):
        ex.read_chain("-")
    pipe = path.with_name("pipe")
    os.mkfifo(pipe)
    threading.Thread(target=pipe.write_text, args=[pdb]).start()
    assert len(ex.read_chain(pipe)) == 96


def test_home_directories_and_wrong_names(path, monkeypatch, tmp_path, toy_encoder, ubiquitin):
    """`~` everywhere a path is taken; what a directory is good for."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in ("~/2ht0.x.pdb", Path("~/2ht0.x.pdb")):
        assert len(ex.read_chain(source)) == 96
    traced = ex.trace(toy_encoder, ubiquitin)
    traced.save("~/trace")
    np.testing.assert_array_equal(ex.load_trace("~/trace").tokens, traced.tokens)
    assert (tmp_path / "trace").is_file()
    with pytest.raises(ex.EncoderError, match=r"neither of torch\.save"):
        ex.load_encoder("~/2ht0.x.pdb")
    done = CliRunner().invoke(app, ["tokenize", "~/2ht0.x.pdb", "-o", "~/t.parquet"])
    assert (done.exit_code, (tmp_path / "t.parquet").is_file()) == (0, True)
    with pytest.raises(ex.ChainError, match="is a directory: .*esm-explore tokenize"):
        ex.read_chain(tmp_path)
    with pytest.raises(ex.ChainError, match="is empty"):
        ex.read_chain("")


@pytest.mark.parametrize("text", ["1UBI:A", "1ubi.A", "1abc_A", "pdb_00001ubi:A"])
def test_a_chain_behind_an_id_is_answered_with_how(text):
    """1UBI_A is a name of the bundled example; for others the chain is given apart."""
    with pytest.raises(ex.ChainError, match=r"give it apart, as read_chain\('\w+', 'A'\)"):
        ex.read_chain(text)
    assert len(ex.read_chain("1UBI_A")) == 76


def test_ids_as_the_databases_write_them(service, ubiquitin):
    """Extended ids of the PDB; models of the AlphaFold DB with version and suffix; accessions."""
    for text in ("pdb_00001ubi", "PDB_00001UBI"):
        assert ex.read_chain(text).id == "1UBI"
    assert ex.read_chain("pdb_00009ubi").id == "9UBI"
    for text, name in {
        "AF-P69905-F1-model_v4": "AF-P69905-F1",
        "AF-P69905-F1-model_v4.cif": "AF-P69905-F1",
        "AF-P69905-F1-model_v6.pdb": "AF-P69905-F1",
        "af-p69905-f1.bcif": "AF-P69905-F1",
        "P69905": "AF-P69905",
    }.items():
        if "model" in text:
            with pytest.warns(ex.ChainWarning, match="gives its newest model, whether or not"):
                chain = ex.read_chain(text)
        else:
            chain = ex.read_chain(text)
        assert (chain.id, chain.sequence) == (name, ubiquitin.sequence)
        assert (chain.confidence < 1).all()


def test_addresses(service, monkeypatch):
    """Named by their last part, never kept; what goes wrong says which; passwords are not shown."""
    base = downloads.PDB
    assert ex.read_chain(f"{base}deep/9ubi.bcif?token=secret").id == "9ubi"
    assert ex.read_chain(Path(f"{base}9ubi.bcif")).id == "9ubi"
    assert not service.exists()
    with pytest.raises(ex.ChainError, match="9not.cif is not there: check the address"):
        ex.read_chain(f"{base}9not.cif")
    with pytest.raises(ex.ChainError, match="9htm.cif is not a structure"):
        ex.read_chain(f"{base}9htm.cif")
    with pytest.raises(ex.ChainError, match="service failed") as error:
        ex.read_chain(f"{base.replace('//', '//user:secret@')}9bad.cif?key=secret")
    assert "secret" not in str(error.value)
    with pytest.raises(ex.ChainError, match="Addresses of ftp are not read"):
        ex.read_chain("ftp://example.org/1ubi.pdb")
    with pytest.raises(ex.ChainError, match=r"There is no file /none/1ubi\.pdb"):
        ex.read_chain("file:///none/1ubi.pdb")
    monkeypatch.setattr(unpacking, "MAX_BYTES", 2_000)
    with pytest.raises(ex.ChainError, match="larger than 2,000 bytes"):
        ex.read_chain(f"{base}9ubi.bcif")


def test_headers_that_drip_do_not_outlive_the_time_limit(monkeypatch):
    """A byte now and then, before the first line is whole."""
    monkeypatch.setattr(downloads, "TIME_LIMIT", 0.3)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip():
            connection, _ = server.accept()
            with connection:
                while not over.wait(0.02):
                    connection.sendall(b"H")

        threading.Thread(target=drip, daemon=True).start()
        try:
            with pytest.raises(ex.ChainError, match="did not arrive within"):
                ex.read_chain(f"http://127.0.0.1:{server.getsockname()[1]}/x.cif")
        finally:
            over.set()


@pytest.mark.parametrize("how", ["cannot be made", "is a file", "is full"])
def test_a_cache_that_cannot_be_used_is_one_line_and_the_work_goes_on(
    service,
    monkeypatch,
    tmp_path,
    how,
):
    """It names the folder and the variable, and says so also in the doctor's shell."""
    folder = "/proc/none" if how == "cannot be made" else str(tmp_path / "cache")
    monkeypatch.setenv("ESM_EXPLORE_CACHE", folder)
    if how == "is a file":
        service.write_text("")
    if how == "is full":

        def keep(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(downloads, "_keep", keep)
    for _ in range(2):
        with pytest.warns(ex.ChainWarning, match=f"{folder} cannot be used.*ESM_EXPLORE_CACHE"):
            assert len(ex.read_chain("9UBI")) == 76
    done = CliRunner().invoke(app, ["doctor", "9UBI"])
    assert f"the cache folder {folder} cannot be used" in done.output


# --- BinaryCIF, whatever is imported ---


@pytest.mark.slow
def test_every_bundled_file_is_read_by_biotite_alone():
    """In a process that knows neither this package nor esm, which patches msgpack."""
    code = f"""
import gzip, io, sys
from pathlib import Path
from biotite.structure.io.pdbx import BinaryCIFFile, get_structure
for path in sorted(Path({str(EXAMPLES)!r}).glob("*.bcif.gz")):
    file = BinaryCIFFile.read(io.BytesIO(gzip.decompress(path.read_bytes())))
    print(path.name, len(get_structure(file, model=1, extra_fields=["b_factor"])))
assert not {{"esm", "esm_explore", "msgpack_numpy"}} & {{*sys.modules}}
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    read = dict(line.split() for line in done.stdout.splitlines())
    assert set(read) == set(ex.examples()["file"])
    assert min(map(int, read.values())) > 100


@pytest.mark.parametrize("name", ["4ZHL", "7CFN"])
def test_reading_does_not_depend_on_a_patched_msgpack(monkeypatch, name):
    """Esm patches it; put back, the same chains come, also of a file that the patch wrote."""
    content = gzip.decompress((EXAMPLES / ex.examples().loc[name, "file"]).read_bytes())
    numbers = BinaryCIFFile.deserialize(msgpack.unpackb(content)).serialize()
    columns = [c for part in numbers["dataBlocks"][0]["categories"] for c in part["columns"]]
    for encoding in (e for column in columns for e in column["data"]["encoding"]):
        if "origin" in encoding:
            encoding["origin"] = np.int32(encoding["origin"])
    patched = msgpack.packb(numbers)
    assert b"\xc4\x02nd" in patched
    expected = ex.read_chains(io.BytesIO(content))
    for function in ("original", "patched"):
        if function == "original":
            monkeypatch.setattr(msgpack, "unpackb", msgpack._cmsgpack.unpackb)
        else:
            monkeypatch.undo()
        for given in (content, patched):
            for chain, other in zip(ex.read_chains(io.BytesIO(given)), expected, strict=True):
                assert_same(chain, other)


def test_what_we_write_has_no_maps_of_numpy():
    """The recipe of bundled files, in this process where msgpack is patched."""
    file = BinaryCIFFile.deserialize({"version": np.str_("0"), "encoder": "x", "dataBlocks": []})
    assert b"nd" not in binary_cif_bytes(file)


class _Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_binary_cif_cannot_run_code(tmp_path):
    """A patched msgpack unpickles what a map in the file holds."""
    target = tmp_path / "made"
    bomb = {b"nd": True, b"kind": b"O", b"data": pickle.dumps(_Bomb(str(target)))}
    content = {"version": "0", "encoder": "x", "dataBlocks": [bomb]}
    with pytest.raises(ex.ChainError, match="damaged"):
        ex.read_chain(io.BytesIO(msgpack.packb(content, use_bin_type=True)))
    assert not target.exists()
