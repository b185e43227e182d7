"""One pass through the encoder with its stages caught: hooks on, one pass, hooks off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from esm.models.vqvae import StructureTokenEncoder

from esm_explore.arguments import check_kind, wrong
from esm_explore.encoders.catching import CatchPoint, catch_points
from esm_explore.encoders.inputs import Inputs
from esm_explore.encoders.modes import plain_float32
from esm_explore.encoders.modules import encode_chain, encode_rows
from esm_explore.encoders.neighbors import check_rows
from esm_explore.encoders.turns import PASSES, of_this_thread, undone
from esm_explore.errors import TraceError


@dataclass(frozen=True)
class Edit:
    """A change made to a tensor on its way through the encoder.

    Attributes
    ----------
    at : str
        A catch point, such as ``"attention_out[0]"``, ``"attended[1]"`` (the values that each
        head gathered, before they are projected; of head h columns 3h to 3h + 2) or ``"pre_vq"``.
    change : callable
        Tensor to tensor of the same shape, dtype and device: (M, K, width) up to the last block,
        M neighborhoods with the query first, (M, width) from the query on, (M,) for tokens. The
        edges say which M they are.
    """

    at: str
    change: Callable[[torch.Tensor], torch.Tensor]


class Capture(dict):
    """Tensors by the names of catch points, a row a neighborhood.

    Attributes
    ----------
    edges : Tensor, shape=(M, K), dtype=int64
        The neighborhoods that were encoded, the query first.
    """

    edges: torch.Tensor


def query_row(nodes: torch.Tensor) -> torch.Tensor:
    """Take the query node of each neighborhood: (M, K, d) to (M, d)."""
    return nodes[:, 0]


def all_nodes(nodes: torch.Tensor) -> torch.Tensor:
    """Take all nodes of each neighborhood."""
    return nodes


def run(
    encoder: StructureTokenEncoder,
    inputs: Inputs,
    edges: torch.Tensor | None = None,
    *,
    keep: Callable[[torch.Tensor], torch.Tensor] = query_row,
    internals: bool = False,
    edits: Sequence[Edit] = (),
) -> Capture:
    """Make one pass, and leave the encoder as it was found.

    During the pass the encoder is in eval mode (in train mode esm overwrites its codebook), and
    gradients, autocast and inference mode are off. The hooks, each module's mode and
    ``find_knn_edges`` are put back whatever happens, also in a process that is forked meanwhile.
    One thread at a time makes a pass; only its calls are caught, so that another thread can
    ``encode`` with the same encoder at the same time, in eval mode.

    Parameters
    ----------
    encoder : StructureTokenEncoder
    inputs : Inputs
        Of a whole chain, on the encoder's device.
    edges : Tensor, shape=(M, K), dtype=int64, optional
        Neighborhoods to encode, the query first; K can be any number. A neighbor is knocked out
        by leaving it out of its row, and replaced by naming another. Without edges the pass is
        esm's own ``encode``, of all residues.
    keep : callable
        What to keep of (M, K, d) states: `query_row` or `all_nodes`.
    internals : bool
        Also catch ``projection[i]`` and ``attended[i]``, inside geometric attention.
    edits : sequence of Edit
        What is caught is caught after it was changed.

    Returns
    -------
    Capture

    Raises
    ------
    TraceError
        If edges are no neighborhoods of the chain, if an edit is none, is at no catch point or
        gives another kind of tensor, or if the pass goes around what is caught, as it does where a
        module was compiled.

    Examples
    --------
    >>> import esm_explore as ex
    >>> trace = ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))
    >>> rows = torch.from_numpy(trace.edges[:2, :-1])
    >>> run(trace.encoder, trace.inputs, rows)["pre_vq"].shape  # without the farthest neighbor
    torch.Size([2, 128])
    """
    everything = catch_points(encoder, internals=True)
    check_kind(inputs, Inputs, "inputs", "the Inputs of a chain, such as trace.inputs")
    edits = _checked(edits, [point.name for point in everything])
    if edges is not None:
        check_rows(edges, inputs)
    asked = {point.name for point in catch_points(encoder, internals)} | {e.at for e in edits}
    points = [point for point in everything if point.name in asked]
    caught = Capture()
    with _hooked(encoder, points, _Catcher(caught, keep, edits)):
        if edges is None:
            caught.edges = encode_chain(encoder, inputs)
        else:
            caught.edges = edges
            encode_rows(encoder, inputs, edges)
    missed = [f"{point.name} ({point.path})" for point in points if point.name not in caught]
    if missed:
        raise TraceError(
            f"The pass did not come to {', '.join(missed)}: another function, or a compiled one, "
            "is in its place. Load the encoder again."
        )
    return caught


def _checked(edits: Sequence[Edit], names: list[str]) -> list[Edit]:
    right = "a list of Edit, such as [Edit('pre_vq', torch.zeros_like)]"
    check_kind(edits, list | tuple, "edits", right)
    for edit in edits:
        check_kind(edit, Edit, "One of edits", "an Edit(at, change)")
        if not isinstance(edit.at, str) or edit.at not in names:
            raise TraceError(f"There is no {edit.at!r} to edit; there are: {', '.join(names)}.")
        if not callable(edit.change):
            raise wrong(edit.change, f"The change at {edit.at}", "a function of a tensor")
    return list(edits)


def as_array(tensor: torch.Tensor) -> np.ndarray:
    """Take what was caught to the CPU, as numpy has it."""
    return tensor.cpu().numpy()


@dataclass(frozen=True)
class _Catcher:
    caught: Capture
    keep: Callable
    edits: Sequence[Edit]

    def __call__(self, point: CatchPoint, value: torch.Tensor) -> torch.Tensor:
        """Change a tensor, keep a copy, and give what goes on."""
        shown = value if point.has_nodes else value[0]
        for edit in self.edits:
            if edit.at == point.name:
                before, shown = shown, edit.change(shown)
                _check_edited(point.name, before, shown)
                value = shown if point.has_nodes else shown[None]
        kept = self.keep(shown) if point.has_nodes else shown
        # Copied, so that what it was cut from can be freed.
        self.caught[point.name] = kept.detach().clone()
        return value


def _check_edited(name: str, before: torch.Tensor, after: object) -> None:
    if not isinstance(after, torch.Tensor):
        given, right = f"a {type(after).__name__}", f"a tensor of shape {tuple(before.shape)}"
    else:
        both = [
            {"shape": tuple(t.shape), "dtype": t.dtype, "device": t.device} for t in (after, before)
        ]
        differ = [key for key in both[0] if both[0][key] != both[1][key]]
        given, right = (", ".join(f"{key} {one[key]}" for key in differ) for one in both)
        right = f"a tensor of {right}"
    if given:
        raise TraceError(f"The edit at {name} gives {given}; it has to be {right}.")


def _hook(point: CatchPoint, catch: _Catcher) -> Callable:
    def on_input(_module: object, args: Any) -> Any:
        return (catch(point, args[0]), *args[1:])

    def on_output(_module: object, _args: object, output: Any) -> Any:
        if not isinstance(output, tuple):
            return catch(point, output)
        changed = catch(point, output[point.index])
        return (*output[: point.index], changed, *output[point.index + 1 :])

    # Whoever encodes with the same encoder in another thread is neither caught nor changed.
    return of_this_thread(on_input if point.is_input else on_output, lambda *_: None)


@contextmanager
def _hooked(
    encoder: StructureTokenEncoder, points: list[CatchPoint], catch: _Catcher
) -> Iterator[None]:
    handles: list[Any] = []
    modes: list[tuple[Any, bool]] = []

    def undo() -> None:
        for handle in handles:
            handle.remove()
        for module, training in modes:
            module.training = training

    with PASSES.taken(), undone(undo):
        modes += [(module, module.training) for module in encoder.modules()]
        encoder.eval()
        for point in points:
            register = (
                point.module.register_forward_pre_hook
                if point.is_input
                else point.module.register_forward_hook
            )
            handles.append(register(_hook(point, catch)))
        with plain_float32(next(encoder.parameters()).device):
            yield
