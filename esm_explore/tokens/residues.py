"""From latents to tokens: what the codebook makes of some residues."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch

from esm_explore.encoders.codebook import code_norms, squared_distances, take_nearest
from esm_explore.encoders.modes import plain_float32


@dataclass(frozen=True)
class Residues:
    """What the encoder makes of some residues, on the CPU.

    Attributes
    ----------
    tokens : Tensor, shape=(M,), dtype=int64
    pre_vq, z_q : Tensor, shape=(M, d_code), dtype=float32
    margin : Tensor, shape=(M,), dtype=float32
    runner_up : Tensor, shape=(M,), dtype=int64
        The second nearest code.
    """

    tokens: torch.Tensor
    pre_vq: torch.Tensor
    z_q: torch.Tensor
    margin: torch.Tensor
    runner_up: torch.Tensor

    def split(self, sizes: list[int]) -> list[Residues]:
        """Cut them into runs of given sizes."""
        columns = [getattr(self, column.name) for column in fields(self)]
        return [Residues(*parts) for parts in zip(*(c.split(sizes) for c in columns), strict=True)]


class Codes:
    """A codebook, and all that does not hang on the latent it is asked for.

    Parameters
    ----------
    codes : Tensor, shape=(n_codes, d_code), dtype=float32
    frameless : Tensor, shape=(d_code,), dtype=float32
        The latent of residues without a frame.
    """

    def __init__(self, codes: torch.Tensor, frameless: torch.Tensor):
        self.codes = codes
        with plain_float32(codes.device):
            self._norms = code_norms(codes)
        self.frameless = self.residues(frameless[None])

    def residues(self, pre_vq: torch.Tensor) -> Residues:
        """Find the nearest code of each latent, shape=(M, d_code), and the one after it."""
        with plain_float32(pre_vq.device):
            squared = squared_distances(self.codes, pre_vq, self._norms)
            tokens, nearest = (column[:, 0] for column in take_nearest(squared))
            second, runner_up = squared.min(dim=1)
            margin = second.clamp(min=0).sqrt() - nearest.clamp(min=0).sqrt()
            z_q = (self.codes[tokens] - pre_vq) + pre_vq
            found = (tokens, pre_vq, z_q, margin, runner_up)
            return Residues(*(values.cpu() for values in found))
