"""What queries attend to, many at a time, and how that goes with what counts."""

from __future__ import annotations

import numpy as np
import torch

from esm_explore.encoders.modules import modules_of
from esm_explore.experiments.rerunning import Setting
from esm_explore.tracing.attention import recompute_attention
from esm_explore.tracing.run import Capture, all_nodes, as_array, run


def whole_pass(setting: Setting, queries: list[int]) -> Capture:
    """Run esm's own pass on some residues' neighborhoods, all their nodes and internals kept."""
    rows = setting.edges[queries]
    return run(setting.encoder, setting.inputs, rows, keep=all_nodes, internals=True)


def attention_of_queries(
    setting: Setting, queries: list[int], caught: Capture | None = None
) -> np.ndarray:
    """Recompute what some residues attend to.

    Parameters
    ----------
    setting : Setting
    queries : list of int
        Indices; few enough for one pass.
    caught : Capture, optional
        What `whole_pass` gives of them, if it was made already.

    Returns
    -------
    ndarray, shape=(n, blocks, heads, K), dtype=float32
        The query's own row: sums to 1 over the nodes, the query first.
    """
    rows = setting.edges[queries]
    caught = caught or whole_pass(setting, queries)
    frames = setting.inputs.affine[0, rows.flatten()]
    found = [
        recompute_attention(
            caught[f"projection[{i}]"],
            frames.rot.tensor.reshape(*rows.shape, 3, 3),
            frames.trans.reshape(*rows.shape, 3),
            setting.inputs.has_frame[rows],
            tuple(scale.detach() for scale in block.scales),
            rows=slice(0, 1),
        ).weights[:, :, 0]
        for i, block in enumerate(modules_of(setting.encoder).blocks)
    ]
    return as_array(torch.stack(found, dim=1))


def rank_correlation(attention: np.ndarray, effect: np.ndarray) -> float:
    """Correlate ranks, as Spearman did; NaN of fewer than three, or where all are alike."""
    if len(effect) < 3 or np.ptp(attention) == 0 or np.ptp(effect) == 0:
        return float("nan")
    return float(np.corrcoef(_ranks(attention), _ranks(effect))[0, 1])


def _ranks(values: np.ndarray) -> np.ndarray:
    """Rank from 1, those that are alike by their mean; scipy's takes a second to bring in."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[which]
