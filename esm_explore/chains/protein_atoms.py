"""The protein chains of a model: their residues, in order, and what was left out of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from biotite.structure import AtomArray, get_residue_starts

from esm_explore.chains.model import Model
from esm_explore.chains.residue_groups import Groups, residue_groups
from esm_explore.chains.separating import Run, separate


@dataclass(frozen=True, eq=False)
class ProteinAtoms:
    """The atoms of one protein chain.

    Attributes
    ----------
    atoms : AtomArray
        In the order of the chain, with all alternate locations. ``letter`` is the parent amino
        acid of each atom's residue, ``X`` for an unknown one.
    moved : list of str
        Labels of residues that stand elsewhere in the file.
    """

    atoms: AtomArray
    moved: list[str]


@dataclass(frozen=True, eq=False)
class Proteins:
    """The protein chains of one model.

    Attributes
    ----------
    chains : dict of str to ProteinAtoms
        By chain id, in the order of the file: residues of the polymer, also where one is written
        as HETATM, without waters, ligands, caps and free amino acids.
    separated : dict of str to str
        By chain id, how a chain was told apart from others of the same id in the file.
    left_out : dict of str to int
        How many residues of each name are in none of them.
    """

    chains: dict[str, ProteinAtoms]
    separated: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)


def residue_starts(atoms: AtomArray) -> np.ndarray:
    """Find where residues begin.

    Parameters
    ----------
    atoms : AtomArray

    Returns
    -------
    ndarray, shape=(n_residues,), dtype=int
        Indices of first atoms.
    """
    return get_residue_starts(atoms) if len(atoms) else np.zeros(0, int)


def protein_chains(model: Model) -> Proteins:
    """Cut the protein chains out of a model.

    Parameters
    ----------
    model : Model

    Returns
    -------
    Proteins

    Notes
    -----
    A residue belongs to a chain if it is an amino acid or has a backbone, and is written as ATOM,
    or is bonded to the residue beside it, or is in the file's own sequence of the polymer, or
    stands, by its number, too, between residues that belong to it.
    """
    groups = residue_groups(model)
    ids = groups.first.chain_id[groups.candidates]
    chains: dict[str, ProteinAtoms] = {}
    separated: dict[str, str] = {}
    used = np.zeros(len(groups), bool)
    for chain_id in dict.fromkeys(ids.tolist()):
        runs = [
            (run, members)
            for run in separate(groups, groups.candidates[ids == chain_id])
            if len(members := _members(run))
        ]
        for (run, members), name in zip(runs, _names(chain_id, runs, set(ids)), strict=True):
            rows = [group for residue in members for group in residue]
            used[rows] = True
            chains[name] = _cut_out(groups, members, name, run.moved)
            if len(runs) > 1:
                separated[name] = chain_id
    rest = Counter(groups.first.res_name[~used].tolist())
    return Proteins(chains, separated, dict(rest.most_common()))


def _members(run: Run) -> list[list[int]]:
    """Give the residues of a run that are of the polymer."""
    groups, first = run.groups, run.groups.first
    own = np.array([residue[0] for residue in run.residues])
    bonded = groups.bonded(own[:-1], own[1:])
    linked = np.zeros(len(own), bool)
    linked[:-1] |= bonded
    linked[1:] |= bonded
    both = np.r_[False, bonded] & np.r_[bonded, False]
    amino = np.array([letter is not None for letter in groups.letters[own]], bool)
    amino |= groups.backbone[own]
    hetero, polymer = first.hetero[own], first.polymer[own]
    member = (amino & (~hetero | linked | polymer)) | both | (polymer & ~amino)
    # An island: neither neighbor is there to be bonded to.
    inside = np.flatnonzero(member)
    for place in np.flatnonzero(amino & ~member):
        left, right = inside[inside < place], inside[inside > place]
        if len(left) and len(right):
            before, after = own[left[-1]], own[right[0]]
            member[place] = groups.within_span(before, own[place])
            member[place] &= groups.within_span(own[place], after)
    return [residue for residue, kept in zip(run.residues, member, strict=True) if kept]


def _names(chain_id: str, runs: list, taken: set[str]) -> list[str]:
    """Name chains that share an id: A, A-2, A-3, or by segment, or 1, 2, 3 if it is blank."""
    if len(runs) < 2:
        return [chain_id] * len(runs)
    segments = [str(run.groups.first.segment[run.residues[0][0]]) for run, _ in runs]
    if not chain_id and all(segments) and len({*segments}) == len(runs):
        return segments
    names = []
    for number in range(1, len(runs) + 1):
        name = f"{chain_id}-{number}" if chain_id else str(number)
        while name in taken:
            name += "'"
        names.append(chain_id if chain_id and number == 1 else name)
    return names


def _cut_out(groups: Groups, members: list[list[int]], name: str, moved: list[int]) -> ProteinAtoms:
    order = [group for residue in members for group in residue]
    starts = groups.starts
    rows = np.concatenate([np.arange(starts[group], starts[group + 1]) for group in order])
    atoms = groups.model.atoms[rows]
    sizes = np.diff(starts)[order]
    letters = [groups.letters[group] or "X" for group in order]
    atoms.set_annotation("letter", np.repeat(np.array(letters, "U1"), sizes))
    atoms.set_annotation("chain_id", np.full(len(atoms), name))
    first = groups.first
    kept = set(order)
    labels = [f"{first.res_id[g]}{first.ins_code[g]}" for g in moved if g in kept]
    return ProteinAtoms(atoms, labels)
