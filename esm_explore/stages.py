"""Every stage of esm's structure encoder, caught by hooks on its real modules.

This is the only file that knows how esm names the modules of
`esm.models.vqvae.StructureTokenEncoder`. Nothing is computed a second time here: what is
captured is what esm's own modules returned in the pass that made the tokens. The fast path, which
does compute anew, gets its weights here.
"""

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

from esm_explore.errors import TraceError

# A hooked encoder shared by two threads would mix up their captures.
_LOCK = threading.RLock()


@dataclass(frozen=True)
class Stage:
    """One stage of the encoder.

    Attributes
    ----------
    name : str
        The stage's name, which is also the attribute of `esm_explore.Trace`.
    module : str
        Where esm computes it, as a path inside the encoder.
    meaning : str
        What it is, in one line.
    """

    name: str
    module: str
    meaning: str


def encoder_stages(n_blocks: int) -> list[Stage]:
    """List the encoder's stages in the order in which they run.

    Parameters
    ----------
    n_blocks : int
        Number of geometric attention blocks (2 in ESM3).

    Returns
    -------
    list of Stage

    Examples
    --------
    >>> [stage.name for stage in encoder_stages(1)][:3]
    ['has_frame', 'edges', 'relative_position']
    """
    stages = [
        Stage("has_frame", "build_affine3d_from_coordinates", "N, CA and C give a backbone frame"),
        Stage("edges", "find_knn_edges", "nearest residues by CA distance, the query first"),
        Stage(
            "relative_position",
            "relative_positional_embedding",
            "residue number minus the query's, clipped to ±32, as an embedding",
        ),
    ]
    for i in range(n_blocks):
        block = f"transformer.blocks[{i}]"
        stages += [
            Stage(f"attention_out[{i}]", f"{block}.geom_attn", "what geometric attention adds"),
            Stage(f"ffn_out[{i}]", f"{block}.ffn", "what the feed-forward network adds"),
            Stage(f"blocks[{i}]", block, "the query residue's state after the block"),
        ]
    return [
        *stages,
        Stage("query", "pre_vq_proj (input)", "the query's state, zero without a frame"),
        Stage("pre_vq", "pre_vq_proj", "the continuous latent"),
        Stage("z_q", "codebook", "the code nearest to the latent"),
        Stage("tokens", "codebook", "the number of that code"),
    ]


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


class Capture(dict):
    """Tensors by stage name, each call's rows after those of the calls before."""

    def store(self, name: str, tensor: torch.Tensor) -> None:
        """Add rows to a stage; copied, so that what they were cut from can be freed."""
        tensor = tensor.detach().clone()
        self[name] = torch.cat([self[name], tensor]) if name in self else tensor


def query_row(nodes: torch.Tensor) -> torch.Tensor:
    """Take the query node of each neighbourhood: (M, K, d) to (M, d)."""
    return nodes[:, 0]


def all_nodes(nodes: torch.Tensor) -> torch.Tensor:
    """Take all nodes of each neighbourhood."""
    return nodes


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


def _saving(capture: Capture, keep: Callable, input_name: str | None, output_names: list[str]):
    def hook(_module, args, output):
        if input_name is not None:
            capture.store(input_name, keep(args[0]))
        outputs = output if isinstance(output, tuple) else (output,)
        for name, tensor in zip(output_names, outputs, strict=False):
            capture.store(name, keep(tensor))

    return hook


@contextmanager
def hooked(
    encoder: StructureTokenEncoder, keep: Callable = query_row, *, internals: bool = False
) -> Iterator[Capture]:
    """Catch what every stage of an encoder returns, and leave the encoder as it was found.

    Inside, the encoder is in eval mode (in train mode esm overwrites its codebook), and
    gradients and autocast are off. The hooks, each module's mode and ``find_knn_edges`` are put
    back whatever happens. One thread at a time is inside.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    keep : callable
        What to keep of (M, K, d) states: `query_row` or `all_nodes`.
    internals : bool
        Also capture ``projection[i]`` and ``attended[i]``, from inside geometric attention.

    Yields
    ------
    Capture
    """
    with _LOCK, warnings.catch_warnings():
        # esm 3.2's calls of torch warn each time, and its user can do nothing about it.
        warnings.filterwarnings("ignore", module=r"esm\.")
        modes = [(module, module.training) for module in encoder.modules()]
        search = vars(encoder).get("find_knn_edges")
        handles = []
        capture = Capture()
        try:
            encoder.eval()
            for module, kept, input_name, output_names in _hooks(encoder, keep, internals):
                hook = _saving(capture, kept, input_name, output_names)
                handles.append(module.register_forward_hook(hook))
            device = next(encoder.parameters()).device.type
            with torch.no_grad(), torch.autocast(device, enabled=False):
                yield capture
        finally:
            for handle in handles:
                handle.remove()
            vars(encoder).pop("find_knn_edges", None)
            if search is not None:
                encoder.find_knn_edges = search
            for module, training in modes:
                module.training = training
