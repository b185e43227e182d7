"""`read_chain`: a file, a bundled example, a PDB id or an AlphaFold id to esm's `ProteinChain`."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
from biotite.structure import AtomArray
from biotite.structure.info import one_letter_code
from esm.utils import residue_constants
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.diagnosis.backbone import alarms
from esm_explore.diagnosis.findings import in_short
from esm_explore.errors import ChainError, warn
from esm_explore.protein_atoms import most_occupied, protein_chains, residue_starts
from esm_explore.readings import Reading, keep_reading
from esm_explore.sources import locate
from esm_explore.structure_files import read_model

_LETTERS = frozenset("ACDEFGHIKLMNPQRSTVWY")
_STANDARD = frozenset(residue_constants.restype_1to3.values())
_BACKBONE = [residue_constants.atom_order[name] for name in ("N", "CA", "C")]


def read_chain(
    source: str | os.PathLike, chain_id: str | None = None, *, model: int = 1
) -> ProteinChain:
    """Read one protein chain.

    Parameters
    ----------
    source : str or path
        A file (PDB, mmCIF or BinaryCIF, plain or gzipped, told apart by content), the name of a
        bundled example (`examples`), a PDB id (``"1UBQ"``) or an AlphaFold DB id
        (``"AF-P69905"``). Ids are downloaded once, then taken from a cache.
    chain_id : str, optional
        The author's chain id. Without it, the first protein chain.
    model : int
        For structures with several models (NMR), counted from 1.

    Returns
    -------
    ProteinChain
        esm's own class. Residues are those with coordinates, with the author's numbers and
        insertion codes, in the order of the file; modified residues (MSE, HYP) are among them.
        Coordinates in Å, NaN where an atom is missing. Of alternate locations the most occupied
        is taken. ``confidence`` is 1, or pLDDT from 0 to 1 for AlphaFold DB ids.

    Raises
    ------
    ChainError
        If the source is missing, unknown, unreachable or not a structure; if there is no such
        chain or model, no protein, or no residue with N, CA and C; if two residues of the chain
        have the same number, or one has an atom of its backbone twice.

    Warns
    -----
    ChainWarning
        In one message, what was chosen or left out (other chains, models and alternate
        locations, residues without a backbone frame, a file that was cut off), and what makes
        all tokens suspect: units other than Å, a mirror image, atoms in another order, N, CA
        and C on a line, fewer than 16 residues. `doctor` says more.

    Examples
    --------
    >>> chain = read_chain("1UBI")
    >>> chain.chain_id, chain.sequence[:10]
    ('A', 'MQIFVKTLTG')
    """
    if not isinstance(chain_id, str | None):
        raise ChainError(f"chain_id is {chain_id!r}; it is the author's chain id, such as 'A'.")
    name, path, predicted = locate(source, chain_id)
    found = read_model(path, model)
    notes = []
    if found.ending == "cut off":
        notes.append("the file ends in the middle of a line: it was cut off")
    if found.n_models > 1:
        notes.append(f"model {model} of {found.n_models}")
    chains = protein_chains(found.atoms)
    asked, chain_id = chain_id, _choose(chain_id, chains, found.atoms, name)
    chosen_from = _listing(chains) if asked is None and len(chains) > 1 else ""
    if chosen_from:
        notes.append(f"the first of the protein chains {chosen_from}")
    atoms, alternates = most_occupied(chains.pop(chain_id))
    if alternates:
        notes.append(f"the most occupied of alternate locations at {_some(list(alternates))}")
    repeated = _repeated(atoms)
    chain = _protein_chain(atoms, name, chain_id, predicted)
    _check_numbers(chain)
    _check_backbone(chain, notes)
    notes += in_short(alarms(chain.atom37_positions, _labels(chain).tolist()))
    others, other_chains = _ca_of(chains)
    keep_reading(
        chain,
        Reading(
            model=int(model),
            n_models=found.n_models,
            chosen_from=chosen_from,
            alternates=alternates,
            repeated=repeated,
            modified=_modified(atoms, chain),
            predicted=predicted,
            ending=found.ending,
            b_factor=_backbone_mean(atoms, atoms.b_factor),
            occupancy=_backbone_mean(atoms, atoms.occupancy),
            ca=chain.atom37_positions[:, 1].copy(),
            other_ca=others,
            other_chains=other_chains,
        ),
    )
    if notes:
        warn(f"{name} chain {chain_id}: {'; '.join(notes)}")
    return chain


def _choose(chain_id: str | None, chains: dict[str, AtomArray], atoms: AtomArray, name: str) -> str:
    if not chains:
        others = ", ".join(dict.fromkeys(c or "blank" for c in atoms.chain_id.tolist()))
        raise ChainError(f"{name} has no protein chain; its chains are: {others or 'none'}.")
    if chain_id is None:
        return next(iter(chains))
    if chain_id not in chains:
        raise ChainError(
            f"Chain {chain_id!r} is not a protein chain of {name}; it has: {_listing(chains)}."
        )
    return chain_id


def _listing(chains: dict[str, AtomArray]) -> str:
    return ", ".join(
        f"{c or 'blank'} ({len(residue_starts(a))} residues)" for c, a in chains.items()
    )


def _protein_chain(atoms: AtomArray, name: str, chain_id: str, predicted: bool) -> ProteinChain:
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


def _repeated(atoms: AtomArray) -> list[str]:
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


def _modified(atoms: AtomArray, chain: ProteinChain) -> dict[str, str]:
    names = atoms.res_name[residue_starts(atoms)].tolist()
    labelled = zip(_labels(chain), names, strict=True)
    return {label: name for label, name in labelled if name not in _STANDARD}


def _backbone_mean(atoms: AtomArray, values: np.ndarray) -> np.ndarray:
    backbone = np.isin(atoms.atom_name, ["N", "CA", "C"])
    means = pd.Series(values[backbone]).groupby(_residue_of(atoms)[backbone]).mean()
    return means.reindex(range(len(residue_starts(atoms)))).to_numpy(float)


def _ca_of(chains: dict[str, AtomArray]) -> tuple[np.ndarray, np.ndarray]:
    """Give CA atoms of some chains, one a residue, and their chain ids."""
    kept = [most_occupied(atoms[atoms.atom_name == "CA"])[0] for atoms in chains.values()]
    ids = np.concatenate([np.array([], str), *(atoms.chain_id for atoms in kept)])
    return np.concatenate([np.zeros((0, 3), np.float32), *(a.coord for a in kept)]), ids


def _check_numbers(chain: ProteinChain) -> None:
    labels = _labels(chain)
    repeated = labels[labels.duplicated()]
    if len(repeated):
        raise ChainError(
            f"Chain {chain.chain_id or 'blank'} of {chain.id} has more than one residue numbered "
            f"{_some(repeated.unique().tolist())}: are these several chains under one id? Give "
            "each its own id, or number the residues once."
        )


def _check_backbone(chain: ProteinChain, notes: list[str]) -> None:
    whole = chain.atom37_mask[:, _BACKBONE].all(1)
    if not whole.any():
        atoms = [residue_constants.atom_types[i] for i in np.flatnonzero(chain.atom37_mask.any(0))]
        raise ChainError(
            f"No residue of {chain.id} chain {chain.chain_id} has N, CA and C; there are only: "
            f"{', '.join(atoms[:8])}. The encoder needs a backbone, not a CA trace."
        )
    if not whole.all():
        notes.append(f"no backbone frame at {_some(_labels(chain)[~whole].tolist())}")


def _labels(chain: ProteinChain) -> pd.Series:
    return pd.Series(chain.residue_index).astype(str) + pd.Series(chain.insertion_code)


def _some(labels: list[str]) -> str:
    return ", ".join(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")
