"""Where a chain's atoms are in each model of a structure, or in each frame of a trajectory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.frame_checks import BackboneBonds
from esm_explore.chains.residues import residue_labels
from esm_explore.chains.structure import Structure
from esm_explore.errors import ChainError, heard
from esm_explore.parsing.trajectory_files import TrajectoryFile
from esm_explore.sources.locating import Source


class Places(Protocol):
    """Where the atoms of a chain are in each frame."""

    kind: str
    n_frames: int

    def read(self, numbers: range | list[int]) -> np.ndarray:
        """Read some, shape=(n, L, 37, 3), in Å; a ChainError if one is broken."""


class Models:
    """The models of a structure."""

    kind = "model"

    def __init__(self, source: Source, structure: Structure, chain: ProteinChain):
        self.n_frames = structure.n_models
        self._source, self._chain = source, chain
        self._residues = _residues(chain)

    def read(self, numbers: range | list[int]) -> np.ndarray:
        """Read some, each from the whole file."""
        return np.stack([self._positions(number) for number in numbers])

    def _positions(self, number: int) -> np.ndarray:
        # The first said it all.
        with heard():
            chain = Structure(self._source, number + 1).read(self._chain.chain_id)
        found = _residues(chain)
        if found != self._residues:
            raise ChainError(
                f"Model {number + 1} of {self._source.title} has other residues than the first in "
                f"chain {self._chain.chain_id} ({len(found)}, not {len(self._residues)}, or with "
                "other names): residue by residue only models of one molecule can be followed. "
                "Read it alone, with read_chain(..., model=...)."
            )
        return chain.atom37_positions


def _residues(chain: ProteinChain) -> list[tuple[str, str]]:
    return list(zip(residue_labels(chain), chain.sequence, strict=True))


class Trajectory:
    """The frames of a trajectory file."""

    kind = "frame"

    def __init__(self, path: Path, structure: Structure, chain: ProteinChain):
        self._file = TrajectoryFile(path, structure.n_atoms)
        self.n_frames = self._file.n_frames
        rows = structure.atom_rows(chain.chain_id)
        self._slots: Any = np.nonzero(rows >= 0)
        self._atoms = rows[self._slots]
        self._shape = rows.shape
        self._bonds = BackboneBonds.of(chain.atom37_positions[:, :3], residue_labels(chain))
        if self._file.n_atoms != structure.n_atoms:
            hint = (
                "as many as the topology's protein has: give a topology of the protein alone"
                if self._file.n_atoms == structure.n_protein_atoms
                else "give the structure that was simulated, with its hydrogens, waters and ions, "
                "or what was kept of it"
            )
            raise ChainError(
                f"{path} has {self._file.n_atoms:,} atoms, {structure.name} "
                f"{structure.n_atoms:,}: {hint}."
            )

    def read(self, numbers: range | list[int]) -> np.ndarray:
        """Read some, and check that their bonds are whole."""
        places = np.full((len(numbers), *self._shape, 3), np.nan, np.float32)
        places[:, *self._slots] = self._file.read(numbers, self._atoms)
        for number, each in zip(numbers, places, strict=True):
            frame = f"Frame {number + 1} of {self._file.title}"
            self._bonds.check(each[:, :3], frame)
        return places
