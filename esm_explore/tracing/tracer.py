"""Run the encoder on a chain with every stage hooked, long chains in chunks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.complexes import Complex
from esm_explore.chains.residues import Numbering
from esm_explore.encoders.changes import changes
from esm_explore.encoders.checks import check_encoder
from esm_explore.encoders.identity import encoder_info, same_encoder
from esm_explore.encoders.inputs import Inputs, chain_inputs, check_latents
from esm_explore.encoders.modules import modules_of, relative_position_bins
from esm_explore.encoders.neighbors import check_edges, nearest_edges
from esm_explore.encoders.own_chains import own_chain
from esm_explore.encoders.progress import residue_bar
from esm_explore.errors import TraceError
from esm_explore.tracing.run import as_array, run
from esm_explore.tracing.trace_files import LAYERED, read_trace
from esm_explore.tracing.traces import RelativePositions, Trace

# Up to here esm's own `encode` runs in one piece, in about 2 GB; longer chains go through it
# in chunks that need about 0.6 GB.
WHOLE_CHAIN = 512
CHUNK = 256


def trace(
    encoder: StructureTokenEncoder,
    chain: ProteinChain | Complex,
    *,
    numbering: Numbering = "file",
) -> Trace:
    """Encode a chain and keep what every stage produced.

    Parameters
    ----------
    encoder : StructureTokenEncoder
        From `load_encoder`, or any of esm's; float32. It is left exactly as it was found.
    chain : ProteinChain or Complex
        From `read_chain`, or any of esm's. The trace keeps a copy, which later changes of this
        one do not reach. A complex, from `read_complex`, is encoded as one input: neighborhoods
        reach across its chains, and a row of ``|`` is between two, which has no backbone frame.
    numbering : {"file", "sequential"}
        Which residue numbers the encoder sees; they change tokens wherever the file's numbers
        have gaps or insertions. ``"file"``: the chain's own, as
        ``ProteinChain.to_structure_encoder_inputs``; each further chain of a complex is moved 512
        beyond the one before, so that no two residues of two chains seem near along a chain.
        ``"sequential"``: 1 to L, as ``esm.utils.encoding.tokenize_structure``, and as ``encode``
        without ``residue_index``; so ESM3 numbers complexes, too, each ``|`` counted.

    Returns
    -------
    Trace

    Raises
    ------
    TraceError
        If the chain has no residue with a backbone frame, coordinates beyond 10,000 Å, or two
        residues with their CA at the same place; if its arrays have wrong shapes or residue
        numbers that are no whole numbers; if the encoder is not float32 or is damaged.

    Warns
    -----
    ChainWarning
        In one message, what makes all tokens suspect: units other than Å, a mirror image, atoms
        in another order, fewer than 16 residues, and more (see `doctor`).

    Notes
    -----
    Chains of more than 512 residues are encoded in chunks, which keeps memory flat: tokens are
    those of ``encode``, states differ from it by float32 rounding. A progress bar shows from
    2,000 residues on; interrupting leaves the encoder as it was.

    Threads can share an encoder: traces wait for one another, and what another thread does with
    the encoder itself meanwhile (``encode``, in eval mode) is neither recorded nor changed.
    """
    check_encoder(encoder)
    chain = own_chain(chain)
    inputs = chain_inputs(chain, numbering, next(encoder.parameters()).device)
    if len(chain) <= WHOLE_CHAIN:
        capture = run(encoder, inputs)
        check_edges(capture.edges, torch.arange(len(chain)), chain)
        edges, kept = capture.edges, {name: as_array(rows) for name, rows in capture.items()}
    else:
        edges, kept = _in_chunks(encoder, inputs, chain)
    check_latents(chain, kept["pre_vq"], kept["tokens"], as_array(inputs.has_frame))
    modules = modules_of(encoder)
    numbers = inputs.residue_index[edges]
    bins = relative_position_bins(numbers - numbers[:, :1], modules.limit)
    blocks = range(len(modules.blocks))
    states: dict[str, Any] = {
        **{name: tuple(kept[f"{name}[{i}]"] for i in blocks) for name in LAYERED},
        **{name: kept[name] for name in ("query", "pre_vq", "z_q", "tokens")},
    }
    return Trace(
        chain=chain,
        encoder_info=encoder_info(encoder),
        numbering=numbering,
        residue_index=as_array(inputs.residue_index),
        coords=as_array(inputs.coords),
        has_frame=as_array(inputs.has_frame),
        edges=as_array(edges),
        # The encoder's weights may change later; what made this trace may not.
        relative_position=RelativePositions(
            as_array(bins), as_array(modules.positions.weight.detach()).copy()
        ),
        **states,
        codebook=as_array(modules.codes).copy(),
        encoder=encoder,
    )


def _in_chunks(
    encoder: StructureTokenEncoder, inputs: Inputs, chain: ProteinChain
) -> tuple[torch.Tensor, dict[str, np.ndarray]]:
    edges = nearest_edges(encoder, inputs)
    check_edges(edges, torch.arange(len(edges)), chain)
    parts = []
    with residue_bar(len(edges)) as bar:
        for rows in edges.split(CHUNK):
            capture = run(encoder, inputs, rows)
            parts.append({name: as_array(kept) for name, kept in capture.items()})
            bar.update(len(rows))
    return edges, {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def load_trace(path: str | Path, encoder: StructureTokenEncoder | None = None) -> Trace:
    """Read a trace that `Trace.save` wrote.

    Parameters
    ----------
    path : str or Path
    encoder : StructureTokenEncoder, optional
        The encoder that made the trace; what is not in the file, such as `Trace.neighborhood`,
        needs it.

    Returns
    -------
    Trace

    Raises
    ------
    TraceError
        If there is no such file, if it is not a trace, is damaged or of a newer version, or if
        `encoder` is not the one that made the trace. Files of version 0.1 do not say which it
        was in full: they take an encoder whose tables are the same and that encodes a residue
        alike.
    """
    held = read_trace(path)
    held["relative_position"] = RelativePositions(*held["relative_position"])
    trace = Trace(**held)
    if encoder is None:
        return trace
    check_encoder(encoder)
    given = encoder_info(encoder)
    if not (same_encoder(given, trace.encoder_info) or _encodes_alike(encoder, trace)):
        raise TraceError(
            f"The trace in {path} was made by {trace.encoder_info.title}, not by {given.title} "
            f"[{given.fingerprint}]."
        )
    return replace(trace, encoder=encoder, encoder_info=given)


def _encodes_alike(encoder: StructureTokenEncoder, trace: Trace) -> bool:
    """Compare an encoder with a trace that has no digest: tables, edges, one residue's stages."""
    modules = modules_of(encoder)
    if trace.encoder_info.digest or changes(encoder):
        return False
    sizes = len(modules.blocks), min(modules.knn, len(trace))
    tables = (
        (modules.positions.weight, trace.relative_position.table),
        (modules.codes, trace.codebook),
    )
    if sizes != (len(trace.blocks), trace.edges.shape[1]) or not all(
        np.array_equal(as_array(tensor.detach()), held) for tensor, held in tables
    ):
        return False
    row = int(np.flatnonzero(trace.has_frame)[0])
    inputs = trace.inputs.to(modules.codes.device)
    edges = torch.from_numpy(trace.edges[row : row + 1]).to(modules.codes.device)
    found = run(encoder, inputs, edges)
    return all(
        np.allclose(as_array(found[name])[0], trace.output(name)[row], atol=2e-5, rtol=2e-5)
        for stage in trace.stages[2:]
        for name in stage.outputs
    )
