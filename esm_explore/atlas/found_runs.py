"""What looking for a run gives: places that look alike to the encoder, superposed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esm_explore.encoders.identity import EncoderInfo


@dataclass(frozen=True, eq=False, repr=False)
class FoundRuns:
    """Where else a piece of a chain occurs; made by `Atlas.find_run`.

    Attributes
    ----------
    name : str
        Chain and residues of the query, such as ``4AKE A 50 to 62``.
    sequence : str
        Of the query, n residues.
    query : ndarray, shape=(n, 3, 3), dtype=float32
        N, CA and C of the query, Å.
    runs : DataFrame
        One row a place, nearest first: structure, chain, first and last (residue numbers with
        insertion codes), sequence, ss, distance (of latents, summed over the run), rmsd (of N, CA
        and C after superposition, Å), same_tokens, same_amino_acids (how many of the n), and file.
    backbones : ndarray, shape=(len(runs), n, 3, 3), dtype=float32
        Of the runs, superposed on the query, Å.
    searched : int
        Runs that were compared.
    encoder_info : EncoderInfo
    """

    name: str
    sequence: str
    query: np.ndarray
    runs: pd.DataFrame
    backbones: np.ndarray
    searched: int
    encoder_info: EncoderInfo

    def __len__(self) -> int:
        return len(self.runs)

    def __repr__(self) -> str:
        return f"{self.summary()} Encoder: {self.encoder_info.title}"

    def to_frame(self) -> pd.DataFrame:
        """Make a table, one row a place, nearest first; columns as in `runs`."""
        return self.runs.copy()

    def summary(self) -> str:
        """Say in a sentence what was found."""
        if not len(self):
            return f"{self.name} ({self.sequence}) occurs nowhere else in this atlas."
        nearest, rmsd = self.runs.iloc[0], self.runs["rmsd"]
        chains = len(self.runs.drop_duplicates(["structure", "chain"]))
        return (
            f"{self.name} ({self.sequence}): the {len(self)} nearest of {self.searched:,} runs are "
            f"in {chains} chains, {rmsd.median():.2f} Å from it in the median ({rmsd.min():.2f} to "
            f"{rmsd.max():.2f}); nearest is {nearest['structure']} {nearest['chain']} "
            f"{nearest['first']} to {nearest['last']} ({nearest['sequence']}, "
            f"{nearest['rmsd']:.2f} Å)."
        )
