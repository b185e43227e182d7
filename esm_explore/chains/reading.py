"""`read_chain` and `read_chains`: a file, a bundled example or an id to esm's `ProteinChain`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
from biotite.structure import AtomArray, concatenate
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.alternates import most_occupied
from esm_explore.chains.backbone import alarms
from esm_explore.chains.predictions import plddt_scale
from esm_explore.chains.protein_atoms import protein_chains, residue_starts
from esm_explore.chains.protein_chain import (
    backbone_mean,
    ca_positions,
    chain_of_atoms,
    check_backbone,
    check_flaws,
    check_numbers,
    modified_residues,
    repeated_atoms,
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
        Coordinates in Å, NaN where an atom is missing. Of alternate locations one with the whole
        backbone is taken, of several the most occupied. ``confidence`` is 1, or pLDDT from 0 to 1
        where B-factors are that: for AlphaFold DB ids, and files that say or show it.

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

    Notes
    -----
    A residue is of the chain if it is an amino acid, or has a backbone, and is written as ATOM,
    bonded to the next, or in the file's own sequence. Its letter is the parent's that the file or
    a dictionary gives, else X; names of force fields (HSD, GLH, NMET) are known.

    Chains are told apart by chain id, then segment id, TER, END and numbers that begin again. Those
    with one id are ``A``, ``A-2``, ``A-3`` here; those with none have their segment's id, or are
    ``1``, ``2``, ``3``.

    Examples
    --------
    >>> chain = read_chain("1UBI")
    >>> chain.chain_id, chain.sequence[:10]
    ('A', 'MQIFVKTLTG')
    """
    _check_id(chain_id)
    return Structure(*locate(source, chain_id), model).read(chain_id)


def read_chains(source: str | os.PathLike, *, model: int = 1) -> list[ProteinChain]:
    """Read all protein chains, parsing the file once.

    Parameters
    ----------
    source, model
        As in `read_chain`. Of a bundled example that was cut to one chain, it is that one.

    Returns
    -------
    list of ProteinChain
        In the order of the file, each as `read_chain` reads it.

    Raises
    ------
    ChainError
        As `read_chain`, also where one chain alone cannot be read; the message names it.

    Warns
    -----
    ChainWarning
        As `read_chain`, in one message a chain.

    Examples
    --------
    >>> [(chain.chain_id, len(chain)) for chain in read_chains("2HT0")]
    [('A', 96), ('B', 93)]
    """
    structure = open_structure(source, model)
    return [structure.read(chain_id) for chain_id in structure.chain_ids]


def open_structure(source: str | os.PathLike, model: int = 1) -> Structure:
    """Parse one model of a structure, to read its chains one by one.

    Parameters
    ----------
    source, model
        As in `read_chains`.

    Returns
    -------
    Structure

    Raises
    ------
    ChainError
        As `read_chain`, if it is the source, the model or the lack of protein; not for what is
        wrong with a single chain.
    """
    return Structure(*locate(source, None), model)


class Structure:
    """The protein chains of one model, parsed once.

    Attributes
    ----------
    name : str
    predicted : bool
        Whether B-factors are pLDDT.
    model, n_models : int
        Which model it is, and how many the file has.
    chain_ids : list of str
        The author's ids of protein chains, in the order of the file; at least one.
    """

    def __init__(self, name: str, path: Path, predicted: bool, model: int):
        self._model = read_model(path, model)
        self.name, self.model, self.n_models = name, int(model), self._model.n_models
        self._proteins = protein_chains(self._model)
        self.chain_ids = list(self._proteins.chains)
        if not self.chain_ids:
            ids = self._model.atoms.chain_id.tolist()
            others = ", ".join(dict.fromkeys(chain_id or "blank" for chain_id in ids))
            raise ChainError(f"{name} has no protein chain; its chains are: {others or 'none'}.")
        self._plddt = plddt_scale(self._all_protein(), predicted or self._model.predicted)
        self.predicted = self._plddt is not None

    def read(self, chain_id: str | None = None) -> ProteinChain:
        """Read one chain, the first without an id; as often as wanted.

        Parameters
        ----------
        chain_id : str, optional

        Returns
        -------
        ProteinChain
            As `read_chain` gives it.

        Raises
        ------
        ChainError
            If there is no such protein chain, or `read_chain` refuses it.

        Warns
        -----
        ChainWarning
            As `read_chain`.
        """
        _check_id(chain_id)
        chains = self._proteins.chains
        chosen_from = self._listing if chain_id is None and len(chains) > 1 else ""
        chain_id = self.chain_ids[0] if chain_id is None else chain_id
        if chain_id not in chains:
            raise ChainError(
                f"Chain {chain_id!r} is not a protein chain of {self.name}; "
                f"it has: {self._listing}."
            )
        atoms, alternates = most_occupied(chains[chain_id].atoms)
        unreadable = check_flaws(atoms, self._model.flaws)
        repeated = repeated_atoms(atoms)
        chain = chain_of_atoms(atoms, self.name, chain_id, self._plddt)
        labels = residue_labels(chain)
        check_numbers(chain, labels)
        frameless = check_backbone(chain, labels)
        others = {c: ca for c, ca in self._ca.items() if c != chain_id}
        reading = Reading(
            model=self.model,
            n_models=self.n_models,
            chosen_from=chosen_from,
            alternates=alternates,
            repeated=repeated,
            modified=modified_residues(atoms, labels),
            moved=chains[chain_id].moved,
            left_out=self._proteins.left_out,
            notes=[*self._model.notes, *self._separated(chain_id), *unreadable],
            predicted=self.predicted,
            ending=self._model.ending,
            b_factor=backbone_mean(atoms, atoms.b_factor),
            occupancy=backbone_mean(atoms, atoms.occupancy),
            backbone=chain.atom37_positions[:, :3].copy(),
            other_ca=np.concatenate([np.zeros((0, 3), np.float32), *others.values()]),
            other_chains=np.repeat(np.array(list(others), str), [*map(len, others.values())]),
        )
        keep_reading(chain, reading)
        notes = list(_choices(reading))
        if frameless:
            notes.append(f"no backbone frame at {some(frameless)}")
        notes += in_short(alarms(chain.atom37_positions, labels))
        if notes:
            warn(f"{self.name} chain {chain_id}: {'; '.join(notes)}")
        return chain

    def _all_protein(self) -> AtomArray:
        return concatenate([chain.atoms for chain in self._proteins.chains.values()])

    def _separated(self, chain_id: str) -> list[str]:
        """Say from which other chains one was told apart that has the same id in the file."""
        written = self._proteins.separated.get(chain_id)
        if written is None:
            return []
        alike = [c for c, of in self._proteins.separated.items() if of == written]
        given = f"the id {written}" if written else "no id"
        return [f"{len(alike)} chains have {given} in the file; here they are {', '.join(alike)}"]

    @cached_property
    def _listing(self) -> str:
        sizes = {
            c or "blank": len(residue_starts(chain.atoms))
            for c, chain in self._proteins.chains.items()
        }
        return ", ".join(f"{chain_id} ({size} residues)" for chain_id, size in sizes.items())

    @cached_property
    def _ca(self) -> dict[str, np.ndarray]:
        return {c: ca_positions(chain.atoms) for c, chain in self._proteins.chains.items()}


def _choices(reading: Reading) -> Iterator[str]:
    """Say what was chosen, or is odd about the file."""
    if reading.ending == "cut off":
        yield "the file ends in the middle of a line: it was cut off"
    if reading.n_models > 1:
        yield f"model {reading.model} of {reading.n_models}"
    if reading.chosen_from:
        yield f"the first of the protein chains {reading.chosen_from}"
    yield from reading.notes
    if reading.moved:
        yield f"written behind the chain, and put in their places: {some(reading.moved)}"
    if reading.alternates:
        yield f"the most occupied of alternate locations at {some(list(reading.alternates))}"


def _check_id(chain_id: object) -> None:
    if not isinstance(chain_id, str | None):
        raise ChainError(f"chain_id is {chain_id!r}; it is the author's chain id, such as 'A'.")
