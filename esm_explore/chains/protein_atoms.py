"""The protein chains of a model: their residues, in order, and what was left out of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from biotite.structure import AtomArray, get_residue_starts

from esm_explore.chains.residue_groups import Groups, residue_groups
from esm_explore.chains.separating import Run, separate
from esm_explore.parsing.amino_acids import UNKNOWN, is_standard
from esm_explore.parsing.model import Model


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
    separated: dict[str, str]
    left_out: dict[str, int]


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
    found = []
    for chain_id in dict.fromkeys(ids.tolist()):
        runs, residues = separate(groups, groups.candidates[ids == chain_id])
        kept = [(members, run) for run in runs if (members := _members(run))]
        kept.sort(key=lambda each: min(each[0]))
        names = _names(groups, chain_id, [members for members, _ in kept], {*ids.tolist()})
        for (members, run), name in zip(kept, names, strict=True):
            order = [group for head in members for group in residues[head]]
            moved = [head for head in run.moved if head in members]
            found.append((min(order), name, chain_id, _cut_out(groups, order, name, moved), order))
    found.sort(key=lambda each: each[0])
    written = Counter(chain_id for _, _, chain_id, _, _ in found)
    used = [group for *_, order in found for group in order]
    rest = Counter(np.delete(groups.first.res_name, used).tolist())
    return Proteins(
        {name: chain for _, name, _, chain, _ in found},
        {name: chain_id for _, name, chain_id, _, _ in found if written[chain_id] > 1},
        dict(rest.most_common()),
    )


def _members(run: Run) -> list[int]:
    """Give the residues of a run that are of the polymer."""
    groups, first = run.groups, run.groups.first
    own = np.array(run.heads)
    bonded = groups.bonded(own[:-1], own[1:])
    before, after = np.r_[False, bonded], np.r_[bonded, False]
    linked, both = before | after, before & after
    amino = np.array([letter is not None for letter in groups.letters[own]], bool)
    amino |= groups.backbone[own]
    hetero, polymer = first.hetero[own], first.polymer[own]
    # Of the 20 none is written as HETATM in a polymer, unless it is bonded in one.
    odd = ~is_standard(first.res_name[own])
    member = (~hetero & (amino | linked)) | (amino & linked) | (polymer & odd) | both
    # An island: neither neighbor is there to be bonded to.
    inside = np.flatnonzero(member)
    unknown = np.zeros(0, int) if groups.model.sequenced else np.flatnonzero(amino & odd & ~member)
    for place in unknown:
        left, right = inside[inside < place], inside[inside > place]
        if len(left) and len(right):
            member[place] = groups.within_span(own[left[-1]], own[place])
            member[place] &= groups.within_span(own[place], own[right[0]])
    return own[member].tolist()


def _names(groups: Groups, chain_id: str, runs: list[list[int]], taken: set[str]) -> list[str]:
    """Name chains that share an id: A, A-2, A-3, or by segment, or 1, 2, 3 if it is blank."""
    if len(runs) < 2:
        return [chain_id] * len(runs)
    segments = groups.first.segment[[members[0] for members in runs]].tolist()
    if not chain_id and all(segments) and not taken & {*segments} and len({*segments}) == len(runs):
        return segments
    names = [chain_id] if chain_id else []
    for number in range(len(names) + 1, len(runs) + 1):
        name = f"{chain_id}-{number}" if chain_id else str(number)
        names.append(name + "'" * (name in taken))
    return names


def _cut_out(groups: Groups, order: list[int], name: str, moved: list[int]) -> ProteinAtoms:
    sizes = np.diff(groups.starts)[order]
    rows = [np.arange(groups.starts[group], groups.starts[group + 1]) for group in order]
    atoms = groups.model.atoms[np.concatenate(rows)]
    letters = np.array([letter or UNKNOWN for letter in groups.letters[order]])
    atoms.set_annotation("letter", np.repeat(letters, sizes))
    atoms.set_annotation("chain_id", np.full(len(atoms), name))
    first = groups.first
    return ProteinAtoms(atoms, [f"{first.res_id[g]}{first.ins_code[g]}" for g in moved])
