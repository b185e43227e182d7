"""One pass through esm's structure encoder: of a whole chain, or of some neighbourhoods.

The steps are those of ``StructureTokenEncoder.encode``. They are meant to run inside
`esm_explore.stages.hooked`, which catches what they produce and cleans up after them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.misc import MAX_SUPPORTED_DISTANCE
from esm.utils.structure.affine3d import Affine3D, build_affine3d_from_coordinates

from esm_explore.diagnosis.backbone import flat_frames


@dataclass(frozen=True)
class Inputs:
    """What the encoder is given for one chain, on the encoder's device.

    Attributes
    ----------
    coords : Tensor, shape=(L, 3, 3), dtype=float32
        N, CA and C in Å; not finite where an atom is missing.
    residue_index : Tensor, shape=(L,), dtype=int64
        Residue numbers.
    affine : Affine3D, shape=(1, L)
        esm's backbone frames; residues without one get the chain's average frame.
    has_frame : Tensor, shape=(L,), dtype=bool
        Not where an atom is missing, nor where the three coincide or lie on a line, of which
        esm would make a rotation of determinant 0.
    """

    coords: torch.Tensor
    residue_index: torch.Tensor
    affine: Affine3D
    has_frame: torch.Tensor

    @classmethod
    def build(cls, coords: torch.Tensor, residue_index: torch.Tensor) -> Inputs:
        """Let esm build the backbone frames of `coords`."""
        flat = torch.from_numpy(flat_frames(coords.cpu().numpy())).to(coords.device)
        coords = coords.masked_fill(flat[:, None, None], torch.nan)
        affine, has_frame = build_affine3d_from_coordinates(coords[None])
        return cls(coords, residue_index, affine, has_frame[0])


def encode_chain(encoder: StructureTokenEncoder, inputs: Inputs) -> torch.Tensor:
    """Run esm's own ``encode`` on a whole chain, inside `hooked`.

    Returns
    -------
    Tensor, shape=(L, K), dtype=int64
        The edges that ``find_knn_edges`` gave.
    """
    search = encoder.find_knn_edges
    found = []

    def find_knn_edges(*args, **kwargs):
        edges, mask = search(*args, **kwargs)
        found.append(edges[0])
        return edges, mask

    encoder.find_knn_edges = find_knn_edges
    encoder.encode(inputs.coords[None], residue_index=inputs.residue_index[None])
    return found[0]


def encode_rows(encoder: StructureTokenEncoder, inputs: Inputs, edges: torch.Tensor) -> None:
    """Run the encoder on some neighbourhoods of a chain, inside `hooked`.

    After the neighbour search each residue is a batch of its own, so any set of rows of the
    edges can be encoded alone. ``encode`` itself insists on all of them; these are its steps.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    inputs : Inputs
    edges : Tensor, shape=(M, K), dtype=int64
        Neighbourhoods of the M residues, the query first.
    """
    encoder.find_knn_edges = lambda *_args, **_kwargs: (edges[None], None)
    has_frame = inputs.has_frame[None]
    z = encoder.encode_local_structure(
        coords=inputs.coords[None],
        affine=inputs.affine,
        attention_mask=torch.ones_like(has_frame),
        sequence_id=torch.zeros_like(has_frame, dtype=torch.int64),
        affine_mask=has_frame,
        residue_index=inputs.residue_index[None],
    )
    z = z.masked_fill(~inputs.has_frame[edges[:, 0]][None, :, None], 0)
    encoder.codebook(encoder.pre_vq_proj(z))


def find_edges(encoder: StructureTokenEncoder, inputs: Inputs, rows: torch.Tensor) -> torch.Tensor:
    """Search the neighbours of some residues, without the (L, L) matrices of esm's search.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    inputs : Inputs
    rows : Tensor, shape=(M,), dtype=int64
        Indices of the residues.

    Returns
    -------
    Tensor, shape=(M, K), dtype=int64
        The same as ``esm.utils.misc.knn_graph``: by CA distance; to and from residues without
        a backbone frame by separation along the chain, after all others.
    """
    ca = inputs.coords[:, 1].masked_fill(~inputs.has_frame[:, None], 0)
    distance = (ca[rows, None] - ca).norm(dim=-1)
    index = torch.arange(len(ca), device=ca.device)
    separation = (index - rows[:, None]).abs().to(ca.dtype) * 1e2 + MAX_SUPPORTED_DISTANCE
    both = inputs.has_frame[rows, None] & inputs.has_frame
    return torch.where(both, distance, separation).argsort(dim=-1)[:, : encoder.knn]


def relative_position_bins(
    encoder: StructureTokenEncoder, residue_index: torch.Tensor, edges: torch.Tensor
) -> torch.Tensor:
    """Compute the row of the relative position table that each neighbour gets.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    residue_index : Tensor, shape=(L,), dtype=int64
        Residue numbers.
    edges : Tensor, shape=(M, K), dtype=int64
        Neighbourhoods, the query first.

    Returns
    -------
    Tensor, shape=(M, K), dtype=int64
        1 to 65 for relative positions of -32 or less to +32 or more; 33 is the query itself.
        As ``esm.models.vqvae.RelativePositionEmbedding.forward``.
    """
    limit = encoder.relative_positional_embedding.bins
    number = residue_index[edges]
    return (number - number[:, :1]).clamp(-limit, limit) + limit + 1
