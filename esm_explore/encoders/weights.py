"""Checkpoints: read safely, checked against the class that they are for."""

from __future__ import annotations

import hashlib
import math
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from esm.models.vqvae import StructureTokenEncoder
from safetensors.torch import load_file

from esm_explore.encoders.modules import UNUSED, missing_keys, sizes_of
from esm_explore.errors import EncoderError

# torch.save's zip, and the pickle that it wrote before.
_TORCH = (b"PK", b"\x80")
# Far above any weight; a flipped bit in an exponent soon goes beyond.
_LARGEST = 1e10


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a checkpoint without running anything in it.

    Parameters
    ----------
    path : Path
        A safetensors file, or one of ``torch.save``, told apart by content.

    Returns
    -------
    dict
        Tensors by name, on the CPU.

    Raises
    ------
    EncoderError
        If the file is empty, cut off, a Git LFS pointer, a web page, or holds anything but
        tensors.
    """
    with path.open("rb") as file:
        start = file.read(512)
    size = path.stat().st_size
    if not start:
        raise EncoderError(f"{path} is empty (0 bytes): download it again.")
    if start.startswith(b"version https://git-lfs"):
        raise EncoderError(
            f"{path} is a Git LFS pointer of {size} bytes, not the weights: fetch the file itself "
            "('git lfs pull', or download it)."
        )
    if start.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise EncoderError(f"{path} is a web page, not weights: was the download refused?")
    safe = start[8:9] == b"{"
    if not safe and not start.startswith(_TORCH):
        raise EncoderError(
            f"{path} is neither of torch.save nor safetensors: it begins with {start[:40]!r}."
        )
    try:
        if safe:
            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise EncoderError(
            f"{path} holds something other than tensors, and was not loaded: a pickle can run any "
            "code. Save the state dict alone."
        ) from error
    except Exception as error:  # on damaged bytes torch raises whatever they lead it to
        raise EncoderError(
            f"{path} is damaged or cut off ({size:,} bytes): download it again. ({error})"
        ) from error
    if not isinstance(weights, Mapping) or not weights:
        raise EncoderError(f"{path} holds a {type(weights).__name__}, not a state dict of tensors.")
    for name, value in weights.items():
        if not isinstance(name, str):
            raise EncoderError(f"{path} is not a state dict: {name!r} is no name of a tensor.")
        if not isinstance(value, torch.Tensor):
            raise EncoderError(f"{path} is not a state dict: {name!r} is not a tensor.")
    return dict(weights)


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
            f"it has {', '.join(list(weights)[:4])} ... ({len(weights)} tensors)."
        )
    weights = {name: _sound(name, tensor) for name, tensor in weights.items()}
    try:
        encoder = blank_encoder(**(sizes or sizes_of(weights)))
    except (ValueError, TypeError) as error:
        raise EncoderError(f"The sizes of this checkpoint make no encoder: {error}") from error
    _check_shapes(encoder, weights)
    _check_constant(weights)
    encoder.load_state_dict(weights)
    return encoder.float().eval()


def blank_encoder(**sizes: int) -> StructureTokenEncoder:
    """Make an encoder of some sizes, leaving torch's random numbers as they were."""
    with torch.random.fork_rng(devices=[]):
        return StructureTokenEncoder(**sizes)


def _sound(name: str, tensor: torch.Tensor) -> torch.Tensor:
    """Give a tensor in float32, if its numbers can be weights."""
    if tensor.layout != torch.strided or tensor.is_meta or not tensor.is_floating_point():
        raise EncoderError(
            f"Tensor {name!r} is of {tensor.dtype}, {tensor.layout} on {tensor.device}; weights "
            "are dense floating-point numbers."
        )
    tensor = tensor.float()
    largest = tensor.abs().max().item() if tensor.numel() else 0.0
    if not math.isfinite(largest):
        raise EncoderError(f"Tensor {name!r} holds NaN or infinite numbers: the file is damaged.")
    if largest > _LARGEST:
        raise EncoderError(
            f"Tensor {name!r} holds numbers as large as {largest:.0e}: the file is damaged."
        )
    return tensor


def _check_shapes(encoder: StructureTokenEncoder, weights: Mapping[str, torch.Tensor]) -> None:
    expected = encoder.state_dict()
    missing = sorted(expected.keys() - weights.keys())
    extra = sorted(weights.keys() - expected.keys())
    if missing or extra:
        parts = [f"missing {missing[0]!r} and {len(missing) - 1} more"] if missing else []
        parts += [f"unknown {extra[0]!r} and {len(extra) - 1} more"] if extra else []
        raise EncoderError(
            f"The tensors are not those of esm's StructureTokenEncoder: {'; '.join(parts)}."
        )
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            raise EncoderError(
                f"Tensor {name!r} has shape {tuple(tensor.shape)}; in an encoder of this size it "
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


def checksum(path: Path) -> str:
    """Give a file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
