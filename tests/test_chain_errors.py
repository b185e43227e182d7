"""What cannot be read is refused with its name and what would be right, never in silence."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import re
import subprocess
import sys
import threading
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import requests
from biotite.structure.io.pdbx import BinaryCIFFile, CIFFile
from conftest import pdb_lines
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import esm_explore as ex
from esm_explore.parsing import structure_files
from esm_explore.sources import downloads, unpacking
from esm_explore.sources.locating import locate

EXAMPLES = Path(ex.__file__).parent / "sources" / "examples"
DATA = Path(__file__).parent / "data"


@pytest.fixture
def lines() -> list[str]:
    """1UBI in PDB columns."""
    return pdb_lines(structure_files.read_model(locate(EXAMPLES / "1ubi.bcif.gz")).atoms)


@pytest.fixture
def written(tmp_path):
    """Write some lines, or bytes, to a file."""

    def write(content, name="x.pdb"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else "\n".join(content).encode())
        return path

    return write


def test_missing_file():
    """A path that is not there, as string and as Path."""
    for source in ("no/such.pdb", Path("no/such.pdb"), "such.cif.gz"):
        with pytest.raises(ex.ChainError, match=r"There is no file .*such"):
            ex.read_chain(source)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>404</html>", "is a web page"),
        (b"HEADER    HYDROLASE\nEND\n", "no ATOM lines"),
        (b"hello", "is not a structure"),
        (b"data_x\n_entry.id x\n", "no atom_site"),
        (gzip.compress(b"ATOM" * 1000, mtime=0)[:40], "damaged or cut off"),
        (bytes(range(256)) * 10, "is not a structure"),
    ],
)
def test_not_a_structure(written, content, message):
    """Each kind of wrong file is called what it is."""
    with pytest.raises(ex.ChainError, match=message):
        ex.read_chain(written(content))


def test_coordinates_that_are_no_numbers_are_named_by_line(written, lines):
    """Asterisks are what Fortran writes when a number does not fit."""
    lines[18] = lines[18][:30] + "********" + lines[18][38:]
    with pytest.raises(ex.ChainError, match=r"line 19: the coordinates '\*{8}"):
        ex.read_chain(written(lines))


def test_an_atom_that_no_token_depends_on_is_left_out_where_it_cannot_be_read(written, lines):
    """The O of residue 3 has asterisks: it is missing, and residue 3 is named."""
    lines[20] = lines[20][:30] + "********" + lines[20][38:]
    with pytest.warns(ex.ChainWarning, match="coordinates cannot be read are left out at 3$"):
        chain = ex.read_chain(written(lines))
    assert np.isnan(chain.atom37_positions[2, 4]).all()
    assert np.isfinite(chain.atom37_positions[:, :3]).all()


def test_blank_occupancy_and_b_factor_are_read(written, lines):
    """Columns 55 to 66 left out, as some programs do."""
    cut = [line[:54] if line.startswith("ATOM") else line for line in lines]
    assert len(ex.read_chain(written(cut))) == 76


def test_latin_1_remarks_are_read(written, lines):
    """A remark with an angstrom sign in Latin-1."""
    content = b"REMARK   1 RESOLUTION 1.8 \xc5\n" + "\n".join(lines).encode()
    assert len(ex.read_chain(written(content))) == 76


def test_wrong_chain_id_lists_the_protein_chains_with_their_lengths():
    """2HT0 has two proteins, and DNA in other chains."""
    with pytest.raises(
        ex.ChainError,
        match=r"Chain 'Z' is not a protein chain of 2HT0; it has: A \(96 residues\), B \(93 res",
    ):
        ex.read_chain("2HT0", "Z")


def test_a_dna_chain_is_not_a_protein_chain():
    """Chain C of 2HT0 is DNA."""
    with pytest.raises(ex.ChainError, match="'C' is not a protein chain of 2HT0"):
        ex.read_chain("2HT0", "C")


def test_no_protein_at_all(written, lines):
    """A file of water."""
    water = [f"HETATM{line[6:17]}HOH{line[20:]}" for line in lines if line.startswith("ATOM")]
    with pytest.raises(ex.ChainError, match="has no protein chain; its chains are: A"):
        ex.read_chain(written(water))


def test_ca_only(written, lines):
    """A CA trace has no backbone frames."""
    trace = [line for line in lines if line[12:16].strip() == "CA"]
    with pytest.raises(ex.ChainError, match=r"No residue of x chain A has N, CA and C.*only: CA\."):
        ex.read_chain(written(trace))


def test_some_residues_without_a_backbone_are_reported(written, lines):
    """Residue 30 without its C stays in the chain, and is named."""
    cut = [
        line for line in lines if not (line[22:26].strip() == "30" and line[12:16].strip() == "C")
    ]
    with pytest.warns(ex.ChainWarning, match="no backbone frame at 30$"):
        chain = ex.read_chain(written(cut))
    assert len(chain) == 76
    assert np.isnan(chain.atom37_positions[29, 2]).all()


def test_adjacent_residues_with_the_same_number_are_refused(written, lines):
    """Residue 31 numbered 30: esm makes one residue of the two."""
    merged = [
        f"{line[:22]}  30{line[26:]}" if line[22:26].strip() == "31" else line for line in lines
    ]
    with pytest.raises(ex.ChainError, match="Residue 30 of chain A has more than one atom N"):
        ex.read_chain(written(merged))


def test_a_location_without_a_letter_is_an_alternate_too(written, lines):
    """A few files leave the letter out of the first of two: the more occupied one is taken."""
    both = []
    for line in lines:
        if line.startswith("ATOM") and line[22:26].strip() == "20":
            both.append(line[:54] + "  0.30" + line[60:])
            line = f"{line[:16]}B{line[17:30]}{float(line[30:38]) + 1:8.3f}{line[38:54]}  0.70"
        both.append(line)
    with pytest.warns(ex.ChainWarning, match="alternate locations at 20"):
        chain = ex.read_chain(written([*both, "END"]))
    shift = chain.atom37_positions[19, :3] - ex.read_chain("1UBI").atom37_positions[19, :3]
    np.testing.assert_allclose(shift, [[1, 0, 0]] * 3, atol=2e-3)


def test_a_side_chain_atom_that_is_there_twice_changes_nothing(written, lines):
    """The first stays, and the doctor says where; 1AKE has such a residue."""
    i = next(i for i, line in enumerate(lines) if line[12:16] == " CB ")
    again = lines[i][:30] + f"{99:8.3f}" + lines[i][38:]
    chain = ex.read_chain(written([*lines[: i + 1], again, *lines[i + 1 :]]))
    np.testing.assert_allclose(
        chain.atom37_positions, ex.read_chain("1UBI").atom37_positions, atol=6e-4
    )


@pytest.mark.parametrize("value", ["     nan", "     inf", "    -inf"])
def test_coordinates_that_are_not_finite_are_missing(written, lines, value):
    """As for an atom that is not there."""
    changed = [
        line[:30] + value + line[38:] if line[22:26].strip() == "30" else line for line in lines
    ]
    with pytest.warns(ex.ChainWarning, match="no backbone frame at 30"):
        chain = ex.read_chain(written(changed))
    assert np.isnan(chain.atom37_positions[29, :3]).all()


def test_a_pdb_file_that_ends_within_a_line_was_cut_off(written, lines):
    """Cut in the coordinates of N it is refused by line; behind them it is read with a warning."""
    content = "\n".join(lines).encode()
    start = content.index(lines[196].encode())
    with pytest.raises(ex.ChainError, match="line 197: the coordinates"):
        ex.read_chain(written(content[: start + 40]))
    with pytest.warns(ex.ChainWarning, match="ends in the middle of a line: it was cut off"):
        ex.read_chain(written(content[: start + 60]))


def test_a_cif_file_that_was_cut_off_is_refused(tmp_path):
    """Wherever the cut is within a row of atoms."""
    content = gzip.decompress((DATA / "4zhl.cif.gz").read_bytes())
    rows = content.split(b"\n")
    row = next(i for i, line in enumerate(rows) if line.startswith(b"ATOM")) + 500
    path = tmp_path / "x.cif"
    for extra in (10, 30, 50):
        path.write_bytes(b"\n".join(rows[:row]) + b"\n" + rows[row][:extra])
        with pytest.raises(ex.ChainError, match="damaged or cut off"):
            ex.read_chain(path)


def test_blank_and_missing_values_of_mmcif_are_read(tmp_path):
    """B-factor and occupancy as ? and as a dot."""
    file = CIFFile.read(io.StringIO(gzip.decompress((DATA / "1as5.cif.gz").read_bytes()).decode()))
    atoms = file.block["atom_site"]
    for sign in "?.":
        for name in ("B_iso_or_equiv", "occupancy"):
            atoms[name] = [sign] * atoms.row_count
        file.write(tmp_path / "x.cif")
        assert len(ex.read_chain(tmp_path / "x.cif")) == 24


def test_what_is_no_source_and_no_chain_id():
    """Numbers, None, lists, bytes, and what no path can be."""
    for source in (5, None, ["1UBI"], b"1UBI", 1.5):
        with pytest.raises(ex.ChainError, match="from a path, a name or an id, not from a"):
            ex.read_chain(source)
    for source in ("x" * 5000, "a\0b"):
        with pytest.raises(ex.ChainError, match="cannot be a path|is not a file here"):
            ex.read_chain(source)
    for chain_id in (["A"], 1):
        with pytest.raises(ex.ChainError, match="it is the author's chain id, such as 'A'"):
            ex.read_chain("1UBI", chain_id)
    for chain_id in ("all", "detect", ""):
        with pytest.raises(ex.ChainError, match=r"it has: A \(96 residues\), B \(93 residues\)"):
            ex.read_chain("2HT0", chain_id)


def test_where_numbering_restarts_another_chain_begins(written, lines):
    """Two chains under one id: A and A-2, and the warning says so."""
    atoms = [line for line in lines if line.startswith("ATOM")]
    with pytest.warns(ex.ChainWarning, match="2 chains have the id A in the file; here .* A, A-2"):
        chains = ex.read_chains(written(atoms + atoms))
    assert [(chain.chain_id, len(chain)) for chain in chains] == [("A", 76), ("A-2", 76)]


def test_a_model_that_is_not_there():
    """The message says how many there are."""
    with pytest.raises(ex.ChainError, match=r"Model 2 is not in .*; it has 1 model"):
        ex.read_chain("1UBI", model=2)
    with pytest.raises(ex.ChainError, match="model is 'first'"):
        ex.read_chain("1UBI", model="first")


@pytest.mark.parametrize(
    "source", ["../1ubi", "1UB", "", "1ubi;rm", "ubiquitin", "AF-XX", "AF-../x"]
)
def test_what_is_no_name_is_refused_before_any_request(source, monkeypatch):
    """Nothing that is not an id by its pattern reaches a server or a cache path."""
    monkeypatch.setattr(downloads, "_cached", lambda *_: pytest.fail("a request was made"))
    with pytest.raises(ex.ChainError):
        ex.read_chain(source)


def test_a_gzip_bomb_is_refused(written, monkeypatch):
    """The limit is on what comes out."""
    monkeypatch.setattr(unpacking, "MAX_BYTES", 10_000)
    with pytest.raises(ex.ChainError, match="larger than 10,000 bytes unpacked"):
        ex.read_chain(written(gzip.compress(b"0" * 1_000_000)))


def test_a_binarycif_that_pretends_a_size_is_refused_before_it_is_unpacked(tmp_path):
    """20 KB that would unpack to 16 GB: a run of two billion residue numbers."""
    file = BinaryCIFFile.read(io.BytesIO(gzip.decompress((EXAMPLES / "1ubi.bcif.gz").read_bytes())))
    content = file.serialize()
    atoms = next(c for c in content["dataBlocks"][0]["categories"] if c["name"] == "_atom_site")
    column = next(c for c in atoms["columns"] if c["name"] == "auth_seq_id")
    path = tmp_path / "x.bcif"
    for size, message in ((2_000_000_000, "more rows than there are"), (None, "more rows")):
        run = {"kind": "RunLength", "srcType": 3} | ({"srcSize": size} if size else {})
        encoding = [run, {"kind": "ByteArray", "type": 3}]
        column["data"] = {
            "data": np.array([1, 2_000_000_000], "<i4").tobytes(),
            "encoding": encoding,
        }
        BinaryCIFFile.deserialize(content).write(path)
        with pytest.raises(ex.ChainError, match=message):
            ex.read_chain(path)
    atoms["rowCount"] = 2_000_000_000
    BinaryCIFFile.deserialize(content).write(path)
    with pytest.raises(
        ex.ChainError, match="says that it has 2000000000 rows of _atom_site.*MAX_ATOMS"
    ):
        ex.read_chain(path)


# --- downloads, from a server of our own ---


class Answers(BaseHTTPRequestHandler):
    """Answer by the name of the file that is asked for."""

    def do_GET(self):
        name = self.path.rsplit("/", 1)[-1].split(".")[0]
        status = {"9bad": 503, "9not": 404}.get(name, 200)
        body = b"sorry"
        if name == "9ubi":
            body = gzip.decompress((EXAMPLES / "1ubi.bcif.gz").read_bytes())
        if name == "9sta":  # begins, then falls silent
            self.send_response(200)
            self.send_header("Content-Length", "400")
            self.end_headers()
            self.wfile.write(b"x" * 100)
            self.server.stop.wait(10)
            return
        if name == "9slo":
            self.server.stop.wait(10)
        if name == "P69905":
            models = f"http://127.0.0.1:{self.server.server_port}/9ubi.bcif"
            body = json.dumps([{"bcifUrl": models}]).encode()
        if name == "P00001":
            body = b"[]"
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.end_headers()
        if name == "9dri":  # a byte now and then: no single wait is long
            with contextlib.suppress(ConnectionError):
                while not self.server.stop.wait(0.05):
                    self.wfile.write(b"x")
            return
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def service(monkeypatch, tmp_path):
    """A stand-in for the services, and an empty cache."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.stop = threading.Event()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    for name in ("PDB", "ALPHAFOLD"):
        monkeypatch.setattr(downloads, name, f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setenv("ESM_EXPLORE_CACHE", str(tmp_path / "cache"))
    yield tmp_path / "cache"
    server.stop.set()
    server.shutdown()


def test_a_pdb_id_is_fetched_once_then_kept(service, monkeypatch):
    """The second time there is no request."""
    first = ex.read_chain("9UBI")
    monkeypatch.setattr(requests, "get", lambda *_, **__: pytest.fail("a request was made"))
    assert ex.read_chain("9ubi").sequence == first.sequence
    assert (first.id, len(first)) == ("9UBI", 76)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("9NOT", "9not is not in the database: check the id"),
        ("9BAD", r"The service failed for 9bad \(HTTP status 503\)"),
        ("9HTM", "What came for 9htm is not a structure"),
        ("AF-P00001", "AF-P00001-F1 is not in the database: check the id"),
    ],
)
def test_each_failure_of_the_service_has_its_own_message(service, name, message):
    """And leaves nothing in the cache that a later run takes for good."""
    with pytest.raises(ex.ChainError, match=message):
        ex.read_chain(name)
    assert [path for path in service.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("name", ["9slo", "9sta", "9dri"])
def test_a_silent_service_and_one_that_drips_are_given_up_on(service, monkeypatch, name):
    """One deadline for the whole download."""
    monkeypatch.setattr(downloads, "TIME_LIMIT", 0.3)
    with pytest.raises(ex.ChainError, match=f"{name} did not arrive within"):
        ex.read_chain(name.upper())


def test_no_network(monkeypatch, tmp_path):
    """Connections are refused."""
    monkeypatch.setenv("ESM_EXPLORE_CACHE", str(tmp_path))

    for name in ("PDB", "ALPHAFOLD"):
        monkeypatch.setattr(downloads, name, "http://127.0.0.1:9/")
    for name in ("1ABC", "AF-P69905", "af-p69905-f1"):
        with pytest.raises(ex.ChainError, match="there is no network"):
            ex.read_chain(name)


def test_a_chain_that_was_cut_from_an_example_is_fetched(monkeypatch, tmp_path):
    """The bundled 1ITU has chain B only: chain A is the PDB's."""
    asked = []
    monkeypatch.setenv("ESM_EXPLORE_CACHE", str(tmp_path))

    def get(address, **_):
        asked.append(address)
        raise requests.ConnectionError("no")

    monkeypatch.setattr(requests, "get", get)
    with pytest.raises(ex.ChainError):
        ex.read_chain("1ITU", "A")
    assert asked == [f"{downloads.PDB}1itu.bcif"]


def test_an_alphafold_models_confidence_is_plddt_from_0_to_1(service):
    """A stand-in for a model: 1UBI with its B-factors taken for pLDDT."""
    chain = ex.read_chain("AF-P69905")
    assert chain.id == "AF-P69905"
    assert (chain.confidence >= 0).all()
    assert (chain.confidence < 1).all()


QUIET = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUIET
@given(
    content=st.binary(max_size=300),
    prefix=st.sampled_from([b"", b"\x1f\x8b", b"data_x\n", b"ATOM  "]),
)
def test_any_bytes_are_refused_with_our_error(tmp_path, content, prefix):
    """Nothing but ChainError comes out of a file of noise."""
    path = tmp_path / "noise"
    path.write_bytes(prefix + content)
    with pytest.raises(ex.ChainError):
        ex.read_chain(path)


@QUIET
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_with_our_error(tmp_path, data):
    """Bytes of a BinaryCIF and of its PDB twin changed or cut off."""
    packed = EXAMPLES / "1as5.bcif.gz"
    twin = "\n".join(pdb_lines(structure_files.read_model(locate(packed)).atoms))
    kinds = [gzip.decompress(packed.read_bytes()), twin.encode()]
    content = bytearray(data.draw(st.sampled_from(kinds)))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content))) :]
    path = tmp_path / "damaged"
    path.write_bytes(bytes(content))
    with warnings.catch_warnings(), contextlib.suppress(ex.ChainError):
        warnings.simplefilter("ignore")
        assert len(ex.read_chain(path)) > 0


@pytest.mark.slow
def test_300_mutated_files_are_read_or_refused_in_time_and_in_memory():
    """The first of what ``python tests/fuzz_reader.py 10000`` does, in a process of its own."""
    script = Path(__file__).with_name("fuzz_reader.py")
    done = subprocess.run([sys.executable, script, "300"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = re.search(r"(\d+) read, (\d+) refused, 0 failed.*memory \+(\d+) MB", done.stdout)
    read, refused, memory = map(int, report.groups())
    assert read > 20
    assert refused > 20
    assert memory < 1_000
