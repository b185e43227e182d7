"""Each head of each block silenced in turn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from esm_explore.encoders.modules import modules_of
from esm_explore.experiments.rerunning import Setting, run_rows
from esm_explore.tracing.run import Edit, run


def silence_heads(setting: Setting, query: int) -> tuple[np.ndarray, np.ndarray]:
    """Run one neighborhood as often as there are heads, each time without what one gathered.

    Parameters
    ----------
    setting : Setting
    query : int
        Index of the residue.

    Returns
    -------
    ndarray, shape=(blocks, heads, d_code), dtype=float32
        The latents.
    ndarray, shape=(blocks, heads), dtype=int64
        The tokens.

    Notes
    -----
    A head is silenced at all nodes, what it gathered being zero. Of the last block only the
    query's row goes on, so that the query alone is run there, given what it was before the block
    and what its heads gathered in the whole neighborhood.
    """
    blocks = modules_of(setting.encoder).blocks
    row, last = setting.edges[query : query + 1], len(blocks) - 1
    caught = run(setting.encoder, setting.inputs, row, internals=True)
    before = f"blocks[{last - 1}]" if last else "relative_position"
    found = []
    for block, modules in enumerate(blocks):
        heads = len(modules.scales[0])
        at = f"attended[{block}]"
        edits, nodes = [Edit(at, _without(heads))], row
        if block == last:
            edits = [Edit(name, _all_as(caught[name])) for name in (before, at)] + edits
            nodes = row[:, :1]
        found.append(_one_head_a_row(setting, nodes, heads, edits))
    latents, tokens = zip(*found, strict=True)
    return np.stack(latents), np.stack(tokens)


def _one_head_a_row(
    setting: Setting, nodes: torch.Tensor, heads: int, edits: list[Edit]
) -> tuple[np.ndarray, np.ndarray]:
    return run_rows(setting, nodes.expand(heads, -1), edits=lambda part: edits)


def _all_as(state: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """Make all rows one state, shape=(1, width)."""
    return lambda nodes: state[:, None].expand_as(nodes).clone()


def _without(heads: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Of row i leave out what head i gathered."""

    def change(gathered: torch.Tensor) -> torch.Tensor:
        kept = gathered.clone()
        row = torch.arange(heads, device=kept.device)
        kept.unflatten(-1, (heads, 3))[row, :, row] = 0
        return kept

    return change
