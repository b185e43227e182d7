"""There and back: a chain's tokens decoded, laid on the chain, and encoded again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from biotite.structure import AtomArray, lddt
from esm.models.vqvae import StructureTokenDecoder
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.backbone import fit
from esm_explore.chains.protein_chain import with_atoms
from esm_explore.decoding.chains import DecodedChain, decode
from esm_explore.decoding.identity import decoder_info
from esm_explore.encoders.identity import EncoderInfo, unchanged
from esm_explore.errors import TraceError
from esm_explore.experiments.superposing import tm_score
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.tracer import trace as trace_chain
from esm_explore.tracing.traces import Trace


@dataclass(frozen=True, eq=False, repr=False)
class RoundTrip:
    """A chain and what its tokens decode to.

    Attributes
    ----------
    title : str
        Of the chain.
    decoded : DecodedChain
    backbone : ndarray, shape=(L, 3, 3), dtype=float32
        N, CA and C of the decoded chain, Å, laid on the chain where the file has it.
    residues : DataFrame
        As `to_frame` gives it.
    rmsd : float
        Of CA, Å, all superposed at once.
    tm_score : float
        Of CA; 0 to 1.
    lddt : float
        Of CA, 0 to 1: the share of distances within 15 Å that are kept, over 0.5, 1, 2 and 4 Å.
    kept : float
        Share of residues whose token comes back when the decoded chain is encoded.
    again : Trace
        Of the decoded chain.
    encoder_info : EncoderInfo
    """

    title: str
    decoded: DecodedChain
    backbone: np.ndarray
    residues: pd.DataFrame
    rmsd: float
    tm_score: float
    lddt: float
    kept: float
    again: Trace
    encoder_info: EncoderInfo

    @property
    def tokens(self) -> np.ndarray:
        """Those that were decoded, shape=(L,)."""
        return self.residues["token"].to_numpy()

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            That of `Trace.to_frame`, and margin, error (of CA, Å, superposed), lddt and plddt (0 to
            1) and token_again. Residues without a backbone frame have NaN for margin, error and
            lddt: their token says nothing, and what is decoded there is a guess.
        """
        return self.residues.copy()

    def summary(self) -> str:
        """Say in a sentence how well the chain comes back."""
        return (
            f"{self.title}: decoded to {self.rmsd:.2f} Å RMSD, TM-score {self.tm_score:.3f} and "
            f"lDDT-CA {self.lddt:.3f}; the decoder itself expects a pLDDT of "
            f"{self.decoded.plddt.mean():.2f} and a pTM of {self.decoded.ptm:.2f}. "
            f"{100 * self.kept:.0f} % of its tokens come back when that is encoded."
        )

    def __repr__(self) -> str:
        made = f"Encoder: {self.encoder_info.title}; decoder: {self.decoded.decoder_info.title}"
        return f"{self.summary()}\n{made}"


def round_trip(trace: Trace, decoder: StructureTokenDecoder) -> RoundTrip:
    """Decode a chain's tokens, compare with the chain, and encode the result.

    Tokens of residues without a backbone frame are decoded with the others, as esm does.

    Parameters
    ----------
    trace : Trace
        With its encoder.
    decoder : StructureTokenDecoder
        The one that belongs to the encoder, which no file says: with another's the result
        is no protein.

    Returns
    -------
    RoundTrip

    Raises
    ------
    TraceError
        If it is no trace, its encoder is missing or has changed, the decoder has another number
        of codes, or fewer than three residues have a backbone frame.
    """
    encoder = unchanged(fitting(trace, decoder, "round_trip").encoder, trace.encoder_info)
    framed = np.flatnonzero(trace.has_frame)
    if len(framed) < 3:
        raise TraceError(
            f"{len(framed)} residues of {trace.title} have a backbone frame; three are needed to "
            "lay chains on each other."
        )
    decoded = decode(decoder, trace.tokens)
    there = trace.chain.atom37_positions[:, 1]
    motion = fit(there[framed], decoded.backbone[framed, 1])
    laid = motion.apply(decoded.backbone.reshape(-1, 3)).reshape(decoded.backbone.shape)
    error, kept_distances = np.full((2, len(trace)), np.nan)
    error[framed] = np.linalg.norm(laid[framed, 1] - there[framed], axis=1)
    kept_distances[framed] = lddt(
        _ca(there[framed]), _ca(laid[framed, 1]), aggregation="residue", exclude_same_residue=True
    )
    again = trace_chain(encoder, with_backbone(trace.chain, laid), numbering=trace.numbering)
    table = trace.to_frame().assign(
        margin=np.where(trace.has_frame, trace.nearest.margin, np.nan),
        error=error,
        lddt=kept_distances,
        plddt=decoded.plddt,
        token_again=again.tokens,
    )
    return RoundTrip(
        title=trace.title,
        decoded=decoded,
        backbone=laid.astype(np.float32),
        residues=table,
        rmsd=float(np.sqrt((error[framed] ** 2).mean())),
        tm_score=tm_score(there[framed], laid[framed, 1]),
        lddt=float(np.nanmean(kept_distances[framed])),
        kept=float((again.tokens == trace.tokens)[framed].mean()),
        again=again,
        encoder_info=trace.encoder_info,
    )


def fitting(trace: Trace, decoder: StructureTokenDecoder, verb: str) -> Trace:
    """Refuse what is no trace, and a decoder of another number of codes."""
    check_trace(trace, verb)
    if trace.parts:
        raise TraceError(
            f"{trace.title} are several chains: {verb} takes the trace of one, "
            "ex.trace(encoder, complex.chains[0])."
        )
    known = decoder_info(decoder).n_codes
    if known != len(trace.codebook):
        raise TraceError(
            f"The decoder has {known} codes, the encoder {trace.encoder_info.title} "
            f"{len(trace.codebook)}: they were not trained together."
        )
    return trace


def with_backbone(chain: ProteinChain, backbone: np.ndarray) -> ProteinChain:
    """Give a chain another backbone, and no other atoms."""
    positions = np.full_like(chain.atom37_positions, np.nan)
    positions[:, :3] = backbone
    return with_atoms(chain, positions)


def _ca(places: np.ndarray) -> AtomArray:
    atoms = AtomArray(len(places))
    atoms.coord = places
    atoms.atom_name[:], atoms.res_id = "CA", np.arange(1, len(places) + 1)
    return atoms
