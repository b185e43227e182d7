"""The protein chains of one model of a structure, parsed once and read one by one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from biotite.structure import concatenate
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.alternates import most_occupied
from esm_explore.chains.given_chains import pick_chain, warn_of_reading
from esm_explore.chains.predictions import plddt_scale
from esm_explore.chains.protein_atoms import protein_chains, residue_starts
from esm_explore.chains.protein_chain import (
    atom_places,
    backbone_mean,
    backbone_positions,
    chain_of_atoms,
    check_backbone,
    check_flaws,
    check_numbers,
    modified_residues,
    repeated_atoms,
)
from esm_explore.chains.provenance import Reading, keep_reading
from esm_explore.chains.residues import residue_labels
from esm_explore.errors import ChainError
from esm_explore.findings import some
from esm_explore.parsing.structure_files import read_model
from esm_explore.sources.locating import Source


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

    def __init__(self, source: Source, model: int):
        self._model = read_model(source, model)
        atoms = self._model.atoms
        atoms.set_annotation("row", np.arange(len(atoms)))
        self.name, self.model, self.n_models = source.name, int(model), self._model.n_models
        self._proteins = protein_chains(self._model)
        self.chain_ids = list(self._proteins.chains)
        if not self.chain_ids:
            ids = self._model.atoms.chain_id.tolist()
            others = ", ".join(dict.fromkeys(chain_id or "blank" for chain_id in ids))
            raise ChainError(
                f"{self.name} has no protein chain; its chains are: {others or 'none'}."
            )
        protein = concatenate([chain.atoms for chain in self._proteins.chains.values()])
        self._plddt = plddt_scale(protein, source.predicted or self._model.predicted)
        self.predicted = self._plddt is not None

    def read(self, chain_id: str | None = None, *, of_all: bool = False) -> ProteinChain:
        """Read one chain, the first without an id; as often as wanted.

        Parameters
        ----------
        chain_id : str, optional
        of_all : bool
            Whether all models are read, so that it is not worth a warning which this one is.

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
        chain_id, chosen_from = pick_chain(chain_id, self._sizes, self.name)
        protein = self._proteins.chains[chain_id]
        atoms, alternates = most_occupied(protein.atoms)
        unreadable = check_flaws(atoms, self._model.flaws)
        repeated = repeated_atoms(atoms)
        chain = chain_of_atoms(atoms, self.name, chain_id, self._plddt)
        labels = residue_labels(chain)
        check_numbers(chain, labels)
        frameless = check_backbone(chain, labels)
        others = {c: places for c, places in self._backbones.items() if c != chain_id}
        before = self.chain_ids[: self.chain_ids.index(chain_id)]
        reading = Reading(
            model=self.model,
            n_models=self.n_models,
            chosen_from=chosen_from,
            alternates=alternates,
            repeated=repeated,
            modified=modified_residues(atoms, labels),
            moved=protein.moved,
            left_out=self._proteins.left_out,
            notes=[*self._model.notes, *self._separated(chain_id), *unreadable],
            predicted=self.predicted,
            ending=self._model.ending,
            b_factor=backbone_mean(atoms, atoms.b_factor),
            occupancy=backbone_mean(atoms, atoms.occupancy),
            backbone=chain.atom37_positions[:, :3].copy(),
            others=np.concatenate([np.zeros((0, 3, 3), np.float32), *others.values()]),
            n_before=sum(len(others[c]) for c in before),
            other_chains=np.repeat(np.array(list(others), str), [*map(len, others.values())]),
        )
        keep_reading(chain, reading)
        notes = list(_choices(reading, of_all))
        warn_of_reading(self.name, chain, labels, notes, frameless)
        return chain

    @property
    def n_atoms(self) -> int:
        """All atoms of the model, also those of no chain."""
        return len(self._model.atoms)

    def atom_rows(self, chain_id: str) -> np.ndarray:
        """Say where in the model the atoms of a chain are.

        Parameters
        ----------
        chain_id : str

        Returns
        -------
        ndarray, shape=(L, 37), dtype=int
            Places among all atoms of the model, in the order of the file; -1 for none.
        """
        atoms, _ = most_occupied(self._proteins.chains[chain_id].atoms)
        places = atom_places(atoms)
        return np.where(places >= 0, atoms.row[places], -1)

    @property
    def n_protein_atoms(self) -> int:
        """Those of all chains, with all alternate locations."""
        return sum(len(chain.atoms) for chain in self._proteins.chains.values())

    def _separated(self, chain_id: str) -> list[str]:
        """Say from which other chains one was told apart that has the same id in the file."""
        written = self._proteins.separated.get(chain_id)
        if written is None:
            return []
        alike = [c for c, of in self._proteins.separated.items() if of == written]
        given = f"the id {written}" if written else "no id"
        return [f"{len(alike)} chains have {given} in the file; here they are {', '.join(alike)}"]

    @cached_property
    def _sizes(self) -> dict[str, int]:
        chains = self._proteins.chains.items()
        return {chain_id: len(residue_starts(chain.atoms)) for chain_id, chain in chains}

    @cached_property
    def _backbones(self) -> dict[str, np.ndarray]:
        return {c: backbone_positions(chain.atoms) for c, chain in self._proteins.chains.items()}


def _choices(reading: Reading, of_all: bool) -> Iterator[str]:
    """Say what was chosen, or is odd about the file."""
    if reading.ending == "cut off":
        yield "the file ends in the middle of a line: it was cut off"
    if reading.n_models > 1 and not of_all:
        yield f"model {reading.model} of {reading.n_models}"
    if reading.chosen_from:
        yield f"the first of the protein chains {reading.chosen_from}"
    yield from reading.notes
    if reading.moved:
        yield f"written behind the chain, and put in their places: {some(reading.moved)}"
    if reading.alternates:
        yield f"the most occupied of alternate locations at {some(list(reading.alternates))}"
