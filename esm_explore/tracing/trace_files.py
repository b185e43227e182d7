"""Traces in files: safetensors, which holds arrays and text and can run nothing."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.array_files import FileKind, read_arrays, write_arrays
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.errors import TraceError

KIND = FileKind("trace", 3, "Trace.save")
_CHAIN_ARRAYS = ("residue_index", "insertion_code", "atom37_positions", "atom37_mask", "confidence")
LAYERED = ("attention_out", "ffn_out", "blocks")
_ARRAYS = ("residue_index", "coords", "has_frame", "edges", "query", "pre_vq", "z_q", "tokens")


def write_trace(trace, path: str | Path) -> Path:
    """Write a trace; see `Trace.save`."""
    chain = trace.chain
    tensors = {f"chain.{name}": np.asarray(getattr(chain, name)) for name in _CHAIN_ARRAYS}
    # safetensors has no strings.
    codes = np.asarray(chain.insertion_code, dtype="U1")
    tensors["chain.insertion_code"] = codes.view(np.uint32)
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
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise TraceError(
            f"{path} is a trace that lacks something, or is damaged ({type(error).__name__}: "
            f"{error}). Make the trace again."
        ) from error


def _fields(about: dict, arrays: dict[str, np.ndarray]) -> dict:
    chain = {name: arrays[f"chain.{name}"] for name in _CHAIN_ARRAYS}
    chain["insertion_code"] = chain["insertion_code"].view("U1")
    known = {field.name for field in fields(EncoderInfo)}
    encoder = {"digest": ""} | {k: v for k, v in about["encoder"].items() if k in known}
    return {
        "chain": ProteinChain(**about["chain"], **chain),
        "encoder_info": EncoderInfo(**encoder),
        "numbering": about["numbering"],
        "relative_position": (arrays["relative_position.bins"], arrays["relative_position.table"]),
        "codebook": arrays["codebook"],
        **{name: arrays[name] for name in _ARRAYS},
        **{name: tuple(arrays[f"{name}.{i}"] for i in range(about["blocks"])) for name in LAYERED},
    }
