"""The tokens of a chain, without the stages that led to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.residues import Numbering, residue_table
from esm_explore.encoders.identity import EncoderInfo


@dataclass(frozen=True, eq=False, repr=False)
class ChainTokens:
    """The tokens of one chain, and how sure they are.

    Residues are rows, in the order of the chain; L is their number.

    Attributes
    ----------
    chain : ProteinChain
        A copy of the chain as it was when it was asked for.
    encoder_info : EncoderInfo
        Which encoder made this.
    numbering : {"file", "sequential"}
        Which residue numbers the encoder saw.
    tokens : ndarray, shape=(L,), dtype=int64
    has_frame : ndarray, shape=(L,), dtype=bool
        Whether N, CA and C are all there. Without a backbone frame a residue still gets a
        token, always the same one: leave it out of every statistic.
    pre_vq : ndarray, shape=(L, d_code), dtype=float32
        The continuous latent.
    z_q : ndarray, shape=(L, d_code), dtype=float32
        The nearest code, as esm returns it (equal to the code up to float32 rounding).
    margin : ndarray, shape=(L,), dtype=float32
        Distance to the runner-up less the distance to the winner; 0 is a tie.
    runner_up : ndarray, shape=(L,), dtype=int64
        The second nearest code.
    """

    chain: ProteinChain
    encoder_info: EncoderInfo
    numbering: Numbering
    tokens: np.ndarray
    has_frame: np.ndarray
    pre_vq: np.ndarray
    z_q: np.ndarray
    margin: np.ndarray
    runner_up: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    def to_frame(self) -> pd.DataFrame:
        """Make a table of residues.

        Returns
        -------
        DataFrame
            One row a residue; the columns of `Trace.to_frame` (chain, number, insertion_code,
            name, has_frame, token) and margin.
        """
        table = residue_table(self.chain, self.has_frame, self.tokens)
        return table.assign(margin=self.margin)

    def __repr__(self) -> str:
        return (
            f"Tokens of {self.chain.id} chain {self.chain.chain_id}, {len(self)} residues "
            f"({len(self) - int(self.has_frame.sum())} without a backbone frame); "
            f"encoder: {self.encoder_info.title}"
        )
