"""Traces in files: safetensors, which holds arrays and text and can run nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from esm_explore.encoders import EncoderInfo, encoder_info
from esm_explore.errors import TraceError
from esm_explore.traces import RelativePosition, Trace

FORMAT = "esm_explore trace 1"
_CHAIN_ARRAYS = ("residue_index", "insertion_code", "atom37_positions", "atom37_mask", "confidence")
_LAYERED = ("attention_out", "ffn_out", "blocks")
_ARRAYS = ("residue_index", "coords", "has_frame", "edges", "query", "pre_vq", "z_q", "tokens")


def save_trace(trace: Trace, path: Path) -> Path:
    """Write a trace; see `Trace.save`."""
    chain = trace.chain
    tensors = {f"chain.{name}": np.asarray(getattr(chain, name)) for name in _CHAIN_ARRAYS}
    # safetensors has no strings.
    codes = np.asarray(chain.insertion_code, dtype="U1")
    tensors["chain.insertion_code"] = codes.view(np.uint32)
    tensors |= {name: getattr(trace, name) for name in _ARRAYS}
    for name in _LAYERED:
        tensors |= {f"{name}.{i}": layer for i, layer in enumerate(getattr(trace, name))}
    tensors["relative_position.bins"] = trace.relative_position.bins
    tensors["relative_position.table"] = trace.relative_position.table
    tensors["codebook"] = trace.codebook
    about = {
        "format": FORMAT,
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
    partial = path.with_name(path.name + ".partial")
    contiguous = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    save_file(contiguous, partial, metadata={"esm_explore": json.dumps(about)})
    return partial.replace(path)


def load_trace(path: str | Path, encoder: StructureTokenEncoder | None = None) -> Trace:
    """Read a trace that `Trace.save` wrote.

    Parameters
    ----------
    path : str or Path
    encoder : StructureTokenEncoder, optional
        The encoder that made the trace; only `Trace.neighborhood` needs it.

    Returns
    -------
    Trace

    Raises
    ------
    TraceError
        If there is no such file, if it is not a trace, or if `encoder` is not the one that made
        the trace.
    """
    path = Path(path)
    if not path.is_file():
        raise TraceError(f"There is no file {path}.")
    try:
        with safe_open(path, framework="numpy") as file:
            about = json.loads((file.metadata() or {}).get("esm_explore", "{}"))
            if about.get("format") != FORMAT:
                raise TraceError(f"{path} is a safetensors file, but not one of Trace.save.")
            trace = _assemble(about, file.get_tensor, encoder)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise TraceError(f"{path} is not a trace of Trace.save, or is damaged: {error}") from error
    if encoder is not None and encoder_info(encoder).fingerprint != trace.encoder_info.fingerprint:
        raise TraceError(
            f"The trace in {path} was made by {trace.encoder_info.title}, "
            f"not by {encoder_info(encoder).title}."
        )
    return trace


def _assemble(about: dict, tensor, encoder: StructureTokenEncoder | None) -> Trace:
    arrays = {name: tensor(f"chain.{name}") for name in _CHAIN_ARRAYS}
    arrays["insertion_code"] = arrays["insertion_code"].view("U1")
    known = {field.name for field in fields(EncoderInfo)}
    return Trace(
        chain=ProteinChain(**about["chain"], **arrays),
        encoder_info=EncoderInfo(**{k: v for k, v in about["encoder"].items() if k in known}),
        numbering=about["numbering"],
        relative_position=RelativePosition(
            tensor("relative_position.bins"), tensor("relative_position.table")
        ),
        codebook=tensor("codebook"),
        encoder=encoder,
        **{name: tensor(name) for name in _ARRAYS},
        **{name: tuple(tensor(f"{name}.{i}") for i in range(about["blocks"])) for name in _LAYERED},
    )
