"""The encoder's pass over neighborhoods, with gradients and without work that is thrown away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps

import torch
from esm.models.vqvae import StructureTokenEncoder

from esm_explore.encoders.modules import modules_of, relative_position_bins
from esm_explore.tracing.attention import recompute_attention


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
    ) -> Neighborhoods:
        """Move frames (M, K) and residue numbers (M, K) to the query's point of view."""
        inverse = rotation[:, :1].transpose(-1, -2)
        shifted = (translation - translation[:, :1])[..., None]
        bins = relative_position_bins(number - number[:, :1])
        return cls(inverse @ rotation, (inverse @ shifted)[..., 0], bins)

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
    modules = modules_of(encoder)
    *_, last = modules.blocks
    state = modules.positions(batch.bins)
    has_frame = torch.ones_like(batch.bins, dtype=torch.bool)
    for block in modules.blocks:
        rows = slice(0, 1) if block == last else slice(None)
        projection = block.projection(block.attention_norm(state))
        places = batch.rotation, batch.translation, has_frame
        attended = recompute_attention(projection, *places, block.scales, rows).attended
        state = state[:, rows] + block.out_projection(attended)
        state = state + block.feed_forward(state)
    return modules.to_latent(state[:, 0])


def with_own_seed(function: Callable) -> Callable:
    """Put torch's random numbers back where they were, after a function that seeds them."""

    @wraps(function)
    def put_back(*args, **kwargs):
        before = torch.get_rng_state()
        try:
            return function(*args, **kwargs)
        finally:
            torch.set_rng_state(before)

    return put_back
