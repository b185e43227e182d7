"""What a file holds beside the chain that was read from it; kept with the chain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain

_ATTRIBUTE = "_esm_explore_reading"


@dataclass(frozen=True, eq=False)
class Reading:
    """How a chain was read.

    Attributes
    ----------
    model, n_models : int
        Which model was read, and how many the file has.
    chosen_from : str
        The protein chains, where none was asked for and there are several; else empty.
    alternates : dict
        By residue label, which alternate location was used and which were not.
    repeated : list of str
        Labels of residues with an atom of the side chain twice; the first was used.
    modified : dict
        By residue label, the name of a residue that is none of the 20 amino acids, and as what it
        was read, such as ``MSE as M``.
    moved : list of str
        Labels of residues that the file has elsewhere, and that were put in their places.
    left_out : dict of str to int
        By name, how many residues of the file (waters, ligands, other polymers) are in no chain.
    notes : list of str
        What was read in another way than it is written.
    predicted : bool
        Whether B-factors are pLDDT.
    ending : {"", "no END line", "cut off"}
        What is odd about the file's end.
    b_factor, occupancy : ndarray, shape=(L,), dtype=float
        Means over N, CA and C; NaN where all are missing. Occupancy is 1 where a file has none.
    backbone : ndarray, shape=(L, 3, 3), dtype=float32
        N, CA and C as they were when read.
    others : ndarray, shape=(M, 3, 3), dtype=float32
        N, CA and C of the file's other protein chains, in Å; NaN where one is missing.
    n_before : int
        So many of these residues are of chains that the file has before this one.
    other_chains : ndarray, shape=(M,), dtype=str
        Their chain ids.
    kind : {"model", "frame"}
        What a model of it is called; those of a trajectory are frames.
    """

    model: int
    n_models: int
    chosen_from: str
    alternates: dict[str, str]
    repeated: list[str]
    modified: dict[str, str]
    moved: list[str]
    left_out: dict[str, int]
    notes: list[str]
    predicted: bool
    ending: str
    b_factor: np.ndarray
    occupancy: np.ndarray
    backbone: np.ndarray
    others: np.ndarray
    n_before: int
    other_chains: np.ndarray
    kind: str = "model"


def keep_reading(chain: ProteinChain, reading: Reading) -> None:
    """Keep a reading with its chain; copies and parts of the chain do not have it."""
    # esm 3.4 freezes its chains.
    object.__setattr__(chain, _ATTRIBUTE, reading)


def reading_of(chain: ProteinChain) -> Reading | None:
    """Give a chain's reading; None if `read_chain` did not make it, or it was moved since."""
    reading = getattr(chain, _ATTRIBUTE, None)
    if reading is None:
        return None
    same = np.array_equal(reading.backbone, chain.atom37_positions[:, :3], equal_nan=True)
    return reading if same else None
