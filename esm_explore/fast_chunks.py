"""Chains cut and packed into chunks of equal size, and the tokens that come out of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import torch
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.codebook import nearest_rows
from esm_explore.diagnosis.checks import check_latents
from esm_explore.encoders import EncoderInfo, encoder_info
from esm_explore.errors import TraceError
from esm_explore.fast_edges import nearest_edges
from esm_explore.fast_pass import FastPass, Nodes, plain_float32
from esm_explore.forward import Inputs, relative_position_bins
from esm_explore.inputs import chain_inputs, check_edges, check_encoder
from esm_explore.stages import codebook_vectors
from esm_explore.traces import NUMBERINGS, Numbering, three_letters

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, eq=False, repr=False)
class ChainTokens:
    """The tokens of one chain, and how sure they are.

    Residues are rows, in the order of the chain; L is their number.

    Attributes
    ----------
    chain : ProteinChain
    encoder_info : EncoderInfo
        Which encoder made this.
    numbering : {"file", "sequential"}
        Which residue numbers the encoder saw.
    tokens : ndarray, shape=(L,), dtype=int64
    has_frame : ndarray, shape=(L,), dtype=bool
        Whether N, CA and C are all there. Without a backbone frame a residue still gets a
        token, always the same one: leave it out of every statistic.
    pre_vq : ndarray, shape=(L, d_code), dtype=float32
        The continuous latent.
    z_q : ndarray, shape=(L, d_code), dtype=float32
        The nearest code, as esm returns it (equal to the code up to float32 rounding).
    margin : ndarray, shape=(L,), dtype=float32
        Distance to the runner-up less the distance to the winner; 0 is a tie.
    """

    chain: ProteinChain
    encoder_info: EncoderInfo
    numbering: Numbering
    tokens: np.ndarray
    has_frame: np.ndarray
    pre_vq: np.ndarray
    z_q: np.ndarray
    margin: np.ndarray

    def __len__(self) -> int:
        return len(self.tokens)

    def to_frame(self) -> pd.DataFrame:
        """Make a table of residues.

        Returns
        -------
        DataFrame
            One row a residue; the columns of `Trace.to_frame` (chain, number, insertion_code,
            name, has_frame, token) and margin.
        """
        return pd.DataFrame(
            {
                "chain": self.chain.chain_id,
                "number": self.chain.residue_index,
                "insertion_code": np.char.strip(np.asarray(self.chain.insertion_code, dtype=str)),
                "name": [three_letters(letter) for letter in self.chain.sequence],
                "has_frame": self.has_frame,
                "token": self.tokens,
                "margin": self.margin,
            }
        )

    def __repr__(self) -> str:
        return (
            f"Tokens of {self.chain.id} chain {self.chain.chain_id}, {len(self)} residues "
            f"({len(self) - int(self.has_frame.sum())} without a backbone frame); "
            f"encoder: {self.encoder_info.title}"
        )


@dataclass(eq=False)
class PreparedChain:
    """A checked chain with its neighbourhoods, and the latents that are there already.

    Attributes
    ----------
    chain : ProteinChain
    inputs : Inputs
    rows : Tensor, shape=(M,), dtype=int64
        Indices of the residues with a backbone frame.
    edges : Tensor, shape=(M, K), dtype=int64
        Their neighbours, as far as those have frames: the others take no part.
    latents : Tensor, shape=(M, d_code)
    n_done : int
    """

    chain: ProteinChain
    inputs: Inputs
    rows: torch.Tensor
    edges: torch.Tensor
    latents: torch.Tensor
    n_done: int = field(default=0)


class ChunkedEncoder:
    """Encodes chains in chunks of equal size, whatever the lengths of the chains.

    Parameters
    ----------
    encoder, numbering, chunk_size, dtype
        As in `tokenize`.
    """

    def __init__(
        self,
        encoder: StructureTokenEncoder,
        *,
        numbering: Numbering = "file",
        chunk_size: int = 256,
        dtype: Literal["float32", "bfloat16"] = "float32",
    ):
        check_encoder(encoder)
        if numbering not in NUMBERINGS:
            raise TraceError(f"numbering is {numbering!r}; it can be: {', '.join(NUMBERINGS)}.")
        if dtype not in DTYPES:
            raise TraceError(f"dtype is {dtype!r}; it can be: {', '.join(DTYPES)}.")
        if chunk_size < 1:
            raise TraceError(f"chunk_size is {chunk_size}; it has to be 1 or more residues.")
        self.info = _info(encoder)
        self.numbering, self.dtype = numbering, dtype
        self._encoder, self._chunk_size = encoder, chunk_size
        self._pass = FastPass(encoder, DTYPES[dtype])
        self._codes = codebook_vectors(encoder)
        # esm sets the state of a residue without a frame to zero: its latent is the bias.
        self._frameless = encoder.pre_vq_proj.bias.detach()

    def prepare(self, chain: ProteinChain) -> PreparedChain:
        """Check a chain and search its neighbourhoods."""
        inputs = chain_inputs(chain, self.numbering)
        rows = inputs.has_frame.nonzero()[:, 0]
        edges = nearest_edges(self._encoder, inputs)[rows, : len(rows)]
        check_edges(edges, rows, chain)
        return PreparedChain(
            chain, inputs, rows, edges, torch.empty(len(rows), len(self._frameless))
        )

    def encode(self, chains: Iterable[PreparedChain]) -> Iterator[ChainTokens]:
        """Encode prepared chains; yields each as soon as its last chunk is done."""
        waiting, chunk, room = deque(), [], self._chunk_size
        for chain in chains:
            waiting.append(chain)
            start = 0
            while start < len(chain.rows):
                part = slice(start, min(start + room, len(chain.rows)))
                chunk.append((chain, part))
                room -= part.stop - part.start
                start = part.stop
                if room == 0:
                    self._encode_chunk(chunk)
                    chunk, room = [], self._chunk_size
                    while waiting and waiting[0].n_done == len(waiting[0].rows):
                        yield self._finish(waiting.popleft())
        self._encode_chunk(chunk)
        for chain in waiting:
            yield self._finish(chain)

    def _encode_chunk(self, chunk: list[tuple[PreparedChain, slice]]) -> None:
        # Chains of fewer than 16 residues have smaller neighbourhoods: each size by itself.
        by_size = {}
        for chain, part in chunk:
            by_size.setdefault(chain.edges.shape[1], []).append((chain, part))
        for parts in by_size.values():
            latents = self._pass(_nodes(self._encoder, parts)).cpu()
            sizes = [part.stop - part.start for _, part in parts]
            for (chain, part), found in zip(parts, latents.split(sizes), strict=True):
                chain.latents[part] = found
                chain.n_done = part.stop

    def _finish(self, chain: PreparedChain) -> ChainTokens:
        with plain_float32(self._codes.device):
            has_frame = chain.inputs.has_frame.numpy()
            latents = self._frameless.repeat(len(has_frame), 1)
            latents[chain.rows.to(latents.device)] = chain.latents.to(latents.device)
            found = [nearest_rows(self._codes, some, 2) for some in latents.split(1_000)]
            tokens = torch.cat([codes[:, 0] for codes, _ in found])
            distance = torch.cat([squared for _, squared in found]).clamp(min=0).sqrt()
            z_q = (self._codes[tokens] - latents) + latents
        check_latents(chain.chain, latents.cpu().numpy(), tokens.cpu().numpy(), has_frame)
        return ChainTokens(
            chain=chain.chain,
            encoder_info=self.info,
            numbering=self.numbering,
            tokens=tokens.cpu().numpy(),
            has_frame=has_frame,
            pre_vq=latents.cpu().numpy(),
            z_q=z_q.cpu().numpy(),
            margin=(distance[:, 1] - distance[:, 0]).cpu().numpy(),
        )


# encoder_info digests all weights, which takes as long as 25 residues.
_KNOWN: WeakKeyDictionary[StructureTokenEncoder, tuple[list, EncoderInfo]] = WeakKeyDictionary()


def _info(encoder: StructureTokenEncoder) -> EncoderInfo:
    """Say which encoder this is, with a quick look whether it is as it was the last time."""
    now = []
    for tensor in encoder.state_dict().values():
        bits = tensor.detach().cpu().contiguous().view(torch.int32).numpy()
        now.append((tensor.data_ptr(), tensor._version, int(np.bitwise_xor.reduce(bits, None))))
    before, info = _KNOWN.get(encoder, (None, None))
    if before != now:
        info = encoder_info(encoder)
        _KNOWN[encoder] = now, info
    return info


def _nodes(encoder: StructureTokenEncoder, parts: list[tuple[PreparedChain, slice]]) -> Nodes:
    rotation, translation, bins = [], [], []
    for chain, part in parts:
        edges, affine = chain.edges[part], chain.inputs.affine
        rotation.append(affine.rot.tensor[0][edges])
        translation.append(affine.trans[0][edges])
        bins.append(relative_position_bins(encoder, chain.inputs.residue_index, edges))
    device = codebook_vectors(encoder).device
    return Nodes(
        torch.cat(rotation).unflatten(-1, (3, 3)).to(device),
        torch.cat(translation).to(device),
        torch.cat(bins).to(device),
    )
