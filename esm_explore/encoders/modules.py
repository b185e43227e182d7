"""How esm names the modules of its structure encoder: the one file that knows.

Written for `esm.models.vqvae.StructureTokenEncoder` of both lines of esm, whose names are the same.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import torch
from esm.models.vqvae import StructureTokenEncoder
from torch import nn

from esm_explore.encoders.turns import of_this_thread, undone
from esm_explore.errors import TraceError

# Relative positions are clipped to this; row 0 of their table is padding, so the query has row 33.
LIMIT = 32
QUERY_BIN = LIMIT + 1
# Averages that training keeps of the codes; a pass does not use them.
UNUSED = ("codebook.N", "codebook.z_avg")
# What each block is made of.
_PARTS = ("geom_attn.s_norm", "geom_attn.proj", "geom_attn.out_proj", "ffn")
# Settings of the codebook that a pass does not use.
ONLY_TRAINING = ("no_random_restart", "restart_thres", "ema_decay", "freeze_codebook")
_NEEDED = (
    "pre_vq_proj.weight",
    "codebook.embeddings",
    "transformer.blocks.0.geom_attn.distance_scale_per_head",
)
_IN_BLOCK = {
    "projection": ".geom_attn.proj",
    "attended": ".geom_attn.out_proj (input)",
    "attention_out": ".geom_attn",
    "ffn_out": ".ffn",
    "blocks": "",
}
AFTER_BLOCKS = {
    "query": "pre_vq_proj (input)",
    "pre_vq": "pre_vq_proj",
    "z_q": "codebook",
    "tokens": "codebook",
}
# esm 3.2 calls torch in ways that torch warns of, each time; its user can do nothing about it. A
# filter for a while would be one for all threads, and take theirs away: these stay.
for _text in (r"`torch\.cuda\.amp\.autocast", "Using a non-tuple sequence for multidim"):
    warnings.filterwarnings("ignore", message=_text, module=r"esm\.models\.vqvae")
_BLOCK = re.compile(r"transformer\.blocks\.(\d+)\.")


def _part(*places: str, doc: str) -> property:
    return property(attrgetter(*places), doc=doc)


@dataclass(frozen=True)
class BlockModules:
    """The modules of one block, in the order in which they act on a state.

    Each is looked up when asked for: a user may have put another into its place.
    """

    block: nn.Module

    attention_norm = _part("block.geom_attn.s_norm", doc="LayerNorm before the projection.")
    projection = _part(
        "block.geom_attn.proj",
        doc="Linear, to query, key and value vectors, then query and key points: 5 x heads x 3.",
    )
    scales = _part(
        "block.geom_attn.distance_scale_per_head",
        "block.geom_attn.rotation_scale_per_head",
        doc="Of distance and rotation, before softplus: two of shape=(heads,).",
    )
    out_projection = _part("block.geom_attn.out_proj", doc="Linear, of what attention gathered.")
    feed_forward = _part("block.ffn", doc="A norm, a layer up, a SwiGLU, a layer down.")


@dataclass(frozen=True)
class Modules:
    """What an encoder is made of, each part looked up when asked for."""

    encoder: StructureTokenEncoder

    positions = _part(
        "encoder.relative_positional_embedding.embedding",
        doc="Embedding, the relative position table, shape=(66, d_model).",
    )
    limit = _part(
        "encoder.relative_positional_embedding.bins", doc="What relative positions are clipped to."
    )
    to_latent = _part("encoder.pre_vq_proj", doc="Linear, from the query's state to the latent.")
    codes = _part(
        "encoder.codebook.embeddings", doc="The codes, shape=(n_codes, d_code), dtype=float32."
    )
    counts = _part("encoder.codebook.N", doc="How often training used each code, shape=(n_codes,).")
    sums = _part("encoder.codebook.z_avg", doc="The latents of each code, added up alike.")
    knn = _part("encoder.knn", doc="Nodes of a neighborhood.")

    @property
    def blocks(self) -> list[BlockModules]:
        """The blocks of geometric attention."""
        return [BlockModules(block) for block in self.encoder.transformer.blocks]


def modules_of(encoder: StructureTokenEncoder) -> Modules:
    """Take an encoder apart."""
    return Modules(encoder)


def check_class(encoder: object) -> None:
    """Refuse what is not of esm's class."""
    if not isinstance(encoder, StructureTokenEncoder):
        raise TraceError(
            "Give esm's StructureTokenEncoder first, from load_encoder(), "
            f"not a {type(encoder).__name__}."
        )


def check_blocks(encoder: StructureTokenEncoder) -> None:
    """Refuse an encoder without blocks, or with one that lacks a part: which, and what is right."""
    blocks = encoder.transformer.blocks
    if not len(blocks):
        raise TraceError("The encoder has no blocks: load it again.")
    for i, block in enumerate(blocks):
        for part in _PARTS:
            try:
                block.get_submodule(part)
            except AttributeError as error:
                raise TraceError(
                    f"Block {i} of the encoder has no {part}, as esm's have: load the encoder "
                    "again, or put back what was there."
                ) from error


def check_switches(encoder: StructureTokenEncoder) -> None:
    """Refuse blocks whose switches make their pass another than the one that is traced."""
    for i, block in enumerate(encoder.transformer.blocks):
        if not block.use_geom_attn:
            raise TraceError(
                f"use_geom_attn of block {i} is off, so that its geometric attention, which a "
                f"trace shows, is never computed: set encoder.transformer.blocks[{i}]"
                ".use_geom_attn = True."
            )
        if block.use_plain_attn and not hasattr(block, "attn"):
            raise TraceError(
                f"use_plain_attn of block {i} is on, but esm's structure encoder has no plain "
                f"attention: set encoder.transformer.blocks[{i}].use_plain_attn = False."
            )


def paths(n_blocks: int) -> dict[str, str]:
    """Say where esm computes what is caught, by name."""
    found = {
        "has_frame": "build_affine3d_from_coordinates",
        "edges": "find_knn_edges",
        "relative_position": "relative_positional_embedding",
    }
    for i in range(n_blocks):
        block = f"transformer.blocks[{i}]"
        found |= {f"{name}[{i}]": block + where for name, where in _IN_BLOCK.items()}
    return found | AFTER_BLOCKS


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


def encode_chain(encoder: StructureTokenEncoder, inputs: Any) -> torch.Tensor:
    """Run esm's own ``encode`` on a whole chain; gives its edges, shape=(L, K)."""
    search, found = encoder.find_knn_edges, []

    def find_knn_edges(*args: Any, **kwargs: Any) -> Any:
        edges, mask = search(*args, **kwargs)
        found.append(edges[0])
        return edges, mask

    with _searching(encoder, find_knn_edges):
        encoder.encode(inputs.coords[None], residue_index=inputs.residue_index[None])
    return found[0]


def encode_rows(encoder: StructureTokenEncoder, inputs: Any, edges: torch.Tensor) -> None:
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
def _searching(encoder: StructureTokenEncoder, search: Callable) -> Iterator[None]:
    """Let an encoder find its edges in another way, which hooks cannot; in this thread alone."""
    before, own = encoder.find_knn_edges, vars(encoder).get("find_knn_edges")

    def undo() -> None:
        vars(encoder).pop("find_knn_edges", None)
        if own is not None:
            encoder.find_knn_edges = own

    with undone(undo):
        encoder.find_knn_edges = of_this_thread(search, before)
        yield


def missing_keys(weights: Mapping[str, torch.Tensor]) -> list[str]:
    """List tensors without which a checkpoint is not one of this class."""
    return [name for name in _NEEDED if name not in weights]


def sizes_of(weights: Mapping[str, torch.Tensor]) -> dict[str, int]:
    """Read the arguments of esm's class off a checkpoint; a ValueError if it has other shapes."""
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
