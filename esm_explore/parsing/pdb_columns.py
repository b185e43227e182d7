"""Columns of PDB atom lines to arrays, also where a program has shifted or overfilled them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from biotite.structure import AtomArray

from esm_explore.parsing.model import BONDED, complete
from esm_explore.parsing.residue_numbers import residue_numbers

_WIDTH = 80
# Where coordinates end that are too wide for their columns.
_WIDEST = 57
_DECIMAL = re.compile(r"\s*(-?\d+\.\d+)" * 3 + r"(?!\S)")
_NUMBER = r"\s+(-?\d+\.\d*)"
# PQR puts blanks between fields, at any width; the chain id is often left out.
_PQR = re.compile(
    r"(ATOM|HETATM)\s+(\d+)\s+(\S{1,4})\s+(\S{2,4})(?:\s+([A-Za-z]))?\s+(-?\d{1,4})([A-Z]?)"
    + _NUMBER * 5
    + r"\s*(?:[A-Z][a-z]?\s*)?"
)


def atoms_of_lines(
    lines: Sequence[str], numbers: Sequence[int], title: str
) -> tuple[AtomArray, list[str], list[str]]:
    """Read atom lines.

    Parameters
    ----------
    lines : sequence of str
        ATOM and HETATM records of one model.
    numbers : sequence of int
        Their line numbers, for messages.
    title : str
        Of the file, for messages.

    Returns
    -------
    atoms : AtomArray
        With ``ANNOTATIONS``; coordinates are NaN, and ``flaw`` says which, where they cannot be
        read.
    flaws, notes : list of str
        As of a `Model`.
    """
    if not all(map(_in_place, lines)):
        shifted = [line for line in lines if not _in_place(line)]
        ids = any(map(_has_two_letters, shifted))
        # Numbers grew to five digits on the way, with lines before that are in place.
        full = None if not ids and len(shifted) == len(lines) else "id" if ids else "number"
        lines = [line if _in_place(line) else _realigned(line, full) for line in lines]
    table = np.frombuffer(
        "".join([line[:_WIDTH].ljust(_WIDTH) for line in lines]).encode("latin-1", "replace"), "S1"
    ).reshape(-1, _WIDTH)
    flaws: list[str] = []
    notes: list[str] = []
    atoms = AtomArray(len(lines))
    complete(atoms)
    atoms.coord = _coordinates(table, lines, atoms, numbers, title, flaws)
    atoms.hetero = table[:, 0] == b"H"
    atoms.atom_name = _text(table, 12, 16)
    atoms.altloc_id = _text(table, 16, 17)
    atoms.element = _elements(table)
    segments = _text(table, 72, 76)
    # PDBQT has charges there.
    atoms.segment = np.where(np.char.find(segments, ".") < 0, segments, "")
    chains, letters = _text(table, 21, 22), _text(table, 20, 21)
    fields = np.char.decode(_bytes(table, 22, 26), "latin-1")
    found, codes, unreadable = residue_numbers(fields, _text(table, 26, 27), chains)
    for row in np.flatnonzero(unreadable & (atoms.flaw == 0)):
        flaws.append(
            f"{title}, line {numbers[row]}: the residue number {lines[row][22:26]!r} is no number."
        )
        atoms.flaw[row] = len(flaws)
    atoms.res_id, atoms.ins_code = found, codes
    names = _text(table, 17, 20)
    atoms.res_name, atoms.chain_id = names, chains
    if (letters != "").any():
        of_name = _of_residue_name(atoms, letters)
        atoms.res_name = np.where(of_name, np.char.add(names, letters), names)
        atoms.set_annotation("chain_id", np.where(of_name, chains, np.char.add(letters, chains)))
    _occupancies(atoms, table, notes)
    return atoms, flaws, notes


def _bytes(table: np.ndarray, start: int, stop: int) -> np.ndarray:
    return np.ascontiguousarray(table[:, start:stop]).view(f"S{stop - start}")[:, 0]


def _text(table: np.ndarray, start: int, stop: int) -> np.ndarray:
    return np.char.strip(np.char.decode(_bytes(table, start, stop), "latin-1"))


def _in_place(line: str) -> bool:
    """Say whether the points of the three coordinates are where they belong."""
    return line[34:51:8] == "..."


def _realigned(line: str, full: str | None) -> str:
    """Move what stands too far right back to its place, if it can be told what moved it.

    Where a chain id and a number fill six columns together, `full` is which of them is too long.
    """
    free = _PQR.fullmatch(line.rstrip())
    if free:
        kind, serial, atom, residue, chain, number, code, *places = free.groups()
        name = f"{serial[-5:]:>5} {atom if len(atom) == 4 else ' ' + atom:4} {residue:<4}"
        where = "".join(f"{float(place):8.3f}" for place in places[:3])
        return f"{kind:6}{name}{chain or '':1}{number:>4}{code:1}   {where}"
    shift = _shift(line)
    if not shift:
        return line
    # Serial numbers of six digits and more push all that follows.
    serial = re.match(r"(?:ATOM  |HETATM)(\d{6,8})(?=\s|[A-Z])", line)
    if serial and len(serial[1]) <= 5 + shift:
        extra = len(serial[1]) - 5
        line, shift = line[:6] + line[6 + extra :], shift - extra
    if shift != 1:
        return line
    if line[20] != " " and line[21] == " ":
        return line[:21] + line[22:]  # a residue name of four, and a blank behind it
    if re.fullmatch(r"-?\d+", line[22:27]) and line[27] == " " and full != "id":
        # A number of five and a blank insertion code.
        return line[:27] + line[28:] if full else line
    if line[20] == " " and line[21:23].strip() and line[22] != " ":
        return line[:20] + line[21:]  # a chain id of two, from the one column that it has
    return line


def _shift(line: str) -> int:
    """Say by how many columns coordinates stand too far right, by their points."""
    if all(_is_number(line[start : start + 8]) for start in (30, 38, 46)):
        return 0
    return next((k for k in (1, 2, 3) if line[34 + k : 51 + k : 8] == "..."), 0)


def _has_two_letters(line: str) -> bool:
    """Say whether a shifted line has a chain id of two letters, with a blank behind it."""
    return _shift(line) == 1 and line[20] == " " and line[22] not in " -" and line[23] == " "


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _coordinates(
    table: np.ndarray,
    lines: Sequence[str],
    atoms: AtomArray,
    numbers: Sequence[int],
    title: str,
    flaws: list[str],
) -> np.ndarray:
    """Read coordinates; where they are no numbers they are NaN, and the flaw says so."""
    columns = [_bytes(table, start, start + 8) for start in (30, 38, 46)]
    try:
        return np.stack([column.astype(np.float32) for column in columns], 1)
    except ValueError:
        pass
    coord = np.full((len(lines), 3), np.nan, np.float32)
    for row, fields in enumerate(zip(*columns, strict=True)):
        try:
            coord[row] = [float(field) for field in fields]
            continue
        except ValueError:
            wide = _wide_numbers(lines[row])
        if wide is None:
            given = lines[row][30:54].strip()
            flaws.append(
                f"{title}, line {numbers[row]}: the coordinates {given!r} are not three numbers. "
                "Are columns shifted?"
            )
            atoms.flaw[row] = len(flaws)
        else:
            coord[row] = wide
    return coord


def _wide_numbers(line: str) -> list[float] | None:
    """Read coordinates that are too wide for their columns, and so not in them."""
    found = _DECIMAL.match(line, 26) or _DECIMAL.match(line, 27)
    if found is None or found.end() > _WIDEST or _shift(line):
        return None
    return [float(number) for number in found.groups()]


def _elements(table: np.ndarray) -> np.ndarray:
    """Read elements; where a file has none, from the columns of the name that hold it."""
    elements = _text(table, 76, 78)
    blank = (elements == "") | ~np.char.isalpha(elements)
    if blank.any():
        guessed = np.char.strip(_text(table, 12, 14), "0123456789'\"*")
        elements = np.where(blank, guessed, elements)
    return np.char.upper(elements)


def _of_residue_name(atoms: AtomArray, letters: np.ndarray) -> np.ndarray:
    """Say where column 21 has the fourth letter of a residue name, not the first of a chain id.

    Chain ids of two letters and names of four have only this column, so that a file has one or
    the other: names, if residues that differ in it are bonded to each other, or if a single one
    has it whose number lies between those of its neighbors.
    """
    keys = (atoms.chain_id, atoms.res_id, atoms.ins_code, letters)
    change = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    starts = np.flatnonzero(np.r_[True, change])
    residue = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(atoms)]))
    ends = {name: np.full((len(starts), 3), np.nan) for name in ("N", "C")}
    for name, places in ends.items():
        rows = np.flatnonzero(atoms.atom_name == name)[::-1]
        places[residue[rows]] = atoms.coord[rows]
    chains, numbers, own = (key[starts] for key in (atoms.chain_id, atoms.res_id, letters))
    same, differs = chains[1:] == chains[:-1], own[1:] != own[:-1]
    with np.errstate(invalid="ignore", over="ignore"):
        bonded = np.linalg.norm(ends["C"][:-1] - ends["N"][1:], axis=1) < BONDED
    rising = same & differs & (numbers[1:] > numbers[:-1])
    single = rising[:-1] & rising[1:] & (own[:-2] == "") & (own[2:] == "")
    return (letters != "") & bool((same & differs & bonded).any() or single.any())


def _occupancies(atoms: AtomArray, table: np.ndarray, notes: list[str]) -> None:
    """Read occupancies and B-factors; what stands there instead is left out, with a note."""
    occupancy, other = _floats(_bytes(table, 54, 60), 1.0)
    b_factor, unread = _floats(_bytes(table, 60, 66), 0.0)
    if (occupancy < 0).any():
        notes.append("columns 55 to 66 have no occupancies and B-factors but other numbers")
        return
    if other or unread:
        notes.append(f"{other + unread} occupancies or B-factors that are no numbers are left out")
    atoms.occupancy, atoms.b_factor = occupancy, b_factor


def _floats(fields: np.ndarray, blank: float) -> tuple[np.ndarray, int]:
    """Read numbers, and count fields that have something else; both are `blank` then."""
    try:
        return fields.astype(float), 0
    except ValueError:
        values, other = np.full(len(fields), blank), 0
    for row, field in enumerate(fields.tolist()):
        if field.strip():
            try:
                values[row] = float(field)
            except ValueError:
                other += 1
    return values, other
