"""What following a moving chain gives: tokens over time, states, and how they go with motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esm_explore.chains.residues import find_residue
from esm_explore.chains.trajectories import Frames
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.experiments.attending import rank_correlation


@dataclass(frozen=True, eq=False, repr=False)
class Followed:
    """The tokens of a chain in many frames; made by `follow`.

    T is the number of frames, L of residues.

    Attributes
    ----------
    title : str
        Of the frames.
    frames : Frames
        What was followed, read again where it is shown.
    labels : list of str
        Residue numbers as in the file.
    has_frame : ndarray, shape=(L,), dtype=bool
        Whether the residue has a backbone frame in all frames.
    tokens : ndarray, shape=(T, L), dtype=int32
    margins : ndarray, shape=(T, L), dtype=float16
        How clear the choice of each code was; 0 is a tie.
    apart : ndarray, shape=(T, L), dtype=float32
        How far each latent is from that of the first frame.
    ca : ndarray, shape=(T, L, 3), dtype=float32
        CA in Å, each frame superposed on the mean of all; NaN where missing.
    latents : ndarray, shape=(T, L, d_code), dtype=float16, or None
        None unless they were to be kept.
    codebook : ndarray, shape=(n_codes, d_code), dtype=float32
    encoder_info : EncoderInfo
    """

    title: str
    frames: Frames
    labels: list[str]
    has_frame: np.ndarray
    tokens: np.ndarray
    margins: np.ndarray
    apart: np.ndarray
    ca: np.ndarray
    latents: np.ndarray | None
    codebook: np.ndarray
    encoder_info: EncoderInfo

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def source(self) -> str:
        """What was followed and by which encoder, for the second line of a picture's title."""
        return f"{self.title}; encoder: {self.encoder_info.title}"

    @property
    def rmsf(self) -> np.ndarray:
        """How far each CA is from its mean place, root mean square, shape=(L,), Å."""
        away = self.ca - self.ca.mean(0, dtype=np.float64)
        return np.sqrt((away**2).sum(-1).mean(0))

    @property
    def entropy(self) -> np.ndarray:
        """Shannon entropy of each residue's tokens, bits, shape=(L,); NaN without a frame.

        0 is one token always; the most is log2 of the number of frames.
        """
        found = [_entropy(column) for column in self.tokens.T]
        return np.where(self.has_frame, found, np.nan)

    @property
    def changes(self) -> np.ndarray:
        """How often each residue's token is another than in the frame before, shape=(L,)."""
        return (self.tokens[1:] != self.tokens[:-1]).sum(0)

    @property
    def correlation(self) -> float:
        """Spearman's, of entropy and RMSF over residues; NaN where all are alike."""
        known = self.has_frame & np.isfinite(self.rmsf)
        return rank_correlation(self.rmsf[known], self.entropy[known])

    def index_of(self, residue: int | str) -> int:
        """Find a residue, as `Trace.index_of`."""
        return find_residue(self.labels, residue, self.title)

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            One row a residue, indexed by its number as in the file: token (the most frequent),
            share (of frames that have it), tokens (how many different ones), changes (from frame
            to frame), entropy (bits), rmsf (Å) and latent (mean distance from the first frame's).
            NaN and -1 without a backbone frame.
        """
        most = [_counted(column) for column in self.tokens.T]
        table = pd.DataFrame(
            {
                "token": [tokens[0] for tokens, _ in most],
                "share": [counts[0] / len(self) for _, counts in most],
                "tokens": [len(tokens) for tokens, _ in most],
                "changes": self.changes,
                "entropy": self.entropy,
                "rmsf": self.rmsf,
                "latent": self.apart.mean(0),
            },
            index=pd.Index(self.labels, name="residue"),
        )
        without = ~self.has_frame
        table.loc[without, ["share", "entropy", "rmsf", "latent"]] = np.nan
        table.loc[without, ["token", "tokens", "changes"]] = -1
        return table

    def states(self, residue: int | str) -> pd.DataFrame:
        """Take a residue's tokens as its states.

        Parameters
        ----------
        residue : int or str
            As in `Trace.index_of`.

        Returns
        -------
        DataFrame
            One row a token, the most frequent first: frames, share, visits (how often it is
            entered), mean_stay (frames a visit), first (the first frame that has it, counted from
            0) and code_distance (of its code to the most frequent's).
        """
        column = self.tokens[:, self.index_of(residue)]
        tokens, counts = _counted(column)
        entered = np.concatenate([[True], column[1:] != column[:-1]])
        visits = np.array([(entered & (column == token)).sum() for token in tokens])
        return pd.DataFrame(
            {
                "frames": counts,
                "share": counts / len(self),
                "visits": visits,
                "mean_stay": counts / visits,
                "first": [int((column == token).argmax()) for token in tokens],
                "code_distance": np.linalg.norm(
                    self.codebook[tokens] - self.codebook[tokens[0]], axis=1
                ),
            },
            index=pd.Index(tokens, name="token"),
        )

    def transitions(self, residue: int | str | None = None) -> pd.DataFrame:
        """Count which token follows which other.

        Parameters
        ----------
        residue : int or str, optional
            As in `Trace.index_of`; by default all that have a backbone frame.

        Returns
        -------
        DataFrame
            One row a pair of different tokens, the most frequent first: before, after, count,
            residues (how many have it) and code_distance.
        """
        chosen = (
            np.flatnonzero(self.has_frame)
            if residue is None
            else np.array([self.index_of(residue)])
        )
        rows, columns = np.nonzero(self.tokens[1:, chosen] != self.tokens[:-1, chosen])
        columns = chosen[columns]
        steps = pd.DataFrame(
            {
                "before": self.tokens[rows, columns],
                "after": self.tokens[rows + 1, columns],
                "residue": columns,
            }
        )
        grouped = steps.groupby(["before", "after"], sort=True)["residue"]
        table = grouped.agg(count="size", residues="nunique").reset_index()
        apart = self.codebook[table["before"]] - self.codebook[table["after"]]
        table["code_distance"] = np.linalg.norm(apart, axis=1)
        return table.sort_values("count", ascending=False, kind="stable", ignore_index=True)

    def summary(self) -> str:
        """Say in a sentence how much tokens change, and whether that goes with motion."""
        framed = self.has_frame
        table = self.to_frame()[framed]
        steps = (len(self) - 1) * len(table)
        share = f"{100 * self.changes[framed].sum() / steps:.0f} %" if steps else "none"
        rank = self.correlation
        said = f"of {rank:.2f}" if np.isfinite(rank) else "that is not defined"
        most = table["entropy"].idxmax()
        return (
            f"{self.title}: from one {self.frames.kind} to the next {share} of tokens change; "
            f"{(table['tokens'] == 1).sum()} of {len(table)} residues keep one token, and most "
            f"changes that of {most} ({table.loc[most, 'tokens']} tokens, "
            f"{table.loc[most, 'entropy']:.1f} bits); entropy and RMSF have a rank correlation "
            f"{said}."
        )

    def __repr__(self) -> str:
        return f"{self.summary()}\nEncoder: {self.encoder_info.title}"


def _counted(tokens: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Give the different tokens and their counts, the most frequent first."""
    found, counts = np.unique(tokens, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return found[order], counts[order]


def _entropy(tokens: Sequence[int]) -> float:
    share = _counted(tokens)[1] / len(tokens)
    # Without the sign that 0 would have.
    return abs(float(-(share * np.log2(share)).sum()))
