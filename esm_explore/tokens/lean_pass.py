"""esm's encoder over neighborhoods, in the same mathematics, without work that is thrown away.

What is saved, exactly: block 0 sees one of 66 states, so what it projects them to is a table, and
what its feed-forward network sees is a row of another table plus what attention gathered, which
has a third of a state's numbers; of the last block only the query's row is read; and no
(heads, K, K, 3) array is ever made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import prod, sqrt
from typing import Any

import torch
import torch.nn.functional as F
from esm.models.vqvae import StructureTokenEncoder
from torch import nn

from esm_explore.encoders.modes import plain_float32
from esm_explore.encoders.modules import BlockModules, modules_of
from esm_explore.encoders.turns import Turns
from esm_explore.tokens.layers import (
    FeedForward,
    Linear,
    by_axis,
    feed_forward,
    folded_feed_forward,
    layer_norm,
)

# Logits of so many numbers at a time stay in the CPU's cache.
_CACHED = 2**19


@dataclass(frozen=True)
class Nodes:
    """Neighborhoods all of whose nodes have backbone frames, the query first.

    Attributes
    ----------
    rotation : Tensor, shape=(M, K, 3, 3), dtype=float32
    translation : Tensor, shape=(M, K, 3), dtype=float32
        Å, in the chain's coordinates: from the query would be more accurate, but esm's own
        rounding, which grows with the distance from the origin, is the one to have.
    bins : Tensor, shape=(M, K), dtype=int64
        Rows of the relative position embedding.
    """

    rotation: torch.Tensor
    translation: torch.Tensor
    bins: torch.Tensor


class LeanPass:
    """An encoder, made ready for many neighborhoods; threads take turns.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    dtype : torch.dtype
        Of most matrix products. Everything else is float32, and so is a query's own way to its
        latent, an eighth of the products at ESM3's size: that halves the error of bfloat16.
    """

    def __init__(self, encoder: StructureTokenEncoder, dtype: torch.dtype = torch.float32):
        modules = modules_of(encoder)
        latent = modules.to_latent
        with plain_float32(latent.weight.device):
            space = _Workspace()
            self._states = modules.positions.weight.detach()
            first, *others = modules.blocks
            folded = partial(folded_feed_forward, first, self._states)
            self._blocks = [_Block(first, torch.float32, space, folded(torch.float32))]
            for other in others:
                self._blocks.append(_Block(other, dtype, space, feed_forward(other, torch.float32)))
            if dtype != torch.float32:
                makers = [folded, *(partial(feed_forward, other) for other in others)]
                # Of the last block only the query's row is computed.
                for block, make in zip(self._blocks[:-1], makers, strict=False):
                    block.feed_neighbors_by(make(dtype))
            self._table = self._blocks[0].project(self._states, self._states)
            self._latent = Linear(latent.weight, latent.bias, torch.float32)
            self._space, self._turns = space, Turns()

    def __call__(self, nodes: Nodes) -> torch.Tensor:
        """Encode neighborhoods up to the latent, shape=(M, d_code), dtype=float32."""
        with self._turns.taken(), plain_float32(nodes.rotation.device):
            m, k = nodes.bins.shape
            first, last = self._blocks[0], self._blocks[-1]
            rows = 1 if first is last else k
            state = self._space("state", (m * rows, self._states.shape[1]), self._states)
            torch.index_select(self._states, 0, nodes.bins[:, :rows].flatten(), out=state)
            first.advance(state, partial(_looked_up, self._table, nodes.bins, rows), nodes)
            for block in self._blocks[1:]:
                whole = state
                if block is last:
                    state = state.unflatten(0, (m, k))[:, 0].clone()
                block.advance(state, partial(_rows, block.project(state, whole), m), nodes)
            return self._latent(state)


def _looked_up(
    tables: Any, bins: torch.Tensor, rows: int, some: slice
) -> tuple[torch.Tensor, torch.Tensor]:
    queries, keys = tables
    return queries[bins[some, :rows]], keys[bins[some]]


def _rows(projected: Any, m: int, some: slice) -> list[torch.Tensor]:
    return [x.unflatten(0, (m, -1))[some] for x in projected]


class _Workspace(dict):
    """Memory by name, taken once: what is freed and taken again has to be cleared again."""

    def __call__(self, name: str, shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
        size = prod(shape)
        if name not in self or len(self[name]) < size:
            self[name] = like.new_empty(size)
        return self[name][:size].view(shape)


class _Block:
    """One block, its projections in the order x, y, z, and within an axis by head.

    So every array ends in all heads of one axis, and the steps below run along them.
    """

    def __init__(
        self, weights: BlockModules, dtype: torch.dtype, space: _Workspace, ffn: FeedForward
    ):
        self._space, self._ffn = space, ffn
        self._rough_ffn: FeedForward | None = None
        self._near, self._turn = (F.softplus(scale) / sqrt(3) for scale in weights.scales)
        self._attention_norm = weights.attention_norm
        self._query = _parts(weights.projection, (0, 3), torch.float32)
        self._key = _parts(weights.projection, (1, 2, 4), dtype)
        out = weights.out_projection
        self._out = Linear(by_axis(out), out.bias, torch.float32)

    def feed_neighbors_by(self, ffn: FeedForward) -> None:
        """Take another feed-forward network for all rows but the query's."""
        self._rough_ffn = ffn

    def project(
        self, asking: torch.Tensor, asked: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Project states to queries, (..., 6 * heads), and keys and values, (..., 9 * heads)."""
        queries = self._query(layer_norm(self._attention_norm, asking))
        return queries, self._key(layer_norm(self._attention_norm, asked))

    def advance(self, state: torch.Tensor, projected: Callable, nodes: Nodes) -> None:
        """Add attention and the feed-forward network to the states, (M * Q, d), in place.

        `projected` gives the queries and keys of a slice of the neighborhoods.
        """
        rows = len(state) // len(nodes.bins)
        attended = self._attend(projected, nodes, rows)
        self._out.add_to(state, attended)
        bins = nodes.bins[:, :rows]
        if self._rough_ffn is None:
            self._feed(self._ffn, state, attended, bins)
            return
        whole = state.unflatten(0, bins.shape)
        query, attended_of_query = (
            whole[:, 0].clone(),
            attended.unflatten(0, bins.shape)[:, 0].clone(),
        )
        self._feed(self._rough_ffn, state, attended, bins)
        self._feed(self._ffn, query, attended_of_query, bins[:, :1])
        whole[:, 0] = query

    def _feed(
        self, ffn: FeedForward, state: torch.Tensor, attended: torch.Tensor, bins: torch.Tensor
    ) -> None:
        seen = ffn.look(state, attended, bins)
        for to_gate, to_value, down in ffn.columns:
            shape = len(state), to_gate.width
            gate = to_gate(seen, out=self._space("gate", shape, state))
            value = to_value(seen, out=self._space("value", shape, state))
            down.add_to(state, F.silu(gate, inplace=True).mul_(value))

    def _attend(self, projected: Callable, nodes: Nodes, rows: int) -> torch.Tensor:
        """Gather the values that each query attends to, in its own frame, (M * Q, 3 * heads)."""
        (m, k), heads = nodes.bins.shape, len(self._near)
        gathered = self._space("gathered", (m, rows, 3, heads), self._near)
        step = m if gathered.is_cuda else max(1, _CACHED // (rows * k * heads))
        for start in range(0, m, step):
            some = slice(start, start + step)
            rotation, place = nodes.rotation[some], nodes.translation[some, :, :, None]
            queries, keys = (x.unflatten(-1, (3, -1)) for x in projected(some))
            queries = self._turned("queries", rotation[:, :rows], queries)
            query, query_point = queries.unflatten(-1, (2, heads)).unbind(-2)
            keys = self._turned("keys", rotation, keys)
            key, value, key_point = keys.unflatten(-1, (3, heads)).unbind(-2)
            query.mul_(self._turn)
            query_point.add_(place[:, :rows])
            key_point.add_(place)
            shape = (len(rotation), rows, k, heads)
            logits, spare = (self._space(name, shape, key) for name in ("logits", "spare"))
            values = _weigh(
                (query, query_point), (key, key_point, value), self._near, logits, spare
            )
            back = rotation[:, :rows].transpose(-1, -2)
            gathered[some] = self._turned("back", back, values)
        return gathered.view(m * rows, -1)

    def _turned(self, name: str, rotation: torch.Tensor, local: torch.Tensor) -> torch.Tensor:
        out = self._space(name, local.shape, local)
        torch.bmm(rotation.flatten(0, 1), local.flatten(0, 1), out=out.flatten(0, 1))
        return out


def _weigh(asking: Any, asked: Any, near: Any, logits: torch.Tensor, spare: Any) -> Any:
    """Attend in all heads: arrays are (M, Q or K, 3, heads), logits (M, Q, K, heads)."""
    (query, query_point), (key, key_point, value) = asking, asked
    for axis in range(3):
        torch.sub(query_point[:, :, None, axis], key_point[:, None, :, axis], out=spare)
        if axis == 0:
            torch.mul(spare, spare, out=logits)
        else:
            logits.addcmul_(spare, spare)
    logits.sqrt_().mul_(-near)
    for axis in range(3):
        logits.addcmul_(query[:, :, None, axis], key[:, None, :, axis])
    logits.sub_(logits.amax(2, keepdim=True)).exp_()
    gathered = torch.empty_like(query)
    for axis in range(3):
        torch.mul(logits, value[:, None, :, axis], out=spare)
        torch.sum(spare, 2, out=gathered[:, :, axis])
    return gathered.div_(logits.sum(2)[:, :, None])


def _parts(projection: nn.Linear, parts: tuple[int, ...], dtype: torch.dtype) -> Linear:
    """Cut some of the five parts out of a projection, axes first."""
    weight = projection.weight.unflatten(0, (5, -1, 3))[list(parts)].permute(2, 0, 1, 3)
    bias = projection.bias.unflatten(0, (5, -1, 3))[list(parts)].permute(2, 0, 1)
    return Linear(weight.flatten(0, 2).contiguous(), bias.flatten(), dtype)
