"""How esm names the modules of its structure encoder: the one file that knows."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
import torch
from esm.models.vqvae import StructureTokenEncoder
from torch import nn
from torch.nn.modules import module as module_hooks
from esm.utils.misc import MAX_SUPPORTED_DISTANCE
from esm.utils.structure.affine3d import Affine3D, build_affine3d_from_coordinates

from esm_explore.errors import TraceError
from esm_explore.tracing.run import hooked

# A hooked encoder shared by two threads would mix up their captures.
_LOCK = threading.RLock()



def codebook_vectors(encoder: StructureTokenEncoder) -> torch.Tensor:
    """Give the encoder's codes, shape=(n_codes, d_code), dtype=float32."""
    return encoder.codebook.embeddings.detach()



def relative_position_table(encoder: StructureTokenEncoder) -> torch.Tensor:
    """Give the relative position embedding's rows, shape=(66, d_model); row 0 is padding."""
    return encoder.relative_positional_embedding.embedding.weight.detach()



def attention_scales(
    encoder: StructureTokenEncoder,
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Give each block's distance and rotation scale per head, before softplus, shape=(heads,)."""
    attentions = [block.geom_attn for block in encoder.transformer.blocks]
    return [(a.distance_scale_per_head, a.rotation_scale_per_head) for a in attentions]



@dataclass(frozen=True)
class BlockWeights:
    """The modules of one block, in the order in which they act on a state.

    Attributes
    ----------
    attention_norm : LayerNorm
    projection : Linear
        To query, key and value vectors, then query and key points: 5 x heads x 3 numbers.
    distance_scale, rotation_scale : Tensor, shape=(heads,)
        Before softplus.
    out_projection : Linear
    ffn_norm : LayerNorm
    ffn_up, ffn_down : Linear
        Between them a SwiGLU halves the width.
    """

    attention_norm: nn.LayerNorm
    projection: nn.Linear
    distance_scale: torch.Tensor
    rotation_scale: torch.Tensor
    out_projection: nn.Linear
    ffn_norm: nn.LayerNorm
    ffn_up: nn.Linear
    ffn_down: nn.Linear



def check_unchanged(encoder: StructureTokenEncoder) -> None:
    """Refuse an encoder that a pass without esm's modules would not do justice to.

    Raises
    ------
    TraceError
        If it has hooks, other modules than esm's class makes, or functions of its own: such a pass
        would skip them.
    """
    with _LOCK:  # not while `hooked` is at work
        changed = _unlike_esm(encoder)
    if changed:
        raise TraceError(
            f"The encoder was changed at {', '.join(changed)} (a hook, another module or another "
            "function): take that away, or use trace(), which respects it."
        )



def _unlike_esm(encoder: StructureTokenEncoder) -> list[str]:
    """Name what is not as esm's class makes it, its sizes and weights apart."""
    expected = _layout(_smallest(len(encoder.transformer.blocks)))
    found = _layout(encoder)
    places = expected | found
    changed = [at or "its class" for at in places if expected.get(at) != found.get(at)]
    hooks = module_hooks._global_forward_hooks, module_hooks._global_forward_pre_hooks
    return changed + ["all modules"] * any(hooks)



def _layout(encoder: StructureTokenEncoder) -> dict[str, tuple]:
    """Describe modules (class, parameters, hooks, scaling), and functions of instances."""
    found = {}
    for name, module in encoder.named_modules():
        given = [key for key, value in module._parameters.items() if value is not None]
        hooked = bool(module._forward_hooks or module._forward_pre_hooks)
        found[name] = type(module), given, hooked, getattr(module, "scaling_factor", None)
        for key, value in vars(module).items():
            if callable(value) and hasattr(type(module), key):
                found[f"{name}.{key}".strip(".")] = ()
    return found



@cache
def _smallest(n_layers: int) -> StructureTokenEncoder:
    with torch.random.fork_rng(devices=[]), torch.inference_mode(False), torch.device("cpu"):
        return StructureTokenEncoder(
            d_model=8, n_heads=1, v_heads=1, n_layers=n_layers, d_out=2, n_codes=2
        )



def block_weights(encoder: StructureTokenEncoder) -> list[BlockWeights]:
    """Give the weights of each block, for a pass that does not call esm's modules."""
    found = []
    for block in encoder.transformer.blocks:
        attention, (ffn_norm, ffn_up, _, ffn_down) = block.geom_attn, block.ffn
        found.append(
            BlockWeights(
                attention.s_norm,
                attention.proj,
                attention.distance_scale_per_head,
                attention.rotation_scale_per_head,
                attention.out_proj,
                ffn_norm,
                ffn_up,
                ffn_down,
            )
        )
    return found



def _hooks(encoder: StructureTokenEncoder, keep: Callable, internals: bool) -> Iterator[tuple]:
    """Yield (module, what to keep, name of its input, names of its outputs)."""
    yield encoder.relative_positional_embedding, keep, None, ["relative_position"]
    for i, block in enumerate(encoder.transformer.blocks):
        yield block.geom_attn, keep, None, [f"attention_out[{i}]"]
        yield block.ffn, keep, None, [f"ffn_out[{i}]"]
        # A block returns a tensor in esm 3.2 and a tuple, of which this is the first, in 3.4.
        yield block, keep, None, [f"blocks[{i}]"]
        if internals:
            yield block.geom_attn.proj, keep, None, [f"projection[{i}]"]
            yield block.geom_attn.out_proj, keep, f"attended[{i}]", []
    yield encoder.pre_vq_proj, _drop_batch, "query", ["pre_vq"]
    yield encoder.codebook, _drop_batch, None, ["z_q", "tokens"]



def _drop_batch(rows: torch.Tensor) -> torch.Tensor:
    return rows[0]



def relative_position_bins(
    encoder: StructureTokenEncoder, residue_index: torch.Tensor, edges: torch.Tensor
) -> torch.Tensor:
    """Compute the row of the relative position table that each neighbour gets.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    residue_index : Tensor, shape=(L,), dtype=int64
        Residue numbers.
    edges : Tensor, shape=(M, K), dtype=int64
        Neighbourhoods, the query first.

    Returns
    -------
    Tensor, shape=(M, K), dtype=int64
        1 to 65 for relative positions of -32 or less to +32 or more; 33 is the query itself.
        As ``esm.models.vqvae.RelativePositionEmbedding.forward``.
    """
    limit = encoder.relative_positional_embedding.bins
    number = residue_index[edges]
    return (number - number[:, :1]).clamp(-limit, limit) + limit + 1
