"""The encoder's stages, in the order in which they run."""

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
import numpy as np

from esm_explore.tracing.traces import Trace



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



@dataclass(frozen=True)
class Step:
    """One step.

    Attributes
    ----------
    kind : str
        "edges", "relative_position", "attention", "block", "query", "pre_vq" or "codebook".
    title : str
        What buttons and headings call it.
    explanation : str
        What happens there in any encoder of this class, for a reader who sees it first.
    block : int or None
        Which block, for "attention" and "block".
    """

    kind: str
    title: str
    explanation: str
    block: int | None = None



def encoder_steps(n_blocks: int) -> list[Step]:
    """List the steps, in the order in which the encoder goes.

    Parameters
    ----------
    n_blocks : int
        Number of geometric attention blocks (2 in ESM3).

    Returns
    -------
    list of Step

    Examples
    --------
    >>> [step.title for step in encoder_steps(1)][:3]
    ['KNN', 'relative position', 'block 0 attention']
    """
    steps = [
        Step(
            "edges",
            "KNN",
            "For each residue the encoder finds the 16 residues whose CA atoms are nearest, "
            "itself included. This neighbourhood is all that the residue's token will know of "
            "the protein.",
        ),
        Step(
            "relative_position",
            "relative position",
            "Each of the 16 nodes starts as nothing but its position along the chain relative to "
            "the query, clipped to ±32: one of 65 learned vectors. Neither the amino acid nor "
            "the coordinates are in it.",
        ),
    ]
    for block in range(n_blocks):
        last = block == n_blocks - 1
        steps += [
            Step(
                "attention",
                f"block {block} attention",
                "Every node looks at every other one, in many heads. A head compares points in "
                "space (how far apart?) and directions (how turned?), both seen from the nodes' "
                "backbone frames: here the coordinates come in."
                + (" Of this last block only the query's row is used." if last else ""),
                block,
            ),
            Step(
                "block",
                f"block {block} output",
                "What attention gathered is added to the node's state, then what a feed-forward "
                "network makes of the sum. The lengths of the vectors say who contributed what.",
                block,
            ),
        ]
    return [
        *steps,
        Step(
            "query",
            "query",
            "Of the 16 nodes only the query, the residue itself, goes on; the other 15 have said "
            "what they had to say. Without a backbone frame it is set to zero here.",
        ),
        Step(
            "pre_vq",
            "pre_vq",
            "One linear layer makes the continuous latent of the query's state: the last thing "
            "that still holds everything the encoder found out.",
        ),
        Step(
            "codebook",
            "codebook",
            "The nearest of the codebook's codes stands in for the latent, and its number is the "
            "structure token. The margin, the runner-up's distance less the winner's, says how "
            "easily it could have been another.",
        ),
    ]



def step_states(trace: Trace, step: Step) -> np.ndarray:
    """Give what each residue is at a step, to lay out a map and to color by.

    Parameters
    ----------
    trace : Trace
    step : Step

    Returns
    -------
    ndarray, shape=(L, width), dtype=float32
        At KNN the CA coordinates; at relative position the average over the 16 nodes, as the
        query's own is the same everywhere; then what the stage of that name gives. Rows of
        residues without a backbone frame mean nothing.
    """
    match step.kind:
        case "edges":
            return trace.coords[:, 1]
        case "relative_position":
            return trace.relative_position.embeddings.mean(1)
        case "attention":
            return trace.attention_out[step.block]
        case "block":
            return trace.blocks[step.block]
        case "codebook":
            return trace.z_q
        case _:
            return getattr(trace, step.kind)
