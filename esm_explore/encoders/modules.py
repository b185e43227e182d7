"""How esm names the modules of its structure encoder: the one file that knows.

Written for `esm.models.vqvae.StructureTokenEncoder` of both lines of esm, whose names are the same.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from esm.models.vqvae import StructureTokenEncoder
from torch import nn

# Relative positions are clipped to this; row 0 of their table is padding, so the query has row 33.
LIMIT = 32
QUERY_BIN = LIMIT + 1
# Averages that training keeps of the codes; a pass does not use them.
UNUSED = ("codebook.N", "codebook.z_avg")
_NEEDED = (
    "pre_vq_proj.weight",
    "codebook.embeddings",
    "transformer.blocks.0.geom_attn.distance_scale_per_head",
)
_BLOCK = re.compile(r"transformer\.blocks\.(\d+)\.")


@dataclass(frozen=True)
class BlockModules:
    """The modules of one block, in the order in which they act on a state.

    Each is looked up when asked for: a user may have put another into its place.
    """

    block: nn.Module

    @property
    def attention_norm(self) -> nn.LayerNorm:
        """Before the projection."""
        return self.block.geom_attn.s_norm

    @property
    def projection(self) -> nn.Linear:
        """To query, key and value vectors, then query and key points: 5 x heads x 3."""
        return self.block.geom_attn.proj

    @property
    def scales(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Distance and rotation scale, before softplus, shape=(heads,) each."""
        return (
            self.block.geom_attn.distance_scale_per_head,
            self.block.geom_attn.rotation_scale_per_head,
        )

    @property
    def out_projection(self) -> nn.Linear:
        """Of what attention gathered, 3 x heads numbers."""
        return self.block.geom_attn.out_proj

    @property
    def feed_forward(self) -> nn.Sequential:
        """A norm, a layer up, a SwiGLU that halves the width, a layer down."""
        return self.block.ffn


@dataclass(frozen=True)
class Modules:
    """What an encoder is made of, each part looked up when asked for."""

    encoder: StructureTokenEncoder

    @property
    def positions(self) -> nn.Embedding:
        """The relative position table, shape=(66, d_model)."""
        return self.encoder.relative_positional_embedding.embedding

    @property
    def limit(self) -> int:
        """What relative positions are clipped to."""
        return self.encoder.relative_positional_embedding.bins

    @property
    def blocks(self) -> list[BlockModules]:
        """The blocks of geometric attention."""
        return [BlockModules(block) for block in self.encoder.transformer.blocks]

    @property
    def to_latent(self) -> nn.Linear:
        """From the query's state to the latent."""
        return self.encoder.pre_vq_proj

    @property
    def codes(self) -> torch.Tensor:
        """The codebook, shape=(n_codes, d_code), dtype=float32."""
        return self.encoder.codebook.embeddings.detach()

    @property
    def counts(self) -> torch.Tensor:
        """How often training used each code, a moving average, shape=(n_codes,)."""
        return self.encoder.codebook.N

    @property
    def sums(self) -> torch.Tensor:
        """The latents of each code, added up in the same way, shape as codes."""
        return self.encoder.codebook.z_avg

    @property
    def knn(self) -> int:
        """Nodes of a neighborhood."""
        return self.encoder.knn


def modules_of(encoder: StructureTokenEncoder) -> Modules:
    """Take an encoder apart."""
    return Modules(encoder)


@dataclass(frozen=True)
class CatchPoint:
    """A place in the encoder where a tensor can be caught, or changed.

    Attributes
    ----------
    name : str
        As in `esm_explore.tracing.stages`, such as ``"blocks[0]"``.
    module : Module
    is_input : bool
        What the module is given; else what it returns.
    path : str
        Where esm has it.
    index : int
        Which of the values that the module returns.
    has_nodes : bool
        Whether the tensor is (M, K, width), a row a node; else (M, width) or (M,).
    """

    name: str
    module: nn.Module
    is_input: bool
    path: str
    index: int = 0
    has_nodes: bool = True


def paths(n_blocks: int) -> dict[str, str]:
    """Say where esm computes what is caught, by name."""
    found = {
        "has_frame": "build_affine3d_from_coordinates",
        "edges": "find_knn_edges",
        "relative_position": "relative_positional_embedding",
    }
    for i in range(n_blocks):
        block = f"transformer.blocks[{i}]"
        found |= {
            f"projection[{i}]": f"{block}.geom_attn.proj",
            f"attended[{i}]": f"{block}.geom_attn.out_proj (input)",
            f"attention_out[{i}]": f"{block}.geom_attn",
            f"ffn_out[{i}]": f"{block}.ffn",
            f"blocks[{i}]": block,
        }
    found |= {"query": "pre_vq_proj (input)", "pre_vq": "pre_vq_proj"}
    return found | {"z_q": "codebook", "tokens": "codebook"}


def catch_points(encoder: StructureTokenEncoder, internals: bool = False) -> list[CatchPoint]:
    """List where tensors can be caught, in the order in which the encoder goes.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    internals : bool
        Also ``projection[i]`` and ``attended[i]``, inside geometric attention.

    Returns
    -------
    list of CatchPoint
    """
    blocks = encoder.transformer.blocks
    where = paths(len(blocks))
    points = []

    def add(name: str, module: nn.Module, *, is_input: bool = False, **more) -> None:
        points.append(CatchPoint(name, module, is_input, where[name], **more))

    add("relative_position", encoder.relative_positional_embedding)
    for i, block in enumerate(blocks):
        if internals:
            add(f"projection[{i}]", block.geom_attn.proj)
            add(f"attended[{i}]", block.geom_attn.out_proj, is_input=True)
        add(f"attention_out[{i}]", block.geom_attn)
        add(f"ffn_out[{i}]", block.ffn)
        # A block returns a tensor in esm 3.2 and a tuple, of which this is the first, in 3.4.
        add(f"blocks[{i}]", block)
    add("query", encoder.pre_vq_proj, is_input=True, has_nodes=False)
    add("pre_vq", encoder.pre_vq_proj, has_nodes=False)
    add("z_q", encoder.codebook, has_nodes=False)
    add("tokens", encoder.codebook, index=1, has_nodes=False)
    return points


def relative_position_bins(relative: torch.Tensor, limit: int = LIMIT) -> torch.Tensor:
    """Give the row of the relative position table that each neighbor gets.

    Parameters
    ----------
    relative : Tensor, dtype=int64
        Residue numbers less the query's.
    limit : int

    Returns
    -------
    Tensor, dtype=int64
        1 to 65 for relative positions of -32 or less to +32 or more; 33 is the query itself.
        As ``esm.models.vqvae.RelativePositionEmbedding.forward``.
    """
    return relative.clamp(-limit, limit) + limit + 1


def encode_chain(encoder: StructureTokenEncoder, inputs) -> torch.Tensor:
    """Run esm's own ``encode`` on a whole chain; gives its edges, shape=(L, K)."""
    search, found = encoder.find_knn_edges, []

    def find_knn_edges(*args, **kwargs):
        edges, mask = search(*args, **kwargs)
        found.append(edges[0])
        return edges, mask

    with _searching(encoder, find_knn_edges):
        encoder.encode(inputs.coords[None], residue_index=inputs.residue_index[None])
    return found[0]


def encode_rows(encoder: StructureTokenEncoder, inputs, edges: torch.Tensor) -> None:
    """Run the steps of ``encode`` on some neighborhoods, shape=(M, K), of a chain.

    After the neighbor search each residue is a batch of its own, so any rows of the edges can be
    encoded alone; ``encode`` itself insists on all of them.
    """
    has_frame = inputs.has_frame[None]
    with _searching(encoder, lambda *_args, **_kwargs: (edges[None], None)):
        z = encoder.encode_local_structure(
            coords=inputs.coords[None],
            affine=inputs.affine,
            attention_mask=torch.ones_like(has_frame),
            sequence_id=torch.zeros_like(has_frame, dtype=torch.int64),
            affine_mask=has_frame,
            residue_index=inputs.residue_index[None],
        )
    z = z.masked_fill(~inputs.has_frame[edges[:, 0]][None, :, None], 0)
    encoder.codebook(encoder.pre_vq_proj(z))


@contextmanager
def quiet() -> Iterator[None]:
    """Keep esm 3.2's calls of torch from warning each time: its user can do nothing about it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"esm\.")
        yield


@contextmanager
def _searching(encoder: StructureTokenEncoder, search: Callable) -> Iterator[None]:
    """Let an encoder find its edges in another way; it is a static method, so hooks miss it."""
    before = vars(encoder).get("find_knn_edges")
    encoder.find_knn_edges = search
    try:
        yield
    finally:
        del encoder.find_knn_edges
        if before is not None:
            encoder.find_knn_edges = before


def missing_keys(weights: Mapping[str, torch.Tensor]) -> list[str]:
    """List tensors without which a checkpoint is not one of this class."""
    return [name for name in _NEEDED if name not in weights]


def sizes_of(weights: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """Read the arguments of esm's class off a checkpoint.

    Raises
    ------
    ValueError
        If tensors have the wrong number of dimensions.
    """
    projection, codes, scales = (weights[name] for name in _NEEDED)
    d_out, d_model = projection.shape
    return {
        "d_model": d_model,
        "n_heads": 1,
        "v_heads": len(scales),
        # Counted: a block numbered 1,000,000 must not make us build as many.
        "n_layers": len({match[1] for match in map(_BLOCK.match, weights) if match}),
        "d_out": d_out,
        "n_codes": len(codes),
    }
