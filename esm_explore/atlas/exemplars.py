"""Residues that show what a code is, or where it ends, with their neighborhoods."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch

from esm_explore.atlas.counting import Rows, closest, read_rows
from esm_explore.atlas.families import Families
from esm_explore.encoders.inputs import Inputs

EXEMPLARS, EDGES = 6, 3
_PLACE = ("structure", "chain", "number", "insertion_code", "margin")


def exemplars(
    parts: list[Path], means: np.ndarray, families: Families, numbering: str
) -> dict[int, list[dict]]:
    """Find the residues nearest to the mean latent of their code, the medoid first.

    Parameters
    ----------
    parts : list of Path
    means : ndarray, shape=(n_codes, d_code), dtype=float32
        Of the latents.
    families : Families
        Each is of another one.
    numbering : {"file", "sequential"}
        Whose differences relative positions are.

    Returns
    -------
    dict of int to list of dict
        By code: the fields of `EXEMPLAR`, and backbone, shape=(K, 3, 3), N, CA and C of the nodes
        in the query's frame, Å.
    """

    def distance(rows: Rows) -> np.ndarray:
        own = means[rows.table["token"].to_numpy()]
        return np.linalg.norm(rows.latents - own, axis=1)

    chosen = closest(read_rows(parts), distance, EXEMPLARS, families)
    found: dict[int, list[dict]] = {}
    for row, place, around in _at(parts, chosen, numbering):
        backbone, relative = around
        found.setdefault(int(row.token), []).append(
            {
                **place,
                "value": row.value,
                "distance": row.value,
                "relative_positions": relative,
                "ca": backbone[:, 1].astype(np.float16).ravel(),
                "backbone": backbone.astype(np.float16),
            }
        )
    return _sorted(found)


def edges(parts: list[Path], families: Families) -> dict[int, list[dict]]:
    """Find the residues of each code with the smallest margins, each of another family."""
    rows_of = read_rows(parts, latents=False)
    chosen = closest(rows_of, lambda rows: rows.table["margin"].to_numpy(), EDGES, families)
    found: dict[int, list[dict]] = {}
    for row, place, _ in _at(parts, chosen, None):
        found.setdefault(int(row.token), []).append({**place, "value": row.value})
    return _sorted(found)


def _sorted(found: dict[int, list[dict]]) -> dict[int, list[dict]]:
    return {code: sorted(them, key=lambda one: one["value"]) for code, them in found.items()}


def _at(parts: list[Path], chosen: pd.DataFrame, numbering: str | None) -> Iterator[Any]:
    """Go through chosen rows, a part at a time, with their places and neighborhoods."""
    columns = [*_PLACE, *(["index", "backbone", "neighbors"] if numbering else [])]
    for i, rows in chosen.groupby("part"):
        file = pq.ParquetFile(parts[i]).read(columns=columns)
        places = file.select(list(_PLACE)).take(pa.array(rows["row"])).to_pylist()
        around = _around(file, rows["row"].to_numpy(), numbering) if numbering else None
        for j, (row, place) in enumerate(zip(rows.itertuples(), places, strict=True)):
            yield row, place, around[j] if numbering else None


def _around(file: pa.Table, rows: np.ndarray, numbering: str) -> list[tuple]:
    """Give the backbone of each neighborhood in its query's frame, and relative positions."""
    index = file["index"].to_numpy()
    number = file["number"].to_numpy() if numbering == "file" else index
    backbone = file["backbone"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    backbone = backbone.reshape(-1, 3, 3)
    queries = torch.from_numpy(backbone[rows].copy())
    inputs = Inputs.build(queries, torch.arange(len(rows)))
    rotations = inputs.affine.rot.tensor[0].unflatten(-1, (3, 3)).numpy()
    found = []
    for row, rotation, neighbors in zip(
        rows, rotations, file["neighbors"].take(pa.array(rows)).to_pylist(), strict=True
    ):
        nodes = row - index[row] + np.array(neighbors)
        seen = (backbone[nodes] - backbone[row, 1]) @ rotation
        found.append((seen, (number[nodes] - number[row]).clip(-32768, 32767)))
    return found
