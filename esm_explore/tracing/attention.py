"""Geometric attention, recomputed from what its hooks catch."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import torch
import torch.nn.functional as F


@dataclass(frozen=True)
class GeometricAttention:
    """The attention inside one block, recomputed from its hooked projection.

    Attributes
    ----------
    weights, distance_term, rotation_term : Tensor, shape=(M, heads, Q, K)
        As in `Neighborhood`.
    attended : Tensor, shape=(M, Q, 3 * heads)
        Weights times values, rotated back into each node's frame.
    """

    weights: torch.Tensor
    distance_term: torch.Tensor
    rotation_term: torch.Tensor
    attended: torch.Tensor


def recompute_attention(
    projection: torch.Tensor,
    rotation: torch.Tensor,
    translation: torch.Tensor,
    has_frame: torch.Tensor,
    scales: tuple[torch.Tensor, torch.Tensor],
    rows: slice = slice(None),
) -> GeometricAttention:
    """Recompute the attention weights that esm keeps in a local variable.

    Parameters
    ----------
    projection : Tensor, shape=(M, K, 15 * heads)
        Output of ``geom_attn.proj``: query, key and value vectors for the rotation term, then
        query and key points for the distance term, each in its node's frame.
    rotation : Tensor, shape=(M, K, 3, 3)
        Of the nodes' frames.
    translation : Tensor, shape=(M, K, 3)
        Å.
    has_frame : Tensor, shape=(M, K), dtype=bool
    scales : pair of Tensor, shape=(heads,)
        Of distance and rotation, before softplus.
    rows : slice
        Which nodes look at the others, Q of them; by default all.

    Returns
    -------
    GeometricAttention

    Notes
    -----
    As ``esm.layers.geom_attention.GeometricReasoningOriginalImpl.forward``; ESM3's paper,
    supplement A.1.6 (geometric attention).
    """
    heads = len(scales[0])
    local = projection.unflatten(-1, (5 * heads, 3))
    turned = torch.einsum("mkij,mkhj->mkhi", rotation, local)
    query, key, value, query_point, key_point = turned.split(heads, dim=2)
    place = translation[:, :, None]
    query, query_point = query[:, rows], (query_point + place)[:, rows]
    key_point = key_point + place

    distance_scale, rotation_scale = (F.softplus(s)[:, None, None] for s in scales)
    # Without a matrix product: its rounding would be larger than esm's, its gradient infinite at 0.
    points = query_point.transpose(1, 2), key_point.transpose(1, 2)
    distance = torch.cdist(*points, compute_mode="donot_use_mm_for_euclid_dist")
    distance_term = distance / sqrt(3) * distance_scale
    rotation_term = torch.einsum("mqhi,mkhi->mhqk", query, key) / sqrt(3) * rotation_scale

    # The constant 1 is esm's: its mask starts from "same sequence", which is true as 1.0.
    mask = torch.ones_like(has_frame, dtype=projection.dtype)
    mask = mask.masked_fill(~has_frame, torch.finfo(projection.dtype).min)[:, None, None]
    weights = torch.softmax(rotation_term - distance_term + mask, dim=-1)
    attended = torch.einsum("mhqk,mkhi->mqhi", weights, value)
    attended = torch.einsum("mkji,mkhj->mkhi", rotation[:, rows], attended).flatten(2)
    return GeometricAttention(weights, distance_term, rotation_term, attended)
