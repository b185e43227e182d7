"""Traces in files: safetensors, which holds arrays and text and can run nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.array_files import FileKind, read_arrays, write_arrays
from esm_explore.chains.residues import check_numbering
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.encoders.own_chains import own_chain
from esm_explore.errors import TraceError

# Version 2 has a checksum of the arrays, 3 the encoder's digest, 4 a checksum of everything and
# insertion codes of any length.
KIND = FileKind("trace", 4, 4, "Trace.save")
_CHAIN_ARRAYS = ("residue_index", "atom37_positions", "atom37_mask", "confidence")
LAYERED = ("attention_out", "ffn_out", "blocks")
# Shapes in sizes of the trace: L residues of K nodes, d_model and d_code, n_codes, n_bins.
_ARRAYS = {
    "residue_index": (np.int64, "L"),
    "coords": (np.float32, "L", 3, 3),
    "has_frame": (np.bool_, "L"),
    "edges": (np.int64, "L", "K"),
    "query": (np.float32, "L", "d_model"),
    "pre_vq": (np.float32, "L", "d_code"),
    "z_q": (np.float32, "L", "d_code"),
    "tokens": (np.int64, "L"),
}
_TABLES = {
    "codebook": (np.float32, "n_codes", "d_code"),
    "relative_position.bins": (np.int64, "L", "K"),
    "relative_position.table": (np.float32, "n_bins", "d_model"),
}
_INDICES = {"edges": "L", "tokens": "n_codes", "relative_position.bins": "n_bins"}


def write_trace(trace: Any, path: str | Path) -> Path:
    """Write a trace; see `Trace.save`."""
    chain = trace.chain
    tensors = {f"chain.{name}": np.asarray(getattr(chain, name)) for name in _CHAIN_ARRAYS}
    tensors |= {name: getattr(trace, name) for name in _ARRAYS}
    for name in LAYERED:
        tensors |= {f"{name}.{i}": layer for i, layer in enumerate(getattr(trace, name))}
    tensors["relative_position.bins"] = trace.relative_position.bins
    tensors["relative_position.table"] = trace.relative_position.table
    tensors["codebook"] = trace.codebook
    about = {
        "numbering": trace.numbering,
        "encoder": asdict(trace.encoder_info),
        "blocks": len(trace.blocks),
        "chain": {
            "id": chain.id,
            "chain_id": chain.chain_id,
            "entity_id": chain.entity_id,
            "sequence": chain.sequence,
            # safetensors has no strings.
            "insertion_code": chain.insertion_code.tolist(),
        },
    }
    return write_arrays(path, KIND, tensors, about)


def read_trace(path: str | Path) -> dict:
    """Read what `write_trace` wrote.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    dict
        The fields of a `Trace`, of ``relative_position`` bins and table. Files before version 3
        do not have the encoder's digest, which is then empty.

    Raises
    ------
    TraceError
        If there is no such file, or it is not a trace, is damaged or of a newer version.
    """
    arrays, about = read_arrays(path, KIND)
    try:
        return _fields(about, arrays)
    except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise TraceError(
            f"{path} is a trace that lacks something, or is damaged ({type(error).__name__}: "
            f"{error}). Make the trace again."
        ) from error


def _fields(about: dict, arrays: dict[str, np.ndarray]) -> dict:
    check_numbering(about["numbering"])
    blocks = range(min(about["blocks"], len(arrays)))  # more are not there
    _check_arrays(arrays, len(blocks))
    return {
        "chain": _chain(about["chain"], arrays),
        "encoder_info": _encoder_info(about["encoder"]),
        "numbering": about["numbering"],
        "relative_position": (arrays["relative_position.bins"], arrays["relative_position.table"]),
        "codebook": arrays["codebook"],
        **{name: arrays[name] for name in _ARRAYS},
        **{name: tuple(arrays[f"{name}.{i}"] for i in blocks) for name in LAYERED},
    }


def _check_arrays(arrays: Mapping[str, np.ndarray], n_blocks: int) -> None:
    """Refuse arrays that are not those of one trace, which would fail later and elsewhere."""
    layers = {f"{name}.{i}": _ARRAYS["query"] for name in LAYERED for i in range(n_blocks)}
    sizes: dict[Any, int] = {}
    for name, (dtype, *shape) in (_ARRAYS | _TABLES | layers).items():
        held = arrays[name].shape
        right = tuple(
            sizes.setdefault(size, n) if isinstance(size, str) else size
            for size, n in zip(shape, held, strict=True)
        )
        if held != right or arrays[name].dtype != dtype:
            what = f"{arrays[name].dtype} of shape {held}"
            raise ValueError(f"{name} is {what}, not {np.dtype(dtype)} of shape {right}")
    for name, size in _INDICES.items():
        if not ((arrays[name] >= 0) & (arrays[name] < sizes[size])).all():
            raise ValueError(f"{name} holds numbers that are not from 0 to {sizes[size] - 1}")


def _chain(held: dict, arrays: Mapping[str, np.ndarray]) -> ProteinChain:
    # Before version 4 insertion codes were one letter each, as a number.
    codes = held.get("insertion_code")
    if codes is None:
        codes = [chr(code).strip("\0") for code in arrays["chain.insertion_code"].tolist()]
    chain = {name: arrays[f"chain.{name}"] for name in _CHAIN_ARRAYS}
    chain["insertion_code"] = np.array(codes, dtype=str)
    chain = own_chain(ProteinChain(**(held | chain)))
    if len(chain) != len(arrays["tokens"]):
        raise ValueError(f"there are {len(arrays['tokens'])} tokens for {len(chain)} residues")
    return chain


def _encoder_info(held: dict) -> EncoderInfo:
    known = {field.name: field.type for field in fields(EncoderInfo)}
    # Files before version 3 have no digest, and a fingerprint that nothing uses any more.
    info = EncoderInfo(**{"digest": ""} | {k: v for k, v in held.items() if k in known})
    for name, kind in known.items():
        if type(getattr(info, name)).__name__ != kind:
            raise TypeError(f"{name} of the encoder is no {kind}")
    return info
