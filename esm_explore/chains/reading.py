"""`read_chain`: a file, a bundled example, a PDB id or an AlphaFold id to esm's `ProteinChain`."""

from __future__ import annotations

import os

from biotite.structure import AtomArray
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.backbone import alarms
from esm_explore.chains.protein_atoms import most_occupied, protein_chains, residue_starts
from esm_explore.chains.protein_chain import (
    _backbone_mean,
    _ca_of,
    _check_backbone,
    _check_numbers,
    _modified,
    _protein_chain,
    _repeated,
)
from esm_explore.chains.provenance import Reading, keep_reading
from esm_explore.chains.residues import residue_labels
from esm_explore.chains.sources import locate
from esm_explore.chains.structure_files import read_model
from esm_explore.errors import ChainError, warn
from esm_explore.findings import in_short, some


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
        notes.append(f"the most occupied of alternate locations at {some(list(alternates))}")
    repeated = _repeated(atoms)
    chain = _protein_chain(atoms, name, chain_id, predicted)
    _check_numbers(chain)
    _check_backbone(chain, notes)
    notes += in_short(alarms(chain.atom37_positions, residue_labels(chain)))
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
