"""Latents that are rough where that cannot change a token, and exact where it could."""

from __future__ import annotations

from collections.abc import Callable

import torch

from esm_explore.encoders.codebook import squared_distances
from esm_explore.encoders.modes import plain_float32
from esm_explore.encoders.turns import Turns
from esm_explore.tokens.lean_pass import Nodes

# So many residues are encoded both ways before the rough way is trusted with any.
CALIBRATION = 512
# Errors are taken to be at most so many times the largest that was seen.
SAFETY = 3.0
# To so many nearest codes the distance from the plane between is computed, of the others bounded.
_NEAR = 16


class ExactTokens:
    """Two passes as one, with latents whose tokens are those of the exact pass.

    Parameters
    ----------
    exact, rough : callable
        Passes of one encoder: neighborhoods to latents, shape=(M, d_code).
    codes : Tensor, shape=(n_codes, d_code)

    Attributes
    ----------
    n_rough, n_again : int
        How many residues were encoded roughly since calibration, and how many of these again.
    length, across : float
        The largest error of a latent that was seen: its length, and its part along a line between
        two codes near the latent.

    Notes
    -----
    A latent moves over to code b from its nearest code a where it crosses the plane half-way
    between, at a distance of ``(|z - b|² - |z - a|²) / 2|a - b|`` from it. So a token is exact if
    the error along no line from a to another code is as long as that. For codes that are not among
    the nearest the error's whole length is compared with a bound of that distance,
    ``(|z - b| - |z - a|) / 2``. This is geometry; that errors are no longer than `SAFETY` times the
    largest of the residues encoded both ways is not: those are the first `CALIBRATION` that come,
    and all that are encoded again later.
    """

    def __init__(self, exact: Callable, rough: Callable, codes: torch.Tensor):
        self._exact, self._rough, self._codes = exact, rough, codes
        self.length = self.across = 0.0
        self.n_seen = self.n_rough = self.n_again = 0
        self._turns = Turns()

    def __call__(self, nodes: Nodes) -> torch.Tensor:
        """Encode neighborhoods up to the latent, shape=(M, d_code), dtype=float32."""
        with self._turns.taken():
            return self._encode(nodes)

    def _encode(self, nodes: Nodes) -> torch.Tensor:
        latents = self._rough(nodes)
        if self.n_seen < CALIBRATION:
            exact = self._exact(nodes)
            self._learn(latents, exact)
            return exact
        again = (~self.certain(latents)).nonzero()[:, 0]
        self.n_rough += len(latents)
        self.n_again += len(again)
        if len(again):
            some = Nodes(nodes.rotation[again], nodes.translation[again], nodes.bins[again])
            exact = self._exact(some)
            self._learn(latents[again], exact)
            latents[again] = exact
        return latents

    def certain(self, latents: torch.Tensor) -> torch.Tensor:
        """Tell whose token no error of the size to be expected can change, shape=(M,), bool."""
        squared, _, apart = self._nearest(latents)
        planes = (squared[:, 1:] - squared[:, :1]) / (2 * apart)
        # Equal codes are no distance apart: NaN, which is never certain.
        certain = (planes > SAFETY * self.across).all(1)
        if squared.shape[1] < len(self._codes):
            distances = squared[:, [0, -1]].clamp(min=0).sqrt()
            certain &= distances.diff()[:, 0] / 2 > SAFETY * self.length
        return certain

    def _learn(self, rough: torch.Tensor, exact: torch.Tensor) -> None:
        error = rough - exact
        _, lines, apart = self._nearest(rough)
        across = torch.einsum("md,mkd->mk", error, lines).abs() / apart
        self.length = max(self.length, error.norm(dim=1).max().item())
        self.across = max(self.across, across.nan_to_num(0).max().item() if across.numel() else 0.0)
        self.n_seen += len(error)

    def _nearest(self, latents: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Give squared distances of the nearest codes, and lines from the first to the others."""
        with plain_float32(latents.device):
            squared = squared_distances(self._codes, latents)
            squared, index = squared.topk(min(_NEAR, len(self._codes)), dim=1, largest=False)
            codes = self._codes[index]
            lines = codes[:, 1:] - codes[:, :1]
            return squared, lines, lines.norm(dim=-1)
