"""What can be read off each stage: linear probes, tested on chains they were not fitted to."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from esm_explore.errors import TraceError
from esm_explore.traces import Trace


def stage_states(traces: list[Trace]) -> dict[str, np.ndarray]:
    """Gather the query residues' states at each stage.

    Parameters
    ----------
    traces : list of Trace
        All of one encoder.

    Returns
    -------
    dict
        By stage, shape=(N, width), for all residues with a backbone frame: the mean relative
        position embedding of the neighbourhood, the state after each block, pre_vq and z_q.
        (The query's own relative position is 0 in every neighbourhood.)

    Raises
    ------
    TraceError
        If there are none, or they are of several encoders.
    """
    encoders = sorted({trace.encoder_info.title for trace in traces})
    if len(encoders) != 1:
        raise TraceError(f"Traces of one encoder are needed; there are: {encoders or 'no traces'}.")
    stages = {"relative_position": lambda t: t.relative_position.embeddings.mean(1)}
    for i in range(len(traces[0].blocks)):
        stages[f"blocks[{i}]"] = lambda t, i=i: t.blocks[i]
    stages |= {"pre_vq": lambda t: t.pre_vq, "z_q": lambda t: t.z_q}
    return {
        name: np.concatenate([states(t)[t.has_frame] for t in traces])
        for name, states in stages.items()
    }


def probe_stages(traces: list[Trace], labels: list[np.ndarray]) -> pd.DataFrame:
    """Fit a linear probe to each stage.

    Parameters
    ----------
    traces : list of Trace
    labels : list of ndarray, shape=(L,)
        One array a trace: what is to be read, such as secondary structure.

    Returns
    -------
    DataFrame
        One row a stage: accuracy, the mean over five folds in which whole chains are left out,
        and majority, what guessing the most frequent label gives.

    Raises
    ------
    TraceError
        If labels do not fit, or there are fewer than five chains.
    """
    if len(traces) < 5:
        raise TraceError(f"Leaving out chains five times needs five of them, not {len(traces)}.")
    for trace, values in zip(traces, labels, strict=True):
        if len(values) != len(trace):
            raise TraceError(f"There are {len(values)} labels for {trace.title}.")
    known = np.concatenate([v[t.has_frame] for t, v in zip(traces, labels, strict=True)])
    group = np.repeat(np.arange(len(traces)), [int(t.has_frame.sum()) for t in traces])
    majority = pd.Series(known).value_counts(normalize=True).iloc[0]
    rows = []
    for name, states in stage_states(traces).items():
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, C=0.1))
        scores = cross_val_score(probe, states, known, groups=group, cv=GroupKFold(5))
        rows.append({"stage": name, "accuracy": scores.mean(), "majority": majority})
    return pd.DataFrame(rows)
