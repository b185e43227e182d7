"""Atoms of one chain to esm's `ProteinChain`, checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from biotite.structure import AtomArray
from esm.utils import residue_constants
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.alternates import most_occupied
from esm_explore.chains.protein_atoms import residue_starts
from esm_explore.errors import ChainError
from esm_explore.findings import some
from esm_explore.parsing.amino_acids import BACKBONE, is_standard

# Names that force fields and older files give to atoms of esm's 37.
_ALIASES = {"OT1": "O", "OC1": "O", "OT2": "OXT", "OC2": "OXT"}
_BACKBONE = [residue_constants.atom_order[name] for name in ("N", "CA", "C")]


def chain_of_atoms(atoms: AtomArray, name: str, chain_id: str, plddt: float | None) -> ProteinChain:
    """Put the atoms of one chain, one location each, into esm's class.

    `plddt` is what B-factors have for a pLDDT of 1; None if they are no pLDDT.
    """
    starts, places = residue_starts(atoms), atom_places(atoms)
    positions = np.where(places[..., None] >= 0, atoms.coord[places], np.nan).astype(np.float32)
    positions[~np.isfinite(positions).all(-1)] = np.nan
    confidence = np.ones(len(starts), np.float32)
    if plddt is not None:
        confidence = (atoms.b_factor[starts] / plddt).astype(np.float32)
    return ProteinChain(
        id=name,
        sequence="".join(atoms.letter[starts]),
        chain_id=chain_id,
        entity_id=1,  # as esm has it for files without entities, so that twins are equal
        residue_index=atoms.res_id[starts].astype(np.int64),
        insertion_code=atoms.ins_code[starts].astype("<U4"),
        atom37_positions=positions,
        atom37_mask=np.isfinite(positions).all(-1),
        confidence=confidence,
    )


def with_atoms(chain: ProteinChain, positions: np.ndarray) -> ProteinChain:
    """Give a chain other places for its atoms, (L, 37, 3) in Å; NaN where one is missing."""
    there = np.isfinite(positions).all(-1)
    return replace(chain, atom37_positions=positions, atom37_mask=there)


def atom_places(atoms: AtomArray) -> np.ndarray:
    """Say which of the atoms of one chain is which of esm's 37, by residue.

    Parameters
    ----------
    atoms : AtomArray
        One location each.

    Returns
    -------
    ndarray, shape=(L, 37), dtype=int
        Their places in `atoms`; -1 for none. Of repeated atoms the first.
    """
    slot, residue = _slots(atoms), _residue_of(atoms)
    places = np.full((len(residue_starts(atoms)), residue_constants.atom_type_num), -1)
    # Backwards, so that the first of repeated atoms stays.
    known = np.flatnonzero(slot >= 0)[::-1]
    places[residue[known], slot[known]] = known
    return places


def _residue_of(atoms: AtomArray) -> np.ndarray:
    return np.searchsorted(residue_starts(atoms), np.arange(len(atoms)), side="right") - 1


def _slots(atoms: AtomArray) -> np.ndarray:
    """Give each atom's place among esm's 37; -1 for others."""
    names = atoms.atom_name.copy()
    names[(atoms.res_name == "MSE") & (names == "SE")] = "SD"
    names[(atoms.letter == "I") & (names == "CD")] = "CD1"
    names = [_ALIASES.get(name, name) for name in names.tolist()]
    return np.array([residue_constants.atom_order.get(name, -1) for name in names], dtype=np.int64)


def repeated_atoms(atoms: AtomArray) -> list[str]:
    """List residues that have an atom of the side chain twice; refuse those of the backbone."""
    slot = _slots(atoms)
    table = pd.DataFrame({"residue": _residue_of(atoms), "slot": slot})
    repeated = np.flatnonzero(table.duplicated().to_numpy() & (slot >= 0))
    labels = [f"{atoms.res_id[i]}{atoms.ins_code[i]}" for i in repeated]
    for label, i in zip(labels, repeated, strict=True):
        if slot[i] in _BACKBONE:
            raise ChainError(
                f"Residue {label} of chain {atoms.chain_id[i] or 'blank'} has more than one atom "
                f"{atoms.atom_name[i]}: are adjacent residues numbered alike, or alternate "
                "locations not marked? Number residues once, and give locations their letters."
            )
    return list(dict.fromkeys(labels))


def modified_residues(atoms: AtomArray, labels: list[str]) -> dict[str, str]:
    """Say how residues were read whose names are none of the 20 amino acids', by label."""
    first = atoms[residue_starts(atoms)]
    odd = np.flatnonzero(~is_standard(first.res_name))
    return {labels[i]: f"{first.res_name[i]} as {first.letter[i]}" for i in odd}


def backbone_mean(atoms: AtomArray, values: np.ndarray) -> np.ndarray:
    """Average values of atoms over each residue's N, CA and C; NaN where all are missing."""
    backbone = np.isin(atoms.atom_name, ["N", "CA", "C"])
    means = pd.Series(values[backbone]).groupby(_residue_of(atoms)[backbone]).mean()
    return means.reindex(range(len(residue_starts(atoms)))).to_numpy(float)


def backbone_positions(atoms: AtomArray) -> np.ndarray:
    """Give N, CA and C of a chain's residues, shape=(L, 3, 3), Å; NaN where one is missing."""
    atoms, _ = most_occupied(atoms[np.isin(atoms.atom_name, BACKBONE)])
    places = atom_places(atoms)[:, _BACKBONE]
    return np.where(places[..., None] >= 0, atoms.coord[places], np.nan).astype(np.float32)


def check_flaws(atoms: AtomArray, flaws: Sequence[str]) -> list[str]:
    """Refuse a residue number, N, CA or C that cannot be read; say which other atoms cannot."""
    flawed = atoms[atoms.flaw > 0]
    for flaw in flawed.flaw[np.isin(flawed.atom_name, BACKBONE)]:
        raise ChainError(flaws[flaw - 1])
    labels = [f"{n}{code}" for n, code in zip(flawed.res_id, flawed.ins_code, strict=True)]
    where = some([*dict.fromkeys(labels)])
    return [f"atoms whose coordinates cannot be read are left out at {where}"] if labels else []


def check_numbers(chain: ProteinChain, labels: list[str]) -> None:
    """Refuse a chain with two residues of one number."""
    repeated = [label for label, count in Counter(labels).items() if count > 1]
    if repeated:
        raise ChainError(
            f"Chain {chain.chain_id or 'blank'} of {chain.id} has more than one residue numbered "
            f"{some(repeated)}: are these several chains under one id? Give "
            "each its own id, or number the residues once."
        )


def check_backbone(chain: ProteinChain, labels: list[str]) -> list[str]:
    """Refuse a chain without any frame; give labels of the residues without one."""
    whole = chain.atom37_mask[:, _BACKBONE].all(1)
    if not whole.any():
        atoms = [residue_constants.atom_types[i] for i in np.flatnonzero(chain.atom37_mask.any(0))]
        raise ChainError(
            f"No residue of {chain.id} chain {chain.chain_id} has N, CA and C; there are only: "
            f"{', '.join(atoms[:8])}. The encoder needs a backbone, not a CA trace."
        )
    return [label for label, w in zip(labels, whole, strict=True) if not w]
