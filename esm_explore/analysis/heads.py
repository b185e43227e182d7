"""What each attention head looks at, summed up over the residues of a chain."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch.nn.functional as F
from esm.models.vqvae import StructureTokenEncoder
from tqdm.auto import tqdm

from esm_explore.arguments import array_of
from esm_explore.encoders.identity import unchanged
from esm_explore.encoders.modes import plain_float32
from esm_explore.encoders.modules import modules_of
from esm_explore.encoders.progress import bars_are_hidden
from esm_explore.errors import TraceError
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.neighborhood import Neighborhood, open_neighborhood
from esm_explore.tracing.traces import Trace

# Residues this near along the chain are the sequence's, the others space's.
LOCAL = 4


def head_weights(trace: Trace) -> pd.DataFrame:
    """Give how much each head's logits weigh distance and direction.

    Parameters
    ----------
    trace : Trace
        With its encoder.

    Returns
    -------
    DataFrame
        One row a head: block, head, distance_weight and rotation_weight, the softplus of the
        learned scales: a distance weight of 1 means that 1.7 Å farther costs a factor of e.

    Raises
    ------
    TraceError
        If it is no trace, or has no encoder.
    """
    rows = []
    for block, modules in enumerate(modules_of(_encoder(trace, "head_weights")).blocks):
        with plain_float32():
            distance, rotation = (F.softplus(scale).cpu().numpy() for scale in modules.scales)
        head = np.arange(len(distance))
        rows.append(
            pd.DataFrame(
                {
                    "block": block,
                    "head": head,
                    "distance_weight": distance,
                    "rotation_weight": rotation,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def head_statistics(trace: Trace, residues: list[int] | None = None) -> pd.DataFrame:
    """Describe what the query node attends to, head by head.

    Parameters
    ----------
    trace : Trace
        With its encoder.
    residues : list of int, optional
        Indices of the residues to average over; by default all with a backbone frame.

    Returns
    -------
    DataFrame
        `head_weights`, and, averaged over the residues: entropy (bits; at most 4 for 16 nodes),
        reach (mean CA distance of what is attended to, Å), and the shares of attention on the
        residue itself (``self``), on others up to 4 along the chain (``sequence``) and on the
        rest (``space``).

    Raises
    ------
    TraceError
        If it is no trace, has no encoder, or there are no such residues.
    """
    encoder = _encoder(trace, "head_statistics")
    given = np.flatnonzero(trace.has_frame) if residues is None else residues
    chosen = array_of(given, "residues", "a list of indices", ndim=1, kinds="iu").tolist()
    if not chosen:
        raise TraceError("There are no residues to average over.")
    totals = np.zeros(())
    hidden = len(chosen) < 100 or bars_are_hidden()
    for residue in tqdm(chosen, unit="residue", leave=False, disable=hidden):
        edges = trace.edges[trace.index_of(residue)]
        opened = open_neighborhood(encoder, trace.inputs, edges, trace.labels)
        totals = totals + _of_neighborhood(opened)
    statistics = (totals / len(chosen)).reshape(-1, 5)
    names = ["entropy", "reach", "self", "sequence", "space"]
    return pd.concat([head_weights(trace), pd.DataFrame(statistics, columns=names)], axis=1)


def _of_neighborhood(opened: Neighborhood) -> np.ndarray:
    attention = opened.attention[:, :, 0]
    away = np.abs(opened.edges - opened.edges[0])
    logs = np.log2(attention, where=attention > 0, out=np.zeros_like(attention))
    parts = [
        -(attention * logs).sum(-1),
        attention @ np.nan_to_num(opened.distances),
        attention[..., away == 0].sum(-1),
        attention[..., (away > 0) & (away <= LOCAL)].sum(-1),
        attention[..., away > LOCAL].sum(-1),
    ]
    return np.stack(parts, axis=-1)


def _encoder(trace: Trace, verb: str) -> StructureTokenEncoder:
    check_trace(trace, verb)
    return unchanged(trace.encoder, trace.encoder_info)
