"""Another state put in at a stage, and the rest run on: which stage decides the code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from esm_explore.arguments import check_is_one_of
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.errors import TraceError
from esm_explore.experiments.rerunning import (
    BATCH,
    Setting,
    code_steps,
    framed_index,
    name_of,
    progress,
    run_rows,
    setting_of,
)
from esm_explore.tracing.run import Edit, all_nodes, run
from esm_explore.tracing.stages import Codebook, Neighbors
from esm_explore.tracing.traces import Trace

VALUES = ("zero", "mean")
ALL = "all"
# What is replaced of a neighborhood.
NODES = ("all nodes", "the query alone")


@dataclass(frozen=True, eq=False, repr=False)
class Replaced:
    """What became of a residue's code with another state put in; made by `replace`.

    Attributes
    ----------
    name : str
        Chain and residue, such as ``1UBI A 48``.
    index : int
        Of the residue in its chain.
    token : int
        As it is.
    value : str
        What was put in: "zero", "mean", or the donor's number as in the file.
    donor : int
        Index of the residue whose state was put in; -1 for zero and mean.
    stages : DataFrame
        As `to_frame` gives it.
    encoder_info : EncoderInfo
    """

    name: str
    index: int
    token: int
    value: str
    donor: int
    stages: pd.DataFrame
    encoder_info: EncoderInfo

    def to_frame(self) -> pd.DataFrame:
        """Make a table.

        Returns
        -------
        DataFrame
            One row a stage and what was replaced there: stage, nodes ("all nodes" or "the query
            alone"), effect (how far the latent moves), from_donor (how far it is from the donor's
            latent; NaN for zero and mean), new_token, flips, is_donors (whether it is the
            donor's), code_distance and code_place (1: no code is nearer to the old one).
        """
        return self.stages.copy()

    def summary(self) -> str:
        """Say in a sentence where the code is decided."""
        what = self.value if self.donor < 0 else f"the state of {self.value}"
        said = []
        for nodes in NODES:
            rows = self.stages[self.stages["nodes"] == nodes]
            if rows.empty:
                continue
            hit = rows[rows["flips" if self.donor < 0 else "is_donors"]]
            # The first of equals: what is put in last is what follows from it, but for rounding.
            most = rows.loc[rows["effect"].round(4).idxmax()]
            goal = "the code changes" if self.donor < 0 else "the code becomes the donor's"
            where = f", first at {hit['stage'].iloc[0]}" if len(hit) else ""
            said.append(
                f"with {nodes} replaced {goal} at {len(hit)} of {len(rows)} stages{where}, and the "
                f"latent moves most, by {most['effect']:.2f}, at {most['stage']}"
            )
        return f"{self.name}, token {self.token}, given {what}: {'; '.join(said)}."

    def __repr__(self) -> str:
        return f"{self.summary()}\nEncoder: {self.encoder_info.title}"


def replace(trace: Trace, stage: str, residue: int | str, value: int | str) -> Replaced:
    """Put another state in a residue's place at a stage, and run the rest on.

    Parameters
    ----------
    trace : Trace
        With its encoder.
    stage : str
        A stage's title, such as ``"block 0 output"``; or ``"all"``, each by itself, for a curve
        over the stages. At KNN and the codebook there is no state to replace.
    residue : int or str
        As in `Trace.index_of`.
    value : int or str
        What is put in: the state of another residue of the chain, given as `residue`;
        ``"zero"``; or ``"mean"``, of all residues with a backbone frame.

    Returns
    -------
    Replaced

    Raises
    ------
    TraceError
        If there is no such stage, residue or value; if a residue has no backbone frame; if the
        trace has no encoder, or it has changed.

    Notes
    -----
    Up to the last block a residue's state is that of its nodes, in the order of the edges. They
    are replaced all at once, each by the node of the same place, and, in a run of its own, the
    query alone: what comes after still sees the residue's own backbone frames, and in the second
    case its own neighbors.

    Examples
    --------
    >>> import esm_explore as ex
    >>> trace = ex.trace(ex.load_encoder(), ex.read_chain("1UBI"))
    >>> replace(trace, "pre_vq", "30", "48").stages["is_donors"].tolist()
    [True]
    """
    setting = setting_of(trace, "replace")
    sources = {
        one.title: one.source for one in trace.stages if not isinstance(one, Neighbors | Codebook)
    }
    check_is_one_of("stage whose state can be replaced", stage, [*sources, ALL])
    index = framed_index(trace, residue)
    word = value if isinstance(value, str) and value in VALUES else ""
    donor = -1 if word else _donor_of(trace, value)
    chosen = sources if stage == ALL else {stage: sources[stage]}
    states = _states(setting, trace, list(chosen.values()), donor, word)
    table = [
        (title, source, nodes)
        for title, source in chosen.items()
        for nodes in (NODES if states[source].ndim == 2 else NODES[1:])
    ]
    rows = setting.edges[index].expand(len(table), -1)
    edits = [
        Edit(source, _put(i, states[source], nodes)) for i, (_, source, nodes) in enumerate(table)
    ]
    latents, tokens = run_rows(setting, rows, edits=lambda _: edits)
    old = np.full(len(tokens), trace.tokens[index])
    distance, place = code_steps(trace.codebook, old, tokens)
    away = np.linalg.norm(latents - trace.pre_vq[donor], axis=1)
    stages = pd.DataFrame(
        {
            "stage": [title for title, _, _ in table],
            "nodes": [nodes for _, _, nodes in table],
            "effect": np.linalg.norm(latents - trace.pre_vq[index], axis=1),
            "from_donor": away if donor >= 0 else np.nan,
            "new_token": tokens,
            "flips": tokens != old,
            "is_donors": (tokens == trace.tokens[donor]) & (donor >= 0),
            "code_distance": distance,
            "code_place": place,
        }
    )
    return Replaced(
        name_of(trace, index),
        index,
        int(trace.tokens[index]),
        word or trace.labels[donor],
        donor,
        stages,
        trace.encoder_info,
    )


def _donor_of(trace: Trace, value: int | str) -> int:
    try:
        return framed_index(trace, value)
    except TraceError as error:
        words = " or ".join(f"'{word}'" for word in VALUES)
        raise TraceError(f"value has to be {words}, or another residue. {error}") from error


def _states(
    setting: Setting, trace: Trace, sources: list[str], donor: int, word: str
) -> dict[str, torch.Tensor]:
    """Give what is put in at each stage: (K, width) of nodes, (width,) from the query on."""
    queries = np.flatnonzero(trace.has_frame) if word == "mean" else np.array([max(donor, 0)])
    sums: dict[str, torch.Tensor] = {}
    with progress(len(queries), "residue") as bar:
        for start in range(0, len(queries), BATCH):
            rows = setting.edges[queries[start : start + BATCH]]
            caught = run(setting.encoder, setting.inputs, rows, keep=all_nodes)
            for source in sources:
                # In float64, so that a mean does not hang on how residues were batched.
                sums[source] = sums.get(source, 0) + caught[source].double().sum(0)
            bar.update(len(rows))
    means = {source: (total / len(queries)).float() for source, total in sums.items()}
    return {s: torch.zeros_like(m) for s, m in means.items()} if word == "zero" else means


def _put(row: int, state: torch.Tensor, nodes: str) -> Callable[[torch.Tensor], torch.Tensor]:
    """Put a state into one row of many."""

    def change(values: torch.Tensor) -> torch.Tensor:
        changed = values.clone()
        if state.ndim == 2 and nodes == NODES[1]:
            changed[row, 0] = state[0]
        else:
            changed[row] = state
        return changed

    return change
