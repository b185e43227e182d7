"""Where tensors can be caught on their way through the encoder."""

from __future__ import annotations

from dataclasses import dataclass

from esm.models.vqvae import StructureTokenEncoder
from torch import nn

from esm_explore.encoders.modules import (
    AFTER_BLOCKS,
    check_blocks,
    check_class,
    check_switches,
    modules_of,
    paths,
)

_INTERNALS = ("projection", "attended")


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
    index: int
    has_nodes: bool


def catch_points(encoder: StructureTokenEncoder, internals: bool = False) -> list[CatchPoint]:
    """List where tensors can be caught, in the order in which the encoder goes.

    With internals also ``projection[i]`` and ``attended[i]``, inside geometric attention.

    Raises
    ------
    TraceError
        If it is no encoder of esm's class, or one whose pass does not come to all of them.
    """
    check_class(encoder)
    check_blocks(encoder)
    check_switches(encoder)
    found = []
    for name, path in list(paths(len(modules_of(encoder).blocks)).items())[2:]:
        if not internals and name.partition("[")[0] in _INTERNALS:
            continue
        where, is_input, _ = path.partition(" (input)")
        module = encoder.get_submodule(where.replace("[", ".").replace("]", ""))
        # Of a block's values in esm 3.4, a tuple, the first; in 3.2 there is no other.
        index = 1 if name == "tokens" else 0
        found.append(
            CatchPoint(name, module, bool(is_input), path, index, name not in AFTER_BLOCKS)
        )
    return found
