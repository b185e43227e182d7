"""Where else a piece of a chain occurs: runs of residues whose latents follow those of another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from biotite.structure import rmsd, superimpose

from esm_explore.arguments import whole_number
from esm_explore.atlas.belonging import check_is_of
from esm_explore.atlas.counting import latents_of
from esm_explore.atlas.found_runs import FoundRuns
from esm_explore.errors import AtlasError, TraceError
from esm_explore.parsing.model import BONDED
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.traces import Trace

_COLUMNS = [
    *("file", "structure", "chain", "number", "insertion_code", "amino_acid", "ss"),
    *("token", "backbone"),
]
_OWN = ("structure", "chain", "first", "last", "sequence")
_RUN = [*_OWN, "ss", "distance", "rmsd", "same_tokens", "same_amino_acids", "file"]


def find_run(
    parts: list[Path], encoder: dict, trace: Trace, first: int | str, last: int | str, k: int
) -> FoundRuns:
    """Find runs that are like one of a trace; see `Atlas.find_run`.

    `encoder` is what the atlas's manifest says of it.
    """
    check_trace(trace, "find_run")
    check_is_of(encoder, trace.encoder_info)
    k = whole_number(k, "k", 1)
    rows = _rows(trace, first, last)
    latents = trace.pre_vq[rows].astype(np.float32)
    best, searched = None, 0
    for number, part in enumerate(parts):
        starts, distance, of_part = _distances(part, latents)
        searched += len(starts)
        # One more than asked for: the query's own place is not counted.
        found = _apart(starts, distance, len(latents), k + 1)
        new = pd.DataFrame({"distance": distance[found], "part": number, "row": starts[found]})
        # Reading them again would take as long as all of this did.
        new["latents"] = [of_part[start : start + len(latents)].copy() for start in new["row"]]
        both = new if best is None else pd.concat([best, new])
        best = both.sort_values("distance", kind="stable").head(k + 1)
    if not searched:
        raise AtlasError(
            f"No chain of this atlas has {len(latents)} bonded residues with backbone frames in a "
            "row: ask for a shorter run, or build an atlas of longer chains."
        )
    return _found(parts, best, trace, rows, k, searched)


def _rows(trace: Trace, first: int | str, last: int | str) -> np.ndarray:
    """Give the residues of a run, all bonded and with a backbone frame."""
    start, end = trace.index_of(first), trace.index_of(last)
    if end <= start:
        raise TraceError(
            f"A run goes from a residue to a later one, not from {trace.labels[start]} to "
            f"{trace.labels[end]}."
        )
    rows = np.arange(start, end + 1)
    without = rows[~trace.has_frame[rows]]
    if len(without):
        raise TraceError(
            f"Residue {trace.labels[without[0]]} has no backbone frame, and its latent says "
            "nothing: choose a run without it."
        )
    reach = np.linalg.norm(trace.coords[rows[:-1], 2] - trace.coords[rows[1:], 0], axis=1)
    if (reach >= BONDED).any():
        i = rows[np.argmax(reach >= BONDED)]
        raise TraceError(
            f"Residues {trace.labels[i]} and {trace.labels[i + 1]} are not bonded (the chain has "
            "a gap there): choose a run before or after."
        )
    return rows


def _distances(part: Path, latents: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compare all runs of a part.

    Gives where they start, summed distances of latents, and the latents of all rows.
    """
    table = pq.ParquetFile(part).read(columns=["index", "has_frame", "psi", "latent"])
    index, n = table["index"].to_numpy(), len(latents)
    rows = latents_of(table["latent"])
    if len(index) < n:
        return np.zeros(0, int), np.zeros(0, np.float32), rows
    framed = table["has_frame"].to_numpy()
    # What is bonded to the next residue has a psi.
    bonded = framed & table["psi"].is_valid().to_numpy()
    # Rows of another chain begin at 0 again, and so are never as far along.
    one_chain = index[n - 1 :] - index[: len(index) - n + 1] == n - 1
    gaps = np.concatenate([[0], (~bonded).cumsum()])
    whole = one_chain & framed[n - 1 :] & (gaps[n - 1 : len(index)] == gaps[: len(index) - n + 1])
    starts = np.flatnonzero(whole)
    squared = (rows**2).sum(1)[:, None] + (latents**2).sum(1) - 2 * rows @ latents.T
    distances = np.sqrt(squared.clip(min=0))
    summed = np.zeros(len(starts), np.float32)
    for i in range(n):
        summed += distances[starts + i, i]
    return starts, summed, rows


def _apart(starts: np.ndarray, distance: np.ndarray, n: int, k: int) -> list[int]:
    """Choose the nearest runs that share no residue with a nearer one; gives their places."""
    chosen: list[int] = []
    for place in np.argsort(distance, kind="stable"):
        if all(abs(starts[place] - starts[other]) >= n for other in chosen):
            chosen.append(int(place))
            if len(chosen) == k:
                break
    return chosen


def _found(
    parts: list[Path], best: pd.DataFrame, trace: Trace, rows: np.ndarray, k: int, searched: int
) -> FoundRuns:
    query = trace.coords[rows]
    letters = "".join(trace.chain.sequence[i] for i in rows)
    labels = [trace.labels[i] for i in rows]
    own = (trace.chain.id, trace.chain.chain_id, labels[0], labels[-1], letters)
    kept, backbones = [], []
    for run, near in _read(parts, best, len(rows)):
        row, backbone = _compared(run, near, trace, rows, letters)
        if tuple(row[name] for name in _OWN) != own:
            fitted, _ = superimpose(query.reshape(-1, 3), backbone.reshape(-1, 3))
            row["rmsd"] = float(rmsd(query.reshape(-1, 3), fitted))
            kept.append(row)
            backbones.append(fitted.reshape(query.shape))
    frame = pd.DataFrame(kept, columns=_RUN)
    order = np.argsort(frame["distance"], kind="stable")[:k]
    shape = (len(order), *query.shape)
    return FoundRuns(
        f"{trace.chain.id} {trace.chain.chain_id} {labels[0]} to {labels[-1]}",
        letters,
        query,
        frame.iloc[order].reset_index(drop=True),
        np.array([backbones[i] for i in order], np.float32).reshape(shape),
        searched,
        trace.encoder_info,
    )


def _read(parts: list[Path], best: pd.DataFrame, n: int) -> Iterator[tuple[pa.Table, np.ndarray]]:
    """Read runs, a part at a time; gives their latents, too."""
    for number, chosen in best.groupby("part"):
        table = pq.ParquetFile(parts[int(number)]).read(columns=_COLUMNS)
        for run in chosen.itertuples():
            yield table.slice(run.row, n), run.latents


def _compared(
    run: pa.Table, near: np.ndarray, trace: Trace, rows: np.ndarray, letters: str
) -> tuple[dict, np.ndarray]:
    """Say how a run differs from the query; gives its backbone, too."""
    values = {name: run[name].to_pylist() for name in _COLUMNS[:-1]}
    labels = [
        f"{number}{code}"
        for number, code in zip(values["number"], values["insertion_code"], strict=True)
    ]
    # Once more, of differences: products are too rough for what is near.
    apart = near - trace.pre_vq[rows]
    return {
        **{name: values[name][0] for name in ("file", "structure", "chain")},
        **{"first": labels[0], "last": labels[-1]},
        "sequence": "".join(values["amino_acid"]),
        "ss": "".join(letter or "-" for letter in values["ss"]),
        "distance": float(np.linalg.norm(apart, axis=1).sum()),
        "same_tokens": int((np.array(values["token"]) == trace.tokens[rows]).sum()),
        "same_amino_acids": sum(a == b for a, b in zip(values["amino_acid"], letters, strict=True)),
    }, np.array(run["backbone"].to_pylist(), np.float32).reshape(-1, 3, 3)
