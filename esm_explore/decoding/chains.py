"""Tokens of a whole chain to its backbone, by esm's decoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from esm.models.vqvae import StructureTokenDecoder

from esm_explore.arguments import array_of
from esm_explore.decoding.identity import DecoderInfo, decoder_info
from esm_explore.encoders.modes import plain_float32
from esm_explore.errors import TraceError

_TOKENS = "one token a residue, without BOS and EOS, which are put around them here"


@dataclass(frozen=True, eq=False)
class DecodedChain:
    """A backbone that a decoder made of tokens.

    Attributes
    ----------
    tokens : ndarray, shape=(L,), dtype=int64
    backbone : ndarray, shape=(L, 3, 3), dtype=float32
        N, CA and C, Å, in a place of the decoder's own: superpose before comparing (esm issue
        144). Each residue's three atoms have ideal bonds and angles.
    plddt : ndarray, shape=(L,), dtype=float32
        How well the decoder thinks it knows each residue's surroundings, 0 to 1.
    ptm : float
        Its guess of the TM-score of the whole, 0 to 1.
    pae : ndarray, shape=(L, L), dtype=float32
        Å: the error that it expects of residue j with residue i's frame laid on the true one.
    decoder_info : DecoderInfo
    """

    tokens: np.ndarray
    backbone: np.ndarray
    plddt: np.ndarray
    ptm: float
    pae: np.ndarray
    decoder_info: DecoderInfo

    def __len__(self) -> int:
        return len(self.tokens)


def decode(decoder: StructureTokenDecoder, tokens: np.ndarray) -> DecodedChain:
    """Decode the tokens of one chain.

    BOS and EOS are put around them, as esm's decoder demands. MASK and PAD are no places in a
    chain, and chain breaks are of complexes: none of them may stand among the tokens.

    Parameters
    ----------
    decoder : StructureTokenDecoder
        Trained with the encoder that the tokens are of. Left as it is: mode, dtype, device.
    tokens : ndarray, shape=(L,), dtype=int

    Returns
    -------
    DecodedChain

    Raises
    ------
    TraceError
        If it is no decoder, it cannot compute or gives no finite places, or these are not tokens
        of its codebook.
    """
    info = decoder_info(decoder)
    tokens = array_of(tokens, "tokens", _TOKENS, ndim=1, kinds="iu").astype(np.int64)
    specials = {number: name for name, number in decoder.special_tokens.items()}
    for i, token in enumerate(tokens.tolist()):
        if token in specials:
            raise TraceError(
                f"Token {i} of {len(tokens)} is {token}, {specials[token]}; give {_TOKENS}."
            )
        if not 0 <= token < info.n_codes:
            raise TraceError(
                f"Token {i} of {len(tokens)} is {token}; this decoder's are 0 to "
                f"{info.n_codes - 1}."
            )
    if not len(tokens):
        raise TraceError(f"There are no tokens; give {_TOKENS}.")
    around = decoder.special_tokens
    device = next(decoder.parameters()).device
    whole = [around["BOS"], *tokens.tolist(), around["EOS"]]
    modes = {module: module.training for module in decoder.modules()}
    decoder.eval()
    try:
        with plain_float32(device):
            made = decoder.decode(torch.tensor([whole], device=device))
    except (RuntimeError, NotImplementedError) as error:
        raise TraceError(
            f"The decoder {info.title} could not decode {len(tokens)} tokens: {error}. "
            "load_decoder gives one in float32, on a device that computes."
        ) from error
    finally:
        for module, training in modes.items():
            module.training = training
    inner = {name: made[name].detach().float().cpu().numpy()[0] for name in ("bb_pred", "plddt")}
    if not np.isfinite(inner["bb_pred"][1:-1]).all():
        raise TraceError(
            f"What the decoder {info.title} gives for these tokens are no places in space: not all "
            "numbers are finite. Its weights are damaged, or not meant for its precision."
        )
    pae = made["predicted_aligned_error"].detach().float().cpu().numpy()
    pae = pae.reshape(len(whole), len(whole))[1:-1, 1:-1]
    return DecodedChain(
        tokens=tokens,
        backbone=inner["bb_pred"][1:-1],
        plddt=inner["plddt"][1:-1],
        ptm=float(made["ptm"].reshape(-1)[0]),
        pae=pae,
        decoder_info=info,
    )
