"""Layers of the lean pass: linear ones, and the feed-forward network in two forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from esm_explore.encoders.modules import BlockModules

# So many columns of the hidden layer at a time stay in the CPU's cache.
_COLUMNS = 1024


class Linear:
    """A linear layer, perhaps in less precision; what comes out is float32."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, dtype: torch.dtype):
        self.width = len(weight)
        self._exact = weight.dtype == dtype
        self._weight = weight.detach().to(dtype)
        self._bias = None if bias is None else bias.detach()

    def __call__(self, x: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
        """Apply the layer to rows, into `out` if it is given."""
        if self._exact:
            return torch.addmm(self._bias, x, self._weight.t(), out=out)
        product = F.linear(x.to(self._weight.dtype), self._weight).float()
        return torch.add(product, self._bias, out=out)

    def add_to(self, y: torch.Tensor, x: torch.Tensor) -> None:
        """Add what the layer makes of `x` to `y`, in place."""
        if self._exact:
            y.addmm_(x, self._weight.t())
        else:
            # To float32 first: torch adds numbers of two kinds four times slower.
            y.add_(F.linear(x.to(self._weight.dtype), self._weight).float())
        if self._bias is not None:
            y.add_(self._bias)


def layer_norm(norm: nn.LayerNorm, x: torch.Tensor) -> torch.Tensor:
    """Apply a norm without calling its module."""
    return F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)


def by_axis(projection: nn.Linear) -> torch.Tensor:
    """Order the input of a projection of attended values axes first."""
    return projection.weight.unflatten(1, (-1, 3)).transpose(1, 2).flatten(1).contiguous()


@dataclass(frozen=True)
class FeedForward:
    """A SwiGLU with its norm, cut into columns that stay in the cache.

    Attributes
    ----------
    look : callable
        Makes what the layers to gate and value take, of the states, what attention gathered for
        them, and their rows of the relative position table.
    columns : list of (gate, value, down)
    """

    look: Callable
    columns: list[tuple[Callable, Callable, Linear]]


def feed_forward(weights: BlockModules, dtype: torch.dtype) -> FeedForward:
    """Make a block's feed-forward network ready for any states."""
    norm, up, *_ = weights.feed_forward
    halves = [
        [Linear(*part, dtype) for part in _cut(weight, bias)]
        for weight, bias in zip(up.weight.chunk(2), up.bias.chunk(2), strict=True)
    ]
    return FeedForward(
        lambda state, attended, bins: layer_norm(norm, state),
        list(zip(*halves, _down(weights, dtype), strict=True)),
    )


def folded_feed_forward(
    weights: BlockModules, states: torch.Tensor, dtype: torch.dtype
) -> FeedForward:
    """Fold the norm and the way up into a table and a smaller layer, for the first block.

    Its states are ``states[bin] + bias + out(attended)``. All that is linear between them and the
    gate, which is all but the division by the standard deviation, is done here once, in float64:
    to `states`, and to the weights of `out`, whose input has a third of a state's numbers.
    """
    (norm, up, *_), out = weights.feed_forward, weights.out_projection
    # On the CPU because not every accelerator has float64.
    scale, shift, raised, offset = (
        x.detach().cpu().double() for x in (norm.weight, norm.bias, up.weight, up.bias)
    )
    known = states.cpu().double() + out.bias.detach().cpu().double()
    table = _centered(known, 1) @ (raised * scale).t()
    small = (raised * scale) @ _centered(by_axis(out).detach().cpu().double(), 0)
    bias = raised @ shift + offset

    def look(
        state: torch.Tensor, attended: torch.Tensor, bins: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        # torch.var takes seven times as long.
        variance = (state - state.mean(1, keepdim=True)).square_().mean(1, keepdim=True)
        shrink = variance.add_(norm.eps).rsqrt_()
        return attended.mul_(shrink), shrink, bins.flatten()

    folded = [x.to(states) for x in (small, bias, table.t())]
    halves = [
        [_Folded(*part, dtype) for part in _cut(*half)]
        for half in zip(*(x.chunk(2) for x in folded), strict=True)
    ]
    return FeedForward(look, list(zip(*halves, _down(weights, dtype), strict=True)))


class _Folded:
    """A layer on what was folded: a row of a table plus a linear layer, scaled, plus a bias."""

    def __init__(
        self, small: torch.Tensor, bias: torch.Tensor, table: torch.Tensor, dtype: torch.dtype
    ):
        self.width = len(small)
        self._small, self._bias = Linear(small, None, dtype), bias
        self._table = table.t().contiguous()

    def __call__(self, seen: tuple[torch.Tensor, ...], out: torch.Tensor) -> torch.Tensor:
        attended, shrink, bins = seen
        torch.index_select(self._table, 0, bins, out=out)
        torch.addcmul(self._bias, out, shrink, out=out)
        self._small.add_to(out, attended)
        return out


def _cut(*tensors: torch.Tensor) -> Iterator[tuple[torch.Tensor, ...]]:
    return zip(*(tensor.split(_COLUMNS) for tensor in tensors), strict=True)


def _down(weights: BlockModules, dtype: torch.dtype) -> list[Linear]:
    down = weights.feed_forward[-1]
    parts = down.weight.split(_COLUMNS, dim=1)
    # The bias is added once, with the first part.
    biases = [down.bias] + [None] * (len(parts) - 1)
    return [Linear(part, bias, dtype) for part, bias in zip(parts, biases, strict=True)]


def _centered(x: torch.Tensor, axis: int) -> torch.Tensor:
    return x - x.mean(axis, keepdim=True)
