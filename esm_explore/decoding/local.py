"""What the neighborhood of a code looks like, by the decoder that is trained with the codes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from esm.models.vqvae import StructureTokenEncoder
from torch import nn

from esm_explore.arguments import array_of
from esm_explore.chains.backbone import NODES
from esm_explore.encoders.blank import filled, without_numbers
from esm_explore.encoders.mini import BINS, DECODER, load_mini, mini_tensors
from esm_explore.encoders.modes import plain_float32
from esm_explore.encoders.modules import QUERY_BIN, check_class, modules_of, relative_position_bins
from esm_explore.errors import EncoderError


@dataclass(frozen=True, eq=False)
class DecodedNeighborhood:
    """A neighborhood as a code has it, in the backbone frame of its query.

    Attributes
    ----------
    code : int
    relative_positions : ndarray, shape=(16,), dtype=int64
        Residue number minus the query's, by rank; -32 and 32 also stand for farther ones.
    ca : ndarray, shape=(16, 3), dtype=float32
        CA positions, Å; the query's is the origin.
    rotations : ndarray, shape=(16, 3, 3), dtype=float32
        The residues' frames; the query's is the identity.
    """

    code: int
    relative_positions: np.ndarray
    ca: np.ndarray
    rotations: np.ndarray


def decode_neighborhood(
    encoder: StructureTokenEncoder, code: int, relative_positions: np.ndarray | None = None
) -> DecodedNeighborhood:
    """Decode a code to the neighborhood that it stands for.

    Parameters
    ----------
    encoder : StructureTokenEncoder
        The bundled one: only for its codes is there a local decoder.
    code : int
    relative_positions : ndarray, shape=(15,), dtype=int, optional
        Residue numbers of the neighbors minus the query's, nearest first. Without them, those
        most seen with the code, rank by rank.

    Returns
    -------
    DecodedNeighborhood

    Raises
    ------
    EncoderError
        If the encoder is another one, or there is no such code; if there are not 15 relative
        positions.
    TraceError
        If it is no encoder.

    Examples
    --------
    >>> import esm_explore as ex
    >>> decode_neighborhood(ex.load_encoder("mini"), 0).ca.shape
    (16, 3)
    """
    codes, decoder, usual = own_decoder(encoder)
    if not isinstance(code, int | np.integer) or not 0 <= code < len(codes):
        raise EncoderError(f"Code {code!r} is not one of the encoder's: 0 to {len(codes) - 1}.")
    if relative_positions is None:
        bins = usual[code]
    else:
        given = array_of(
            relative_positions, "relative_positions", "15 whole numbers", ndim=1, kinds="iu"
        )
        if given.shape != (15,):
            raise EncoderError(f"relative_positions has shape {given.shape}; it has to be (15,).")
        bins = relative_position_bins(torch.from_numpy(given.astype(np.int64)))
    with plain_float32():
        ca, rotations = decoder(codes[code][None], bins[None])
    return DecodedNeighborhood(
        code=code,
        relative_positions=np.concatenate([[0], bins.numpy() - QUERY_BIN]),
        ca=torch.cat([torch.zeros(1, 3), ca[0]]).numpy(),
        rotations=torch.cat([torch.eye(3)[None], rotations[0]]).numpy(),
    )


def own_decoder(
    encoder: StructureTokenEncoder,
) -> tuple[torch.Tensor, LocalDecoder, torch.Tensor]:
    """Give mini's codes, their local decoder, and the bins most seen with each code.

    Raises
    ------
    EncoderError
        If the encoder has other codes.
    TraceError
        If it is no encoder.
    """
    check_class(encoder)
    codes, decoder, usual = _bundled()
    given = modules_of(encoder).codes.cpu()
    if given.dtype != codes.dtype or not torch.equal(given, codes):
        raise EncoderError("Only the codes of the bundled encoder, load_encoder('mini'), decode.")
    return codes, decoder, usual


def decode_points(
    encoder: StructureTokenEncoder, points: np.ndarray, relative_positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Decode points of the latent space, codes or others, to neighborhoods.

    Parameters
    ----------
    encoder : StructureTokenEncoder
        As in `decode_neighborhood`.
    points : ndarray, shape=(M, 128), dtype=float32
    relative_positions : ndarray, shape=(M, K - 1), dtype=int64
        Residue numbers of the neighbors minus the query's, nearest first; at most 15.

    Returns
    -------
    ca : ndarray, shape=(M, K - 1, 3), dtype=float32
        CA positions of the neighbors in the query's frame, Å.
    rotations : ndarray, shape=(M, K - 1, 3, 3), dtype=float32
        Their frames in the query's.
    """
    _, decoder, _ = own_decoder(encoder)
    bins = relative_position_bins(torch.from_numpy(relative_positions))
    with plain_float32():
        ca, rotations = decoder(torch.from_numpy(points), bins)
    return ca.numpy(), rotations.numpy()


class LocalDecoder(nn.Module):
    """From a latent or a code to the places and directions of the neighbors.

    Each neighbor is asked for by its rank in the neighborhood (1 to 15) and its relative
    position bin.

    Parameters
    ----------
    d_code : int
    width : int
    """

    def __init__(self, d_code: int = 128, width: int = 256):
        super().__init__()
        self.latent = nn.Linear(d_code, width)
        self.rank = nn.Embedding(NODES, width)
        self.bin = nn.Embedding(66, width)
        self.hidden = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU())
        self.out = nn.Linear(width, 9)

    def forward(
        self, latent: torch.Tensor, bins: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Decode neighborhoods.

        Parameters
        ----------
        latent : Tensor, shape=(M, d_code)
        bins : Tensor, shape=(M, 15), dtype=int64
            Relative position bins of the neighbors, nearest first, without the query.

        Returns
        -------
        ca : Tensor, shape=(M, 15, 3)
            CA positions in the query's frame, Å.
        rotation : Tensor, shape=(M, 15, 3, 3)
            The neighbors' frames in the query's frame.
        """
        ranks = torch.arange(1, bins.shape[1] + 1, device=bins.device)
        asked = F.gelu(self.latent(latent)[:, None] + self.rank(ranks) + self.bin(bins))
        raw = self.out(asked + self.hidden(asked))
        first = F.normalize(raw[..., 3:6], dim=-1)
        second = raw[..., 6:9]
        second = F.normalize(second - (second * first).sum(-1, keepdim=True) * first, dim=-1)
        third = torch.linalg.cross(first, second)
        return 10 * raw[..., :3], torch.stack([first, second, third], dim=-1)


@cache
def _bundled() -> tuple[torch.Tensor, LocalDecoder, torch.Tensor]:
    """Keep mini's codes and what decodes them: a card asks for each code."""
    return modules_of(load_mini()).codes, *load_decoder()


def load_decoder() -> tuple[LocalDecoder, torch.Tensor]:
    """Load the local decoder that is bundled with mini.

    Returns
    -------
    decoder : LocalDecoder
        In eval mode, float32, without gradients.
    bins : Tensor, shape=(n_codes, 15), dtype=int64
        The relative position bins most seen with each code.
    """
    tensors = mini_tensors()
    weights = {n.removeprefix(DECODER): t for n, t in tensors.items() if n.startswith(DECODER)}
    with without_numbers():
        decoder = LocalDecoder()
    return filled(decoder, weights).requires_grad_(False), tensors[BINS].long()
