"""`load_encoder`: esm's own `StructureTokenEncoder`, with weights from somewhere and a name."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from esm.models.vqvae import StructureTokenEncoder

from esm_explore.chains.reading import read_chain
from esm_explore.encoders.blank import Module
from esm_explore.encoders.checkpoints import checksum, read_weights
from esm_explore.encoders.hub import (
    ESM3_NAME,
    FILE,
    check_hub_checksum,
    find_esm3_weights,
    hub_checksum,
)
from esm_explore.encoders.identity import name_encoder
from esm_explore.encoders.inputs import chain_inputs
from esm_explore.encoders.mini import MINI_FILE, load_mini
from esm_explore.encoders.mini import TITLE as MINI_TITLE
from esm_explore.encoders.modes import plain_float32
from esm_explore.encoders.modules import modules_of
from esm_explore.encoders.sources import find_file, name_meant, repositories_meant
from esm_explore.encoders.untrained import SIZES, untrained_encoder
from esm_explore.encoders.weights import build_encoder
from esm_explore.errors import EncoderError

# How many distinct tokens an encoder has to give crambin, of 46 residues. A few may be somebody's
# experiment, one is damage; ESM3's weights tell far more residues apart.
FEWEST, FEWEST_OF_ESM3 = 2, 12


def load_encoder(
    source: str | os.PathLike = "mini", *, device: str | torch.device = "cpu"
) -> StructureTokenEncoder:
    """Load a structure encoder.

    Parameters
    ----------
    source : str or path
        - ``"mini"``, the default: the bundled encoder, of esm's class and knobs but narrower,
          trained by this project. Its code numbers have nothing to do with ESM3's.
        - ``"esm3"``: ESM3's weights, ``esm3_structure_encoder_v0``. Taken from the Hugging Face
          cache, else downloaded once (62 MB, MIT license; see the README). esm's own names of the
          model (``"esm3_sm_open_v1"``, ``"esm3-open"``) and its repositories on the hub
          (``"biohub/esm3-sm-open-v1"``) are the same.
        - ``"untrained"``: ESM3's architecture with random weights from a fixed seed,
          and a codebook fitted to its latents of training chains, so that tokens vary. It knows
          nothing about proteins.
        - a path to a checkpoint of esm's class (.pth or .safetensors), whose sizes are read from
          it, or to a snapshot folder of the hub that holds ESM3's.
    device : str or torch.device

    Returns
    -------
    StructureTokenEncoder
        In eval mode, float32 (of other numbers the nearest, of bfloat16 exactly the same), without
        gradients.

    Raises
    ------
    EncoderError
        If the weights are missing, unreachable, not allowed, damaged, or not of this class.

    Examples
    --------
    >>> import esm_explore as ex
    >>> print(ex.encoder_info(load_encoder("untrained")))  # doctest: +ELLIPSIS
    untrained (ESM3's architecture, random weights): 30.1 M parameters, 2 blocks of 128 heads, ...
    """
    if not isinstance(source, str | os.PathLike):
        raise EncoderError(
            f"An encoder is loaded by name or path, not from a {type(source).__name__}."
        )
    name, repositories = name_meant(source), repositories_meant(source)
    if name == "mini":
        encoder, title, digest = load_mini(), MINI_TITLE, checksum(MINI_FILE)
    elif name == "untrained":
        encoder, digest = untrained_encoder(), ""
        title = "untrained (ESM3's architecture, random weights)"
    elif name == "esm3":
        (encoder, digest), title = _esm3(find_esm3_weights()), ESM3_NAME
    elif repositories and not Path(source).exists():
        (encoder, digest), title = _esm3(find_esm3_weights(repositories)), ESM3_NAME
    else:
        path = find_file(source)
        title = f"checkpoint {path.name}"
        if hub_checksum(path) and path.name == Path(FILE).name:
            # In the hub's cache, where it can be known for certain.
            (encoder, digest), title = _esm3(path), ESM3_NAME
        else:
            encoder, digest = build_encoder(read_weights(path)), checksum(path)
            self_test(encoder, FEWEST)
    encoder = moved(encoder.eval().requires_grad_(False), device)
    name_encoder(encoder, title, digest)
    return encoder


def _esm3(path: Path) -> tuple[StructureTokenEncoder, str]:
    try:
        encoder = build_encoder(read_weights(path), SIZES)
        digest = checksum(path)
        check_hub_checksum(path, digest)
        self_test(encoder, FEWEST_OF_ESM3)
        return encoder, digest
    except EncoderError as error:
        # The snapshot is a link; as long as its target is there the hub's library keeps it.
        raise EncoderError(
            f"{error} It is in the hub's cache, and stays there until you delete "
            f"{path.resolve()}; then load 'esm3' again."
        ) from None


def moved(encoder: Module, device: str | torch.device) -> Module:
    """Put an encoder or decoder on a device, or say why that cannot be."""
    if not isinstance(device, str | int | torch.device):
        raise EncoderError(f'device is {device!r}; it has to be a name, such as "cpu".')
    try:
        if torch.device(device).type == "meta":
            raise RuntimeError("there, tensors have no numbers")
        return encoder.to(device)
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        raise EncoderError(
            f"The weights cannot be put on {device!r} ({str(error).splitlines()[0]}); "
            'device="cpu" always works.'
        ) from error


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
    inputs = chain_inputs(read_chain(CHAIN, CHAIN_ID), "file")
    latents = []
    hook = modules_of(encoder).to_latent.register_forward_hook(
        lambda _module, _args, output: latents.append(output[0])
    )
    try:
        with plain_float32():
            _, tokens = encoder.encode(
                inputs.coords[None], residue_index=inputs.residue_index[None]
            )
    finally:
        hook.remove()
    (latent,) = latents
    if not torch.isfinite(latent).all():
        raise EncoderError(
            "The encoder failed its self-test, finite latents: it makes latents that are NaN or "
            "infinite. Its weights are damaged."
        )
    if not (latent.amax(0) > latent.amin(0)).any():
        raise EncoderError(
            f"The encoder failed its self-test, latents that differ: all residues of {CHAIN} have "
            "the same. Its weights are damaged."
        )
    distinct = len(tokens.unique())
    if distinct < fewest:
        raise EncoderError(
            f"The encoder failed its self-test, distinct tokens: {distinct} on {CHAIN}, which has "
            f"{len(latent)} residues; there have to be {fewest} or more. Its weights are damaged, "
            "or its codebook has collapsed."
        )
