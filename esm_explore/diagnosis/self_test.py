"""A few tests of an encoder on a bundled chain, which damaged weights do not pass."""

from __future__ import annotations

import numpy as np
from esm.models.vqvae import StructureTokenEncoder

from esm_explore.chains import read_chain
from esm_explore.errors import EncoderError, TraceError
from esm_explore.tracing import trace

CHAIN, CHAIN_ID = "1EJG", "A"


def self_test(encoder: StructureTokenEncoder, fewest: int) -> None:
    """Encode crambin, and see whether the encoder tells its residues apart.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    fewest : int
        How many distinct tokens there have to be.

    Raises
    ------
    EncoderError
        With the test that failed: finite latents, latents that differ, or distinct tokens.
    """
    chain = read_chain(CHAIN, CHAIN_ID)
    try:
        found = trace(encoder, chain)
    except TraceError as error:
        raise EncoderError(f"The encoder failed its self-test, finite latents: {error}") from error
    spread = float(np.ptp(found.pre_vq, axis=0).max())
    if spread == 0:
        raise EncoderError(
            f"The encoder failed its self-test, latents that differ: all residues of {CHAIN} have "
            "the same. Its weights are damaged."
        )
    distinct = len(np.unique(found.tokens))
    if distinct < fewest:
        raise EncoderError(
            f"The encoder failed its self-test, distinct tokens: {distinct} on {CHAIN}, which has "
            f"{len(chain)} residues; there have to be {fewest} or more. Its weights are damaged, "
            "or its codebook has collapsed."
        )
