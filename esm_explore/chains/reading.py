"""`read_chain` and `read_chains`: a file, a bundled example or an id to esm's `ProteinChain`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.backbone import alarms
from esm_explore.chains.given_chains import GivenChains, check_id, pick_chain
from esm_explore.chains.protein_atoms import most_occupied, protein_chains, residue_starts
from esm_explore.chains.protein_chain import (
    backbone_mean,
    ca_positions,
    chain_of_atoms,
    check_backbone,
    check_numbers,
    modified_residues,
    repeated_atoms,
)
from esm_explore.chains.provenance import Reading, keep_reading
from esm_explore.chains.residues import residue_labels
from esm_explore.chains.sources import Source, locate
from esm_explore.chains.structure_files import read_model
from esm_explore.errors import ChainError, warn
from esm_explore.findings import in_short, some


def read_chain(source: object, chain_id: str | None = None, *, model: int = 1) -> ProteinChain:
    """Read one protein chain.

    Parameters
    ----------
    source : str, path, open file or object
        - a file: PDB, mmCIF or BinaryCIF, plain, compressed (gzip, bzip2, xz, zstd) or the one
          structure in an archive (zip, tar), all told apart by content
        - an open file, ``io.StringIO`` or ``io.BytesIO``; ``"-"`` is standard input
        - the name of a bundled example (`examples`), a PDB id (``"1UBQ"``, ``"pdb_00001ubq"``),
          an AlphaFold DB id (``"AF-P69905"``) or a UniProt accession (``"P69905"``); downloaded
          once, then taken from a cache
        - an address (``"https://..."``), fetched each time
        - a structure of biotite, gemmi, Biopython or esm; a `ProteinChain` is given back as it is
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
        and C on a line, fewer than 16 residues. `doctor` says more. Also where a download cannot
        be kept.

    Examples
    --------
    >>> chain = read_chain("1UBI")
    >>> chain.chain_id, chain.sequence[:10]
    ('A', 'MQIFVKTLTG')
    """
    check_id(chain_id)
    return parsed(locate(source, chain_id), model).read(chain_id)


def read_chains(source: object, *, model: int = 1) -> list[ProteinChain]:
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


def open_structure(source: object, model: int = 1) -> Structure | GivenChains:
    """Parse one model of a structure, to read its chains one by one.

    Parameters
    ----------
    source, model
        As in `read_chains`.

    Returns
    -------
    Structure or GivenChains

    Raises
    ------
    ChainError
        As `read_chain`, if it is the source, the model or the lack of protein; not for what is
        wrong with a single chain.
    """
    return parsed(locate(source), model)


def parsed(source: Source, model: int) -> Structure | GivenChains:
    """Parse one model of what was located; as `open_structure`."""
    kind = GivenChains if isinstance(source.content, list) else Structure
    return kind(source, model)


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
        found = read_model(source, model)
        self.name, self.predicted = source.name, source.predicted
        self.model, self.n_models = int(model), found.n_models
        self._ending = found.ending
        self._chains = protein_chains(found.atoms)
        self.chain_ids = list(self._chains)
        if not self._chains:
            others = ", ".join(dict.fromkeys(c or "blank" for c in found.atoms.chain_id.tolist()))
            raise ChainError(
                f"{self.name} has no protein chain; its chains are: {others or 'none'}."
            )

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
        chain_id, chosen_from = pick_chain(chain_id, self._sizes, self.name)
        atoms, alternates = most_occupied(self._chains[chain_id])
        repeated = repeated_atoms(atoms)
        chain = chain_of_atoms(atoms, self.name, chain_id, self.predicted)
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
            predicted=self.predicted,
            ending=self._ending,
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

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {chain: len(residue_starts(atoms)) for chain, atoms in self._chains.items()}

    @cached_property
    def _ca(self) -> dict[str, np.ndarray]:
        return {chain_id: ca_positions(atoms) for chain_id, atoms in self._chains.items()}


def _choices(reading: Reading) -> Iterator[str]:
    """Say what was chosen, or is odd about the file."""
    if reading.ending == "cut off":
        yield "the file ends in the middle of a line: it was cut off"
    if reading.n_models > 1:
        yield f"model {reading.model} of {reading.n_models}"
    if reading.chosen_from:
        yield f"the first of the protein chains {reading.chosen_from}"
    if reading.alternates:
        yield f"the most occupied of alternate locations at {some(list(reading.alternates))}"
