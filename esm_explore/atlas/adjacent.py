"""What is near a residue: the nodes of its neighborhood, and the next residue of its chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from esm_explore.atlas.categories import Around


def around_of(part: Path, numbering: str) -> Around:
    """Read the neighborhoods of a part's residues that have a frame."""
    table = pq.ParquetFile(part).read(columns=["index", "number", "has_frame", "neighbors"])
    index = table["index"].to_numpy()
    number = table["number"].to_numpy() if numbering == "file" else index
    lists = table["neighbors"].combine_chunks()
    row = np.repeat(np.arange(len(table)), np.diff(lists.offsets.to_numpy()))
    nodes = row - index[row] + lists.flatten().to_numpy()
    others = nodes != row
    row, nodes = row[others], nodes[others]
    # Rows with a frame alone, as `read_rows` counts them.
    framed = np.cumsum(table["has_frame"].to_numpy()) - 1
    return Around(framed[row], number[nodes].astype(np.int64) - number[row])


def before_a_bonded(table: pd.DataFrame) -> np.ndarray:
    """Find rows whose next row is the next residue of the chain, bonded: these have a psi."""
    index, chain = table["index"].to_numpy(), table["chain"].to_numpy()
    next_one = (np.diff(index) == 1) & (np.diff(chain) == 0)
    return np.flatnonzero(next_one & table["psi"].notna().to_numpy()[:-1])
