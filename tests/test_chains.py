"""What read_chain reads is what is in the file, whatever the format."""

from __future__ import annotations

import gzip
import io
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from biotite.structure.io.pdb import PDBFile
from biotite.structure.io.pdbx import BinaryCIFFile, CIFFile, get_structure, set_structure
from conftest import pdb_lines
from esm.utils import residue_constants

import esm_explore as ex
from esm_explore.chains import reading, structure
from esm_explore.chains.provenance import reading_of
from esm_explore.parsing import structure_files

pytestmark = pytest.mark.lines
DATA = Path(__file__).parent / "data"
EXAMPLES = Path(ex.__file__).parent / "sources" / "examples"


def atoms_of(path: Path):
    data = gzip.decompress(path.read_bytes())
    kind = BinaryCIFFile if ".bcif" in path.name else CIFFile
    stream = io.BytesIO(data) if kind is BinaryCIFFile else io.StringIO(data.decode())
    fields = ["b_factor", "occupancy"]
    return get_structure(
        kind.read(stream), model=1, altloc="all", use_author_fields=True, extra_fields=fields
    )


def twins(source: Path, folder: Path) -> list[Path]:
    """Write the same atoms as PDB, mmCIF and BinaryCIF, plain and gzipped."""
    atoms = atoms_of(source)
    name = source.name.split(".")[0]
    paths = [folder / f"{name}.pdb", folder / f"{name}.cif", folder / f"{name}.bcif"]
    for kind, path in zip((PDBFile, CIFFile, BinaryCIFFile), paths, strict=True):
        file = kind()
        file.set_structure(atoms) if kind is PDBFile else set_structure(file, atoms)
        file.write(path)
    for path in paths[:3]:
        packed = path.with_name(path.name + ".gz")
        packed.write_bytes(gzip.compress(path.read_bytes()))
        paths.append(packed)
    return paths


def assert_same_chain(a, b):
    assert (a.id, a.sequence, a.chain_id) == (b.id, b.sequence, b.chain_id)
    np.testing.assert_array_equal(a.residue_index, b.residue_index)
    np.testing.assert_array_equal(a.insertion_code, b.insertion_code)
    np.testing.assert_array_equal(a.atom37_mask, b.atom37_mask)
    np.testing.assert_allclose(a.atom37_positions, b.atom37_positions, atol=6e-4)


@pytest.mark.parametrize("source", [EXAMPLES / "1a8o.bcif.gz", DATA / "4zhl.cif.gz"])
def test_a_pdb_file_and_its_twins_give_the_same_chain(source, tmp_path):
    """1A8O has selenomethionines, 4ZHL insertion codes: where esm's readers lose residues."""
    chains = [ex.read_chain(path) for path in twins(source, tmp_path)]
    for chain in chains[1:]:
        assert_same_chain(chains[0], chain)


def test_the_real_mmcif_and_its_pdb_twin_give_the_same_chain(tmp_path):
    """4ZHL as deposited, with waters, ligands and both numberings, against PDB columns."""
    original = ex.read_chain(DATA / "4zhl.cif.gz")
    assert_same_chain(original, ex.read_chain(twins(DATA / "4zhl.cif.gz", tmp_path)[0]))


def test_content_decides_not_the_extension(tmp_path):
    """A gzipped BinaryCIF called .pdb."""
    path = tmp_path / "1ubi.pdb"
    shutil.copy(EXAMPLES / "1ubi.bcif.gz", path)
    assert ex.read_chain(path).sequence == ex.read_chain("1UBI").sequence


def test_insertion_codes_are_kept():
    """4ZHL (urokinase) has 19 residues with a letter, such as 37A to 37D."""
    with pytest.warns(ex.ChainWarning):
        chain = ex.read_chain(DATA / "4zhl.cif.gz")
    labels = [f"{n}{c}" for n, c in zip(chain.residue_index, chain.insertion_code, strict=True)]
    assert sum(code != "" for code in chain.insertion_code) == 19
    assert {"37", "37A", "37B", "37C", "37D", "38"} <= set(labels)


def test_selenomethionine_is_a_residue():
    """1A8O has 70 residues, 4 of them MSE written as HETATM; Se takes the place of S."""
    chain = ex.read_chain("1A8O")
    assert len(chain) == 70
    assert chain.sequence[0] == "M"
    assert chain.atom37_mask[0, residue_constants.atom_order["SD"]]


def test_hydroxyproline_is_a_residue_of_an_nmr_model():
    """1AS5 has 14 models of 24 residues, among them HYP; model 14 differs from model 1."""
    with pytest.warns(ex.ChainWarning, match="model 1 of 14"):
        first = ex.read_chain(DATA / "1as5.cif.gz")
    with pytest.warns(ex.ChainWarning, match="model 14 of 14"):
        last = ex.read_chain(DATA / "1as5.cif.gz", model=14)
    assert len(first) == len(last) == 24
    assert first.sequence == last.sequence
    assert not np.allclose(first.atom37_positions[:, 1], last.atom37_positions[:, 1])


def test_the_most_occupied_location_is_taken_and_reported(tmp_path):
    """A serine of 1UBI at two places, 0.3 and 0.7 occupied: the second is the chain's."""
    lines = []
    for line in pdb_lines(atoms_of(EXAMPLES / "1ubi.bcif.gz")):
        if line.startswith("ATOM") and line[22:26].strip() == "20":
            lines.append(line[:16] + "A" + line[17:54] + "  0.30" + line[60:])
            moved = f"{float(line[30:38]) + 1:8.3f}"
            lines.append(line[:16] + "B" + line[17:30] + moved + line[38:54] + "  0.70" + line[60:])
        else:
            lines.append(line)
    path = tmp_path / "1ubi.pdb"
    path.write_text("\n".join(lines) + "\n")
    with pytest.warns(ex.ChainWarning, match="most occupied of alternate locations at 20$"):
        chain = ex.read_chain(path)
    shift = chain.atom37_positions - ex.read_chain("1UBI").atom37_positions
    np.testing.assert_allclose(shift[19, :3], [[1, 0, 0]] * 3, atol=2e-3)
    np.testing.assert_allclose(np.nan_to_num(shift[20]), 0, atol=2e-3)


def test_real_alternate_locations():
    """3AL1: two chains of 12 residues and caps; the first is taken, and that is said."""
    with pytest.warns(ex.ChainWarning, match="alternate locations"):
        chain = ex.read_chain(DATA / "3al1.pdb.gz", "A")
    assert len(chain) == 12


@pytest.mark.filterwarnings("error::esm_explore.ChainWarning")
@pytest.mark.parametrize("name", ex.examples().index)
def test_every_bundled_example_is_what_the_table_says(name):
    """Chain and number of residues; nothing to warn of when the chain is given."""
    row = ex.examples().loc[name]
    chain = ex.read_chain(name, row["chain"])
    assert (chain.id, chain.chain_id, len(chain)) == (name, row["chain"], row["residues"])
    assert chain.atom37_mask[:, :3].all()


def test_names_of_examples_in_any_spelling():
    """Upper or lower case, with the chain or without."""
    for name in ("1itu", "1ITU", "1ITU_B", "1itu_b"):
        assert len(ex.read_chain(name)) == 369


def test_a_chain_survives_esms_own_pdb_round_trip(tmp_path):
    """The fields are those that esm fills in, also for its writer."""
    chain = ex.read_chain("1UBI")
    chain.to_pdb(tmp_path / "out.pdb")
    again = ex.read_chain(tmp_path / "out.pdb")
    np.testing.assert_allclose(again.atom37_positions, chain.atom37_positions, atol=6e-4)
    assert again.sequence == chain.sequence


def test_a_free_amino_acid_is_not_a_residue_of_the_chain(tmp_path):
    """A glutamate in a binding site, as HETATM under the protein's chain id."""
    protein = pdb_lines(atoms_of(EXAMPLES / "1ubi.bcif.gz"))
    ligand = [
        f"HETATM 9{i:03d} {name:<4s} GLU A 301    {50 + i:8.3f}  50.000  50.000  1.00  0.00"
        for i, name in enumerate([" N", " CA", " C", " O"])
    ]
    path = tmp_path / "ligand.pdb"
    path.write_text("\n".join([*protein, *ligand, "END", ""]))
    assert len(ex.read_chain(path)) == 76


SEVERAL = [EXAMPLES / "7cfn.bcif.gz", EXAMPLES / "1ek9.bcif.gz", DATA / "3al1.pdb.gz"]


@pytest.mark.parametrize("source", SEVERAL, ids=lambda path: path.name)
def test_all_chains_of_a_file_cost_one_parse_and_are_those_that_it_has(source, monkeypatch):
    """As `read_chain` gives them one by one, with what was chosen; in the order of the file."""
    parses = []

    def read_model(*given):
        parses.append(given)
        return structure_files.read_model(*given)

    monkeypatch.setattr(structure, "read_model", read_model)
    chains = ex.read_chains(source)
    assert len(parses) == 1
    assert len(chains) > 1
    assert [c.chain_id for c in chains] == reading.open_structure(source).chain_ids
    for chain in chains:
        alone = ex.read_chain(source, chain.chain_id)
        assert_same_chain(chain, alone)
        held, expected = reading_of(chain), reading_of(alone)
        np.testing.assert_array_equal(held.others, expected.others)
        assert held.n_before == expected.n_before
        assert set(held.other_chains) == {c.chain_id for c in chains} - {chain.chain_id}
        assert (held.alternates, held.chosen_from) == (expected.alternates, "")


def test_a_chain_that_cannot_be_read_does_not_take_the_others_away(tmp_path):
    """Chain B holds CA atoms alone: its error comes when it is asked for."""
    lines = pdb_lines(atoms_of(EXAMPLES / "1ubi.bcif.gz"))
    lines += [f"{line[:21]}B{line[22:]}" for line in lines if line[12:16].strip() == "CA"]
    path = tmp_path / "two.pdb"
    path.write_text("\n".join([*lines, "END"]))
    opened = reading.open_structure(path)
    assert opened.chain_ids == ["A", "B"]
    assert len(opened.read("A")) == 76
    with pytest.raises(ex.ChainError, match="chain B has N, CA and C; there are only: CA"):
        opened.read("B")
    assert len(opened.read()) == 76
    with pytest.raises(ex.ChainError, match="chain B has N, CA and C"):
        ex.read_chains(path)


def test_reading_and_tracing_say_an_alarm_once(tmp_path, toy_encoder):
    """Fifteen residues are few: reading says so, tracing not again; a part of a chain is new."""
    lines = pdb_lines(atoms_of(EXAMPLES / "1ubi.bcif.gz"))
    path = tmp_path / "short.pdb"
    kept = [line for line in lines if line.startswith("ATOM") and int(line[22:26]) <= 15]
    path.write_text("\n".join([*kept, "END"]))
    with pytest.warns(ex.ChainWarning, match="fewer than 16 residues"):
        chain = ex.read_chain(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ex.ChainWarning)
        ex.trace(toy_encoder, chain)
        list(ex.tokenize(toy_encoder, [chain]))
    with pytest.warns(ex.ChainWarning, match="fewer than 16 residues"):
        ex.trace(toy_encoder, chain[:10])


@pytest.mark.parametrize("change", ["atoms in another order", "a number twice"])
def test_what_was_changed_since_reading_is_said_by_tracing(change, toy_encoder):
    """Reading found nothing; in place, C and N change places, or a residue takes a number."""
    chain = ex.read_chain("1UBI")
    if change == "a number twice":
        chain.residue_index[5] = chain.residue_index[4]
    else:
        chain.atom37_positions[:, [0, 2]] = chain.atom37_positions[:, [2, 0]]
    with pytest.warns(ex.ChainWarning, match="1UBI chain A"):
        ex.trace(toy_encoder, chain)
