"""Which decoder it is: a name, sizes, and a digest of its weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from esm.models.vqvae import StructureTokenDecoder

from esm_explore.arguments import wrong
from esm_explore.encoders.identity import bits
from esm_explore.errors import TraceError

_NAMED = "_esm_explore_named"
_KNOWN: WeakKeyDictionary[StructureTokenDecoder, tuple] = WeakKeyDictionary()


@dataclass(frozen=True, repr=False)
class DecoderInfo:
    """Which decoder it is; in every table and picture of what it made.

    Attributes
    ----------
    title : str
    d_model, n_codes, n_parameters : int
        Width of a state, number of codes, number of trained parameters.
    digest : str
        SHA-256, in hexadecimal, of all weights in float32.
    """

    title: str
    d_model: int
    n_codes: int
    n_parameters: int
    digest: str

    def __repr__(self) -> str:
        return (
            f"{self.title}: {self.n_parameters / 1e6:.1f} M parameters, d_model {self.d_model}, "
            f"{self.n_codes} codes [{self.digest[:8]}]"
        )


def decoder_info(decoder: StructureTokenDecoder) -> DecoderInfo:
    """Say which decoder this is.

    Parameters
    ----------
    decoder : StructureTokenDecoder
        One that `load_decoder` did not make, or that was changed since, is "unnamed".

    Returns
    -------
    DecoderInfo

    Raises
    ------
    TraceError
        If it is no decoder of esm's class, or one without weights.
    """
    if not isinstance(decoder, StructureTokenDecoder):
        raise wrong(decoder, "decoder", "esm's StructureTokenDecoder, as load_decoder gives it")
    tensors = decoder.state_dict()
    if any(tensor.is_meta for tensor in tensors.values()):
        raise TraceError("The decoder has no weights, only their shapes: load_decoder reads them.")
    # A checksum takes half the time of a digest, which is seconds at ESM3's size.
    glance = [(t.data_ptr(), t.shape, bits(t)) for t in tensors.values()]
    now = getattr(decoder, _NAMED, None), glance
    known = _KNOWN.get(decoder)
    if known is None or known[0] != now:
        digest = _digest(tensors)
        title, named = getattr(decoder, _NAMED, ("", None))
        info = DecoderInfo(
            title=title if named == digest else f"unnamed decoder {digest[:8]}",
            d_model=decoder.decoder_channels,
            n_codes=decoder.vqvae_codebook_size,
            n_parameters=sum(parameter.numel() for parameter in decoder.parameters()),
            digest=digest,
        )
        known = now, info
        _KNOWN[decoder] = known
    return known[1]


def name_decoder(decoder: StructureTokenDecoder, title: str) -> None:
    """Give a decoder a title, which hangs on its digest."""
    setattr(decoder, _NAMED, (title, _digest(decoder.state_dict())))


def _digest(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
