"""Encoders made ready for their chunks, kept as long as their weights are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from weakref import WeakKeyDictionary

import torch
from esm.models.vqvae import StructureTokenEncoder

from esm_explore.encoders.changes import check_unchanged
from esm_explore.encoders.checks import check_numbers
from esm_explore.encoders.identity import EncoderInfo, encoder_info
from esm_explore.encoders.modules import modules_of
from esm_explore.tokens.exact_tokens import ExactTokens
from esm_explore.tokens.lean_pass import LeanPass
from esm_explore.tokens.residues import Codes

Precision = Literal["exact", "tokens", "bfloat16"]
# Narrower encoders spend their time on attention, which is float32 anyway.
_WIDE = 256


class Ready:
    """An encoder's codebook and passes, each made when it is first asked for.

    Parameters
    ----------
    encoder : StructureTokenEncoder
        It is not kept.
    info : EncoderInfo
    """

    def __init__(self, encoder: StructureTokenEncoder, info: EncoderInfo):
        modules = modules_of(encoder)
        self.info = info
        # esm sets the state of a residue without a frame to zero: its latent is the bias.
        self.codes = Codes(modules.codes, modules.to_latent.bias.detach())
        self._passes: dict[Precision, Callable] = {}

    def made(self, encoder: StructureTokenEncoder, precision: Precision) -> Callable:
        """Give a pass, with the weights that `encoder` still has."""
        if precision not in self._passes:
            if precision == "tokens":
                exact, rough = (self.made(encoder, each) for each in ("exact", "bfloat16"))
                self._passes[precision] = ExactTokens(exact, rough, self.codes.codes)
            else:
                dtype = torch.float32 if precision == "exact" else torch.bfloat16
                self._passes[precision] = LeanPass(encoder, dtype)
        return self._passes[precision]


# To make an encoder ready takes as long as to encode some 80 residues.
_READY: WeakKeyDictionary[StructureTokenEncoder, Ready] = WeakKeyDictionary()


def ready_encoder(encoder: StructureTokenEncoder) -> Ready:
    """Make an encoder ready, or give what the same weights gave the last time.

    Raises
    ------
    TraceError
        If it is no encoder of esm's in float32, or has hooks or other changes, which a pass without
        esm's modules would skip.
    """
    info = encoder_info(encoder)
    ready = _READY.get(encoder)
    if ready is None or ready.info is not info:
        check_numbers(encoder)
        check_unchanged(encoder)
        ready = _READY[encoder] = Ready(encoder, info)
    return ready


def is_quicker(encoder: StructureTokenEncoder) -> bool:
    """Tell whether bfloat16, with what is encoded again, is quicker than float32 here."""
    codes, states = modules_of(encoder).codes, modules_of(encoder).positions.weight
    if codes.device.type != "cpu" or states.shape[1] < _WIDE:
        return False
    return torch.cpu._is_avx512_bf16_supported()
