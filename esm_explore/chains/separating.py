"""Groups of one chain id to chains: by segment, TER, END and numbers that begin again."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from esm_explore.chains.residue_groups import Groups
from esm_explore.parsing.amino_acids import is_standard

# Residues that can be missing where TER stands within a chain.
_GAP = 30
# Atoms of one residue are nearer to each other, Å.
_RESIDUE = 15.0
_TERMINAL = frozenset(("OXT", "OT2", "OC2", "O2", "OT"))


class Run:
    """Residues of one chain, in its order, each by its first group."""

    def __init__(self, groups: Groups, piece: list[int]):
        self.groups = groups
        self.heads: list[int] = list(piece)
        self.moved: list[int] = []
        self._keys = {groups.key(group) for group in piece}

    def take(self, piece: list[int]) -> bool:
        """Take in a piece of the same chain id that stands elsewhere, if it belongs here."""
        groups = self.groups
        if any(groups.key(group) in self._keys for group in piece):
            return False
        if groups.first.part[self.heads[0]] != groups.first.part[piece[0]]:
            return False
        place = self._place(piece)
        if place is None:
            return False
        if place < len(self.heads):
            self.moved += piece
        self.heads[place:place] = piece
        self._keys.update(map(groups.key, piece))
        return True

    def _place(self, piece: list[int]) -> int | None:
        """Say before which residue a piece belongs; None if it is not of this chain."""
        groups, first = self.groups, self.groups.first
        own = np.array(self.heads)
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
        polymer = self.groups.first.polymer[piece].all()
        if not polymer and (self.groups.model.sequenced or self._is_free(piece)):
            return None
        gaps = np.flatnonzero((numbers[own][:-1] < low) & (numbers[own][1:] > high))
        for gap in gaps.tolist():
            if span(own[gap], piece[0]) and span(piece[-1], own[gap + 1]):
                return gap + 1
        if not polymer:
            return None
        return len(own) if numbers[own[-1]] < low else 0 if high < numbers[own[0]] else None

    def _is_free(self, piece: list[int]) -> bool:
        """Say whether it is a free amino acid: one of the 20, or with its terminal O."""
        names = self.groups.first.res_name[piece]
        return bool(is_standard(names).any()) or any(map(self._has_end, piece))

    def _has_end(self, group: int) -> bool:
        return any(name in _TERMINAL for name, _ in self.groups.placed_atoms(group))

    def _is_gap(self, last: int, following: int) -> bool:
        """Say whether residues are missing between two, with a TER that ends no chain."""
        groups, first = self.groups, self.groups.first
        missing = first.res_id[following] - first.res_id[last]
        same = first.segment[last] == first.segment[following]
        # Where there are no ids nothing but TER tells chains apart.
        unseen = groups.model.lengths.get(first.chain_id[last], 0) - len(self.heads)
        if not 2 <= missing <= max(_GAP, unseen) or not same or not first.chain_id[last]:
            return False
        return groups.within_span(last, following) and not self._has_end(last)


def separate(groups: Groups, own: np.ndarray) -> tuple[list[Run], dict[int, list[int]]]:
    """Tell the chains of one chain id apart.

    Parameters
    ----------
    groups : Groups
    own : ndarray, dtype=int
        The candidates with the chain id, in the order of the file.

    Returns
    -------
    runs : list of Run
        In the order of the file. What is bonded stays together. Otherwise a chain ends at a change
        of segment, at TER (not at one in a gap of missing residues), at END, and where residue
        numbers begin again. Residues that stand behind a chain's end (HETATM) are put in their
        places; free amino acids are in no run.
    residues : dict of int to list of int
        All groups of a residue, by its first: alternate locations and hydrogens that stand
        elsewhere.
    """
    first = groups.first
    residues = _gather(groups, own)
    pieces = _pieces(groups, np.array([*residues]))
    runs: list[Run] = []
    # HETATM may stand before or behind the chain that they are of.
    for piece in sorted(pieces, key=lambda piece: bool(first.hetero[piece].all())):
        if any(run.take(piece) for run in reversed(runs)):
            continue
        if len(piece) > 1 or not first.hetero[piece].all() or first.polymer[piece[0]]:
            runs.append(Run(groups, piece))
    return runs, residues


def _gather(groups: Groups, own: np.ndarray) -> dict[int, list[int]]:
    """Put together what stands in several places of the file but is of one residue.

    It has the number of a residue nearby, and atoms that are not there yet.
    """
    residues: dict[int, list[int]] = {}
    # Of residues that can be completed: a whole one without alternates cannot, nor complete one.
    heads: dict[tuple[int, str], list[int]] = {}
    for group in own.tolist():
        partial = groups.is_partial(group)
        alike = heads.setdefault(groups.key(group), [])
        fitting = [
            head
            for head in alike
            if (partial or groups.is_partial(head)) and _completes(groups, residues[head], group)
        ]
        if fitting:
            residues[min(fitting, key=lambda head: groups.distance(head, group))].append(group)
        else:
            alike.append(group)
            residues[group] = [group]
    return residues


def _completes(groups: Groups, residue: list[int], group: int) -> bool:
    if groups.first.part[residue[0]] != groups.first.part[group]:
        return False
    if groups.distance(residue[0], group) > _RESIDUE:
        return False
    present = set().union(*(groups.placed_atoms(other) for other in residue))
    return not present & groups.placed_atoms(group)


def _pieces(groups: Groups, own: np.ndarray) -> list[list[int]]:
    """Cut where a chain may end; what is bonded is never cut."""
    first = groups.first
    bonded = groups.bonded(own[:-1], own[1:])
    if _is_plain(groups, own, bonded):
        return [own.tolist()]
    pieces, seen = [[int(own[0])]], {groups.key(own[0])}
    for (before, group), joined in zip(pairwise(own.tolist()), bonded.tolist(), strict=True):
        key = groups.key(group)
        goes_on = (
            first.ter[before] == first.ter[group]
            and first.segment[before] == first.segment[group]
            and key not in seen
            and first.res_id[group] >= first.res_id[before]
            and not (first.hetero[before] and first.hetero[group])
        )
        if (joined or goes_on) and first.part[before] == first.part[group]:
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
