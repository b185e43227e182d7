"""One token in several proteins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from esm_explore.arguments import whole_number
from esm_explore.chains.backbone import fit
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.errors import TraceError
from esm_explore.experiments.rerunning import name_of
from esm_explore.tracing.given import traces_of
from esm_explore.tracing.traces import Trace


@dataclass(frozen=True, eq=False, repr=False)
class SameToken:
    """Neighborhoods that got the same token, each seen from its query's backbone frame.

    Attributes
    ----------
    token : int
    labels : list of str
        Chain and residue of each query, such as ``1UBI A 30``.
    ca : ndarray, shape=(n, K, 3), dtype=float32
        CA of the nodes in Å, the query at the origin; NaN without a backbone frame.
    relative_positions : ndarray, shape=(n, K), dtype=int64
        Residue number minus the query's.
    encoder_info : EncoderInfo
    """

    token: int
    labels: list[str]
    ca: np.ndarray
    relative_positions: np.ndarray
    encoder_info: EncoderInfo

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return (
            f"Token {self.token}: {len(self)} neighborhoods, superposed by their query's frame; "
            f"encoder: {self.encoder_info.title}"
        )

    def spread(self) -> pd.DataFrame:
        """Measure how far nodes at the same relative position lie from their average.

        Returns
        -------
        DataFrame
            One row a relative position that at least three neighborhoods have: n, and
            deviation, the root mean square distance from the average place, Å.
        """
        rows = []
        for position in np.unique(self.relative_positions):
            places = self.ca[self.relative_positions == position]
            places = places[np.isfinite(places).all(1)]
            if len(places) >= 3:
                off = np.linalg.norm(places - places.mean(0), axis=1)
                rows.append((position, len(places), float(np.sqrt((off**2).mean()))))
        return pd.DataFrame(rows, columns=["relative_position", "n", "deviation"])


def same_token(traces: list[Trace], token: int) -> SameToken:
    """Gather all neighborhoods with a token.

    Parameters
    ----------
    traces : list of Trace
        All of one encoder.
    token : int

    Returns
    -------
    SameToken

    Raises
    ------
    TraceError
        If no residue with a backbone frame has it, or traces are of several encoders.
    """
    traces = traces_of(traces, "same_token")
    token = whole_number(token, "token", 0, len(traces[0].codebook) - 1)
    labels, places, relative = [], [], []
    for trace in traces:
        for query in np.flatnonzero((trace.tokens == token) & trace.has_frame):
            nodes = trace.edges[query]
            if len(nodes) < 16:
                continue
            places.append(seen_from(trace, int(query))[nodes])
            relative.append(trace.residue_index[nodes] - trace.residue_index[query])
            labels.append(name_of(trace, int(query)))
    if not labels:
        raise TraceError(f"No neighborhood of 16 residues has token {token} in these chains.")
    return SameToken(token, labels, np.stack(places), np.stack(relative), traces[0].encoder_info)


def seen_from(trace: Trace, query: int) -> np.ndarray:
    """Move the chain's CA into one residue's backbone frame, shape=(L, 3), Å; NaN without one."""
    rotation = trace.inputs.affine.rot.tensor[0, query].reshape(3, 3).numpy()
    ca = np.where(trace.has_frame[:, None], trace.coords[:, 1], np.nan)
    return (ca - trace.coords[query, 1]) @ rotation


def put_back(trace: Trace, query: int, places: np.ndarray) -> np.ndarray:
    """Undo `seen_from`: put places that one residue sees into the chain, as its file has it.

    Parameters
    ----------
    trace : Trace
    query : int
        Index of a residue with a backbone frame.
    places : ndarray, shape=(N, 3), dtype=float
        In its frame, Å.

    Returns
    -------
    ndarray, shape=(N, 3), dtype=float64
    """
    rotation = trace.inputs.affine.rot.tensor[0, query].reshape(3, 3).numpy().astype(float)
    # The encoder sees the chain moved to the origin and turned.
    framed = trace.has_frame
    back = fit(
        trace.chain.atom37_positions[framed, :3].reshape(-1, 3),
        trace.coords[framed, :3].reshape(-1, 3),
    )
    return back.apply(places.astype(float) @ rotation.T + trace.coords[query, 1])
