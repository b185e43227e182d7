"""One residue in full: its nodes, their states, and each block's attention, head by head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder

from esm_explore.chains.joined import BREAK
from esm_explore.encoders.inputs import Inputs
from esm_explore.encoders.modes import plain_float32
from esm_explore.encoders.modules import modules_of, relative_position_bins
from esm_explore.tracing.attention import recompute_attention
from esm_explore.tracing.run import all_nodes, as_array, run


@dataclass(frozen=True, eq=False, repr=False)
class Neighborhood:
    """Everything inside the neighborhood of one residue, the query.

    The K nodes are in the order of the edges: the query first, then nearest first.

    Attributes
    ----------
    label : str
        The query's residue number and insertion code.
    edges : ndarray, shape=(K,), dtype=int64
        Indices of the nodes' residues in the chain.
    labels : list of str
        Their residue numbers and insertion codes.
    distances : ndarray, shape=(K,), dtype=float32
        CA-CA distance to the query in Å; NaN without a backbone frame at either end.
    foreign : ndarray, shape=(K,), dtype=bool
        Which nodes are of another chain of a complex than the query.
    has_frame : ndarray, shape=(K,), dtype=bool
        Nodes without a backbone frame are attended to by none.
    relative_positions : ndarray, shape=(K,), dtype=int64
        Residue number minus the query's, before clipping to ±32.
    bins : ndarray, shape=(K,), dtype=int64
        Rows of the relative position embedding.
    states : tuple of ndarray, shape=(K, d_model), dtype=float32
        The nodes' states: first the relative position embedding, then after each block.
    attention : ndarray, shape=(blocks, heads, K, K), dtype=float32
        Attention weights: row i says how node i shares its attention among the nodes; sums to 1.
    distance_term, rotation_term : ndarray, shape=(blocks, heads, K, K), dtype=float32
        The two parts of the logits, each with its head's learned scale: the softmax is taken of
        ``rotation_term - distance_term``, plus the mask.
    attended : ndarray, shape=(blocks, K, 3 * heads), dtype=float32
        Values weighted by `attention`, in each node's own frame: the input of ``out_proj``,
        as esm computed it.
    pre_vq : ndarray, shape=(d_code,), dtype=float32
        The query's continuous latent.
    token : int
    """

    label: str
    edges: np.ndarray
    labels: list[str]
    distances: np.ndarray
    foreign: np.ndarray
    has_frame: np.ndarray
    relative_positions: np.ndarray
    bins: np.ndarray
    states: tuple[np.ndarray, ...]
    attention: np.ndarray
    distance_term: np.ndarray
    rotation_term: np.ndarray
    attended: np.ndarray
    pre_vq: np.ndarray
    token: int

    def __len__(self) -> int:
        return len(self.edges)

    def __repr__(self) -> str:
        blocks, heads = self.attention.shape[:2]
        return (
            f"Neighborhood of residue {self.label}: token {self.token}, {len(self)} nodes, "
            f"{blocks} blocks of {heads} heads; nodes {', '.join(self.labels)}"
        )


def open_neighborhood(
    encoder: StructureTokenEncoder, inputs: Inputs, edges: np.ndarray, labels: list[str]
) -> Neighborhood:
    """Encode one neighborhood again, keeping everything.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    inputs : Inputs
        Of the whole chain.
    edges : ndarray, shape=(K,), dtype=int64
        The neighborhood, the query first.
    labels : list of str
        Residue numbers of the whole chain.

    Returns
    -------
    Neighborhood
    """
    device = modules_of(encoder).codes.device
    with plain_float32(device):
        return _opened(encoder, inputs.to(device), edges, labels)


def _opened(
    encoder: StructureTokenEncoder, inputs: Inputs, edges: np.ndarray, labels: list[str]
) -> Neighborhood:
    nodes = torch.from_numpy(edges).to(inputs.coords.device)
    capture = run(encoder, inputs, nodes[None], keep=all_nodes, internals=True)
    modules = modules_of(encoder)
    has_frame = inputs.has_frame[nodes]
    frames = inputs.affine[0, nodes]
    blocks = [
        recompute_attention(
            capture[f"projection[{i}]"],
            frames.rot.tensor.unflatten(-1, (3, 3))[None],
            frames.trans[None],
            has_frame[None],
            block.scales,
        )
        for i, block in enumerate(modules.blocks)
    ]
    layers = range(len(blocks))
    ca = inputs.coords[nodes, 1]
    known = has_frame & has_frame[0]
    numbers = inputs.residue_index[nodes]
    states = [capture["relative_position"], *(capture[f"blocks[{i}]"] for i in layers)]
    part = np.cumsum([label == BREAK for label in labels])
    return Neighborhood(
        label=labels[edges[0]],
        edges=edges,
        labels=[labels[i] for i in edges],
        distances=as_array((ca - ca[0]).norm(dim=-1).where(known, torch.nan)),
        foreign=part[edges] != part[edges[0]],
        has_frame=as_array(has_frame),
        relative_positions=as_array(numbers - numbers[0]),
        bins=as_array(relative_position_bins(numbers - numbers[0], modules.limit)),
        states=tuple(as_array(state[0]) for state in states),
        attention=_stack(block.weights for block in blocks),
        distance_term=_stack(block.distance_term for block in blocks),
        rotation_term=_stack(block.rotation_term for block in blocks),
        attended=as_array(torch.cat([capture[f"attended[{i}]"] for i in layers])),
        pre_vq=as_array(capture["pre_vq"][0]),
        token=int(capture["tokens"][0]),
    )


def _stack(tensors: Any) -> np.ndarray:
    return as_array(torch.cat(list(tensors)).detach())
