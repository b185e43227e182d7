"""What is trained beside the encoder: the local decoder, and readings of the latent."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from esm_explore.mini.data import N_PARTNERS, K

# Residues on either side of the query whose hydrogen bonds are read from its latent.
WINDOW = 4


class LocalDecoder(nn.Module):
    """From a latent or a code to the places and directions of the neighbours.

    Each neighbour is asked for by its rank in the neighbourhood (1 to 15) and its relative
    position bin.

    Parameters
    ----------
    d_code : int
    width : int
    """

    def __init__(self, d_code: int = 128, width: int = 256):
        super().__init__()
        self.latent = nn.Linear(d_code, width)
        self.rank = nn.Embedding(K, width)
        self.bin = nn.Embedding(66, width)
        self.hidden = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
        self.out = nn.Linear(width, 9)

    def forward(
        self, latent: torch.Tensor, bins: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Decode neighbourhoods.

        Parameters
        ----------
        latent : Tensor, shape=(M, d_code)
        bins : Tensor, shape=(M, 15), dtype=int64
            Relative position bins of the neighbours, nearest first, without the query.

        Returns
        -------
        ca : Tensor, shape=(M, 15, 3)
            CA positions in the query's frame, Å.
        rotation : Tensor, shape=(M, 15, 3, 3)
            The neighbours' frames in the query's frame.
        """
        ranks = torch.arange(1, bins.shape[1] + 1, device=bins.device)
        asked = F.gelu(self.latent(latent)[:, None] + self.rank(ranks) + self.bin(bins))
        raw = self.out(asked + self.hidden(asked))
        first = F.normalize(raw[..., 3:6], dim=-1)
        second = raw[..., 6:9]
        second = F.normalize(second - (second * first).sum(-1, keepdim=True) * first, dim=-1)
        third = torch.linalg.cross(first, second)
        return 10 * raw[..., :3], torch.stack([first, second, third], dim=-1)


class Readings(nn.Module):
    """Linear readings of the latent: hydrogen bonds and torsions around the query.

    They are used in training only. Being linear, they make the latent say these things plainly.

    Parameters
    ----------
    d_code : int
    """

    def __init__(self, d_code: int = 128):
        super().__init__()
        self.bonds = nn.Linear(d_code, (2 * WINDOW + 1) * 2 * N_PARTNERS)
        self.torsions = nn.Linear(d_code, 5 * 5)

    def forward(self, latent: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Read latents (M, d_code) as bond classes (M, 9, 2, 8) and torsions (M, 5, 5)."""
        bonds = self.bonds(latent).unflatten(-1, (2 * WINDOW + 1, 2, N_PARTNERS))
        return bonds, self.torsions(latent).unflatten(-1, (5, 5))
