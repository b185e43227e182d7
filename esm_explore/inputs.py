"""What the encoder may be given: the checks that every way of encoding makes first."""

from __future__ import annotations

import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.diagnosis.checks import check_arrays, warn_of_alarms
from esm_explore.diagnosis.findings import some
from esm_explore.diagnosis.numbers import residue_labels
from esm_explore.errors import TraceError
from esm_explore.forward import Inputs
from esm_explore.stages import codebook_vectors
from esm_explore.traces import NUMBERINGS, Numbering

# Fixed-column files end at 9999.999 Å; esm masks silently, or fails obscurely, beyond 1e6.
FARTHEST = 1e4


def check_encoder(encoder: StructureTokenEncoder) -> None:
    """Refuse what is not esm's structure encoder in float32."""
    if not isinstance(encoder, StructureTokenEncoder):
        raise TraceError(
            f"Give esm's StructureTokenEncoder first, from load_encoder(), "
            f"not a {type(encoder).__name__}."
        )
    tensors = [*encoder.parameters(), *encoder.buffers()]
    dtypes = {tensor.dtype for tensor in tensors if tensor.is_floating_point()}
    if dtypes != {torch.float32}:
        names = ", ".join(sorted(str(dtype) for dtype in dtypes))
        raise TraceError(
            f"The encoder's weights are {names}; esm encodes in float32: use encoder.float()."
        )
    devices = sorted({str(tensor.device) for tensor in tensors})
    if len(devices) > 1 or devices == ["meta"]:
        raise TraceError(
            f"The encoder's weights are on {' and '.join(devices)}; they have to be on one device, "
            "with numbers: use encoder.to(device), or load it again."
        )
    if not torch.isfinite(torch.stack(codebook_vectors(encoder).aminmax())).all():
        raise TraceError(
            "The encoder's codebook holds NaN or infinite numbers, with which esm gives every "
            "residue the same token: load the encoder again."
        )


def check_numbering(numbering: Numbering) -> None:
    """Refuse what is not one of the ways to number residues."""
    if not isinstance(numbering, str) or numbering not in NUMBERINGS:
        raise TraceError(f"numbering is {numbering!r}; it can be: {', '.join(NUMBERINGS)}.")


def chain_inputs(
    chain: ProteinChain, numbering: Numbering, device: torch.device | str = "cpu"
) -> Inputs:
    """Make a chain's inputs on a device.

    Parameters
    ----------
    chain : ProteinChain
    numbering : {"file", "sequential"}
        As in `trace`.
    device : torch.device or str

    Returns
    -------
    Inputs

    Raises
    ------
    TraceError
        If it is no chain, has no residue with a backbone frame, or coordinates beyond 10,000 Å.
    """
    if not isinstance(chain, ProteinChain):
        raise TraceError(
            f"Give one ProteinChain, from read_chain() or esm, not a {type(chain).__name__}; "
            "of a complex or a list, one chain after the other."
        )
    check_numbering(numbering)
    check_arrays(chain)
    _check_coords(chain)
    coords, _, residue_index = chain.to_structure_encoder_inputs()
    coords, residue_index = coords[0, :, :3].clone(), residue_index[0].clone()
    if numbering == "sequential":
        residue_index = torch.arange(1, len(coords) + 1)
    inputs = Inputs.build(coords.to(device), residue_index.to(device))
    if not inputs.has_frame.any():
        raise TraceError(
            f"None of the {len(chain)} residues of chain {chain.chain_id} has a backbone frame "
            "(N, CA and C): there is nothing to encode."
        )
    warn_of_alarms(chain)
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


def check_edges(edges: torch.Tensor, rows: torch.Tensor, chain: ProteinChain) -> None:
    """Refuse neighbourhoods, shape=(M, K), whose first node is not the residue itself.

    Parameters
    ----------
    edges : Tensor, shape=(M, K), dtype=int64
    rows : Tensor, shape=(M,), dtype=int64
        The residues they belong to.
    chain : ProteinChain
    """
    lost = edges[:, 0].cpu() != rows.cpu()
    if lost.any():
        where = _residues(chain, rows.cpu()[lost].numpy())
        raise TraceError(
            f"CA atoms at the same place, at residue {where} of chain {chain.chain_id}: esm takes "
            "the nearest node for the residue itself, and would encode another in its stead. "
            "Is a chain, model or alternate location in there twice?"
        )


def _residues(chain: ProteinChain, indices: np.ndarray) -> str:
    labels = residue_labels(chain)
    return some([labels[i] for i in indices])
