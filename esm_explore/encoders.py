"""`load_encoder`: esm's own `StructureTokenEncoder`, with weights from somewhere and a name."""

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

from esm_explore.errors import EncoderError
from esm_explore.hub import ESM3_NAME, check_hub_checksum, find_esm3_weights
from esm_explore.mini import TITLE as MINI_TITLE
from esm_explore.mini import WEIGHTS as MINI_WEIGHTS
from esm_explore.mini import load_mini
from esm_explore.untrained import SIZES, untrained_encoder
from esm_explore.weights import build_encoder, checksum, read_weights

_TITLE = "_esm_explore_title"
# To digest all weights takes as long as to encode some 25 residues.
_KNOWN: WeakKeyDictionary[StructureTokenEncoder, tuple] = WeakKeyDictionary()
MINI_FILE = Path(__file__).parent / "mini" / MINI_WEIGHTS
# How many distinct tokens an encoder has to give crambin, of 46 residues. A few may be somebody's
# experiment, one is damage; ESM3's weights tell far more residues apart.
FEWEST, FEWEST_OF_ESM3 = 2, 12


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


def load_encoder(
    source: str | os.PathLike | None = None, *, device: str | torch.device = "cpu"
) -> StructureTokenEncoder:
    """Load a structure encoder.

    Parameters
    ----------
    source : str or path, optional
        - ``"mini"``, the default: the bundled encoder, of esm's class and knobs but narrower,
          trained by this project. Its code numbers have nothing to do with ESM3's.
        - ``"esm3"``: ESM3's weights, ``esm3_structure_encoder_v0``. Taken from the Hugging Face
          cache, else downloaded once (122 MB; needs a login, see the README).
        - ``"untrained"``: ESM3's architecture with random weights from a fixed seed,
          and a codebook fitted to the bundled examples so that tokens vary. It knows nothing
          about proteins.
        - a path to a checkpoint of esm's class (.pth or .safetensors); sizes are read from it.
    device : str or torch.device

    Returns
    -------
    StructureTokenEncoder
        In eval mode, float32, without gradients.

    Raises
    ------
    EncoderError
        If the weights are missing, unreachable, not allowed, damaged, or not of this class.

    Examples
    --------
    >>> print(encoder_info(load_encoder("untrained")))  # doctest: +ELLIPSIS
    untrained (ESM3's architecture, random weights): 30.1 M parameters, 2 blocks of 128 heads, ...
    """
    if source in (None, "mini"):
        # Its decoder draws random numbers before they are overwritten.
        with torch.random.fork_rng(devices=[]):
            encoder, title, digest = load_mini()[0], MINI_TITLE, checksum(MINI_FILE)
    elif source == "untrained":
        encoder, digest = untrained_encoder(), ""
        title = "untrained (ESM3's architecture, random weights)"
    elif source in ("esm3", ESM3_NAME):
        (encoder, digest), title = _esm3(), ESM3_NAME
    else:
        if not isinstance(source, str | os.PathLike):
            raise EncoderError(
                f"An encoder is loaded by name or path, not from a {type(source).__name__}."
            )
        path = Path(source)
        if not path.is_file():
            raise EncoderError(
                f"{os.fspath(source)!r} is not a file, and not one of the encoders: "
                "mini, esm3, untrained."
            )
        encoder, title = build_encoder(read_weights(path)), f"checkpoint {path.name}"
        digest = checksum(path)
        _self_test(encoder, FEWEST)
    encoder = _moved(encoder.eval().requires_grad_(False), device)
    setattr(encoder, _TITLE, (title, _digest(encoder.state_dict().values()), digest))
    return encoder


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


def _esm3() -> tuple[StructureTokenEncoder, str]:
    path = find_esm3_weights()
    try:
        encoder = build_encoder(read_weights(path), SIZES)
        digest = checksum(path)
        check_hub_checksum(path, digest)
        _self_test(encoder, FEWEST_OF_ESM3)
        return encoder, digest
    except EncoderError as error:
        # The snapshot is a link; as long as its target is there the hub's library keeps it.
        raise EncoderError(
            f"{error} It is in the hub's cache, and stays there until you delete "
            f"{path.resolve()}; then load 'esm3' again."
        ) from error


def _self_test(encoder: StructureTokenEncoder, fewest: int) -> None:
    # Imported here because the test traces a chain, and a trace says by which encoder.
    from esm_explore.diagnosis.self_test import self_test

    self_test(encoder, fewest)


def _moved(encoder: StructureTokenEncoder, device: str | torch.device) -> StructureTokenEncoder:
    try:
        return encoder.to(device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise EncoderError(
            f"The encoder cannot be put on {device!r} ({str(error).splitlines()[0]}); "
            'device="cpu" always works.'
        ) from error


def _digest(tensors: Iterable[torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()
