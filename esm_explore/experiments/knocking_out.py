"""Neighbors taken away and heads silenced, one by one: what a code hangs on."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from esm_explore.arguments import check_is_one_of, check_kind
from esm_explore.encoders.inputs import Inputs
from esm_explore.errors import TraceError
from esm_explore.experiments.attending import attention_of_queries, rank_correlation, whole_pass
from esm_explore.experiments.knocked_out import EFFECTS, MODES, KnockOut, KnockOutProfile
from esm_explore.experiments.rerunning import (
    Setting,
    code_steps,
    framed_index,
    name_of,
    progress,
    setting_of,
)
from esm_explore.experiments.short_pass import run_short
from esm_explore.experiments.silencing import silence_heads
from esm_explore.tracing.run import Capture
from esm_explore.tracing.traces import Trace

# How much farther a neighbor is put, Å: a head that weighs distance loses it.
AWAY = 50.0
# Residues at a time, with 15 rows each.
_QUERIES = 8


def knock_out(
    trace: Trace, residue: int | str, *, how: str = "masked", heads: bool = True
) -> KnockOut:
    """Take each neighbor of a residue away, silence each head, and see what its code hangs on.

    Parameters
    ----------
    trace : Trace
        With its encoder.
    residue : int or str
        As in `Trace.index_of`.
    how : {"masked", "replaced", "away"}
        What becomes of a neighbor. ``"masked"``: none attends to it, as esm masks residues
        without a backbone frame. ``"replaced"``: the next nearest residue, the 17th, takes its
        place. ``"away"``: it is put 50 Å farther from the residue, and turned as it was, so that
        only heads that weigh directions still see it.
    heads : bool
        Whether to silence heads, too, of which there are 256 at full size.

    Returns
    -------
    KnockOut

    Raises
    ------
    TraceError
        If there is no such residue or way; if the residue has no backbone frame, or no neighbor;
        if no other residue can replace one; if the trace has no encoder, or it has changed.

    Notes
    -----
    A head is silenced at all 16 nodes: what it gathered is set to zero.

    What a pass would compute and throw away is left out, which changes a latent by less than 2e-6
    of its length; an encoder that a user changed, with a hook or another module, is run as it is.

    Examples
    --------
    >>> import esm_explore as ex
    >>> trace = ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))
    >>> len(knock_out(trace, "30").neighbors)
    15
    """
    setting = setting_of(trace, "knock_out")
    check_is_one_of("way to knock out", how, list(MODES))
    check_kind(heads, bool, "heads", "True or False")
    index = framed_index(trace, residue)
    caught = whole_pass(setting, [index])
    attention, latents, tokens = _without_each(trace, setting, [index], how, caught)
    nodes = trace.edges[index]
    ca = np.where(trace.has_frame[nodes, None], trace.coords[nodes, 1], np.nan)
    by_block = attention[0].mean(1)[:, 1:]
    neighbors = pd.DataFrame(
        {
            "index": nodes[1:],
            "residue": [trace.labels[node] for node in nodes[1:]],
            "distance": np.linalg.norm(ca[1:] - ca[0], axis=1),
            "attention": by_block.mean(0),
            **{f"attention {block}": paid for block, paid in enumerate(by_block)},
            **_effects(trace, index, latents[0], tokens[0]),
        }
    )
    effect = neighbors["effect"].to_numpy()
    return KnockOut(
        name_of(trace, index),
        index,
        int(trace.tokens[index]),
        how,
        neighbors,
        _silenced(trace, setting, index, caught) if heads else None,
        rank_correlation(by_block.mean(0), effect),
        tuple(rank_correlation(paid, effect) for paid in by_block),
        trace.encoder_info,
    )


def knock_out_profile(trace: Trace, *, how: str = "masked") -> KnockOutProfile:
    """Take each neighbor of each residue of a chain away.

    Parameters
    ----------
    trace : Trace
        With its encoder.
    how : {"masked", "replaced", "away"}
        As in `knock_out`.

    Returns
    -------
    KnockOutProfile

    Raises
    ------
    TraceError
        As `knock_out`.

    Notes
    -----
    A progress bar shows where there are many; memory does not grow with the chain.
    """
    setting = setting_of(trace, "knock_out_profile")
    check_is_one_of("way to knock out", how, list(MODES))
    queries = np.flatnonzero(trace.has_frame)
    shape = len(trace), trace.edges.shape[1] - 1
    effects, attention = (np.full(shape, np.nan, np.float32) for _ in range(2))
    new_tokens, correlation = np.full(shape, -1), np.full(len(trace), np.nan)
    with progress(len(queries), "residue", at_least=_QUERIES) as bar:
        for start in range(0, len(queries), _QUERIES):
            some = queries[start : start + _QUERIES]
            paid, latents, new_tokens[some] = _without_each(trace, setting, some.tolist(), how)
            attention[some] = paid.mean((1, 2))[:, 1:]
            effects[some] = np.linalg.norm(latents - trace.pre_vq[some, None], axis=-1)
            bar.update(len(some))
    for query in queries:
        correlation[query] = rank_correlation(attention[query], effects[query])
    return KnockOutProfile(
        trace.title,
        trace.labels,
        how,
        effects,
        attention,
        new_tokens,
        trace.tokens,
        trace.edges[:, 1:],
        correlation,
        trace.encoder_info,
    )


def _without_each(
    trace: Trace,
    setting: Setting,
    queries: list[int],
    how: str,
    caught: Capture | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give n residues' attention, and latents and tokens without each neighbor, (n, K - 1, ...)."""
    if trace.edges.shape[1] < 2:
        raise TraceError(f"{trace.title}: a residue alone has no neighbor to knock out.")
    edges = setting.edges[queries]
    n, count = edges.shape[0], edges.shape[1] - 1
    inputs = setting.inputs
    if how == "away":
        inputs, rows = _put_away(setting.inputs, edges)
    else:
        left = ~torch.eye(count + 1, dtype=torch.bool, device=edges.device)[1:]
        rows = edges[:, None].expand(n, count, count + 1)[left.expand(n, -1, -1)]
        rows = rows.reshape(n, count, count)
        if how == "replaced":
            following = _next_nearest(trace, setting.inputs, queries)
            rows = torch.cat([rows, following[:, None, None].expand(n, count, 1)], dim=-1)
    latents, tokens = run_short(setting, rows.flatten(0, 1), inputs)
    attention = attention_of_queries(setting, queries, caught)
    return attention, latents.reshape(n, count, -1), tokens.reshape(n, count)


def _silenced(trace: Trace, setting: Setting, index: int, caught: Capture) -> pd.DataFrame:
    latents, tokens = silence_heads(setting, index, caught)
    block, head = (axis.ravel() for axis in np.indices(tokens.shape))
    effects = _effects(trace, index, latents.reshape(tokens.size, -1), tokens.ravel())
    return pd.DataFrame({"block": block, "head": head, **effects})


def _next_nearest(trace: Trace, inputs: Inputs, queries: list[int]) -> torch.Tensor:
    """Find the residue that comes after the neighbors, shape=(n,)."""
    nodes = torch.from_numpy(trace.edges[queries]).to(inputs.coords.device)
    ca = inputs.coords[:, 1].masked_fill(~inputs.has_frame[:, None], torch.nan)
    distance = (ca[queries, None] - ca).norm(dim=-1).nan_to_num(torch.inf)
    distance = distance.scatter(1, nodes, torch.inf)
    nearest, found = distance.min(1)
    if not nearest.isfinite().all():
        raise TraceError(
            f"{trace.title} has no residue with a backbone frame that could replace a neighbor, "
            "because all are neighbors already: use how='masked'."
        )
    return found


def _put_away(inputs: Inputs, edges: torch.Tensor) -> tuple[Inputs, torch.Tensor]:
    """Add a copy of each neighbor, `AWAY` farther from the query; rows that name one each."""
    n, count = edges.shape[0], edges.shape[1] - 1
    ca = inputs.coords[edges, 1]
    way = torch.nn.functional.normalize(ca[:, 1:] - ca[:, :1], dim=-1)
    copies = inputs.coords[edges[:, 1:]] + AWAY * way[:, :, None]
    length = len(inputs.coords)
    extended = Inputs.build(
        torch.cat([inputs.coords, copies.flatten(0, 1)]),
        torch.cat([inputs.residue_index, inputs.residue_index[edges[:, 1:]].flatten()]),
    )
    rows = edges[:, None].repeat(1, count, 1)
    each = torch.arange(count, device=edges.device)
    rows[:, each, each + 1] = length + torch.arange(n * count, device=edges.device).view(n, count)
    return extended, rows


def _effects(
    trace: Trace, index: int, latents: np.ndarray, tokens: np.ndarray
) -> dict[str, np.ndarray]:
    old = np.full(len(tokens), trace.tokens[index])
    distance, place = code_steps(trace.codebook, old, tokens)
    effect = np.linalg.norm(latents - trace.pre_vq[index], axis=1)
    return dict(zip(EFFECTS, (effect, tokens, tokens != old, distance, place), strict=True))
