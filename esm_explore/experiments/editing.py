"""Other tokens at some residues: what moves in the decoded chain, and what comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from esm.models.vqvae import StructureTokenDecoder

from esm_explore.arguments import whole_number, wrong
from esm_explore.chains.backbone import fit
from esm_explore.decoding.chains import DecodedChain, decode
from esm_explore.encoders.identity import EncoderInfo, unchanged
from esm_explore.errors import TraceError
from esm_explore.experiments.round_trips import fitting, with_backbone
from esm_explore.tracing.tracer import trace as trace_chain
from esm_explore.tracing.traces import Trace


@dataclass(frozen=True, eq=False, repr=False)
class Edited:
    """What other tokens at some residues do to the decoded chain.

    Attributes
    ----------
    title : str
        Of the chain.
    before, after : DecodedChain
        After is laid on before, by all residues that are not edited.
    residues : DataFrame
        As `to_frame` gives it.
    encoder_info : EncoderInfo
    """

    title: str
    before: DecodedChain
    after: DecodedChain
    residues: pd.DataFrame
    encoder_info: EncoderInfo

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            That of `Trace.to_frame`, and new_token, moved (of CA, Å), plddt_before, plddt_after
            and token_again (of the edited chain, decoded and encoded).
        """
        return self.residues.copy()

    def summary(self) -> str:
        """Say in a sentence what moved, and whether the new tokens come back."""
        table = self.residues
        edited = table["token"] != table["new_token"]
        back = int((table["token_again"] == table["new_token"])[edited].sum())
        far = int((table["moved"] > 1).sum())
        return (
            f"{self.title}: new tokens at {int(edited.sum())} of {len(table)} residues; {far} move "
            f"by more than 1 Å, the farthest by {table['moved'].max():.1f} Å; {back} of the new "
            "tokens come back when the decoded chain is encoded."
        )

    def __repr__(self) -> str:
        made = f"Encoder: {self.encoder_info.title}; decoder: {self.after.decoder_info.title}"
        return f"{self.summary()}\n{made}"


def edit(trace: Trace, decoder: StructureTokenDecoder, tokens: Mapping[str | int, int]) -> Edited:
    """Put other tokens at some residues, decode, and see what moves and what comes back.

    Parameters
    ----------
    trace : Trace
        With its encoder.
    decoder : StructureTokenDecoder
        As in `round_trip`.
    tokens : dict
        A token for each residue that is to have another: ``{"57": 1234}``; residues are named as
        in `Trace.index_of`.

    Returns
    -------
    Edited

    Raises
    ------
    TraceError
        If there is no such residue or token, a residue is named twice, no token is another one
        than before, fewer than three residues keep theirs to lay the chains on each other by, or as
        in `round_trip`.
    """
    encoder = unchanged(fitting(trace, decoder, "edit").encoder, trace.encoder_info)
    if not isinstance(tokens, Mapping) or not tokens:
        raise wrong(tokens, "tokens", 'a dict of residues and their new tokens, {"57": 1234}')
    new = trace.tokens.copy()
    named: dict[int, object] = {}
    for residue, token in tokens.items():
        name, index = f"tokens[{residue!r}]", trace.index_of(residue)
        new[index] = whole_number(token, name, 0, len(trace.codebook) - 1)
        if named.setdefault(index, residue) != residue:
            raise TraceError(
                f"{named[index]!r} and {residue!r} are one residue: give it one token."
            )
    if (new == trace.tokens).all():
        raise wrong(tokens, "tokens", "other ones: these residues have these tokens already")
    before, after = decode(decoder, trace.tokens), decode(decoder, new)
    same = np.flatnonzero(new == trace.tokens)
    if len(same) < 3:
        raise TraceError(
            f"{len(same)} residues of {trace.title} keep their token; three are needed to lay the "
            "edited chain on the other."
        )
    motion = fit(before.backbone[same, 1], after.backbone[same, 1])
    laid = motion.apply(after.backbone.reshape(-1, 3)).reshape(after.backbone.shape)
    again = trace_chain(encoder, with_backbone(trace.chain, laid), numbering=trace.numbering)
    table = trace.to_frame().assign(
        new_token=new,
        moved=np.linalg.norm(laid[:, 1] - before.backbone[:, 1], axis=1),
        plddt_before=before.plddt,
        plddt_after=after.plddt,
        token_again=again.tokens,
    )
    after = dataclasses.replace(after, backbone=laid.astype(np.float32))
    return Edited(trace.title, before, after, table, trace.encoder_info)
