"""Each residue's neighborhood decoded from its token alone, and how far off it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from esm_explore.decoding.local import decode_points
from esm_explore.encoders.identity import EncoderInfo, unchanged
from esm_explore.encoders.inputs import Inputs
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.traces import Trace


@dataclass(frozen=True, eq=False, repr=False)
class LocalTrip:
    """What each token says of its residue's neighborhood; made by `decode_local`.

    Attributes
    ----------
    title : str
        Of the chain.
    residues : DataFrame
        As `to_frame` gives it.
    ca : ndarray, shape=(L, K, 3), dtype=float32
        CA of each residue's nodes as its token has them, Å, laid on the residue's own backbone
        frame in the chain; the residue itself first. NaN without a backbone frame.
    encoder_info : EncoderInfo
    """

    title: str
    residues: pd.DataFrame
    ca: np.ndarray
    encoder_info: EncoderInfo

    @property
    def tokens(self) -> np.ndarray:
        """Those that were decoded, shape=(L,)."""
        return self.residues["token"].to_numpy()

    @property
    def error(self) -> np.ndarray:
        """Each residue's error, Å, shape=(L,); NaN where there is none."""
        return self.residues["error"].to_numpy()

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            That of `Trace.to_frame`, and margin, error (root mean square of how far the CA of the
            other nodes are off, seen from the residue's own frame, Å) and turn (mean angle by which
            their frames are off, degrees). NaN without a backbone frame, or without neighbors
            that have one.
        """
        return self.residues.copy()

    def summary(self) -> str:
        """Say in a sentence how far off neighborhoods are."""
        error = self.error[np.isfinite(self.error)]
        if not error.size:
            return f"{self.title}: no residue has a neighbor with a backbone frame to compare with."
        worst = self.residues.loc[self.residues["error"].idxmax()]
        return (
            f"{self.title}: seen from each residue, its neighbors are decoded to "
            f"{np.median(error):.1f} Å of where they are (median; 9 of 10 residues below "
            f"{np.quantile(error, 0.9):.1f} Å; worst {worst['name']} {worst['number']}"
            f"{worst['insertion_code']}, {worst['error']:.1f} Å). These are neighborhoods, each by "
            "itself: no chain is put together from them."
        )

    def __repr__(self) -> str:
        return f"{self.summary()}\nEncoder: {self.encoder_info.title}, with its local decoder"


def decode_local(trace: Trace) -> LocalTrip:
    """Decode each residue's token to its neighborhood, and compare with the chain.

    Local: each residue's decoder is told its token and which residues its neighbors are (their
    ranks and relative positions), and gives places as seen from the residue. Nothing is put
    together to a chain; `round_trip` does that, with a decoder of whole chains.

    Parameters
    ----------
    trace : Trace
        Of the bundled encoder, mini: only its codes have a local decoder.

    Returns
    -------
    LocalTrip

    Raises
    ------
    TraceError
        If it is no trace, or its encoder is missing or has changed.
    EncoderError
        If it is of another encoder.

    Examples
    --------
    >>> import esm_explore as ex
    >>> trace = ex.trace(ex.load_encoder("mini"), ex.read_chain("1UBI"))
    >>> bool(np.median(decode_local(trace).error) < 6)
    True
    """
    check_trace(trace, "decode_local")
    encoder = unchanged(trace.encoder, trace.encoder_info)
    neighbors, framed = trace.edges[:, 1:], trace.has_frame
    relative = trace.residue_index[neighbors] - trace.residue_index[:, None]
    ca, rotations = decode_points(encoder, trace.codebook[trace.tokens], relative)
    # Where the file has them: one line of esm moves what it encodes.
    places = torch.from_numpy(trace.chain.atom37_positions[:, :3].astype(np.float32))
    frames = Inputs.build(places, trace.inputs.residue_index).affine
    turn = frames.rot.tensor[0].unflatten(-1, (3, 3)).numpy()
    place = frames.trans[0].numpy()
    seen = np.einsum("lij,lki->lkj", turn, place[neighbors] - place[:, None])
    known = framed[:, None] & framed[neighbors]
    squared = np.where(known, ((ca - seen) ** 2).sum(-1), np.nan)
    angle = _angles(np.einsum("lji,lkjm->lkim", turn, turn[neighbors]), rotations)
    any_known = known.any(1)
    error, off = np.full((2, len(trace)), np.nan)
    error[any_known] = np.sqrt(np.nanmean(squared[any_known], 1))
    off[any_known] = np.nanmean(np.where(known, angle, np.nan)[any_known], 1)
    laid = place[:, None] + np.einsum("lij,lkj->lki", turn, np.pad(ca, ((0, 0), (1, 0), (0, 0))))
    laid[~framed] = np.nan
    table = trace.to_frame().assign(
        margin=np.where(framed, trace.nearest.margin, np.nan), error=error, turn=off
    )
    return LocalTrip(trace.title, table, laid.astype(np.float32), trace.encoder_info)


def _angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Give the angles between rotations, (..., 3, 3) each, in degrees."""
    cosine = (np.einsum("...ij,...ij->...", a, b) - 1) / 2
    return np.degrees(np.arccos(cosine.clip(-1, 1)))
