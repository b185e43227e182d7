"""The encoder's stages, in the order in which they run: one class each.

A stage knows its name, what happens there, its outputs, and what each residue is there. Whoever
shows stages registers a function for each class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from esm_explore.encoders.modules import paths


class Stage:
    """One stage of the encoder.

    Attributes
    ----------
    title : str
        What headings and buttons call it.
    short : str
        The same where there is little room.
    explanation : str
        What happens there in any encoder of this class, for a reader who sees it first.
    outputs : dict of str
        What each output is, in one line, by its name: one that `Trace.output` takes.
    source : str
        The output that says what residues are at this stage.
    """

    explanation: ClassVar[str]

    @property
    def title(self) -> str:
        """What headings and buttons call it."""
        return self.source

    @property
    def short(self) -> str:
        """The title where there is little room."""
        return self.title

    @property
    def outputs(self) -> dict[str, str]:
        """What each output is, in one line, by its name."""
        raise NotImplementedError

    @property
    def source(self) -> str:
        """The output that says what residues are at this stage."""
        return next(iter(self.outputs))

    def of_residues(self, values: np.ndarray) -> np.ndarray:
        """Give what each residue is here, shape=(L, width), from the values of `source`."""
        return values


class Neighbors(Stage):
    """The nearest residues; residues are where they are in space."""

    title = "KNN"
    explanation = (
        "For each residue the encoder finds the 16 residues whose CA atoms are nearest, "
        "itself included. This neighborhood is all that the residue's token will know of "
        "the protein."
    )
    outputs: ClassVar = {
        "has_frame": "N, CA and C give a backbone frame",
        "edges": "nearest residues by CA distance, the query first",
    }
    source = "coords"

    def of_residues(self, values: np.ndarray) -> np.ndarray:
        """Take the CA."""
        return values[:, 1]


class RelativePosition(Stage):
    """What is known of the order along the chain; the query's own is the same everywhere."""

    title = "relative position"
    short = "position"
    explanation = (
        "Each of the 16 nodes starts as nothing but its position along the chain relative to "
        "the query, clipped to ±32: one of 65 learned vectors. Neither the amino acid nor "
        "the coordinates are in it."
    )
    outputs: ClassVar = {
        "relative_position": "residue number minus the query's, clipped to ±32, as an embedding"
    }

    def of_residues(self, values: np.ndarray) -> np.ndarray:
        """Average over the nodes."""
        return values.mean(1)


@dataclass(frozen=True)
class Attention(Stage):
    """Geometric attention of one block."""

    block: int
    is_last: bool

    @property
    def title(self) -> str:
        """Name the block."""
        return f"block {self.block} attention"

    @property
    def short(self) -> str:
        """Name the block by its number."""
        return f"attention {self.block}"

    @property
    def explanation(self) -> str:
        """Say what attention does, and of the last block what is used."""
        return (
            "Every node looks at every other one, in many heads. A head compares points in "
            "space (how far apart?) and directions (how turned?), both seen from the nodes' "
            "backbone frames: here the coordinates come in."
            + (" Of this last block only the query's row is used." if self.is_last else "")
        )

    @property
    def outputs(self) -> dict[str, str]:
        """What is added to the state."""
        return {f"attention_out[{self.block}]": "what geometric attention adds"}


@dataclass(frozen=True)
class Block(Stage):
    """The state after one block."""

    block: int
    explanation = (
        "What attention gathered is added to the node's state, then what a feed-forward "
        "network makes of the sum. The lengths of the vectors say who contributed what."
    )

    @property
    def title(self) -> str:
        """Name the block."""
        return f"block {self.block} output"

    @property
    def short(self) -> str:
        """Name the block by its number."""
        return f"output {self.block}"

    @property
    def outputs(self) -> dict[str, str]:
        """What is added, and the sum."""
        return {
            f"ffn_out[{self.block}]": "what the feed-forward network adds",
            f"blocks[{self.block}]": "the query residue's state after the block",
        }

    @property
    def source(self) -> str:
        """The state, not what was added."""
        return f"blocks[{self.block}]"


class Query(Stage):
    """The query node alone."""

    explanation = (
        "Of the 16 nodes only the query, the residue itself, goes on; the other 15 have said "
        "what they had to say. Without a backbone frame it is set to zero here."
    )
    outputs: ClassVar = {"query": "the query's state, zero without a frame"}


class Latent(Stage):
    """The continuous latent."""

    explanation = (
        "One linear layer makes the continuous latent of the query's state: the last thing "
        "that still holds everything the encoder found out."
    )
    outputs: ClassVar = {"pre_vq": "the continuous latent"}


class Codebook(Stage):
    """The choice of a code."""

    title = "codebook"
    explanation = (
        "The nearest of the codebook's codes stands in for the latent, and its number is the "
        "structure token. The margin, the runner-up's distance less the winner's, says how "
        "easily it could have been another."
    )
    outputs: ClassVar = {
        "z_q": "the code nearest to the latent",
        "tokens": "the number of that code",
    }


def encoder_stages(n_blocks: int) -> list[Stage]:
    """List the stages, in the order in which the encoder goes.

    Parameters
    ----------
    n_blocks : int
        Number of geometric attention blocks (2 in ESM3).

    Returns
    -------
    list of Stage

    Examples
    --------
    >>> [stage.title for stage in encoder_stages(1)][:3]
    ['KNN', 'relative position', 'block 0 attention']
    """
    stages = [Neighbors(), RelativePosition()]
    for block in range(n_blocks):
        stages += [Attention(block, block == n_blocks - 1), Block(block)]
    return [*stages, Query(), Latent(), Codebook()]


def output_table(n_blocks: int) -> list[tuple[str, str, str]]:
    """List all outputs: name, where esm computes it, what it is."""
    where = paths(n_blocks)
    return [
        (name, where[name], meaning)
        for stage in encoder_stages(n_blocks)
        for name, meaning in stage.outputs.items()
    ]


@dataclass(frozen=True)
class RelativePositions:
    """What the encoder is told about the order of residues along the chain.

    Attributes
    ----------
    bins : ndarray, shape=(L, K), dtype=int64
        Row of `table` that each neighbor gets: 33 is the query itself, 34 the next residue;
        1 and 65 are 32 residues or more before and after. 0 (padding) is never used.
    table : ndarray, shape=(66, d_model), dtype=float32
        The embedding's weights.
    """

    bins: np.ndarray
    table: np.ndarray

    @property
    def embeddings(self) -> np.ndarray:
        """The stage's output, shape=(L, K, d_model): the state of each node before block 0."""
        return self.table[self.bins]
