"""Which encoder it is: a name, sizes, and a digest of all that a pass uses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4
from weakref import WeakKeyDictionary
from zlib import crc32

import torch
from esm.models.vqvae import StructureTokenEncoder

from esm_explore.encoders.changes import changes, settings
from esm_explore.encoders.checks import check_plain
from esm_explore.encoders.modules import UNUSED, modules_of
from esm_explore.encoders.turns import PASSES
from esm_explore.errors import TraceError

_NAMED = "_esm_explore_named"
# To digest all weights takes as long as to encode some 25 residues.
_KNOWN: WeakKeyDictionary[StructureTokenEncoder, tuple] = WeakKeyDictionary()
# A hook is known by its place in memory, which means nothing to another process.
_SESSION = uuid4().hex


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
    digest : str
        SHA-256, in hexadecimal, of all that a pass uses: weights and codes in float32, the size
        of neighborhoods, the norms' eps, and what was changed in it (hooks, modules, functions,
        settings); a patch of esm's own class is not seen. Empty where it is not known, as in
        traces that version 0.1 saved.
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
    digest: str
    checksum: str = ""

    @property
    def fingerprint(self) -> str:
        """The digest's first 8 digits."""
        return self.digest[:8]

    def __repr__(self) -> str:
        return (
            f"{self.title}: {self.n_parameters / 1e6:.1f} M parameters, {self.n_layers} blocks of "
            f"{self.v_heads} heads, d_model {self.d_model}, {self.n_codes} codes of {self.d_code} "
            f"numbers [{self.fingerprint or 'no digest'}]"
        )


class Made(Protocol):
    """Anything that an encoder made: it says which."""

    @property
    def encoder_info(self) -> EncoderInfo:
        """Which."""


def same_encoder(a: EncoderInfo, b: EncoderInfo) -> bool:
    """Say whether two encoders give the same tokens for certain; without a digest none does."""
    return bool(a.digest) and a.digest == b.digest


def _may_be_same(a: EncoderInfo, b: EncoderInfo) -> bool:
    """Say whether nothing tells two encoders apart, where one of them has no digest."""
    sizes = ("d_model", "v_heads", "n_layers", "d_code", "n_codes", "n_parameters")
    known = a.digest and b.digest
    return not known and all(getattr(a, name) == getattr(b, name) for name in sizes)


def one_encoder(things: Iterable[Made]) -> EncoderInfo:
    """Give the encoder that made all of some things, such as traces.

    Parameters
    ----------
    things : iterable
        With ``encoder_info``.

    Returns
    -------
    EncoderInfo

    Raises
    ------
    TraceError
        If there are none, or they are of several encoders.
    """
    infos = [thing.encoder_info for thing in things]
    if not infos:
        raise TraceError("Traces of one encoder are needed; there are no traces.")
    others = [info for info in infos if info is not infos[0] and not same_encoder(info, infos[0])]
    if others and all(_may_be_same(info, infos[0]) for info in others):
        raise TraceError(
            "Traces of one encoder are needed, and it is not known whose these are: files that "
            "version 0.1 saved do not say. Load each with the encoder that made it: "
            "load_trace(path, encoder)."
        )
    if others:
        titles = dict.fromkeys(
            f"{info.title} [{info.fingerprint or 'no digest'}]" for info in (infos[0], *others)
        )
        raise TraceError(
            f"Traces of one encoder are needed; these are of different encoders, "
            f"{' and '.join(titles)}: their codes have nothing to do with one another. Trace all "
            "chains with one encoder."
        )
    return infos[0]


def encoder_info(encoder: StructureTokenEncoder) -> EncoderInfo:
    """Say which encoder this is.

    Parameters
    ----------
    encoder : StructureTokenEncoder
        Any; one that `load_encoder` did not make, or that was changed since, is "unnamed".

    Returns
    -------
    EncoderInfo
        The same object as the last time, if nothing changed.

    Raises
    ------
    TraceError
        If it is no encoder of esm's class, is compiled or quantized, or lacks a part or numbers.
    """
    check_plain(encoder)
    with PASSES.taken():  # not while a pass has its hooks on
        now = getattr(encoder, _NAMED, None), _at_a_glance(encoder)
        known = _KNOWN.get(encoder)
        if known is None or known[0] != now:
            known = now, _digested(encoder)
            _KNOWN[encoder] = known
    return known[1]


def has_changed(encoder: StructureTokenEncoder, info: EncoderInfo) -> bool:
    """Say whether an encoder is another than the one that made something."""
    return not same_encoder(encoder_info(encoder), info)


def unchanged(encoder: StructureTokenEncoder | None, info: EncoderInfo) -> StructureTokenEncoder:
    """Give an encoder that made something, if it still is the one that did.

    Raises
    ------
    TraceError
        If there is none, or it is not what it was: weights, codes, settings or hooks.
    """
    if encoder is None:
        raise TraceError(
            "This trace has no encoder: load it with load_trace(path, encoder=...), given "
            f"the encoder that made it: {info.title}."
        )
    if has_changed(encoder, info):
        raise TraceError(
            f"The encoder has changed since this trace was made ({info.title}): trace the chain "
            "again."
        )
    return encoder


def name_encoder(encoder: StructureTokenEncoder, title: str, checksum: str) -> None:
    """Give an encoder a title, which hangs on its digest, and its file's checksum."""
    setattr(encoder, _NAMED, (title, _digest(encoder), checksum))


def _digested(encoder: StructureTokenEncoder) -> EncoderInfo:
    digest = _digest(encoder)
    title, named, checksum = getattr(encoder, _NAMED, ("", None, ""))
    if named != digest:
        title, checksum = f"unnamed encoder {digest[:8]}", ""
    modules = modules_of(encoder)
    d_code, d_model = modules.to_latent.weight.shape
    return EncoderInfo(
        title=title,
        d_model=d_model,
        v_heads=len(modules.blocks[0].scales[0]),
        n_layers=len(modules.blocks),
        d_code=d_code,
        n_codes=len(modules.codes),
        n_parameters=sum(parameter.numel() for parameter in encoder.parameters()),
        digest=digest,
        checksum=checksum,
    )


def _digest(encoder: StructureTokenEncoder) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(encoder.state_dict().items()):
        if name not in UNUSED:
            digest.update(f"{name} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().float().cpu().numpy().tobytes())
    changed = changes(encoder)
    digest.update(repr([settings(encoder), changed, _SESSION if changed else ""]).encode())
    return digest.hexdigest()


def _at_a_glance(encoder: StructureTokenEncoder) -> list:
    """Say where the weights are, how often torch wrote to them, and a checksum of their bits.

    Also what is no weight; as in the digest, not what only training uses. Takes half its time.
    """
    found: list[object] = [settings(encoder), changes(encoder)]
    for name, tensor in encoder.state_dict().items():
        if name in UNUSED:
            continue
        version = None if tensor.is_inference() else tensor._version
        found.append((tensor.data_ptr(), tensor.shape, version, bits(tensor)))
    return found


def bits(tensor: torch.Tensor) -> int:
    """Give a checksum of a tensor's bits: torch does not count what is written to ``.data``."""
    flat = tensor.detach().cpu().contiguous().flatten().view(torch.uint8)
    return crc32(flat.numpy().data)
