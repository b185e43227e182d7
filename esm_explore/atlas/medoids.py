"""A residue beside the medoid of its code, both in their own backbone frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from esm_explore.atlas.cards import Card, Exemplar
from esm_explore.errors import AtlasError, TraceError
from esm_explore.tracing.traces import Trace

# Residues beyond have no position of their own to the encoder.
FARTHEST = 32


@dataclass(frozen=True, eq=False, repr=False)
class BesideMedoid:
    """A residue's neighborhood and that of its code's medoid, with the queries' frames as one.

    Attributes
    ----------
    name : str
        Of the residue, such as ``1UBI A 30``.
    card : Card
        Of its code; ``card.exemplars[0]`` is the medoid.
    relative_positions : ndarray, shape=(K,), dtype=int64
        Residue number minus the query's, nearest first.
    backbone, medoid_backbone : ndarray, shape=(K, 3, 3), dtype=float32
        N, CA and C of the nodes, Å; the query's CA is the origin. NaN where an atom is missing.
    pairs : ndarray, shape=(M, 2), dtype=int64
        Nodes of the residue and of the medoid at the same relative position, up to 32.
    margin : float
        Of the residue.
    """

    name: str
    card: Card
    relative_positions: np.ndarray
    backbone: np.ndarray
    medoid_backbone: np.ndarray
    pairs: np.ndarray
    margin: float

    @property
    def medoid(self) -> Exemplar:
        """The medoid."""
        return self.card.exemplars[0]

    @property
    def distances(self) -> np.ndarray:
        """How far the CA of each pair are apart, shape=(M,), Å."""
        first, second = self.pairs.T
        return np.linalg.norm(self.backbone[first, 1] - self.medoid_backbone[second, 1], axis=1)

    @property
    def rmsd(self) -> float:
        """Root mean square of the distances, the query left out, Å; NaN where nothing is shared."""
        apart = self.distances[self.pairs[:, 0] > 0]
        apart = apart[np.isfinite(apart)]
        return float(np.sqrt((apart**2).mean())) if len(apart) else np.nan

    def to_frame(self) -> pd.DataFrame:
        """Give the pairs.

        Returns
        -------
        DataFrame
            One row a pair: relative_position, node and medoid_node (places in the neighborhoods)
            and distance (Å).
        """
        return pd.DataFrame(
            {
                "relative_position": self.relative_positions[self.pairs[:, 0]],
                "node": self.pairs[:, 0],
                "medoid_node": self.pairs[:, 1],
                "distance": self.distances,
            }
        )

    def __repr__(self) -> str:
        n = len(self.backbone)
        return (
            f"{self.name} beside {self.medoid.label}, medoid of code {self.card.code}: "
            f"{len(self.pairs) - 1} of {n - 1} neighbors at the same relative positions, "
            f"{self.rmsd:.2f} Å apart (RMSD in the query's frame)\nEncoder: {self.card.title}"
        )


def beside_medoid(trace: Trace, index: int, card_of: Callable[[int], Card]) -> BesideMedoid:
    """Put a residue beside its code's medoid; see `Atlas.beside_medoid`."""
    if not trace.has_frame[index]:
        raise TraceError(
            f"Residue {trace.labels[index]} has no backbone frame: it has no neighborhood that "
            "could be put beside another. Choose another residue."
        )
    card = card_of(int(trace.tokens[index]))
    if not card.exemplars:
        raise AtlasError(
            f"No residue of the atlas has code {card.code}, which residue {trace.labels[index]} "
            "has: it has no medoid."
        )
    nodes = trace.edges[index]
    rotation = trace.inputs.affine.rot.tensor[0, index].reshape(3, 3).numpy()
    coords = np.asarray(trace.coords, np.float32)
    relative = trace.residue_index[nodes] - trace.residue_index[index]
    _, first, second = np.intersect1d(
        relative, card.exemplars[0].relative_positions, return_indices=True
    )
    near = np.abs(relative[first]) <= FARTHEST
    pairs = np.stack([first[near], second[near]], 1)
    return BesideMedoid(
        name=f"{trace.chain.id} {trace.chain.chain_id} {trace.labels[index]}",
        card=card,
        relative_positions=relative,
        backbone=(coords[nodes] - coords[index, 1]) @ rotation,
        medoid_backbone=card.medoid_backbone,
        pairs=pairs[np.argsort(pairs[:, 0])],
        margin=float(trace.nearest.margin[index]),
    )
