"""Run the encoder on a chain with every stage hooked, long chains in chunks."""

from __future__ import annotations

import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain
from tqdm.auto import tqdm

from esm_explore.chains.residues import Numbering
from esm_explore.encoders.identity import encoder_info
from esm_explore.encoders.inputs import Inputs, chain_inputs, check_encoder, check_latents
from esm_explore.encoders.modules import codebook_vectors, relative_position_bins, relative_position_table
from esm_explore.encoders.neighbors import check_edges, find_edges
from esm_explore.tracing.run import Capture, encode_chain, encode_rows, hooked
from esm_explore.tracing.traces import RelativePosition, Trace

# Up to here esm's own `encode` runs in one piece, in about 2 GB; longer chains go through it
# in chunks that need about 0.6 GB.
WHOLE_CHAIN = 512

CHUNK = 256

SHOW_PROGRESS = 2_000



def trace(
    encoder: StructureTokenEncoder, chain: ProteinChain, *, numbering: Numbering = "file"
) -> Trace:
    """Encode a chain and keep what every stage produced.

    Parameters
    ----------
    encoder : StructureTokenEncoder
        From `load_encoder`, or any of esm's; float32. It is left exactly as it was found.
    chain : ProteinChain
        From `read_chain`, or any of esm's.
    numbering : {"file", "sequential"}
        Which residue numbers the encoder sees; they change tokens wherever the file's numbers
        have gaps or insertions. ``"file"``: the chain's own, as
        ``ProteinChain.to_structure_encoder_inputs``. ``"sequential"``: 1 to L, as
        ``esm.utils.encoding.tokenize_structure``, and as ``encode`` without ``residue_index``.

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
    """
    check_encoder(encoder)
    inputs = chain_inputs(chain, numbering, next(encoder.parameters()).device)
    with hooked(encoder) as capture:
        if len(inputs.coords) <= WHOLE_CHAIN:
            edges = encode_chain(encoder, inputs)
            check_edges(edges, torch.arange(len(edges)), chain)
        else:
            edges = _encode_in_chunks(encoder, inputs, chain)
    return _trace(encoder, chain, numbering, inputs, edges, capture)



def _encode_in_chunks(
    encoder: StructureTokenEncoder, inputs: Inputs, chain: ProteinChain
) -> torch.Tensor:
    length = len(inputs.coords)
    chunks = torch.arange(length, device=inputs.coords.device).split(CHUNK)
    found = []
    with tqdm(total=length, unit="residue", disable=length < SHOW_PROGRESS, leave=False) as bar:
        for rows in chunks:
            edges = find_edges(encoder, inputs, rows)
            check_edges(edges, rows, chain)
            encode_rows(encoder, inputs, edges)
            found.append(edges)
            bar.update(len(rows))
    return torch.cat(found)



def _trace(
    encoder: StructureTokenEncoder,
    chain: ProteinChain,
    numbering: Numbering,
    inputs: Inputs,
    edges: torch.Tensor,
    capture: Capture,
) -> Trace:
    kept = {name: rows.cpu().numpy() for name, rows in capture.items()}
    has_frame = inputs.has_frame.cpu().numpy()
    check_latents(chain, kept["pre_vq"], kept["tokens"], has_frame)
    layers = range(len(encoder.transformer.blocks))
    return Trace(
        chain=chain,
        encoder_info=encoder_info(encoder),
        numbering=numbering,
        residue_index=inputs.residue_index.cpu().numpy(),
        coords=inputs.coords.cpu().numpy(),
        has_frame=has_frame,
        edges=edges.cpu().numpy(),
        relative_position=RelativePosition(
            bins=relative_position_bins(encoder, inputs.residue_index, edges).cpu().numpy(),
            table=_copy(relative_position_table(encoder)),
        ),
        attention_out=tuple(kept[f"attention_out[{i}]"] for i in layers),
        ffn_out=tuple(kept[f"ffn_out[{i}]"] for i in layers),
        blocks=tuple(kept[f"blocks[{i}]"] for i in layers),
        query=kept["query"],
        pre_vq=kept["pre_vq"],
        z_q=kept["z_q"],
        tokens=kept["tokens"],
        codebook=_copy(codebook_vectors(encoder)),
        encoder=encoder,
    )



def _copy(weights: torch.Tensor) -> np.ndarray:
    # The encoder's weights may change later; what made this trace may not.
    return weights.cpu().numpy().copy()
