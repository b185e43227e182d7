"""Run the encoder on a chain with every stage hooked, long chains in chunks."""

from __future__ import annotations

import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain
from tqdm.auto import tqdm

from esm_explore.encoders import encoder_info
from esm_explore.errors import TraceError
from esm_explore.forward import (
    Inputs,
    encode_chain,
    encode_rows,
    find_edges,
    relative_position_bins,
)
from esm_explore.stages import Capture, codebook_vectors, hooked, relative_position_table
from esm_explore.traces import NUMBERINGS, Numbering, RelativePosition, Trace

# Up to here esm's own `encode` runs in one piece, in about 2 GB; longer chains go through it
# in chunks that need about 0.6 GB.
WHOLE_CHAIN = 512
CHUNK = 256
SHOW_PROGRESS = 2_000
# Fixed-column files end at 9999.999 Å; esm masks silently, or fails obscurely, beyond 1e6.
FARTHEST = 1e4


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
        residues with their CA at the same place; if the encoder is not float32.

    Notes
    -----
    Chains of more than 512 residues are encoded in chunks, which keeps memory flat: tokens are
    those of ``encode``, states differ from it by float32 rounding. A progress bar shows from
    2,000 residues on; interrupting leaves the encoder as it was.
    """
    _check_encoder(encoder)
    inputs = _inputs(encoder, chain, numbering)
    with hooked(encoder) as capture:
        if len(inputs.coords) <= WHOLE_CHAIN:
            edges = encode_chain(encoder, inputs)
            _check_edges(edges, torch.arange(len(edges)), chain)
        else:
            edges = _encode_in_chunks(encoder, inputs, chain)
    return _trace(encoder, chain, numbering, inputs, edges, capture)


def _check_encoder(encoder: StructureTokenEncoder) -> None:
    if not isinstance(encoder, StructureTokenEncoder):
        raise TraceError(
            f"trace needs esm's StructureTokenEncoder first, from load_encoder(), "
            f"not a {type(encoder).__name__}."
        )
    dtypes = {parameter.dtype for parameter in encoder.parameters()}
    if dtypes != {torch.float32}:
        names = ", ".join(sorted(str(dtype) for dtype in dtypes))
        raise TraceError(
            f"The encoder's weights are {names}; esm encodes in float32: use encoder.float()."
        )


def _inputs(encoder: StructureTokenEncoder, chain: ProteinChain, numbering: Numbering) -> Inputs:
    if not isinstance(chain, ProteinChain):
        raise TraceError(
            f"trace needs one ProteinChain, from read_chain() or esm, not a {type(chain).__name__}."
        )
    if numbering not in NUMBERINGS:
        raise TraceError(f"numbering is {numbering!r}; it can be: {', '.join(NUMBERINGS)}.")
    _check_coords(chain)
    coords, _, residue_index = chain.to_structure_encoder_inputs()
    coords, residue_index = coords[0, :, :3].clone(), residue_index[0].clone()
    if numbering == "sequential":
        residue_index = torch.arange(1, len(coords) + 1)
    device = next(encoder.parameters()).device
    inputs = Inputs.build(coords.to(device), residue_index.to(device))
    if not inputs.has_frame.any():
        raise TraceError(
            f"None of the {len(chain)} residues of chain {chain.chain_id} has a backbone frame "
            "(N, CA and C): there is nothing to encode."
        )
    return inputs


def _check_coords(chain: ProteinChain) -> None:
    positions = np.asarray(chain.atom37_positions)[:, :3]
    far = (np.isfinite(positions) & (np.abs(positions) > FARTHEST)).any((1, 2))
    if far.any():
        raise TraceError(
            f"Coordinates beyond {FARTHEST:,.0f} Å at residue "
            f"{_residues(chain, np.flatnonzero(far))} of chain {chain.chain_id}: "
            "esm expects Å, near the origin."
        )


def _check_edges(edges: torch.Tensor, rows: torch.Tensor, chain: ProteinChain) -> None:
    lost = edges[:, 0].cpu() != rows.cpu()
    if lost.any():
        where = _residues(chain, rows.cpu()[lost].numpy())
        raise TraceError(
            f"CA atoms at the same place, at residue {where} of chain {chain.chain_id}: esm takes "
            "the nearest node for the residue itself, and would encode another in its stead. "
            "Is a chain, model or alternate location in there twice?"
        )


def _residues(chain: ProteinChain, indices: np.ndarray) -> str:
    labels = [f"{chain.residue_index[i]}{str(chain.insertion_code[i]).strip()}" for i in indices]
    return ", ".join(labels[:5]) + (f" and {len(labels) - 5} more" if len(labels) > 5 else "")


def _encode_in_chunks(
    encoder: StructureTokenEncoder, inputs: Inputs, chain: ProteinChain
) -> torch.Tensor:
    length = len(inputs.coords)
    chunks = torch.arange(length, device=inputs.coords.device).split(CHUNK)
    found = []
    with tqdm(total=length, unit="residue", disable=length < SHOW_PROGRESS, leave=False) as bar:
        for rows in chunks:
            edges = find_edges(encoder, inputs, rows)
            _check_edges(edges, rows, chain)
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
    layers = range(len(encoder.transformer.blocks))
    return Trace(
        chain=chain,
        encoder_info=encoder_info(encoder),
        numbering=numbering,
        residue_index=inputs.residue_index.cpu().numpy(),
        coords=inputs.coords.cpu().numpy(),
        has_frame=inputs.has_frame.cpu().numpy(),
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
