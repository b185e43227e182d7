"""Traces in files: safetensors, which holds arrays and text and can run nothing."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
import numpy as np
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.array_files import FileKind, read_arrays, write_arrays
from esm_explore.encoders.identity import EncoderInfo, encoder_info
from esm_explore.errors import TraceError
from esm_explore.tracing.traces import RelativePosition, Trace

KIND = FileKind("trace", 2, "Trace.save")

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
        If there is no such file, if it is not a trace, is damaged or of a newer version, or if
        `encoder` is not the one that made the trace.
    """
    arrays, about = read_arrays(Path(path), KIND)
    try:
        trace = _assemble(about, arrays.__getitem__, encoder)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise TraceError(
            f"{path} is a trace that lacks something, or is damaged ({type(error).__name__}: "
            f"{error}). Make the trace again."
        ) from error
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
