"""`load_decoder`: esm's own `StructureTokenDecoder`, with weights from somewhere and a name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from esm.models.vqvae import StructureTokenDecoder

from esm_explore.decoding.identity import name_decoder
from esm_explore.encoders.blank import filled, without_numbers
from esm_explore.encoders.checkpoints import checksum, read_weights
from esm_explore.encoders.hub import ESM3_DECODER, check_hub_checksum, file_of, find_esm3_weights
from esm_explore.encoders.loading import moved
from esm_explore.encoders.weights import check_shapes, sound
from esm_explore.errors import EncoderError

# As esm.pretrained.ESM3_structure_decoder_v0 builds it: 1,280 numbers, 20 heads, 30 layers.
_WIDTH_OF_HEAD = 64
_LAYER = re.compile(r"decoder_stack\.blocks\.(\d+)\.")
_EMBEDDING = "embed.weight"
_MOST_LAYERS = 200


def load_decoder(
    source: str | os.PathLike = "esm3", *, device: str | torch.device = "cpu"
) -> StructureTokenDecoder:
    """Load a decoder of whole chains: tokens to a backbone.

    Parameters
    ----------
    source : str or path
        ``"esm3"`` (or ``"esm3_structure_decoder_v0"``): the decoder of ESM3's tokens, from the
        cache of the hub's library, else downloaded once (1.2 GB in bfloat16; MIT license); no
        other file is. Or the path of a checkpoint of esm's class (.pth or .safetensors), whose
        sizes are read from it; its heads are taken to be 64 numbers wide, as ESM3's are.
    device : str or torch.device

    Returns
    -------
    StructureTokenDecoder
        In eval mode, float32, without gradients. Its tokens are those of the encoder that it was
        trained with, and say nothing to it of another's.

    Raises
    ------
    EncoderError
        If the weights are missing, unreachable, not allowed, damaged, or not of this class.
    """
    if not isinstance(source, str | os.PathLike):
        raise EncoderError(
            f"A decoder is loaded by name or path, not from a {type(source).__name__}."
        )
    if isinstance(source, str) and source.strip().lower() in ("esm3", ESM3_DECODER):
        path, title = find_esm3_weights(name=ESM3_DECODER), ESM3_DECODER
    else:
        path = _file(source)
        title = f"checkpoint {path.name}"
    decoder, digest = build_decoder(read_weights(path)), checksum(path)
    if title == ESM3_DECODER:
        check_hub_checksum(path, digest)
    decoder = moved(decoder.requires_grad_(False), device)
    name_decoder(decoder, title)
    return decoder


def _file(source: str | os.PathLike) -> Path:
    path = Path(source).expanduser()
    for place in (path, path / file_of(ESM3_DECODER)):
        if place.is_file():
            return place
    raise EncoderError(
        f"{os.fspath(source)!r} is not a file, and not a decoder's name: load_decoder takes "
        f"'esm3', a checkpoint, or a snapshot folder of the hub that holds {file_of(ESM3_DECODER)}."
    )


def build_decoder(weights: Mapping[str, torch.Tensor]) -> StructureTokenDecoder:
    """Make a decoder of the sizes that a checkpoint has, and load it.

    Parameters
    ----------
    weights : mapping
        A state dict of esm's ``StructureTokenDecoder``.

    Returns
    -------
    StructureTokenDecoder
        In float32, on the CPU, in eval mode.

    Raises
    ------
    EncoderError
        If it is none: of another class, codebook size or width, or damaged.
    """
    embedding, layers = weights.get(_EMBEDDING), [*filter(None, map(_LAYER.match, weights))]
    if embedding is None or embedding.ndim != 2 or not layers:
        some = ", ".join(list(weights)[:4])
        raise EncoderError(
            f"This is not a checkpoint of esm's StructureTokenDecoder: it has {some} ... "
            f"({len(weights)} tensors)."
        )
    width, n_layers = embedding.shape[1], 1 + max(int(layer[1]) for layer in layers)
    if n_layers > _MOST_LAYERS:
        raise EncoderError(f"The decoder would have {n_layers:,} layers; {_MOST_LAYERS} can be.")
    heads = max(1, width // _WIDTH_OF_HEAD)
    try:
        with without_numbers():
            decoder = StructureTokenDecoder(d_model=width, n_heads=heads, n_layers=n_layers)
    except (ValueError, TypeError, RuntimeError, AssertionError) as error:
        raise EncoderError(f"The sizes of this checkpoint make no decoder: {error}.") from error
    check_shapes(decoder, weights)
    with torch.inference_mode(False), torch.no_grad():
        return filled(decoder, {name: sound(name, tensor) for name, tensor in weights.items()})
