"""Atoms of a model by residue, with what decides whether a residue is of a protein chain."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from biotite.structure import AtomArray
from scipy.spatial import cKDTree

from esm_explore.parsing.amino_acids import BACKBONE, WATERS, is_standard, parent_letter
from esm_explore.parsing.model import BONDED, Model

# From the C of one residue to the N of the next but one, Å.
_SPAN = 3.9
# The smallest residue without a usual backbone, such as a chromophore, has more atoms than a cap.
_CAP = 4
_SAME = ("chain_id", "res_id", "ins_code", "res_name", "ter", "part")


@dataclass(frozen=True, eq=False)
class Groups:
    """Consecutive atoms of one residue; a residue that stands in two places is two.

    Attributes
    ----------
    model : Model
    starts : ndarray, shape=(n + 1,), dtype=int
        First atoms, and behind the last.
    first : AtomArray
        The first atom of each group, with the annotations that all its atoms share.
    letters : ndarray, shape=(n,), dtype=object
        As `parent_letter` gives them.
    nitrogen, carbon : ndarray, shape=(n, 3)
        Where peptide bonds begin and end: N and C, or in a residue without those the atoms that
        are bonded to C and N of others; in Å, NaN where there are none.
    backbone : ndarray, shape=(n,), dtype=bool
        Whether there are atoms N, CA and C.
    candidates : ndarray, dtype=int
        Groups that can be residues of a protein.
    """

    model: Model
    starts: np.ndarray
    first: Any  # an AtomArray with the annotations of parsing/model.py
    letters: np.ndarray
    nitrogen: np.ndarray
    carbon: np.ndarray
    backbone: np.ndarray
    candidates: np.ndarray

    def __len__(self) -> int:
        return len(self.letters)

    def key(self, group: int) -> tuple[int, str]:
        """Give a group's number and insertion code."""
        return self._keys[group]

    @cached_property
    def _keys(self) -> list[tuple[int, str]]:
        numbers, codes = self.first.res_id.tolist(), self.first.ins_code.tolist()
        return list(zip(numbers, codes, strict=True))

    def is_partial(self, group: int) -> bool:
        """Say whether other groups can have more of the same residue."""
        return self._partial[group]

    @cached_property
    def _partial(self) -> list[bool]:
        lettered = np.add.reduceat(self.model.atoms.altloc_id != "", self.starts[:-1]) > 0
        return (~self.backbone | lettered).tolist()

    def placed_atoms(self, group: int) -> set[tuple[str, str]]:
        """Give the names of a group's atoms, each with the letter of its location."""
        rows = slice(self.starts[group], self.starts[group + 1])
        atoms = self.model.atoms
        names, letters = atoms.atom_name[rows].tolist(), atoms.altloc_id[rows].tolist()
        return set(zip(names, letters, strict=True))

    def distance(self, one: int, other: int) -> float:
        """Give the distance between the first atoms of two groups, Å."""
        return float(_length(self.first.coord[one], self.first.coord[other]))

    def bonded(self, before: np.ndarray | int, after: np.ndarray | int) -> np.ndarray:
        """Say whether there is a peptide bond from one group to another."""
        return _length(self.carbon[before], self.nitrogen[after]) < BONDED

    def within_span(self, before: int, after: int) -> bool:
        """Say whether the residues that are missing between two, by number, could span the gap."""
        missing = self.first.res_id[after] - self.first.res_id[before]
        length = _length(self.carbon[before], self.nitrogen[after])
        return bool(missing > 0 and length <= _SPAN * missing)


def _length(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    # Files may hold any number.
    with np.errstate(invalid="ignore", over="ignore"):
        return np.linalg.norm(one.astype(float) - other, axis=-1)


def residue_groups(model: Model) -> Groups:
    """Cut a model into residues.

    Parameters
    ----------
    model : Model

    Returns
    -------
    Groups
    """
    atoms = model.atoms
    change = np.zeros(max(len(atoms) - 1, 0), bool)
    for name in _SAME:
        values = atoms.get_annotation(name)
        change |= values[1:] != values[:-1]
    starts = np.r_[0, np.flatnonzero(change) + 1, len(atoms)] if len(atoms) else np.zeros(1, int)
    first = atoms[starts[:-1]]
    of_atom = np.repeat(np.arange(len(first)), np.diff(starts))
    places, present = {}, {}
    for name in BACKBONE:
        rows = np.flatnonzero(atoms.atom_name == name)[::-1]
        places[name] = np.full((len(first), 3), np.nan)
        places[name][of_atom[rows]] = atoms.coord[rows]
        present[name] = np.zeros(len(first), bool)
        present[name][of_atom[rows]] = True
    letters = _letters(model, first, of_atom)
    backbone = np.all([present[name] for name in BACKBONE], axis=0)
    known = np.array([letter is not None for letter in letters], bool)
    # A ligand can have the name of an unknown residue (UNK), a nucleotide that of a parent.
    shaped = present["CA"] | (present["N"] & present["C"])
    known &= is_standard(first.res_name) | shaped | first.polymer
    partial = present["CA"] & (present["N"] | present["C"]) & (first.polymer | ~first.hetero)
    both = _attached(atoms, starts, first, known | backbone, places)
    water = np.isin(first.res_name, WATERS)
    candidates = np.flatnonzero((known | backbone | partial | both) & ~water)
    return Groups(model, starts, first, letters, places["N"], places["C"], backbone, candidates)


def _letters(model: Model, first: AtomArray, of_atom: np.ndarray) -> np.ndarray:
    """Look each residue name up once, with all atoms that it has in the file."""
    atoms = model.atoms
    letters = np.full(len(first), None, object)
    for name in np.unique(first.res_name):
        of_name = first.res_name == name
        names = atoms.atom_name[of_name[of_atom]]
        hetero = bool(first.hetero[of_name].all())
        letters[of_name] = parent_letter(str(name), names.tolist(), hetero, model.parents)
    return letters


def _attached(
    atoms: AtomArray, starts: np.ndarray, first: AtomArray, residues: np.ndarray, places: dict
) -> np.ndarray:
    """Find groups without a backbone that are bonded to a C and to an N of their chain.

    Chromophores name their atoms otherwise; `places` gets where their bonds are.
    """
    found = np.zeros(len(first), bool)
    sizes = np.diff(starts)
    odd = (_without_ends(places) & (sizes > _CAP)) & ~np.isin(first.res_name, WATERS)
    for chain in np.unique(first.chain_id[odd]):
        own = np.flatnonzero(residues & (first.chain_id == chain))
        ends = _free_ends(places, own)
        if not all(map(len, ends.values())):
            continue
        trees = {name: cKDTree(places[name][rows]) for name, rows in ends.items()}
        for group in np.flatnonzero(odd & (first.chain_id == chain)):
            coord = atoms.coord[starts[group] : starts[group + 1]]
            coord = coord[np.isfinite(coord).all(1)]
            near = {name: _nearest(tree, coord, ends[name], group) for name, tree in trees.items()}
            if near["C"] is not None and near["N"] is not None:
                found[group] = True
                places["N"][group], places["C"][group] = near["C"], near["N"]
    return found


def _without_ends(places: dict) -> np.ndarray:
    """Mark groups without both ends."""
    return np.isnan(places["N"]).any(1) | np.isnan(places["C"]).any(1)


def _free_ends(places: dict[str, np.ndarray], own: np.ndarray) -> dict[str, np.ndarray]:
    """Give residues whose N or C has no peptide bond yet, by that atom."""
    ends = {name: own[np.isfinite(places[name][own]).all(1)] for name in ("N", "C")}
    if not all(map(len, ends.values())):
        return ends
    # The N of a residue is farther from its own C.
    others = {"N": cKDTree(places["C"][ends["C"]]), "C": cKDTree(places["N"][ends["N"]])}
    return {
        name: rows[np.isinf(others[name].query(places[name][rows], distance_upper_bound=BONDED)[0])]
        for name, rows in ends.items()
    }


def _nearest(tree: cKDTree, coord: np.ndarray, ends: np.ndarray, group: int) -> np.ndarray | None:
    """Give the atom that is bonded to one of the ends of other residues."""
    if not len(coord):
        return None
    length, which = tree.query(coord, k=1, distance_upper_bound=BONDED)
    bonded = np.flatnonzero(np.isfinite(length))
    bonded = [row for row in bonded if ends[which[row]] != group]
    return coord[min(bonded, key=lambda row: length[row])] if bonded else None
