"""Encoders made ready for their chunks, kept as long as their weights are the same."""

from __future__ import annotations

from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from esm.models.vqvae import StructureTokenEncoder

from esm_explore.encoders.identity import EncoderInfo
from esm_explore.encoders.modules import modules_of
from esm_explore.tokens.exact_tokens import ExactTokens
from esm_explore.tokens.lean_pass import LeanPass

Precision = Literal["exact", "tokens", "bfloat16"]
# Narrower encoders spend their time on attention, which is float32 anyway.
_WIDE = 256
# To make an encoder ready takes as long as to encode some 80 residues.
_PASSES: WeakKeyDictionary[StructureTokenEncoder, tuple[EncoderInfo, dict]] = WeakKeyDictionary()


def is_ready(encoder: StructureTokenEncoder, info: EncoderInfo) -> bool:
    """Tell whether an encoder was made ready, as what it still is."""
    return encoder in _PASSES and _PASSES[encoder][0] is info


def ready_pass(encoder: StructureTokenEncoder, info: EncoderInfo, precision: Precision) -> Any:
    """Make an encoder ready, or take what the same weights gave the last time."""
    made_of, passes = _PASSES.get(encoder, (None, {}))
    if made_of is not info:
        passes = {}
        _PASSES[encoder] = info, passes
    if precision not in passes:
        if precision == "tokens":
            exact, rough = (ready_pass(encoder, info, each) for each in ("exact", "bfloat16"))
            passes[precision] = ExactTokens(exact, rough, modules_of(encoder).codes)
        else:
            dtype = torch.float32 if precision == "exact" else torch.bfloat16
            passes[precision] = LeanPass(encoder, dtype)
    return passes[precision]


def is_quicker(encoder: StructureTokenEncoder) -> bool:
    """Tell whether bfloat16, with what is encoded again, is quicker than float32 here."""
    codes, states = modules_of(encoder).codes, modules_of(encoder).positions.weight
    if codes.device.type != "cpu" or states.shape[1] < _WIDE:
        return False
    return torch.cpu._is_avx512_bf16_supported()
