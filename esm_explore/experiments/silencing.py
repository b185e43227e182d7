"""Each head of each block silenced in turn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

from esm_explore.encoders.modes import plain_float32
from esm_explore.encoders.modules import BlockModules, modules_of
from esm_explore.experiments.attending import whole_pass
from esm_explore.experiments.rerunning import Setting, run_rows
from esm_explore.experiments.short_pass import ShortPass, in_numbers
from esm_explore.tracing.run import Capture, Edit

# Heads at a time: their hidden layers stay in the CPU's cache.
_HEADS = 8


def silence_heads(
    setting: Setting, query: int, caught: Capture | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Run one neighborhood as often as there are heads, each time without what one gathered.

    Parameters
    ----------
    setting : Setting
    query : int
        Index of the residue.
    caught : Capture, optional
        What `whole_pass` gives of it, if it was made already.

    Returns
    -------
    ndarray, shape=(blocks, heads, d_code), dtype=float32
        The latents.
    ndarray, shape=(blocks, heads), dtype=int64
        The tokens.

    Notes
    -----
    A head is silenced at all nodes, what it gathered being zero. One pass of esm's own tells what
    all heads gathered; what comes before is the same in all runs, and not run again. Of the last
    block only the query's row goes on.
    """
    row, blocks = setting.edges[query : query + 1], modules_of(setting.encoder).blocks
    if not ShortPass.is_for(setting):
        found = [_by_edits(setting, row, block) for block in range(len(blocks))]
    else:
        caught = caught or whole_pass(setting, [query])
        before = [
            caught["relative_position"],
            *(caught[f"blocks[{i}]"] for i in range(len(blocks))),
        ]
        with plain_float32(setting.device):
            found = [
                _by_rest(setting, row, number, before[number][0], caught[f"attended[{number}]"][0])
                for number in range(len(blocks))
            ]
    latents, tokens = zip(*found, strict=True)
    return np.stack(latents), np.stack(tokens)


def _by_rest(
    setting: Setting, row: torch.Tensor, number: int, states: torch.Tensor, attended: torch.Tensor
) -> tuple[np.ndarray, np.ndarray]:
    """Run what comes after a block's attention, given its states and what its heads gathered.

    `states` is (K, d_model), `attended` (K, 3 * heads).
    """
    short, blocks = ShortPass(setting, setting.inputs), modules_of(setting.encoder).blocks
    block, heads = blocks[number], len(blocks[number].scales[0])
    if number == len(blocks) - 1:
        query = _without_each(block, states[:1], attended[:1])[:, 0]
        to_latent = modules_of(setting.encoder).to_latent
        return in_numbers(setting, [to_latent(query + block.feed_forward(query))])
    after = _fed_forward(block, states, attended)
    parts = [slice(start, min(start + _HEADS, heads)) for start in range(0, heads, _HEADS)]
    states = torch.cat([after(some) for some in parts])
    return in_numbers(setting, [short.go_on(states, row.expand(heads, -1), number + 1)])


def _without_each(
    block: BlockModules,
    states: torch.Tensor,
    attended: torch.Tensor,
    some: slice = slice(None),
) -> torch.Tensor:
    """Add attention to states, (K, d_model), without each of some heads, (heads, K, d_model)."""
    weight = block.out_projection.weight.unflatten(1, (-1, 3))[:, some]
    own = torch.einsum("khc,dhc->hkd", attended.unflatten(1, (-1, 3))[:, some], weight)
    return (states + block.out_projection(attended)) - own


def _fed_forward(
    block: BlockModules, states: torch.Tensor, attended: torch.Tensor
) -> Callable[[slice], torch.Tensor]:
    """Give a function that makes the states after a block, without each of some heads.

    All that is linear between what heads gathered and the hidden layer, which is all but the
    division by the standard deviation, is done once: a head takes away three of its columns.
    """
    norm, up, *_ = block.feed_forward
    down = block.feed_forward[-1]
    raised = up.weight * norm.weight
    bias = F.linear(norm.bias, up.weight, up.bias)
    weight = block.out_projection.weight
    whole = states + block.out_projection(attended)
    hidden = F.linear(whole - whole.mean(1, keepdim=True), raised)
    by_head = (raised @ (weight - weight.mean(0))).unflatten(1, (-1, 3))
    gathered = attended.unflatten(1, (-1, 3))

    def after(some: slice) -> torch.Tensor:
        states_of = _without_each(block, states, attended, some)
        own = torch.einsum("khc,ohc->hko", gathered[:, some], by_head[:, some])
        variance = states_of.var(-1, correction=0, keepdim=True)
        up_to = (hidden - own).mul_((variance + norm.eps).rsqrt()).add_(bias)
        gate, value = up_to.chunk(2, dim=-1)
        return states_of + down(F.silu(gate) * value)

    return after


def _by_edits(setting: Setting, row: torch.Tensor, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Run all of it, once a head, through modules that a user changed."""
    heads = len(modules_of(setting.encoder).blocks[block].scales[0])

    def edits_of(part: slice) -> list[Edit]:
        def change(gathered: torch.Tensor) -> torch.Tensor:
            kept = gathered.clone()
            each = torch.arange(len(kept), device=kept.device)
            kept.unflatten(-1, (heads, 3))[each, :, each + part.start] = 0
            return kept

        return [Edit(f"attended[{block}]", change)]

    return run_rows(setting, row.expand(heads, -1), edits=edits_of)
