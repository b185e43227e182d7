"""A complex encoded jointly and chain by chain: what changes at the interface, and by what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import torch

from esm_explore.chains.joined import APART, separate_parts
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.encoders.modules import modules_of
from esm_explore.errors import TraceError, heard
from esm_explore.experiments.rerunning import Setting, code_steps, run_rows, setting_of
from esm_explore.tracing.tracer import trace as trace_chain
from esm_explore.tracing.traces import Trace

# What else chains can be numbered as, and what that is.
NUMBERED = {
    "reversed": f"each chain {APART} before the one given before it",
    "consecutive": "each chain numbered on from the one before it, as ESM3 does with complexes",
    "colliding": "each chain with its own numbers, which others have, too",
}


@dataclass(frozen=True, eq=False, repr=False)
class JointComparison:
    """A complex encoded jointly and chain by chain; made by `compare_joint`.

    Attributes
    ----------
    name : str
        Of the complex.
    title : str
        The same, with its chains.
    chain_ids : tuple of str
    tokens : ndarray, shape=(L,), dtype=int64
        Of all rows of the trace.
    residues : DataFrame
        As `to_frame` gives it.
    crossing : DataFrame
        One row an edge from a residue to a node of another chain: residue, node, rank, distance
        (CA to CA, Å) and the difference of their residue numbers, as the encoder was told it
        (``joint``) and as it would be in each of `NUMBERED`.
    n_edges : int
        Of all residues that have a backbone frame, to other residues that have one.
    reach : int
        Differences of this or more are one to the encoder.
    encoder_info : EncoderInfo
    """

    name: str
    title: str
    chain_ids: tuple[str, ...]
    tokens: np.ndarray
    residues: pd.DataFrame
    crossing: pd.DataFrame
    n_edges: int
    reach: int
    encoder_info: EncoderInfo

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            One row a residue that has a backbone frame, named as in `Trace.labels`: chain; foreign
            (how many of its nodes are of other chains); alone and joint (its tokens); changed;
            code and latent (distances of the codes, and of the latents); reversed, consecutive and
            colliding (its tokens with other numbers, see `NUMBERED`); and index (in the trace).
        """
        return self.residues.copy()

    @property
    def renumbered(self) -> dict[str, int]:
        """How many joint tokens are other ones in each of `NUMBERED`."""
        table = self.residues
        return {way: int((table[way] != table["joint"]).sum()) for way in NUMBERED}

    @property
    def seem_near(self) -> dict[str, int]:
        """How many crossing edges seem to join neighbors along a chain, in each of `NUMBERED`."""
        ways = ("joint", *NUMBERED)
        return {way: int((self.crossing[way].abs() < self.reach).sum()) for way in ways}

    def summary(self) -> str:
        """Say in a sentence or two what joint encoding changes."""
        table, chains = self.residues, " and ".join(self.chain_ids)
        at = table["foreign"] > 0
        if not at.any():
            return (
                f"{self.name}, chains {chains}: no neighborhood reaches into another chain, so "
                "encoding them jointly is encoding them one by one."
            )
        others = int((table["changed"] & ~at).sum())
        said = (
            f"{self.name}, chains {chains}: {at.sum()} of {len(table)} residues have nodes in "
            f"another chain ({len(self.crossing):,} of {self.n_edges:,} edges cross). Encoded "
            f"jointly, {int((table['changed'] & at).sum())} of these have another token than in "
            f"their chain alone; of the others {others or 'none'}"
        )
        if others:
            said += " (near-ties, which rounding turns over)"
        told = self.renumbered
        return (
            f"{said}. How chains are numbered changes tokens, too: {told['reversed']} with the "
            f"chains in the other order, {told['consecutive']} numbered on from chain to chain, "
            f"{told['colliding']} with each chain's own numbers."
        )

    def __repr__(self) -> str:
        return f"{self.summary()}\nEncoder: {self.encoder_info.title}"


def compare_joint(trace: Trace) -> JointComparison:
    """Compare a complex that was encoded as one input with its chains encoded one by one.

    Parameters
    ----------
    trace : Trace
        Of a complex (`read_complex`), with its encoder.

    Returns
    -------
    JointComparison

    Raises
    ------
    TraceError
        If it is no trace of a complex; if it has no encoder, or that has changed; or if one of the
        chains has no residue with a backbone frame.

    Notes
    -----
    The encoder has no word for another chain: it is told CA distances, frames, and differences of
    residue numbers clipped to 32 either way. Whatever a node of another chain is numbered, it
    seems to be of the same chain, before the residue or after it.

    Examples
    --------
    >>> import esm_explore as ex
    >>> joint = ex.trace(ex.load_encoder(), ex.read_complex("2HT0"))
    >>> compared = compare_joint(joint)
    >>> int(compared.residues["changed"].sum()), len(compared.crossing)
    (96, 561)
    """
    setting = setting_of(trace, "compare_joint")
    if not trace.parts:
        raise TraceError(
            f"{trace.title} is one chain: compare_joint takes the trace of a complex, "
            "ex.trace(encoder, ex.read_complex(...))."
        )
    alone_tokens, alone_latents = _alone(trace, setting)
    ids, framed = trace.chain_ids, np.flatnonzero(trace.has_frame)
    crosses = (ids[trace.edges] != ids[:, None]) & trace.has_frame[trace.edges]
    crosses[~trace.has_frame] = False
    steps, _ = code_steps(trace.codebook, alone_tokens[framed], trace.tokens[framed])
    numbers = _numbers(trace)
    table = pd.DataFrame(
        {
            "chain": ids[framed],
            "foreign": crosses.sum(1)[framed],
            "alone": alone_tokens[framed],
            "joint": trace.tokens[framed],
            "changed": (alone_tokens != trace.tokens)[framed],
            "code": steps,
            "latent": np.linalg.norm(alone_latents - trace.pre_vq, axis=1)[framed],
            **{way: _renumbered(trace, setting, numbers[way])[framed] for way in NUMBERED},
            "index": framed,
        },
        index=pd.Index([trace.labels[i] for i in framed], name="residue"),
    )
    others = trace.has_frame[trace.edges] & trace.has_frame[:, None]
    return JointComparison(
        str(trace.chain.id),
        trace.title,
        tuple(name for name, _ in trace.parts),
        trace.tokens,
        table,
        _edges(trace, crosses, numbers),
        int(others[:, 1:].sum()),
        modules_of(setting.encoder).limit,
        trace.encoder_info,
    )


def _alone(trace: Trace, setting: Setting) -> tuple[np.ndarray, np.ndarray]:
    """Give tokens and latents of the chains encoded one by one, at their rows in the trace."""
    tokens, latents = trace.tokens.copy(), trace.pre_vq.copy()
    for chain, (_, rows) in zip(separate_parts(trace.chain), trace.parts, strict=True):
        # What is wrong with a chain was said when it was read.
        with heard():
            alone = trace_chain(setting.encoder, chain, numbering=trace.numbering)
        tokens[rows], latents[rows] = alone.tokens, alone.pre_vq
    return tokens, latents


def _numbers(trace: Trace) -> dict[str, np.ndarray]:
    """Give residue numbers of other ways; within a chain differences stay those of the trace."""
    parts = [rows for _, rows in trace.parts]
    seen = trace.residue_index
    ways = {way: seen.copy() for way in NUMBERED}
    for before, rows in pairwise(parts):
        first, last = seen[rows].min(), seen[rows].max()
        ways["reversed"][rows] += ways["reversed"][before].min() - APART - last
        # The row between two chains has a number of its own.
        ways["consecutive"][rows] += ways["consecutive"][before].max() + 2 - first
    own = trace.chain.residue_index
    for rows in parts:
        # Numbered 1 to L, each chain begins with 1.
        ways["colliding"][rows] += (1 if trace.numbering == "sequential" else own[rows][0]) - seen[
            rows
        ][0]
    return ways


def _renumbered(trace: Trace, setting: Setting, numbers: np.ndarray) -> np.ndarray:
    """Give the tokens with other residue numbers; where they say the same, none can change."""
    limit = modules_of(setting.encoder).limit
    told, seen = (_told(trace, each, limit) for each in (numbers, trace.residue_index))
    rows = np.flatnonzero((told != seen).any(1) & trace.has_frame)
    tokens = trace.tokens.copy()
    if len(rows):
        given = torch.from_numpy(numbers).to(setting.device)
        _, tokens[rows] = run_rows(
            setting, setting.edges[rows], replace(setting.inputs, residue_index=given)
        )
    return tokens


def _told(trace: Trace, numbers: np.ndarray, limit: int) -> np.ndarray:
    """Give what the encoder is told of each node's place along the chain, shape=(L, K)."""
    return np.clip(numbers[trace.edges] - numbers[:, None], -limit, limit)


def _edges(trace: Trace, crosses: np.ndarray, numbers: dict[str, np.ndarray]) -> pd.DataFrame:
    rows, ranks = np.nonzero(crosses)
    nodes = trace.edges[rows, ranks]
    ca = trace.coords[:, 1]
    labels = np.array(trace.labels, dtype=object)
    told = {"joint": trace.residue_index} | numbers
    return pd.DataFrame(
        {
            "residue": labels[rows],
            "node": labels[nodes],
            "rank": ranks,
            "distance": np.linalg.norm(ca[rows] - ca[nodes], axis=1),
            **{way: each[nodes] - each[rows] for way, each in told.items()},
        }
    )
