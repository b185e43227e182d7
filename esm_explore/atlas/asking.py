"""Questions that go through all residues: the nearest latents, and SQL."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from esm_explore.arguments import check_kind, whole_number
from esm_explore.atlas.belonging import check_is_of
from esm_explore.atlas.counting import latents_of
from esm_explore.atlas.index_files import LatentIndex
from esm_explore.atlas.schema import PLAIN
from esm_explore.atlas.writing import CODES_FILE, FAMILIES_FILE
from esm_explore.errors import AtlasError, TraceError
from esm_explore.tracing.given import check_trace
from esm_explore.tracing.traces import Trace

_ROWS = 65_536


def chosen_rows(parts: list[Path], wanted: ds.Expression) -> pd.DataFrame:
    """Read the rows for which something holds, in order."""
    return ds.dataset([str(part) for part in parts]).to_table(PLAIN, wanted).to_pandas()


def nearest_rows(
    parts: list[Path],
    encoder: dict,
    trace: Trace,
    residue: int | str,
    k: int,
    opened: Callable[[], LatentIndex | None],
) -> pd.DataFrame:
    """Find nearest residues; see `Atlas.neighbors`.

    `encoder` is what the atlas's manifest says of it; `opened` gives its index, if there is one.
    """
    check_trace(trace, "neighbors")
    check_is_of(encoder, trace.encoder_info)
    k = whole_number(k, "k", 1)
    i = trace.index_of(residue)
    if not trace.has_frame[i]:
        raise TraceError(
            f"Residue {trace.labels[i]} has no backbone frame, and its latent says nothing: choose "
            "another."
        )
    query = trace.pre_vq[i].astype(np.float32)
    index = opened()
    if index is not None and index.can_find(k):
        return index.nearest(query, k)
    return _nearest_of_all(parts, query, k)


def _nearest_of_all(parts: list[Path], query: np.ndarray, k: int) -> pd.DataFrame:
    best = None
    for number, part in enumerate(parts):
        start = 0
        for batch in pq.ParquetFile(part).iter_batches(_ROWS, columns=["has_frame", "latent"]):
            table = pa.table(batch)
            distance = np.linalg.norm(latents_of(table["latent"]) - query, axis=1)
            framed = np.flatnonzero(table["has_frame"].to_numpy())
            near = framed[np.argsort(distance[framed], kind="stable")[:k]]
            new = pd.DataFrame({"distance": distance[near], "part": number, "row": start + near})
            both = new if best is None else pd.concat([best, new])
            best = both.sort_values("distance", kind="stable").head(k)
            start += len(table)
    return _rows_at(parts, best)


def _rows_at(parts: list[Path], best: pd.DataFrame) -> pd.DataFrame:
    found = []
    for number, chosen in best.groupby("part"):
        table = pq.ParquetFile(parts[int(number)]).read(columns=PLAIN)
        rows = table.take(pa.array(chosen["row"].astype(int))).to_pandas()
        found.append(rows.assign(distance=chosen["distance"].to_numpy(np.float32)))
    both = pd.concat(found).sort_values("distance", kind="stable")
    return both.reset_index(drop=True)


def run_sql(query: str, path: Path, parts: list[Path]) -> pd.DataFrame:
    """Ask DuckDB; see `Atlas.sql`."""
    check_kind(query, str, "query", 'SQL, such as "select count(*) from codes"')
    try:
        import duckdb
    except ImportError as error:
        raise AtlasError(
            'SQL needs DuckDB: pip install "esm_explore[atlas]", or pip install duckdb.'
        ) from error
    with duckdb.connect() as connection:
        try:
            for name, sources in (
                ("residues", parts),
                ("codes", [path / CODES_FILE]),
                ("families", [path / FAMILIES_FILE]),
            ):
                if sources:
                    listed = ", ".join("'" + str(p).replace("'", "''") + "'" for p in sources)
                    connection.execute(
                        f"create view {name} as select * from read_parquet([{listed}])"
                    )
            return connection.sql(query).df()
        except duckdb.Error as error:
            raise AtlasError(f"DuckDB refuses the query: {error}") from error
