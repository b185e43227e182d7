"""PDB text to atoms: records, models, and what the headers say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from biotite.structure import AtomArray

from esm_explore.parsing.amino_acids import WATERS, is_standard
from esm_explore.parsing.model import PREDICTORS, Model, check_model
from esm_explore.parsing.pdb_columns import atoms_of_lines

_GROUPS = ("ATOM  ", "HETATM")


@dataclass
class _Records:
    """The lines of atoms, and between which other records they stand."""

    lines: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    ter: list[int] = field(default_factory=list)
    end: list[int] = field(default_factory=list)
    model: list[int] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    has_models: bool = False


def is_pdb(text: str) -> bool:
    """Say whether a text has lines of atoms."""
    return re.search(r"^(ATOM[ 0-9*]|HETATM)", text, re.M | re.I) is not None


def read_pdb(text: str, model: int, title: str) -> Model:
    """Read one model of a PDB file.

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
        If there is no such model, or if columns are shifted in a way that cannot be told.
    """
    records = _records(text)
    part = np.array(records.end)
    group = np.array(records.model)
    if not records.has_models and _are_frames(records, part):
        group, part = part, np.zeros_like(part)
    used = list(dict.fromkeys(group.tolist()))
    check_model(model, len(used), title)
    rows = np.flatnonzero(group == used[model - 1])
    lines = [records.lines[row] for row in rows]
    numbers = [records.numbers[row] for row in rows]
    atoms, flaws, notes = atoms_of_lines(lines, numbers, title)
    atoms.set_annotation("ter", np.array(records.ter)[rows])
    atoms.set_annotation("part", part[rows])
    parents = _parents(records.header)
    atoms.set_annotation("polymer", _in_sequence(records.header, atoms, parents))
    return Model(
        atoms,
        len(used),
        _ending(text),
        parents,
        _lengths(records.header),
        predicted=_predicted(records.header),
        flaws=flaws,
        notes=notes,
    )


def _records(text: str) -> _Records:
    """Sort the lines: atoms with what stands between them, and headers."""
    found = _Records()
    ter = end = model = 0
    for number, line in enumerate(text.split("\n"), 1):
        kind = line[:6].upper()
        if kind in _GROUPS or (kind[:4] == "ATOM" and kind[4:].strip(" 0123456789*") == ""):
            found.lines.append(line)
            found.numbers.append(number)
            found.ter.append(ter)
            found.end.append(end)
            found.model.append(model)
        elif kind[:3] == "TER" and kind[3:].strip(" 0123456789") == "":
            ter += 1
        elif kind == "MODEL " or kind.rstrip() in ("MODEL", "ENDMDL"):
            found.has_models = True
            model += 1
        elif kind.rstrip() == "END":
            end += 1
        elif kind in _HEADERS:
            found.header.append(line)
    return found


_HEADERS = ("HEADER", "TITLE ", "EXPDTA", "REMARK", "SEQRES", "MODRES")


def _are_frames(records: _Records, part: np.ndarray) -> bool:
    """Say whether END stands between frames of one molecule, and not between molecules."""
    blocks: dict[int, list[str]] = {}
    for line, block in zip(records.lines, part.tolist(), strict=True):
        of_block = blocks.setdefault(block, [])
        if line[17:20].strip() not in WATERS:
            of_block.append(line[12:27])
    first, *others = blocks.values()
    # The last frame may be cut off.
    return bool(others) and all(other == first[: len(other)] != [] for other in others)


def _parents(header: list[str]) -> dict[str, set[str]]:
    """Read MODRES: the standard residue that each modified one was made from."""
    parents: dict[str, set[str]] = {}
    for line in header:
        if line.startswith("MODRES"):
            parents.setdefault(line[12:15].strip(), set()).add(line[24:27].strip())
    return parents


def _in_sequence(header: list[str], atoms: AtomArray, parents: dict[str, set[str]]) -> np.ndarray:
    """Mark residues whose name the sequence of their chain has, or MODRES.

    Of the 20 a name says nothing: a free amino acid has it, too.
    """
    names: set[tuple[str, str]] = set()
    for line in header:
        if line.startswith("SEQRES"):
            names.update((line[11:12].strip(), name) for name in line[19:70].split())
    used = [*{name for _, name in names}, *parents]
    marked = np.zeros(len(atoms), bool)
    odd = atoms.hetero & ~is_standard(atoms.res_name)
    for row in np.flatnonzero(odd & np.isin(atoms.res_name, used)):
        name = atoms.res_name[row]
        marked[row] = (atoms.chain_id[row], name) in names or name in parents
    return marked


def _lengths(header: list[str]) -> dict[str, int]:
    """Read how many residues SEQRES says that each chain has."""
    found = {}
    for line in header:
        if line.startswith("SEQRES") and line[13:17].strip().isdigit():
            found[line[11:12].strip()] = int(line[13:17])
    return found


def _predicted(header: list[str]) -> bool | None:
    """Look for what says how coordinates were obtained."""
    methods = " ".join(line[10:] for line in header if line.startswith("EXPDTA")).upper()
    if methods:
        return "THEORETICAL" in methods or "PREDICT" in methods
    # Remarks of experiments name predictors, too: a model began with one.
    if any(re.match(r"REMARK   3 .*REFINE|REMARK   2 RESOL", line) for line in header):
        return False
    return True if any(PREDICTORS.search(line.upper()) for line in header) else None


def _ending(text: str) -> str:
    """Look for the record that ends a PDB file; many programs leave it out."""
    lines = text[-2000:].splitlines()
    if any(line.rstrip() in ("END", "ENDMDL") for line in lines[-20:]):
        return ""
    shorter = len(lines) > 1 and len(lines[-1].rstrip()) < len(lines[-2].rstrip())
    cut = not text.endswith("\n") and lines[-1].startswith(("ATOM", "HETATM")) and shorter
    return "cut off" if cut else "no END line"
