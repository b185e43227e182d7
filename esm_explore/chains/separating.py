"""Groups of one chain id to chains: by segment, TER, END and numbers that begin again."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from esm_explore.chains.residue_groups import Groups

# Residues that can be missing where TER stands within a chain.
_GAP = 30
_TERMINAL = frozenset(("OXT", "OT2", "OC2", "O2", "OT"))


class Run:
    """Residues of one chain, in its order; each is a list of groups."""

    def __init__(self, groups: Groups, piece: list[int]):
        self.groups = groups
        self.residues: list[list[int]] = []
        self.keys: dict[tuple[int, str], list[int]] = {}
        self.moved: list[int] = []
        self.part = int(groups.first.part[piece[0]])
        self._extend(len(self.residues), piece)

    def _extend(self, place: int, piece: list[int]) -> None:
        added: list[list[int]] = []
        for group in piece:
            key = _key(self.groups, group)
            if added and _key(self.groups, added[-1][0]) == key:
                added[-1].append(group)
            else:
                added.append([group])
                self.keys.setdefault(key, added[-1])
        self.residues[place:place] = added

    def take(self, piece: list[int]) -> bool:
        """Take in a piece of the same chain id that stands elsewhere, if it belongs here."""
        groups = self.groups
        if self.part != groups.first.part[piece[0]]:
            return False
        keys = [_key(groups, group) for group in piece]
        if all(key in self.keys for key in keys):
            return self._fill(piece, keys)
        if any(key in self.keys for key in keys):
            return False
        place = self._place(piece)
        if place is None:
            return False
        if place < len(self.residues):
            self.moved += piece
        self._extend(place, piece)
        return True

    def _fill(self, piece: list[int], keys: list[tuple[int, str]]) -> bool:
        """Add atoms to residues that do not have them: hydrogens, alternate locations."""
        for group, key in zip(piece, keys, strict=True):
            present = set().union(*(self._atoms(other) for other in self.keys[key]))
            if present & self._atoms(group):
                return False
        for group, key in zip(piece, keys, strict=True):
            self.keys[key].append(group)
        return True

    def _atoms(self, group: int) -> set[tuple[str, str]]:
        rows = slice(self.groups.starts[group], self.groups.starts[group + 1])
        atoms = self.groups.model.atoms
        names, letters = atoms.atom_name[rows].tolist(), atoms.altloc_id[rows].tolist()
        return set(zip(names, letters, strict=True))

    def _place(self, piece: list[int]) -> int | None:
        """Say before which residue a piece belongs; None if it is not of this chain."""
        groups, first = self.groups, self.groups.first
        own = np.array([residue[0] for residue in self.residues])
        before = np.flatnonzero(groups.bonded(own, piece[0]))
        if len(before):
            return int(before[0]) + 1
        after = np.flatnonzero(groups.bonded(piece[-1], own))
        if len(after):
            return int(after[0])
        if first.hetero[piece].all():
            return self._gap(own, piece)
        same = first.ter[own[-1]] == first.ter[piece[0]]
        same &= first.segment[own[-1]] == first.segment[piece[0]]
        return len(own) if same or self._is_gap(int(own[-1]), piece[0]) else None

    def _gap(self, own: np.ndarray, piece: list[int]) -> int | None:
        """Find the place by numbers; outside of the chain only for what the file says is of it."""
        numbers, span = self.groups.first.res_id, self.groups.within_span
        low, high = numbers[piece[0]], numbers[piece[-1]]
        gaps = np.flatnonzero((numbers[own][:-1] < low) & (numbers[own][1:] > high))
        for gap in gaps.tolist():
            if span(own[gap], piece[0]) and span(piece[-1], own[gap + 1]):
                return gap + 1
        if not self.groups.first.polymer[piece].all():
            return None
        return len(own) if numbers[own[-1]] < low else 0 if high < numbers[own[0]] else None

    def _is_gap(self, last: int, following: int) -> bool:
        """Say whether residues are missing between two, with a TER that ends no chain."""
        groups, first = self.groups, self.groups.first
        missing = first.res_id[following] - first.res_id[last]
        if not 2 <= missing <= _GAP or first.segment[last] != first.segment[following]:
            return False
        ended = _TERMINAL.intersection(groups.atom_names(last))
        return groups.within_span(last, following) and not ended


def _key(groups: Groups, group: int) -> tuple[int, str]:
    return int(groups.first.res_id[group]), str(groups.first.ins_code[group])


def separate(groups: Groups, own: np.ndarray) -> list[Run]:
    """Tell the chains of one chain id apart.

    Parameters
    ----------
    groups : Groups
    own : ndarray, dtype=int
        The candidates with the chain id, in the order of the file.

    Returns
    -------
    list of Run
        In the order of the file. What is bonded stays together. Otherwise a chain ends at a change
        of segment, at TER (not at one in a gap of missing residues), at END, and where residue
        numbers begin again. Residues that stand behind a chain's end (HETATM, alternate locations,
        hydrogens) are put in their places; free amino acids are in no run.
    """
    first = groups.first
    pieces = _pieces(groups, own)
    runs: list[Run] = []
    # HETATM may stand before or behind the chain that they are of.
    for piece in sorted(pieces, key=lambda piece: bool(first.hetero[piece].all())):
        if any(run.take(piece) for run in reversed(runs)):
            continue
        if len(piece) > 1 or not first.hetero[piece].all() or first.polymer[piece[0]]:
            runs.append(Run(groups, piece))
    return sorted(runs, key=lambda run: run.residues[0][0])


def _pieces(groups: Groups, own: np.ndarray) -> list[list[int]]:
    """Cut where a chain may end; what is bonded is never cut."""
    first = groups.first
    bonded = groups.bonded(own[:-1], own[1:])
    if _is_plain(groups, own, bonded):
        return [own.tolist()]
    pieces, seen = [[int(own[0])]], {_key(groups, own[0])}
    for (before, group), joined in zip(pairwise(own.tolist()), bonded.tolist(), strict=True):
        key = _key(groups, group)
        same = all(getattr(first, n)[before] == getattr(first, n)[group] for n in ("ter", "part"))
        if same and key == _key(groups, before):
            pieces[-1].append(group)
            continue
        joined &= bool(first.part[before] == first.part[group])
        goes_on = (
            same
            and first.segment[before] == first.segment[group]
            and key not in seen
            and first.res_id[group] >= first.res_id[before]
            and not (first.hetero[before] and first.hetero[group])
        )
        if joined or goes_on:
            pieces[-1].append(group)
        else:
            pieces.append([group])
            seen = set()
        seen.add(key)
    return pieces


def _is_plain(groups: Groups, own: np.ndarray, bonded: np.ndarray) -> bool:
    """Say whether nothing separates: the case of nearly all chains, seen at once."""
    first = groups.first[own]
    constant = all((values == values[0]).all() for values in (first.ter, first.part, first.segment))
    detached = (first.hetero[1:] & first.hetero[:-1] & ~bonded).any()
    return constant and not detached and bool((np.diff(first.res_id) > 0).all())
