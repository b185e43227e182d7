"""Is a frame of a trajectory the molecule of its topology, whole and in Å."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from esm_explore.errors import ChainError
from esm_explore.findings import some
from esm_explore.parsing.model import BONDED

# Å; a backbone's bonds are 1.3 to 1.6 Å long, and molecular dynamics moves them by 0.2.
_SHORTEST, _LONGEST = 0.5, 3.0
# With more bonds broken than this share the atoms are others, or in another unit.
_MOST = 0.1


@dataclass(frozen=True)
class BackboneBonds:
    """The bonds of a chain's backbone, as its topology has them.

    Attributes
    ----------
    labels : list of str
        Of the residues.
    framed : ndarray, shape=(L,), dtype=bool
        Residues with N, CA and C.
    linked : ndarray, shape=(L - 1,), dtype=bool
        Where a residue's C is bonded to the next one's N.
    """

    labels: list[str]
    framed: np.ndarray
    linked: np.ndarray

    @classmethod
    def of(cls, backbone: np.ndarray, labels: list[str]) -> BackboneBonds:
        """Take the bonds of N, CA and C, shape=(L, 3, 3), Å."""
        with np.errstate(invalid="ignore"):
            linked = np.linalg.norm(backbone[1:, 0] - backbone[:-1, 2], axis=-1) < BONDED
        return cls(labels, np.isfinite(backbone).all((1, 2)), linked)

    def check(self, backbone: np.ndarray, frame: str) -> None:
        """Refuse a frame that is broken.

        Parameters
        ----------
        backbone : ndarray, shape=(L, 3, 3)
            Its N, CA and C, Å.
        frame : str
            What it is called, for messages.

        Raises
        ------
        ChainError
            If coordinates are NaN or infinite where the topology has atoms; if bonds are far too
            long or too short.
        """
        missing = self.framed & ~np.isfinite(backbone).all((1, 2))
        if missing.any():
            raise ChainError(
                f"{frame} has coordinates that are NaN or infinite at residue "
                f"{self._at(missing)}: the simulation, or what wrote it, broke there. Leave it "
                "out, such as frames[:n] before frame n + 1, or write it again."
            )
        with np.errstate(invalid="ignore"):
            inside = np.linalg.norm(np.diff(backbone, axis=1), axis=-1)[self.framed]
            onward = np.linalg.norm(backbone[1:, 0] - backbone[:-1, 2], axis=-1)[self.linked]
        lengths = np.concatenate([inside.ravel(), onward])
        broken = (lengths < _SHORTEST) | (lengths > _LONGEST)
        if not broken.any():
            return
        at = np.concatenate([np.flatnonzero(self.framed).repeat(2), np.flatnonzero(self.linked)])
        where, worst = self.labels[at[broken][0]], lengths[broken][0]
        said = f"{frame}: at residue {where} a bond of the backbone is {worst:,.2f} Å long"
        if broken.mean() > _MOST:
            raise ChainError(
                f"{said}, and so are {broken.mean():.0%} of them: it is not of this topology, or "
                "not in Å. Give the structure that was simulated, with all atoms in the same "
                "order."
            )
        raise ChainError(
            f"{said}: the molecule lies across the edges of its box. Make it whole first, such "
            "as with gmx trjconv -pbc whole, cpptraj's autoimage or MDAnalysis's unwrap."
        )

    def _at(self, rows: np.ndarray) -> str:
        return some([self.labels[row] for row in np.flatnonzero(rows)])
