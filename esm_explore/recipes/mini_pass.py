"""The encoder's pass over neighborhoods, with gradients and without work that is thrown away."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
import torch.nn.functional as F
from esm.models.vqvae import StructureTokenEncoder
from torch import nn


@dataclass(frozen=True)
class Neighborhoods:
    """A batch of neighborhoods, each in the frame of its query (node 0).

    Attributes
    ----------
    rotation : Tensor, shape=(M, K, 3, 3)
    translation : Tensor, shape=(M, K, 3)
        Å.
    bins : Tensor, shape=(M, K), dtype=int64
        Rows of the relative position embedding.
    """

    rotation: torch.Tensor
    translation: torch.Tensor
    bins: torch.Tensor

    @classmethod
    def build(
        cls,
        rotation: torch.Tensor,
        translation: torch.Tensor,
        number: torch.Tensor,
        limit: int = 32,
    ) -> Neighborhoods:
        """Move frames (M, K) and residue numbers (M, K) to the query's point of view."""
        inverse = rotation[:, :1].transpose(-1, -2)
        shifted = (translation - translation[:, :1])[..., None]
        relative = (number - number[:, :1]).clamp(-limit, limit) + limit + 1
        return cls(inverse @ rotation, (inverse @ shifted)[..., 0], relative)

    def first(self, n: int) -> Neighborhoods:
        """Take the first `n` neighborhoods."""
        return Neighborhoods(self.rotation[:n], self.translation[:n], self.bins[:n])


def latents(encoder: StructureTokenEncoder, batch: Neighborhoods) -> torch.Tensor:
    """Encode neighborhoods up to the latent, all of whose nodes have frames.

    The last block is computed for the query node alone: nothing else is read of it.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    batch : Neighborhoods

    Returns
    -------
    Tensor, shape=(M, d_code)
        What the encoder's ``pre_vq_proj`` gives, to float32 rounding.
    """
    state = encoder.relative_positional_embedding.embedding(batch.bins)
    blocks = encoder.transformer.blocks
    for i, block in enumerate(blocks):
        rows = slice(0, 1) if i == len(blocks) - 1 else slice(None)
        state = state[:, rows] + _attend(block.geom_attn, state, batch, rows)
        state = state + block.ffn(state)
    return encoder.pre_vq_proj(state[:, 0])


def _attend(
    attention: nn.Module, state: torch.Tensor, batch: Neighborhoods, rows: slice
) -> torch.Tensor:
    """Geometric attention of esm for some rows of each neighborhood."""
    heads = attention.v_heads
    local = attention.proj(attention.s_norm(state)).unflatten(-1, (5 * heads, 3))
    turned = local @ batch.rotation.transpose(-1, -2)
    query, key, value, query_point, key_point = turned.split(heads, dim=2)
    place = batch.translation[:, :, None]
    query_point = (query_point + place)[:, rows].transpose(1, 2)
    key_point = (key_point + place).transpose(1, 2)
    squared = (
        query_point.square().sum(-1)[..., None]
        + key_point.square().sum(-1)[:, :, None]
        - 2 * query_point @ key_point.transpose(-1, -2)
    )
    distance = squared.clamp(min=1e-6).sqrt() / sqrt(3)
    agreement = query[:, rows].transpose(1, 2) @ key.permute(0, 2, 3, 1) / sqrt(3)
    near = F.softplus(attention.distance_scale_per_head)[:, None, None]
    turn = F.softplus(attention.rotation_scale_per_head)[:, None, None]
    weights = torch.softmax(agreement * turn - distance * near, dim=-1)
    gathered = (weights @ value.transpose(1, 2)).transpose(1, 2)
    return attention.out_proj((gathered @ batch.rotation[:, rows]).flatten(2))
