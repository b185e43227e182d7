"""Atoms of one chain to esm's `ProteinChain`, checked."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
from biotite.structure import AtomArray
from biotite.structure.info import one_letter_code
from esm.utils import residue_constants
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.protein_atoms import most_occupied, residue_starts
from esm_explore.errors import ChainError
from esm_explore.findings import some

_LETTERS = frozenset("ACDEFGHIKLMNPQRSTVWY")
_STANDARD = frozenset(residue_constants.restype_1to3.values())
_BACKBONE = [residue_constants.atom_order[name] for name in ("N", "CA", "C")]


def chain_of_atoms(atoms: AtomArray, name: str, chain_id: str, predicted: bool) -> ProteinChain:
    """Put the atoms of one chain, one location each, into esm's class."""
    starts = residue_starts(atoms)
    residue = _residue_of(atoms)
    slot = _slots(atoms)
    # Backwards, so that the first of repeated atoms stays.
    known = np.flatnonzero(slot >= 0)[::-1]
    positions = np.full((len(starts), residue_constants.atom_type_num, 3), np.nan, np.float32)
    positions[residue[known], slot[known]] = atoms.coord[known]
    positions[~np.isfinite(positions).all(-1)] = np.nan
    confidence = np.ones(len(starts), np.float32)
    if predicted:
        confidence = (atoms.b_factor[starts] / 100).astype(np.float32)
    return ProteinChain(
        id=name,
        sequence="".join(_letter(n) for n in atoms.res_name[starts]),
        chain_id=chain_id,
        entity_id=1,  # as esm has it for files without entities, so that twins are equal
        residue_index=atoms.res_id[starts].astype(np.int64),
        insertion_code=atoms.ins_code[starts].astype("<U4"),
        atom37_positions=positions,
        atom37_mask=np.isfinite(positions).all(-1),
        confidence=confidence,
    )


def _letter(name: str) -> str:
    letter = one_letter_code(name)
    return letter if letter in _LETTERS else "X"


def _residue_of(atoms: AtomArray) -> np.ndarray:
    return np.searchsorted(residue_starts(atoms), np.arange(len(atoms)), side="right") - 1


def _slots(atoms: AtomArray) -> np.ndarray:
    """Give each atom's place among esm's 37; -1 for others."""
    selenium = (atoms.res_name == "MSE") & (atoms.atom_name == "SE")
    names = np.where(selenium, "SD", atoms.atom_name)
    return np.array([residue_constants.atom_order.get(name, -1) for name in names.tolist()])


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
    """Give the names of residues that are none of the 20 amino acids, by label."""
    names = atoms.res_name[residue_starts(atoms)].tolist()
    return {label: n for label, n in zip(labels, names, strict=True) if n not in _STANDARD}


def backbone_mean(atoms: AtomArray, values: np.ndarray) -> np.ndarray:
    """Average values of atoms over each residue's N, CA and C; NaN where all are missing."""
    backbone = np.isin(atoms.atom_name, ["N", "CA", "C"])
    means = pd.Series(values[backbone]).groupby(_residue_of(atoms)[backbone]).mean()
    return means.reindex(range(len(residue_starts(atoms)))).to_numpy(float)


def ca_positions(atoms: AtomArray) -> np.ndarray:
    """Give the CA atoms of a chain, one a residue, Å."""
    return most_occupied(atoms[atoms.atom_name == "CA"])[0].coord


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
