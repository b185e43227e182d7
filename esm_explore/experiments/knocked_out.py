"""What knocking out gives: tables, and a sentence of what a code hangs on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esm_explore.encoders.identity import EncoderInfo

MODES = {
    "masked": "masked",
    "replaced": "replaced by the next nearest residue",
    "away": "put out of contact",
}
EFFECTS = ("effect", "new_token", "flips", "code_distance", "code_place")


@dataclass(frozen=True, eq=False, repr=False)
class KnockOut:
    """What became of one residue's latent and code; made by `knock_out`.

    Attributes
    ----------
    name : str
        Chain and residue, such as ``1UBI A 48``.
    index : int
        Of the residue in its chain.
    token : int
        As it is.
    how : {"masked", "replaced", "away"}
    neighbors : DataFrame
        One row a neighbor, nearest first: index, residue, distance (of CA, Å), attention
        (the residue's, mean of all heads and blocks) and ``attention 0``, ... of each block;
        effect (how far the latent moves), new_token, flips, code_distance and code_place.
    heads : DataFrame or None
        One row a head: block, head, effect and so on; None if none was silenced.
    correlation : float
        Spearman's, of attention and effect over the neighbors; NaN where all are alike.
    by_block : tuple of float
        The same of each block's attention.
    encoder_info : EncoderInfo
    """

    name: str
    index: int
    token: int
    how: str
    neighbors: pd.DataFrame
    heads: pd.DataFrame | None
    correlation: float
    by_block: tuple[float, ...]
    encoder_info: EncoderInfo

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            One row a knock-out: ``kind`` ("neighbor" or "head"), ``what`` (the neighbor's number
            as in the file, or block and head), attention (NaN of heads), effect, new_token, flips,
            code_distance and code_place (1: no code is nearer to the old one).
        """
        parts = [self.neighbors.assign(kind="neighbor", what=self.neighbors["residue"])]
        if self.heads is not None:
            pairs = self.heads[["block", "head"]].to_numpy()
            what = [f"block {block}, head {head}" for block, head in pairs]
            parts.append(self.heads.assign(kind="head", what=what))
        table = pd.concat([part[["kind", "what", *EFFECTS]] for part in parts], ignore_index=True)
        # By place: heads are behind the neighbors, and pay none.
        table.insert(2, "attention", self.neighbors["attention"])
        return table

    def summary(self) -> str:
        """Say in a sentence what the code hangs on."""
        most = self.neighbors.loc[self.neighbors["effect"].idxmax()]
        said = (
            f"{self.name}, token {self.token}: {self.neighbors['flips'].sum()} of "
            f"{len(self.neighbors)} neighbors, each {MODES[self.how]}, change the code, and most "
            f"counts {most['residue']} (the latent moves by {most['effect']:.2f}, "
            f"{_outcome(most)})"
        )
        if self.heads is not None:
            head = self.heads.loc[self.heads["effect"].idxmax()]
            said += (
                f"; so do {self.heads['flips'].sum()} of {len(self.heads)} heads silenced, most of "
                f"all head {head['head']} of block {head['block']} ({head['effect']:.2f}, "
                f"{_outcome(head)})"
            )
        return f"{said}; {_said_of_rank(self.correlation)}."

    def __repr__(self) -> str:
        return f"{self.summary()}\nEncoder: {self.encoder_info.title}"


@dataclass(frozen=True, eq=False, repr=False)
class KnockOutProfile:
    """Each neighbor of each residue taken away; made by `knock_out_profile`.

    Attributes
    ----------
    title : str
        Of the chain.
    labels : list of str
        Residue numbers as in the file.
    how : {"masked", "replaced", "away"}
    effects : ndarray, shape=(L, K - 1), dtype=float32
        How far the latent moves without each neighbor, nearest first; NaN without a backbone
        frame.
    attention : ndarray, shape=(L, K - 1), dtype=float32
        That the residue pays to it, mean of all heads and blocks; NaN alike.
    new_tokens : ndarray, shape=(L, K - 1), dtype=int64
        -1 without a backbone frame.
    tokens : ndarray, shape=(L,), dtype=int64
    edges : ndarray, shape=(L, K - 1), dtype=int64
        The neighbors.
    correlation : ndarray, shape=(L,), dtype=float64
        Spearman's, of attention and effect; NaN without a frame, or where all are alike.
    encoder_info : EncoderInfo
    """

    title: str
    labels: list[str]
    how: str
    effects: np.ndarray
    attention: np.ndarray
    new_tokens: np.ndarray
    tokens: np.ndarray
    edges: np.ndarray
    correlation: np.ndarray
    encoder_info: EncoderInfo

    @property
    def flips(self) -> np.ndarray:
        """How many neighbors change the code, shape=(L,), dtype=int64."""
        return ((self.new_tokens >= 0) & (self.new_tokens != self.tokens[:, None])).sum(1)

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            One row a residue, indexed by its number as in the file: token, flips, effect (of the
            neighbor that counts most), neighbor (which it is) and correlation. NaN and "" without
            a backbone frame.
        """
        framed = np.isfinite(self.effects).all(1)
        most = np.where(framed[:, None], self.effects, 0).argmax(1)
        rows = np.arange(len(most))
        names = np.array(self.labels)[self.edges[rows, most]]
        return pd.DataFrame(
            {
                "token": self.tokens,
                "flips": self.flips,
                "effect": self.effects[rows, most],
                "neighbor": np.where(framed, names, ""),
                "correlation": self.correlation,
            },
            index=pd.Index(self.labels, name="residue"),
        )

    def summary(self) -> str:
        """Say in a sentence how many neighbors a code hangs on."""
        framed = np.isfinite(self.effects).all(1)
        known = self.correlation[np.isfinite(self.correlation)]
        median = float(np.median(known)) if len(known) else np.nan
        return (
            f"{self.title}: with one of {self.effects.shape[1]} neighbors {MODES[self.how]} a code "
            f"changes in {100 * self.flips[framed].sum() / self.effects[framed].size:.0f} % of "
            f"cases, {self.flips[framed].mean():.1f} neighbors a residue, and "
            f"{(self.flips[framed] == 0).sum()} of {framed.sum()} residues keep theirs whichever "
            f"goes; {_said_of_rank(median)} in the median."
        )

    def __repr__(self) -> str:
        return f"{self.summary()}\nEncoder: {self.encoder_info.title}"


def _outcome(row: pd.Series) -> str:
    return f"token {row['new_token']}" if row["flips"] else "same token"


def _said_of_rank(rank: float) -> str:
    said = f"of {rank:.2f}" if np.isfinite(rank) else "that is not defined"
    return f"attention and effect have a rank correlation {said}"
