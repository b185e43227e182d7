"""Chains cut and packed into chunks of equal size, and the tokens that come out of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import get_args

import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder
from esm.utils.structure.protein_chain import ProteinChain

from esm_explore.chains.residues import Numbering, check_numbering
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.encoders.inputs import Inputs, chain_inputs, check_latents
from esm_explore.encoders.modules import modules_of, relative_position_bins
from esm_explore.encoders.neighbors import check_edges, nearest_edges
from esm_explore.encoders.own_chains import own_chain
from esm_explore.errors import TraceError
from esm_explore.tokens.chain_tokens import ChainTokens
from esm_explore.tokens.exact_tokens import ExactTokens
from esm_explore.tokens.lean_pass import Nodes
from esm_explore.tokens.passes import Precision, is_quicker, ready_encoder
from esm_explore.tokens.residues import Residues


@dataclass(eq=False)
class PreparedChain:
    """A checked chain with its neighborhoods, and what is known of its residues already.

    Attributes
    ----------
    chain : ProteinChain
    inputs : Inputs
    rows : Tensor, shape=(M,), dtype=int64
        Indices of the residues with a backbone frame.
    edges : Tensor, shape=(M, K), dtype=int64
        Their neighbors, as far as those have frames: the others take no part.
    found : list of Residues
        Of the first rows, in order.
    n_done : int
        How many those are.
    """

    chain: ProteinChain
    inputs: Inputs
    rows: torch.Tensor
    edges: torch.Tensor
    found: list[Residues] = field(default_factory=list)
    n_done: int = 0


# Some rows of a chain.
Part = tuple[PreparedChain, slice]


class ChunkedEncoder:
    """Encodes chains in chunks of equal size, whatever the lengths of the chains.

    Parameters
    ----------
    encoder, numbering, chunk_size, precision
        As in `tokenize`.
    """

    def __init__(
        self,
        encoder: StructureTokenEncoder,
        *,
        numbering: Numbering = "file",
        chunk_size: int = 128,
        precision: Precision = "exact",
    ):
        check_numbering(numbering)
        if not isinstance(precision, str) or precision not in get_args(Precision):
            right = ", ".join(get_args(Precision))
            raise TraceError(f"precision is {precision!r}; it can be: {right}.")
        if (
            not isinstance(chunk_size, int | np.integer)
            or isinstance(chunk_size, bool)
            or chunk_size < 1
        ):
            raise TraceError(
                f"chunk_size is {chunk_size!r}; it has to be a whole number of residues, 1 or more."
            )
        ready = ready_encoder(encoder)
        if precision == "tokens" and not is_quicker(encoder):
            precision = "exact"
        self.info, self._codes, self.codebook = ready.info, ready.codes, ready.codes.codes
        self._pass = ready.made(encoder, precision)
        self.numbering, self.precision = numbering, precision
        self.dtype = "float32" if precision == "exact" else "bfloat16"
        self._encoder, self._chunk_size = encoder, chunk_size

    def __reduce__(self) -> tuple:
        # In another process it is made anew; there the encoder would have no name.
        settings = {"numbering": self.numbering, "chunk_size": self._chunk_size}
        return _remade, (self._encoder, self.info, {**settings, "precision": self.precision})

    def encoded_again(self) -> float:
        """Give the share of residues that were encoded again for exact tokens, since calibration.

        Of all calls with this encoder; NaN where none was encoded in bfloat16.
        """
        if not isinstance(self._pass, ExactTokens) or not self._pass.n_rough:
            return float("nan")
        return self._pass.n_again / self._pass.n_rough

    def prepare(self, chain: ProteinChain) -> PreparedChain:
        """Check and copy a chain, and search its neighborhoods."""
        chain = own_chain(chain)
        inputs = chain_inputs(chain, self.numbering)
        rows = inputs.has_frame.nonzero()[:, 0]
        edges = nearest_edges(self._encoder, inputs)[rows, : len(rows)]
        check_edges(edges, rows, chain)
        return PreparedChain(chain, inputs, rows, edges)

    def encode(self, chains: Iterable[PreparedChain]) -> Iterator[ChainTokens]:
        """Encode prepared chains; yields each as soon as its last chunk is done."""
        waiting: deque[PreparedChain] = deque()
        chunk: list[Part] = []
        room = self._chunk_size
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

    def _encode_chunk(self, chunk: list[Part]) -> None:
        # Chains of fewer than 16 residues have smaller neighborhoods: each size by itself.
        by_size: dict[int, list[Part]] = {}
        for chain, part in chunk:
            by_size.setdefault(chain.edges.shape[1], []).append((chain, part))
        for parts in by_size.values():
            residues = self._codes.residues(self._pass(_nodes(self._encoder, parts)))
            sizes = [part.stop - part.start for _, part in parts]
            for (chain, _), found in zip(parts, residues.split(sizes), strict=True):
                chain.found.append(found)
                chain.n_done += len(found.tokens)

    def _finish(self, chain: PreparedChain) -> ChainTokens:
        has_frame = chain.inputs.has_frame.numpy()

        def of_all(name: str) -> np.ndarray:
            without = getattr(self._codes.frameless, name)
            whole = without.repeat(len(has_frame), *[1] * (without.ndim - 1))
            whole[chain.rows] = torch.cat([getattr(residues, name) for residues in chain.found])
            return whole.numpy()

        found = {field.name: of_all(field.name) for field in fields(Residues)}
        check_latents(chain.chain, found["pre_vq"], found["tokens"], has_frame)
        return ChainTokens(chain.chain, self.info, self.numbering, has_frame=has_frame, **found)


def _remade(encoder: StructureTokenEncoder, info: EncoderInfo, settings: dict) -> ChunkedEncoder:
    run = ChunkedEncoder(encoder, **settings)
    run.info = info
    return run


def _nodes(encoder: StructureTokenEncoder, parts: list[Part]) -> Nodes:
    modules = modules_of(encoder)
    rotation, translation, bins = [], [], []
    for chain, part in parts:
        edges, affine = chain.edges[part], chain.inputs.affine
        rotation.append(affine.rot.tensor[0][edges])
        translation.append(affine.trans[0][edges])
        numbers = chain.inputs.residue_index[edges]
        bins.append(relative_position_bins(numbers - numbers[:, :1], modules.limit))
    device = modules.codes.device
    return Nodes(
        torch.cat(rotation).unflatten(-1, (3, 3)).to(device),
        torch.cat(translation).to(device),
        torch.cat(bins).to(device),
    )
