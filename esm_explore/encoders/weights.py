"""Weights become an encoder, if they are those of esm's class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from reprlib import repr as short

import torch
from esm.models.vqvae import StructureTokenEncoder
from torch import nn

from esm_explore.encoders.blank import blank_encoder, filled
from esm_explore.encoders.modules import UNUSED, missing_keys, sizes_of
from esm_explore.errors import EncoderError

# Far above any weight; a flipped bit in an exponent soon goes beyond.
_LARGEST = 1e10
# ESM3's encoder has 2; to make a block takes milliseconds, whatever it holds.
_MOST_BLOCKS = 100


def build_encoder(
    weights: Mapping[str, torch.Tensor], sizes: Mapping[str, int] | None = None
) -> StructureTokenEncoder:
    """Make an encoder and load a checkpoint.

    Parameters
    ----------
    weights : mapping
        A state dict of esm's ``StructureTokenEncoder``; every key is needed, none may be left.
    sizes : mapping, optional
        Arguments of the class. Without them, the sizes that the checkpoint has.

    Returns
    -------
    StructureTokenEncoder
        In float32, on the CPU, in eval mode.

    Raises
    ------
    EncoderError
        If keys are missing or left over, shapes do not fit, or numbers are not real, not finite,
        or larger than weights can be.
    """
    missing = missing_keys(weights)
    if missing:
        raise EncoderError(
            f"This is not a checkpoint of esm's StructureTokenEncoder: it has no {missing[0]!r}; "
            f"it has {', '.join(map(short, list(weights)[:4]))} ... ({len(weights)} tensors)."
        )
    empty = [name for name, tensor in weights.items() if tensor.numel() == 0]
    if empty:
        raise EncoderError(
            f"Tensor {empty[0]!r} has shape {tuple(weights[empty[0]].shape)}: it holds no numbers."
        )
    try:
        sizes = sizes or sizes_of(weights)
        if sizes["n_layers"] > _MOST_BLOCKS:
            raise ValueError(f"{sizes['n_layers']:,} blocks; there can be {_MOST_BLOCKS}")
        encoder = blank_encoder(**sizes)
    except (ValueError, TypeError, RuntimeError) as error:
        raise EncoderError(f"The sizes of this checkpoint make no encoder: {error}.") from error
    check_shapes(encoder, weights)
    with torch.inference_mode(False), torch.no_grad():
        weights = {name: sound(name, tensor) for name, tensor in weights.items()}
        _check_constant(weights)
    return filled(encoder, weights)


def sound(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Give a tensor in float32, if its numbers can be weights."""
    if tensor.layout != torch.strided or tensor.is_meta or not tensor.is_floating_point():
        raise EncoderError(
            f"Tensor {name!r} is of {tensor.dtype}, {tensor.layout} on {tensor.device}; weights "
            "are dense floating-point numbers."
        )
    # A copy: of a file that is mapped into memory, or of what the caller goes on to change.
    tensor = tensor.to(torch.float32, copy=True, memory_format=torch.contiguous_format)
    largest = max(map(abs, torch.stack(tensor.aminmax()).tolist()))
    if not math.isfinite(largest):
        raise EncoderError(f"Tensor {name!r} holds NaN or infinite numbers: the file is damaged.")
    if largest > _LARGEST:
        raise EncoderError(
            f"Tensor {name!r} holds numbers as large as {largest:.0e}: the file is damaged."
        )
    return tensor


def check_shapes(module: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Refuse tensors that are not a module's, by names and shapes."""
    expected = module.state_dict()
    missing = sorted(expected.keys() - weights.keys())
    extra = sorted(weights.keys() - expected.keys())
    if missing or extra:
        parts = [f"missing {missing[0]!r} and {len(missing) - 1} more"] if missing else []
        parts += [f"unknown {extra[0]!r} and {len(extra) - 1} more"] if extra else []
        raise EncoderError(
            f"The tensors are not those of esm's {type(module).__name__}: {'; '.join(parts)}."
        )
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            raise EncoderError(
                f"Tensor {name!r} has shape {tuple(tensor.shape)}; in one of this size it "
                f"has to be {tuple(expected[name].shape)}."
            )


def _check_constant(weights: Mapping[str, torch.Tensor]) -> None:
    """Refuse matrices of one number; vectors may be so, as those that a norm starts from."""
    for name, tensor in weights.items():
        if tensor.ndim < 2 or name in UNUSED:
            continue
        if tensor.numel() > 1 and bool((tensor == tensor.reshape(-1)[0]).all()):
            raise EncoderError(
                f"Tensor {name!r} holds nothing but {tensor.reshape(-1)[0].item():g}: the file is "
                "damaged, or was never filled."
            )
