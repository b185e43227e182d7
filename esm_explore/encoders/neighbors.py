"""esm's neighbor search without its (L, L) matrices: a tree, then esm's own arithmetic."""

from __future__ import annotations

import torch
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.misc import MAX_SUPPORTED_DISTANCE
from esm.utils.structure.protein_chain import ProteinChain
from scipy.spatial import cKDTree

from esm_explore.arguments import check_kind
from esm_explore.encoders.inputs import Inputs, residues_at
from esm_explore.encoders.modules import modules_of
from esm_explore.errors import TraceError

# The tree offers this many more than K: among them is where a row has to end for certain.
_SPARE = 4
# Distances in float32 and float64 differ by less than this, relative to the distance.
_ROUNDING = 1e-5
# Shorter chains are compared all to all, which is as quick there.
_WHOLE = 128
# Numbers in a block of whole rows.
_BLOCK = 2_000_000


def nearest_edges(
    encoder: StructureTokenEncoder, inputs: Inputs, rows: torch.Tensor | None = None
) -> torch.Tensor:
    """Search the neighbors of residues.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    inputs : Inputs
    rows : Tensor, shape=(M,), dtype=int64, optional
        Indices of some residues; by default all.

    Returns
    -------
    Tensor, shape=(M, K), dtype=int64
        The same as ``esm.utils.misc.knn_graph``, in its order: by CA distance; to and from
        residues without a backbone frame by separation along the chain, after all others.

    Notes
    -----
    A tree finds candidates in float64; esm's float32 distances put them in order. esm's sort is
    not stable, so equal distances have the order that sorting the whole row gives them: rows
    with equal distances, and the few that the tree cannot settle, are searched as esm does.
    """
    device = inputs.coords.device
    length, n_framed = len(inputs.coords), int(inputs.has_frame.sum())
    knn = min(modules_of(encoder).knn, length)
    if rows is not None or length <= _WHOLE or n_framed < knn:
        rows = torch.arange(length, device=device) if rows is None else rows
        return _whole_rows(inputs, rows, knn)
    framed = inputs.has_frame.nonzero()[:, 0]
    ca = inputs.coords[framed, 1]
    n_candidates = min(knn + _SPARE, n_framed)
    _, near = cKDTree(ca.cpu().numpy()).query(ca.cpu().numpy(), n_candidates, workers=-1)
    near = torch.from_numpy(near).to(device)
    distance, order = (ca[:, None] - ca[near]).norm(dim=-1).sort(dim=-1)
    first, last = distance[:, : knn + 1], distance[:, -1]
    settled = (first.diff(dim=-1) > 0).all(-1)
    if n_candidates < n_framed:
        settled &= last > distance[:, knn - 1] * (1 + _ROUNDING)
    edges = torch.empty(length, knn, dtype=torch.int64, device=device)
    edges[framed] = framed[near.gather(1, order[:, :knn])]
    unsettled = ~inputs.has_frame
    unsettled[framed[~settled]] = True
    rows = unsettled.nonzero()[:, 0]
    edges[rows] = _whole_rows(inputs, rows, knn)
    return edges


def _whole_rows(inputs: Inputs, rows: torch.Tensor, knn: int) -> torch.Tensor:
    ca = inputs.coords[:, 1].masked_fill(~inputs.has_frame[:, None], 0)
    index = torch.arange(len(ca), device=ca.device)
    found = []
    for some in rows.split(max(1, _BLOCK // len(ca))):
        distance = (ca[some, None] - ca).norm(dim=-1)
        separation = (index - some[:, None]).abs().to(ca.dtype) * 1e2 + MAX_SUPPORTED_DISTANCE
        both = inputs.has_frame[some, None] & inputs.has_frame
        found.append(torch.where(both, distance, separation).argsort(dim=-1)[:, :knn])
    return torch.cat(found)


def check_rows(edges: torch.Tensor, inputs: Inputs) -> None:
    """Refuse what is no neighborhoods of a chain.

    Parameters
    ----------
    edges : Tensor, shape=(M, K), dtype=int64
        On the device of the inputs.
    inputs : Inputs

    Raises
    ------
    TraceError
        If it is no tensor of that shape and type, holds nothing, or names residues that are not
        there; -1 would wrap around to the last one.
    """
    length, device = len(inputs.coords), inputs.coords.device
    right = (
        "a tensor of shape (M, K) and dtype int64 with indices of residues, such as "
        "torch.from_numpy(trace.edges[:2])"
    )
    check_kind(edges, torch.Tensor, "edges", right)
    if edges.ndim != 2 or edges.dtype != torch.int64 or not edges.numel():
        given = f"shape {tuple(edges.shape)} and {edges.dtype}"
        raise TraceError(f"edges has {given}; it has to be {right}, with M and K 1 or more.")
    if edges.device != device:
        raise TraceError(f"edges is on {edges.device}, the chain on {device}: use edges.to(...).")
    outside = edges[(edges < 0) | (edges >= length)]
    if len(outside):
        raise TraceError(
            f"edges names residue {int(outside[0])}; the chain has residues 0 to {length - 1}. To "
            "leave a neighbor out, leave it out of its row."
        )


def check_edges(edges: torch.Tensor, rows: torch.Tensor, chain: ProteinChain) -> None:
    """Refuse neighborhoods, shape=(M, K), whose first node is not the residue itself.

    Parameters
    ----------
    edges : Tensor, shape=(M, K), dtype=int64
    rows : Tensor, shape=(M,), dtype=int64
        The residues they belong to.
    chain : ProteinChain
    """
    lost = edges[:, 0].cpu() != rows.cpu()
    if lost.any():
        where = residues_at(chain, rows.cpu()[lost].numpy())
        raise TraceError(
            f"CA atoms at the same place, at residue {where} of chain {chain.chain_id}: esm takes "
            "the nearest node for the residue itself, and would encode another in its stead. "
            "Is a chain, model or alternate location in there twice?"
        )
