"""Which encoder it is: a name, sizes, and a digest of all that a pass uses."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary
from zlib import crc32
import torch
from esm.models.vqvae import StructureTokenEncoder

from esm_explore.encoders.weights import checksum

_TITLE = "_esm_explore_title"

# To digest all weights takes as long as to encode some 25 residues.
_KNOWN: WeakKeyDictionary[StructureTokenEncoder, tuple] = WeakKeyDictionary()



@dataclass(frozen=True, repr=False)
class EncoderInfo:
    """Which encoder it is; in every table and picture.

    Attributes
    ----------
    title : str
        The words that views print.
    d_model, v_heads, n_layers, d_code, n_codes, n_parameters : int
        Sizes: width of a node's state, heads of geometric attention, blocks, width of a code,
        number of codes, number of trained parameters (the codebook is not among them).
    fingerprint : str
        The first 8 hexadecimal digits of a SHA-256 over `pre_vq_proj` and the codebook. (The
        name hangs on all weights.)
    checksum : str
        SHA-256 of the file that the weights were read from; empty where there was none, or
        where they changed since.
    """

    title: str
    d_model: int
    v_heads: int
    n_layers: int
    d_code: int
    n_codes: int
    n_parameters: int
    fingerprint: str
    checksum: str = ""

    def __repr__(self) -> str:
        return (
            f"{self.title}: {self.n_parameters / 1e6:.1f} M parameters, {self.n_layers} blocks of "
            f"{self.v_heads} heads, d_model {self.d_model}, {self.n_codes} codes of {self.d_code} "
            f"numbers [{self.fingerprint}]"
        )



def encoder_info(encoder: StructureTokenEncoder) -> EncoderInfo:
    """Say which encoder this is.

    Parameters
    ----------
    encoder : StructureTokenEncoder
        Any; one that `load_encoder` did not make, or whose weights changed since, is "unnamed".

    Returns
    -------
    EncoderInfo
        The same object as the last time, if the weights are the same.
    """
    now = getattr(encoder, _TITLE, None), _state_at_a_glance(encoder)
    known = _KNOWN.get(encoder)
    if known is None or known[0] != now:
        known = now, _digested(encoder)
        _KNOWN[encoder] = known
    return known[1]



def _digested(encoder: StructureTokenEncoder) -> EncoderInfo:
    latent = encoder.pre_vq_proj
    fingerprint = _digest((latent.weight, latent.bias, encoder.codebook.embeddings))[:8]
    title, loaded, digest = getattr(encoder, _TITLE, (None, None, ""))
    if loaded is None or loaded != _digest(encoder.state_dict().values()):
        title, digest = f"unnamed encoder {fingerprint}", ""
    d_code, d_model = latent.weight.shape
    blocks = encoder.transformer.blocks
    return EncoderInfo(
        title=title,
        d_model=d_model,
        v_heads=blocks[0].geom_attn.v_heads,
        n_layers=len(blocks),
        d_code=d_code,
        n_codes=encoder.codebook.n_codes,
        n_parameters=sum(parameter.numel() for parameter in encoder.parameters()),
        fingerprint=fingerprint,
        checksum=digest,
    )



def _state_at_a_glance(encoder: StructureTokenEncoder) -> list[tuple]:
    """Say where the weights are, how often torch wrote to them, and a checksum of their bits.

    Also what esm's norms keep beside weights. Takes half the time of a digest.
    """
    found = [m.eps for m in encoder.modules() if isinstance(m, torch.nn.LayerNorm)]
    for tensor in encoder.state_dict().values():
        version = None if tensor.is_inference() else tensor._version
        found.append((tensor.data_ptr(), tensor.shape, version, _crc(tensor.detach())))
    return found



def _crc(tensor: torch.Tensor) -> int:
    flat = tensor.cpu().contiguous().flatten().view(torch.uint8)
    return crc32(memoryview(flat.numpy()))



def _digest(tensors: Iterable[torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()
