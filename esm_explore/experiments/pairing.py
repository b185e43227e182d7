"""Two residues, stage by stage: how far apart they are, and where they part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from esm_explore.encoders.identity import EncoderInfo
from esm_explore.errors import TraceError
from esm_explore.experiments.alike import put_back, seen_from
from esm_explore.tracing.given import traces_of
from esm_explore.tracing.stages import Neighbors, Stage
from esm_explore.tracing.traces import Trace

N_RANDOM = 400
COLUMNS = ("stage", "distance", "cosine", "random pairs nearer")


@dataclass(frozen=True, eq=False, repr=False)
class ResiduePair:
    """Two residues of one encoder's traces; made by `compare_residues`.

    Attributes
    ----------
    names : (str, str)
        Chain and residue of each, such as ``1UBI A 48``.
    tokens : (int, int)
    stages : DataFrame
        As `to_frame` gives it.
    parted_at : str
        The first stage at which more than half of `N_RANDOM` random pairs of residues of these
        chains are nearer than the two; "" if there is none.
    code_distance, latent_distance : float
        Between the codes, and between the latents.
    neighborhood_distance : float
        How far apart the nodes are, seen from each residue's backbone frame, Å: the mean
        distance of a node's CA to the other neighborhood's nearest, both ways.
    moved : ndarray, shape=(K, 3), dtype=float64
        CA of the second residue's nodes in Å, its backbone frame laid on the first's, where that
        is in its file; NaN without a backbone frame.
    nodes : ndarray, shape=(K,), dtype=int64
        Indices of these nodes in the second chain.
    encoder_info : EncoderInfo
    """

    names: tuple[str, str]
    tokens: tuple[int, int]
    stages: pd.DataFrame
    parted_at: str
    code_distance: float
    latent_distance: float
    neighborhood_distance: float
    moved: np.ndarray
    nodes: np.ndarray
    encoder_info: EncoderInfo

    @property
    def title(self) -> str:
        """Both residues."""
        return f"{self.names[0]} and {self.names[1]}"

    @property
    def sentence(self) -> str:
        """What parts them, in words."""
        codes = (
            f"both have token {self.tokens[0]}"
            if self.tokens[0] == self.tokens[1]
            else f"their codes {self.tokens[0]} and {self.tokens[1]} are "
            f"{self.code_distance:.1f} apart"
        )
        where = (
            f"From {self.parted_at} on they are farther apart than half of all pairs here"
            if self.parted_at
            else "At no stage are they farther apart than half of all pairs here"
        )
        return (
            f"{self.title}: {codes}, their latents {self.latent_distance:.1f}. Laid on each other "
            f"by their backbone frames, their neighborhoods differ by "
            f"{self.neighborhood_distance:.1f} Å. {where}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            One row a stage: its title; the distance of the two residues' states (at KNN
            `neighborhood_distance`, in Å); their cosine (NaN at KNN); and the share of random
            pairs that are nearer.
        """
        return self.stages.copy()

    def __repr__(self) -> str:
        return f"{self.sentence}\nEncoder: {self.encoder_info.title}"


def compare_residues(
    first: Trace, residue: int | str, second: Trace, other: int | str
) -> ResiduePair:
    """Compare two residues of one chain, of two chains, or of two models.

    Parameters
    ----------
    first : Trace
    residue : int or str
        As in `Trace.index_of`.
    second : Trace
        Of the same encoder; may be the first.
    other : int or str

    Returns
    -------
    ResiduePair

    Raises
    ------
    TraceError
        If they are no traces of one encoder, there is no such residue, or one has no backbone
        frame.

    Notes
    -----
    Random pairs are drawn with a fixed seed of their own: one residue of the first chain, one of
    the second, never the same residue. States at the query stage are those of the last block.

    Examples
    --------
    >>> import esm_explore as ex
    >>> trace = ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))
    >>> compare_residues(trace, "28", trace, "29").names
    ('1UBI A 28', '1UBI A 29')
    """
    traces = traces_of([first, second], "compare_residues")
    rows = first.index_of(residue), second.index_of(other)
    for trace, row in zip(traces, rows, strict=True):
        if not trace.has_frame[row]:
            raise TraceError(
                f"Residue {trace.labels[row]} of {trace.title} has no backbone frame: there is "
                "nothing to compare."
            )
    drawn = _random_pairs(first, second)
    table = []
    for stage in first.stages:
        apart, cosine = _apart(stage, first, second, np.array([rows]))
        others, _ = _apart(stage, first, second, drawn)
        nearer = float((others < apart[0]).mean()) if len(others) else np.nan
        table.append((stage.title, float(apart[0]), float(cosine[0]), nearer))
    stages = pd.DataFrame(table, columns=list(COLUMNS))
    far = stages[stages["random pairs nearer"] > 0.5]
    tokens = int(first.tokens[rows[0]]), int(second.tokens[rows[1]])
    return ResiduePair(
        (
            f"{first.short_title} {first.labels[rows[0]]}",
            f"{second.short_title} {second.labels[rows[1]]}",
        ),
        tokens,
        stages,
        str(far["stage"].iloc[0]) if len(far) else "",
        float(np.linalg.norm(np.subtract(*(first.codebook[token] for token in tokens)))),
        float(np.linalg.norm(first.pre_vq[rows[0]] - second.pre_vq[rows[1]])),
        float(table[0][1]),
        _moved(first, rows[0], second, rows[1]),
        second.edges[rows[1]],
        first.encoder_info,
    )


def _random_pairs(first: Trace, second: Trace) -> np.ndarray:
    """Draw pairs of residues with a backbone frame, shape=(n, 2)."""
    random = np.random.default_rng(0)
    framed = [np.flatnonzero(trace.has_frame) for trace in (first, second)]
    pairs = np.stack([random.choice(rows, N_RANDOM) for rows in framed], axis=1)
    return pairs[pairs[:, 0] != pairs[:, 1]] if first is second else pairs


def _apart(
    stage: Stage, first: Trace, second: Trace, pairs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the distance and the cosine of pairs of residues, shape=(n,) each."""
    if isinstance(stage, Neighbors):
        clouds = [
            {row: _nodes(trace, row) for row in set(pairs[:, column].tolist())}
            for column, trace in enumerate((first, second))
        ]
        found = [_between(clouds[0][a], clouds[1][b]) for a, b in pairs.tolist()]
        return np.array(found), np.full(len(pairs), np.nan)
    a, b = (t.states(stage)[pairs[:, i]].astype(float) for i, t in enumerate((first, second)))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.linalg.norm(a - b, axis=1), (a * b).sum(1) / np.maximum(lengths, 1e-12)


def _nodes(trace: Trace, row: int) -> np.ndarray:
    """Give the CA of a residue's nodes, seen from its frame."""
    places = seen_from(trace, row)[trace.edges[row]]
    return places[np.isfinite(places).all(1)]


def _between(a: np.ndarray, b: np.ndarray) -> float:
    """Measure how far apart two sets of points are."""
    there, back = cKDTree(b).query(a)[0], cKDTree(a).query(b)[0]
    return float((there.mean() + back.mean()) / 2)


def _moved(first: Trace, row: int, second: Trace, other: int) -> np.ndarray:
    places = seen_from(second, other)[second.edges[other]]
    return put_back(first, row, places)
