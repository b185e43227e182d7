"""What can be read off each stage: linear probes, tested on chains they were not fitted to."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold, cross_val_score

from esm_explore.arguments import array_of, check_kind
from esm_explore.errors import TraceError
from esm_explore.tracing.given import traces_of
from esm_explore.tracing.stages import Block, Codebook, Latent, RelativePosition
from esm_explore.tracing.traces import Trace


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
        position embedding of the neighborhood, the state after each block, pre_vq and z_q.
        (The query's own relative position is 0 in every neighborhood.)

    Raises
    ------
    TraceError
        If there are none, or they are of several encoders.
    """
    traces = traces_of(traces, "stage_states")
    return {
        stage.source: np.concatenate([t.states(stage)[t.has_frame] for t in traces])
        for stage in traces[0].stages
        if isinstance(stage, RelativePosition | Block | Latent | Codebook)
    }


def probe_stages(traces: list[Trace], labels: list[np.ndarray]) -> pd.DataFrame:
    """Fit a linear probe (linear discriminant analysis) to each stage.

    Parameters
    ----------
    traces : list of Trace
    labels : list of ndarray, shape=(L,)
        One array a trace: what is to be read, such as secondary structure.

    Returns
    -------
    DataFrame
        One row a stage: accuracy, the mean over five folds in which whole chains are left out
        (those of one sequence together), and majority, the share of the most frequent label.

    Raises
    ------
    TraceError
        If they are no traces, labels do not fit or are all alike, or there are fewer than five
        different sequences.
    """
    traces = traces_of(traces, "probe_stages")
    right = "a list of arrays, one a trace, of one value a residue"
    check_kind(labels, list | tuple, "labels", right)
    sequences = sorted({trace.chain.sequence for trace in traces})
    if len(sequences) < 5:
        raise TraceError(
            f"Leaving out chains five times needs five sequences, not {len(sequences)}."
        )
    if len(labels) != len(traces):
        raise TraceError(f"There are labels for {len(labels)} of {len(traces)} traces.")
    labels = [array_of(each, "One of labels", right, ndim=1, kinds="iufbUO") for each in labels]
    for trace, values in zip(traces, labels, strict=True):
        if len(values) != len(trace):
            raise TraceError(f"There are {len(values)} labels for {trace.title}.")
    known = np.concatenate([v[t.has_frame] for t, v in zip(traces, labels, strict=True)])
    if len(set(known.tolist())) < 2:
        raise TraceError(f"All labels are {known.tolist()[0]!r}: there is nothing to tell apart.")
    # Two structures of one protein would otherwise be tested on each other.
    group = np.concatenate(
        [np.full(int(t.has_frame.sum()), sequences.index(t.chain.sequence)) for t in traces]
    )
    majority = pd.Series(known).value_counts(normalize=True).iloc[0]
    rows = []
    for name, states in stage_states(traces).items():
        # Shrinkage, because stages can have more numbers than there are independent residues.
        probe = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        scores = cross_val_score(probe, states, known, groups=group, cv=GroupKFold(5))
        rows.append({"stage": name, "accuracy": scores.mean(), "majority": majority})
    return pd.DataFrame(rows)
