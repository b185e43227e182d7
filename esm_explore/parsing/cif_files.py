"""mmCIF and BinaryCIF to atoms: the columns that are there, and what stands for missing ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from biotite.structure import AtomArray
from gemmi import cif

from esm_explore.errors import ChainError
from esm_explore.parsing.amino_acids import WATERS, is_standard
from esm_explore.parsing.binary_cif import parse_binary_cif
from esm_explore.parsing.cif_columns import (
    Column,
    Columns,
    binary_column,
    floats,
    text_column,
    texts,
)
from esm_explore.parsing.model import PREDICTORS, Model, check_model, complete

_BLANK = re.compile(r"\s*")
# A column of atom_site by its name.
Cell = Callable[[str], Any]
_NUMBER = re.compile(r"([+-]?\d+)([A-Za-z]?)")


def is_cif(text: str) -> bool:
    """Say whether a text begins as CIF does, after blank lines and comments."""
    start = _BLANK.match(text).end()
    while text.startswith("#", start):
        end = text.find("\n", start)
        start = _BLANK.match(text, len(text) if end < 0 else end).end()
    return text[start : start + 5].lower() == "data_"


def read_cif(text: str, model: int, title: str) -> Model:
    """Read one model of an mmCIF file.

    Parameters
    ----------
    text : str
    model : int
        Counted from 1.
    title : str
        Of the file, for messages.

    Returns
    -------
    Model

    Raises
    ------
    ChainError
        If there are no atoms, several structures, or no such model.
    ValueError, RuntimeError
        From gemmi, if it is not CIF.
    """
    # Outside quoted text CIF is ASCII, and nothing here is read from text.
    text = text.encode("ascii", "replace").decode()
    # Without checks: two blocks of one name are told as two structures.
    document = cif.read_string(text, 0)
    blocks = [block for block in document if len(block.find_mmcif_category("_atom_site."))]
    columns = [partial(text_column, block) for block in blocks]
    return _read([block.name for block in blocks], columns, model, title)


def read_binary_cif(data: bytes, model: int, title: str) -> Model:
    """Read one model of a BinaryCIF file.

    Parameters
    ----------
    data : bytes
    model, title
        As in `read_cif`.

    Returns
    -------
    Model

    Raises
    ------
    ChainError
        As `read_cif`.
    """
    file = parse_binary_cif(data, title)
    names = [name for name in file if "atom_site" in file[name]]
    return _read(names, [partial(binary_column, file[name]) for name in names], model, title)


def _read(names: list[str], blocks: list[Columns], model: int, title: str) -> Model:
    """Make a model of the category atom_site and of those that say more about its residues."""
    if len(blocks) > 1:
        raise ChainError(
            f"{title} holds {len(blocks)} structures ({', '.join(names[:5])}); "
            "put the one you want into a file of its own."
        )
    columns = blocks[0] if blocks else lambda *_: None
    site = partial(columns, "atom_site")
    places = [site(f"Cartn_{axis}") for axis in "xyz"]
    if any(place is None for place in places):
        raise ChainError(
            f"{title} has no atoms: no atom_site category with Cartn_x, Cartn_y and Cartn_z in "
            "any data block."
        )
    n = len(places[0][0])
    numbers = site("pdbx_PDB_model_num")
    models = np.zeros(n) if numbers is None else texts(numbers, n)
    used = list(dict.fromkeys(models.tolist()))
    check_model(model, len(used), title)
    rows = np.flatnonzero(models == used[model - 1])

    def cell(name: str) -> Column | None:
        column = site(name)
        return column and (column[0][rows], column[1][rows])

    atoms, flaws, notes = _atoms(cell, len(rows), rows, title)
    atoms.polymer |= _in_sequence(columns, cell, atoms)
    return Model(
        atoms,
        len(used),
        parents=_parents(columns),
        sequenced=bool(atoms.polymer.any()),
        predicted=_predicted(columns),
        flaws=flaws,
        notes=notes,
    )


def _atoms(
    cell: Cell, n: int, rows: np.ndarray, title: str
) -> tuple[AtomArray, list[str], list[str]]:
    atoms = complete(AtomArray(n))
    flaws: list[str] = []
    notes: list[str] = []
    places = [cell(f"Cartn_{axis}") for axis in "xyz"]
    coord, other = zip(*(floats(place, np.nan) for place in places), strict=True)
    atoms.coord = np.stack(coord, 1).astype(np.float32)
    atoms.atom_name = _first_of(cell, n, "auth_atom_id", "label_atom_id")
    atoms.res_name = _first_of(cell, n, "auth_comp_id", "label_comp_id")
    atoms.segment = texts(cell("label_asym_id"), n)
    atoms.chain_id = _first_of(cell, n, "auth_asym_id", "label_asym_id")
    atoms.altloc_id = texts(cell("label_alt_id"), n)
    atoms.element = np.char.upper(texts(cell("type_symbol"), n))
    label = texts(cell("label_seq_id"), n)
    # Some programs number waters in the sequence, too: then it says nothing of polymers.
    of_waters = np.isin(atoms.res_name, WATERS) & (label != "")
    atoms.polymer = (label != "") & ~of_waters.any()
    group = cell("group_PDB")
    if group is not None:
        atoms.hetero = texts(group, n) == "HETATM"
    else:
        atoms.hetero = ~(atoms.polymer if atoms.polymer.any() else is_standard(atoms.res_name))
    for name, column, blank in (("occupancy", "occupancy", 1.0), ("b_factor", "B_iso_or_equiv", 0)):
        if cell(column) is not None:
            atoms.set_annotation(name, floats(cell(column), blank)[0])
    for row in np.flatnonzero(np.any(other, axis=0)):
        given = " ".join(str(place[0][row]) for place in places)
        _add_flaw(atoms, row, flaws, f"the coordinates {given} are not three numbers", rows, title)
    unnumbered = _number(atoms, cell, label, notes)
    for row in np.flatnonzero(unnumbered & (atoms.flaw == 0)):
        given = texts(cell("auth_seq_id"), n)[row]
        _add_flaw(atoms, row, flaws, f"the residue number {given!r} is no number", rows, title)
    return atoms, flaws, notes


def _add_flaw(
    atoms: AtomArray, row: int, flaws: list[str], what: str, rows: np.ndarray, title: str
) -> None:
    named = f"{atoms.atom_name[row]} of {atoms.res_name[row]}"
    flaws.append(f"{title}, row {rows[row] + 1} of atom_site ({named}): {what}.")
    atoms.flaw[row] = len(flaws)


def _first_of(cell: Cell, n: int, first: str, second: str) -> np.ndarray:
    """Give the author's column, and the other where it has nothing."""
    values = texts(cell(first), n)
    return (
        np.where(values == "", texts(cell(second), n), values) if (values == "").any() else values
    )


def _number(atoms: AtomArray, cell: Cell, label: np.ndarray, notes: list[str]) -> np.ndarray:
    """Give residues their author's numbers, or the sequence's; mark those without."""
    n = len(atoms)
    numbers, letters, known = _parsed(texts(cell("auth_seq_id"), n))
    codes = texts(cell("pdbx_PDB_ins_code"), n)
    in_sequence, _, labeled = _parsed(label)
    replaced = []
    for chain in np.unique(atoms.chain_id[~known & labeled]):
        rows = (atoms.chain_id == chain) & labeled
        numbers[rows], letters[rows], codes[rows], known[rows] = in_sequence[rows], "", "", True
        replaced.append(chain or "blank")
    if replaced:
        notes.append(
            f"chain {', '.join(replaced)}: numbered by label_seq_id, auth_seq_id has no numbers"
        )
    atoms.res_id = numbers
    atoms.ins_code = np.where(codes == "", letters, codes)
    return ~known


def _parsed(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split values such as 52A into numbers and letters; the last says where that works."""
    different, inverse = np.unique(values, return_inverse=True)
    matches = [_NUMBER.fullmatch(value) for value in different.tolist()]
    numbers = np.array([int(match[1]) if match else 0 for match in matches])
    letters = np.array([match[2] if match else "" for match in matches])
    known = np.array([match is not None for match in matches], bool)
    return numbers[inverse], letters[inverse], known[inverse]


def _in_sequence(columns: Columns, cell: Cell, atoms: AtomArray) -> np.ndarray:
    """Mark residues that the sequence of their entity has; of the 20 that says nothing."""
    marked = np.zeros(len(atoms), bool)
    entities = [columns("entity_poly_seq", name) for name in ("entity_id", "mon_id")]
    if None in entities or cell("label_entity_id") is None:
        return marked
    of_entity = set(zip(*(texts(column, 0).tolist() for column in entities), strict=True))
    entity = texts(cell("label_entity_id"), len(atoms))
    for row in np.flatnonzero(~is_standard(atoms.res_name)):
        marked[row] = (entity[row], atoms.res_name[row]) in of_entity
    return marked


def _parents(columns: Columns) -> dict[str, set[str]]:
    """Read the standard residues that modified ones were made from."""
    parents: dict[str, set[str]] = {}
    for category, name, parent in (
        ("pdbx_struct_mod_residue", "label_comp_id", "parent_comp_id"),
        ("pdbx_struct_mod_residue", "auth_comp_id", "parent_comp_id"),
        ("chem_comp", "id", "mon_nstd_parent_comp_id"),
    ):
        pair = columns(category, name), columns(category, parent)
        if None in pair:
            continue
        for modified, of in zip(*(texts(column, 0).tolist() for column in pair), strict=True):
            parents.setdefault(modified, set()).update(re.findall(r"\w+", of))
    return {name: of for name, of in parents.items() if of}


def _predicted(columns: Columns) -> bool | None:
    """Look for what says how coordinates were obtained."""

    def words(category: str, name: str) -> str:
        return " ".join(texts(columns(category, name), 0).tolist()).upper()

    methods = words("exptl", "method")
    if methods:
        return "THEORETICAL" in methods or "PREDICT" in methods
    described = words("struct", "title") + words("software", "name") + words("entry", "id")
    if words("ma_qa_metric", "name") or PREDICTORS.search(described):
        return True
    return False if words("refine", "ls_d_res_high") else None
