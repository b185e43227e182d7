"""One pass through the encoder with its stages caught: hooks on, one pass, hooks off."""

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

from esm_explore.encoders.inputs import Inputs
from esm_explore.encoders.modules import _LOCK, _hooks



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



def encode_chain(encoder: StructureTokenEncoder, inputs: Inputs) -> torch.Tensor:
    """Run esm's own ``encode`` on a whole chain, inside `hooked`.

    Returns
    -------
    Tensor, shape=(L, K), dtype=int64
        The edges that ``find_knn_edges`` gave.
    """
    search = encoder.find_knn_edges
    found = []

    def find_knn_edges(*args, **kwargs):
        edges, mask = search(*args, **kwargs)
        found.append(edges[0])
        return edges, mask

    encoder.find_knn_edges = find_knn_edges
    encoder.encode(inputs.coords[None], residue_index=inputs.residue_index[None])
    return found[0]



def encode_rows(encoder: StructureTokenEncoder, inputs: Inputs, edges: torch.Tensor) -> None:
    """Run the encoder on some neighbourhoods of a chain, inside `hooked`.

    After the neighbour search each residue is a batch of its own, so any set of rows of the
    edges can be encoded alone. ``encode`` itself insists on all of them; these are its steps.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    inputs : Inputs
    edges : Tensor, shape=(M, K), dtype=int64
        Neighbourhoods of the M residues, the query first.
    """
    encoder.find_knn_edges = lambda *_args, **_kwargs: (edges[None], None)
    has_frame = inputs.has_frame[None]
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
