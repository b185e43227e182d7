"""Where residues lie on the inspector's map, at each step."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA

from esm_explore.maps import fit_map
from esm_explore.palette import hex_colors, token_colors
from esm_explore.show.residue_colors import color_values, split_by_chain
from esm_explore.show.steps import Step, step_states
from esm_explore.traces import Trace

LAYOUTS = ("PCA", "UMAP")


def place_residues(traces: list[Trace], step: Step, layout: str) -> np.ndarray:
    """Lay out the residues of some chains by what they are at a step.

    Parameters
    ----------
    traces : list of Trace
    step : Step
    layout : {"PCA", "UMAP"}
        PCA is immediate; UMAP takes seconds, the first time half a minute.

    Returns
    -------
    ndarray, shape=(N, 2), dtype=float
        Of the residues with a backbone frame, chain by chain. At KNN chains are seen along
        their thinnest direction, side by side: coordinates of different files have nothing to
        do with one another.

    Raises
    ------
    TraceError
        If UMAP is asked of too few residues.
    """
    states = [step_states(trace, step)[trace.has_frame] for trace in traces]
    if step.kind == "edges":
        return _side_by_side([_pca(rows) for rows in states])
    together = np.concatenate(states)
    return fit_map(together).points if layout == "UMAP" else _pca(together)


def color_by_step(traces: list[Trace], step: Step) -> list[list[str]]:
    """Color residues by what they are at a step: alike there, alike in color.

    Parameters
    ----------
    traces : list of Trace
    step : Step

    Returns
    -------
    list of list of str
        One color a residue, chain by chain; grey without a backbone frame. At the last step it
        is the tokens' own color, as everywhere.
    """
    if step.kind == "codebook":
        tokens = np.concatenate([trace.tokens for trace in traces])
        return split_by_chain(traces, color_values(traces[0], tokens, tokens=True).hex)
    states = [step_states(trace, step) for trace in traces]
    if step.kind == "edges":
        states = [s - s[t.has_frame].mean(0) for s, t in zip(states, traces, strict=True)]
    framed = np.concatenate([trace.has_frame for trace in traces])
    colors = np.zeros((len(framed), 3), np.uint8)
    colors[framed] = token_colors(np.concatenate(states)[framed])
    return split_by_chain(traces, hex_colors(colors))


def _pca(rows: np.ndarray) -> np.ndarray:
    if len(rows) < 3:
        return np.stack([np.arange(len(rows)), np.zeros(len(rows))], axis=1)
    return PCA(2, svd_solver="covariance_eigh").fit_transform(rows.astype(float))


def _side_by_side(parts: list[np.ndarray]) -> np.ndarray:
    placed, edge = [], 0.0
    for points in parts:
        left, right = points[:, 0].min(), points[:, 0].max()
        placed.append(points + np.array([edge - left, 0]))
        edge += 1.1 * (right - left) + 5
    return np.concatenate(placed)
