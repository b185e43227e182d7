"""`ex.export.residues`: each format is opened again by a reader of that format."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import gemmi
import numpy as np
import pandas as pd
import pytest
from biotite.sequence.io.fasta import FastaFile
from biotite.structure.io.pdb import PDBFile
from conftest import mostly_slow
from hostile import SCRIPT, hostile_trace
from PIL import Image

import esm_explore as ex
from esm_explore.errors import ChainWarning, TraceError
from esm_explore.export.writing import FORMATS
from esm_explore.palette import FRAMELESS

CLI = "from esm_explore.cli import app; app()"
pytestmark = pytest.mark.filterwarnings("ignore:B factors of a .pdb")


@pytest.fixture(scope="module")
def trace(toy_encoder):
    """4ZHL: insertion codes; without the backbone frame of its tenth residue."""
    chain = ex.read_chain(Path(__file__).parent / "data" / "4zhl.cif.gz")
    positions, there = chain.atom37_positions.copy(), chain.atom37_mask.copy()
    positions[9, 2], there[9, 2] = np.nan, False
    lacking = dataclasses.replace(chain, atom37_positions=positions, atom37_mask=there)
    return ex.trace(toy_encoder, lacking)


@pytest.fixture
def numbers(trace):
    """A number a residue, the first two of them not known."""
    values = np.linspace(-1, 1, len(trace)).round(2)
    values[:2] = np.nan
    return values


def names(trace) -> list[tuple[int, str]]:
    table = trace.to_frame()
    return list(zip(table["number"], table["insertion_code"], strict=True))


def test_pdb_gives_every_atom_its_residues_value(trace, numbers, tmp_path):
    """Read by biotite: all residues, in order; 0 where there is none, which a remark says."""
    path = ex.export.residues(trace, tmp_path / "x.pdb", numbers, label="score")
    atoms = PDBFile.read(path).get_structure(model=1, extra_fields=["b_factor"])
    ca = atoms[atoms.atom_name == "CA"]
    placed = trace.chain.atom37_mask[:, 1].astype(bool)
    assert [*zip(ca.res_id, ca.ins_code, strict=True)] == [
        name for name, there in zip(names(trace), placed, strict=True) if there
    ]
    np.testing.assert_allclose(ca.b_factor, np.nan_to_num(numbers)[placed], atol=1e-6)
    assert f"no value, B factor 0: {trace.labels[0]}" in path.read_text()
    assert trace.encoder_info.title in " ".join(path.read_text().split())


def test_pdb_says_that_digits_are_lost_and_refuses_what_has_no_room(trace, tmp_path):
    """Tokens go beyond 999.99; margins are rounded, which is said; nothing is half written."""
    with pytest.warns(ChainWarning, match=r"two decimals.*\.cif keeps"):
        ex.export.residues(trace, tmp_path / "m.pdb", "margin")
    with pytest.raises(TraceError, match=r"2000.*no room for: write a \.cif"):
        ex.export.residues(trace, tmp_path / "t.pdb", np.full(len(trace), 2000))
    assert [path.name for path in tmp_path.iterdir()] == ["m.pdb"]


def test_cif_has_values_colors_and_missing_ones(trace, numbers, tmp_path):
    """Read by gemmi: B factors of atoms, and a row a residue in a category of its own."""
    path = ex.export.residues(trace, tmp_path / "x.cif", numbers, label="score")
    block = gemmi.cif.read(str(path)).sole_block()
    table = block.find("_esm_explore_residue.", ["auth_seq_id", "value", "color"])
    assert [int(row[0]) for row in table] == [number for number, _ in names(trace)]
    found = [np.nan if row[1] == "?" else float(row[1]) for row in table]
    np.testing.assert_array_equal(found, numbers)
    chain = gemmi.read_structure(str(path))[0][trace.chain.chain_id]
    by_label = {str(residue.seqid): residue[0].b_iso for residue in chain}
    for label, number in zip(trace.labels, numbers, strict=True):
        assert by_label.get(label, np.nan_to_num(number)) == pytest.approx(np.nan_to_num(number))


def test_words_are_numbered_and_the_numbers_explained(trace, tmp_path):
    """Secondary structure as B factor: 1, 2, ... in alphabetical order, as the file says."""
    path = ex.export.residues(trace, tmp_path / "x.cif", "secondary_structure")
    block = gemmi.cif.read(str(path)).sole_block()
    words = gemmi.cif.as_string(block.find_value("_esm_explore.words"))
    meant = dict(reversed(entry.split(" ", 1)) for entry in words.split(", "))
    for word, number in block.find("_esm_explore_residue.", ["value", "b_factor"]):
        assert meant[word] == number


def test_chimerax_attributes_name_each_residue_that_has_a_value(trace, numbers, tmp_path):
    """Syntax of ChimeraX's documentation: header, then tab, residue, tab, value."""
    text = ex.export.residues(trace, tmp_path / "x.defattr", numbers, label="score").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines[:3] == ["attribute: esm_score", "match mode: 1-to-1", "recipient: residues"]
    found = [re.fullmatch(r"\t/(\w+):(-?\d+[A-Z]?)\t(\S+)", line).groups() for line in lines[3:]]
    assert {chain for chain, *_ in found} == {trace.chain.chain_id}
    assert [label for _, label, _ in found] == trace.labels[2:]
    np.testing.assert_allclose([float(value) for *_, value in found], numbers[2:])


def test_chimerax_commands_give_every_residue_the_color_of_the_view(trace, tmp_path):
    """Each residue once; gray without a backbone frame."""
    text = ex.export.residues(trace, tmp_path / "x.cxc").read_text()
    colors = {}
    for labels, color in re.findall(r"^color /\w+:(\S+) (#[0-9a-f]{6})$", text, re.M):
        for label in labels.split(","):
            assert label not in colors
            colors[label] = color
    assert list(sorted(colors)) == sorted(trace.labels)
    frameless = np.array(trace.labels)[~trace.has_frame]
    assert {colors[label] for label in frameless} <= {FRAMELESS}


@pytest.mark.slow
@pytest.mark.skipif(
    not (find_spec("pymol") and find_library("GL")),
    reason="no PyMOL; `.ci/install.sh .venv/bin/python peers` brings it, libgl1 the libGL it needs",
)
def test_pymol_runs_it(trace, numbers, tmp_path):
    """PyMOL loads the structure and the script; B factors and colors are there; no name is run."""
    named = dataclasses.replace(trace.chain, id="4ZHL; print('RAN') \\")
    named = dataclasses.replace(trace, chain=named)
    script = ex.export.residues(named, tmp_path / "x.pml", numbers, label="score")
    structure = ex.export.residues(trace, tmp_path / "x.cif", "burial")
    ask = (
        f"load {structure}\n@{script}\n"
        "iterate name CA, print('SAW', resi, b, cmd.get_color_tuple(color))\n"
    )
    (tmp_path / "ask.pml").write_text(ask)
    done = subprocess.run(
        [sys.executable, "-m", "pymol", "-cq", str(tmp_path / "ask.pml")],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert "RAN" not in done.stdout
    seen = re.findall(r"SAW (\S+) (\S+) \((.*)\)", done.stdout)
    expected = dict(zip(trace.labels, numbers, strict=True))
    assert len(seen) == trace.chain.atom37_mask[:, 1].sum()
    for label, b, _ in seen:
        if np.isfinite(expected[label]):
            assert float(b) == pytest.approx(expected[label], abs=1e-4)
    assert len({color for *_, color in seen}) > 10


def test_pymol_names_negative_numbers_and_insertion_codes(trace, tmp_path):
    """A leading minus is escaped, since it would be a range."""
    chain = trace.chain
    moved = dataclasses.replace(chain, residue_index=chain.residue_index - 60)
    below = dataclasses.replace(trace, chain=moved)
    text = ex.export.residues(below, tmp_path / "x.pml", "burial").read_text()
    first = int(moved.residue_index[0])
    assert first < 0
    assert rf"resi \{first}" in text


def test_a_scene_holds_the_structure_and_colors_it(trace, tmp_path):
    """Molviewspec's own model takes it; the address inside is the .cif, whose colors are used."""
    text = ex.export.residues(trace, tmp_path / "x.mvsj").read_text()
    import molviewspec

    state = molviewspec.State.model_validate_json(text)
    assert trace.title in state.metadata.title
    assert trace.encoder_info.title in state.metadata.description
    assert '"_esm_explore' not in text
    assert "esm_explore_residue" in text
    assert json.loads(text)["root"]["children"][0]["params"]["url"].startswith("data:text/plain")


@pytest.mark.parametrize(
    ("value", "alphabet"), [("amino_acid", None), ("3di", "ACDEFGHIKLMNPQRSTVWY")]
)
def test_fasta_has_a_letter_a_residue(trace, tmp_path, value, alphabet):
    """Read by biotite; 3Di letters are Foldseek's twenty."""
    path = ex.export.residues(trace, tmp_path / "x.fasta", value)
    ((header, letters),) = FastaFile.read(path).items()
    assert len(letters) == len(trace)
    assert trace.encoder_info.title in header
    assert set(letters) <= set(alphabet or trace.chain.sequence)


def test_tokens_in_fasta_are_numbers_of_equally_many_digits(trace, tmp_path):
    """They come back; a residue without a frame is a run of dashes."""
    path = ex.export.residues(trace, tmp_path / "x.fasta")
    (letters,) = FastaFile.read(path).values()
    digits = len(str(len(trace.codebook) - 1))
    found = [letters[i : i + digits] for i in range(0, len(letters), digits)]
    expected = [
        str(token).zfill(digits) if framed else "-" * digits
        for token, framed in zip(trace.tokens, trace.has_frame, strict=True)
    ]
    assert found == expected


@pytest.mark.parametrize("end", [".csv", ".parquet"])
def test_tables_have_the_value_in_a_column_of_its_name(trace, numbers, tmp_path, end):
    """Read by pandas; which encoder made it is a column."""
    path = ex.export.residues(trace, tmp_path / f"x{end}", numbers, label="score")
    table = pd.read_csv(path, comment="#") if end == ".csv" else pd.read_parquet(path)
    np.testing.assert_allclose(table["score"], numbers)
    assert table["token"].tolist() == trace.tokens.tolist()
    assert set(table["encoder"]) == {trace.encoder_info.title}


@pytest.mark.slow
def test_anndata_holds_latents_and_annotations(trace, numbers, tmp_path):
    """Read by anndata: residues by latent, with a column each of what is known of residues."""
    path = ex.export.residues(trace, tmp_path / "x.h5ad", numbers, label="score")
    import anndata

    table = anndata.read_h5ad(path)
    np.testing.assert_array_equal(table.X, trace.pre_vq)
    np.testing.assert_allclose(table.obs["score"], numbers)
    assert {"token", "margin", "burial", "secondary_structure"} <= set(table.obs)
    np.testing.assert_array_equal(table.obsm["spatial"], trace.chain.atom37_positions[:, 1])
    for name, width in (("X_pca", 10), ("X_umap", 2)):
        places = table.obsm[name]
        assert places.shape == (len(trace), width)
        assert (np.isfinite(places).all(1) == trace.has_frame).all()
    assert table.uns["esm_explore"]["X_umap"].startswith("UMAP of pre_vq")


@pytest.mark.slow
def test_pictures_are_images_that_say_what_they_show(trace, tmp_path):
    """PNG by Pillow, SVG as XML; neither speaks of cells of a notebook."""
    with Image.open(ex.export.residues(trace, tmp_path / "x.png", "margin")) as image:
        assert image.size[0] == 1280
        assert trace.title in "".join(image.info.values())
    text = ex.export.residues(trace, tmp_path / "x.svg", "margin").read_text()
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert trace.encoder_info.title in text
    assert "run the cell" not in text


@pytest.mark.parametrize("end", mostly_slow(FORMATS, *FORMATS.keys() - {".svg", ".png", ".h5ad"}))
def test_what_is_of_another_stays_and_ones_own_is_replaced(trace, tmp_path, end):
    """The second export replaces the first; a file of somebody else is left as it is."""
    path, value = tmp_path / f"x{end}", "margin"
    if end == ".fasta":
        value = "amino_acid"
    for _ in range(2):
        ex.export.residues(trace, path, value)
    path.write_text("mine")
    with pytest.raises(TraceError, match="is not of this program and stays"):
        ex.export.residues(trace, path, value)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("path", "value", "label", "said"),
    [
        ("x.xyz", "token", "a", r"ends in no known format; it has to be one of: \.cxc"),
        ("x", "token", "a", "ends in no known format"),
        ("x.csv", "plddt", "a", "There is no color 'plddt'; there are token"),
        ("x.csv", np.zeros(3), "a", r"Values have shape \(3,\); one a residue is"),
        ("x.csv", np.zeros((9, 2)), "a", r"value is an array of float64, shape \(9, 2\)"),
        ("x.csv", [object(), 1], "a", "or one number or word a residue"),
        ("x.csv", [np.inf, 1.0], "a", "1 of the values are infinite"),
        ("x.csv", "token", "My score", "label is 'My score'; it has to be a name in small"),
        ("x.fasta", "margin", "a", "value is 'margin'; it has to be token, amino_acid"),
        ("x.csv", "3di", "a", r"3Di letters are written to a \.fasta, not to a \.csv"),
        ("x.csv", [1.0, 2.0], "token", "'token' names something else in these files"),
        ("x.csv", [1.0, 2.0], "encoder", "'encoder' names something else in these files"),
        ("x.csv", np.ma.masked_less([1.0, 2.0], 2), "a", "value is a masked array; give value.fil"),
        ("x.pml", ["a\nquit", "b"], "a", r"One of the words is 'a\\\\nquit'; words have to be of"),
        ("x.h5ad", ["a\0b", "b"], "a", r"One of the words is 'a\\\\x00b'"),
        ("x.parquet", ["\ud800", "b"], "a", r"One of the words is '\\\\ud800'"),
        ("no/such/x.csv", "token", "a", "could not be written"),
    ],
)
def test_bad_input_is_told_what_would_be_right(trace, tmp_path, path, value, label, said):
    """And nothing is written."""
    with pytest.raises(TraceError, match=said):
        ex.export.residues(trace, tmp_path / path, value, label=label)
    assert not list(tmp_path.iterdir())


# PyMOL runs what stands behind a semicolon in a comment, and joins lines at a backslash.
COMMANDS = "1UBI; quit \\\n quit\n; python;"


@pytest.mark.parametrize("end", mostly_slow([".pml", ".cxc", ".defattr"], ".pml"))
def test_no_name_from_a_file_becomes_a_command(toy_encoder, ubiquitin, tmp_path, end):
    """A chain's id that is no letter or digit is refused; titles stay in one commented line."""
    with pytest.raises(TraceError, match="cannot be named in a file for"):
        ex.export.residues(hostile_trace(toy_encoder, ubiquitin), tmp_path / f"x{end}", "burial")
    named = ex.trace(toy_encoder, dataclasses.replace(ubiquitin, id=COMMANDS))
    words = np.array(["; quit", "\\", "@x.pml", "b"] * 19)
    for value in ("burial", words):
        text = ex.export.residues(named, tmp_path / f"x{end}", value).read_text()
        for line in text.splitlines():
            assert not line.startswith("#") or not re.search(r";|\\$", line), line
            assert not re.match(r"\s*(quit|python|@)", line)


@pytest.mark.parametrize(
    "end",
    mostly_slow([".cif", ".csv", ".parquet", ".mvsj", ".svg", ".png", ".h5ad"], ".cif", ".csv"),
)
def test_hostile_names_are_data(toy_encoder, ubiquitin, tmp_path, end):
    """Everything that can hold any name is written, and can be read again; SVG runs no script."""
    no_text = dataclasses.replace(ubiquitin, id="a\udcff\x1b", chain_id="\udcfe")
    ex.export.residues(ex.trace(toy_encoder, no_text), tmp_path / f"b{end}", "burial")
    hostile = hostile_trace(toy_encoder, ubiquitin)
    path = ex.export.residues(hostile, tmp_path / f"x{end}", "burial")
    if end == ".cif":
        block = gemmi.cif.read(str(path)).sole_block()
        assert len(block.find("_esm_explore_residue.", ["value"])) == len(hostile)
    if end == ".csv":
        assert len(pd.read_csv(path, comment="#")) == len(hostile)
    if end == ".svg":
        root = ElementTree.parse(path).getroot()
        assert not [e for e in root.iter() if e.tag.endswith("}script")]
        assert not [key for e in root.iter() for key in e.attrib if key.startswith("on")]
        assert SCRIPT not in path.read_text()


@pytest.mark.slow
def test_the_command_writes_what_the_verb_writes(tmp_path):
    """In a process of its own: the file, one line each on what and by whom; wrong ends get one."""
    command = [sys.executable, "-c", CLI, "export", "1EJG", "--value", "margin", "-o"]
    done = subprocess.run([*command, "m.pdb"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "margin of 1EJG chain A, 46 residues to m.pdb"
    assert "two decimals" in done.stderr
    assert len(PDBFile.read(tmp_path / "m.pdb").get_structure(model=1)) > 46
    done = subprocess.run([*command, "m.xyz"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: 'm.xyz' ends in no known format")
