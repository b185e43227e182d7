"""Checkpoints: read safely, checked against the class that they are for."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from esm.models.vqvae import StructureTokenEncoder
from safetensors import SafetensorError
from safetensors.torch import load_file

from esm_explore.errors import EncoderError

_BLOCK = re.compile(r"transformer\.blocks\.(\d+)\.")


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
    try:
        if start[8:9] == b"{":
            weights = load_file(path)
        else:
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise EncoderError(
            f"{path} holds something other than tensors, and was not loaded: a pickle can run any "
            "code. Save the state dict alone."
        ) from error
    except (
        SafetensorError,
        RuntimeError,
        EOFError,
        zipfile.BadZipFile,
        ValueError,
        KeyError,
    ) as error:
        raise EncoderError(
            f"{path} is damaged or cut off ({size:,} bytes): download it again. ({error})"
        ) from error
    if not isinstance(weights, Mapping) or not weights:
        raise EncoderError(f"{path} holds a {type(weights).__name__}, not a state dict of tensors.")
    strange = [name for name, value in weights.items() if not isinstance(value, torch.Tensor)]
    if strange:
        raise EncoderError(f"{path} is not a state dict: {strange[0]!r} is not a tensor.")
    return dict(weights)


def build_encoder(weights: Mapping[str, torch.Tensor]) -> StructureTokenEncoder:
    """Make an encoder of the sizes that a checkpoint has, and load it.

    Parameters
    ----------
    weights : mapping
        A state dict of esm's ``StructureTokenEncoder``; every key is needed, none may be left.

    Returns
    -------
    StructureTokenEncoder
        In float32, on the CPU.

    Raises
    ------
    EncoderError
        If keys are missing or left over, shapes do not fit, or numbers are not finite.
    """
    needed = ["pre_vq_proj.weight", "codebook.embeddings"]
    needed.append("transformer.blocks.0.geom_attn.distance_scale_per_head")
    missing = [name for name in needed if name not in weights]
    if missing:
        raise EncoderError(
            f"This is not a checkpoint of esm's StructureTokenEncoder: it has no {missing[0]!r}; "
            f"it has {', '.join(list(weights)[:4])} ... ({len(weights)} tensors)."
        )
    for name, tensor in weights.items():
        if not torch.isfinite(tensor).all():
            raise EncoderError(
                f"Tensor {name!r} holds NaN or infinite numbers: the file is damaged."
            )
    try:
        d_out, d_model = weights["pre_vq_proj.weight"].shape
        encoder = blank_encoder(
            d_model=d_model,
            n_heads=1,
            v_heads=len(weights[needed[2]]),
            n_layers=1 + max(int(m[1]) for m in map(_BLOCK.match, weights) if m),
            d_out=d_out,
            n_codes=len(weights["codebook.embeddings"]),
        )
    except (ValueError, TypeError) as error:
        raise EncoderError(f"The sizes of this checkpoint make no encoder: {error}") from error
    _check_shapes(encoder, weights)
    encoder.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return encoder.float()


def blank_encoder(**sizes: int) -> StructureTokenEncoder:
    """Make an encoder of some sizes, leaving torch's random numbers as they were."""
    with torch.random.fork_rng(devices=[]):
        return StructureTokenEncoder(**sizes)


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
                f"Tensor {name!r} has shape {tuple(tensor.shape)}; by the sizes of the others it "
                f"has to be {tuple(expected[name].shape)}."
            )
