"""Tables of residues: CSV, Parquet and AnnData."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from esm_explore.analysis.annotations import annotate
from esm_explore.analysis.maps import N_NEIGHBORS, fit_map
from esm_explore.export.needed import import_needed
from esm_explore.export.values import MARK, ResidueValues
from esm_explore.outputs import printable
from esm_explore.principal_axes import principal_axes
from esm_explore.tracing.traces import Trace

_COMPONENTS = 10


def csv(data: ResidueValues) -> bytes:
    """Write the table of residues, after lines that begin with ``#`` and say what it is."""
    head = "".join(f"# {line}\n" for line in data.said)
    return (head + data.to_frame().to_csv(index=False, lineterminator="\n")).encode()


def parquet(data: ResidueValues) -> bytes:
    """Write the table of residues; the file's metadata says what it is."""
    table = pa.Table.from_pandas(data.to_frame(), preserve_index=False)
    table = table.replace_schema_metadata({**table.schema.metadata, MARK: "\n".join(data.said)})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def h5ad(data: ResidueValues) -> bytes:
    """Write latents (X, residues by numbers) with residues (obs), CA places and maps (obsm).

    The maps have scanpy's names: ``X_pca``, and ``X_umap`` where the residues are enough for one.
    Rows of residues without a backbone frame, whose latents mean nothing, are NaN.
    """
    anndata = import_needed("anndata", ".h5ad")
    trace = data.trace
    rows = ~trace.breaks
    residues = data.to_frame()
    for name, column in annotate(trace.chain).items():
        residues[name] = column.to_numpy()[rows]
    residues["margin"] = np.where(trace.has_frame, trace.nearest.margin, np.nan)[rows]
    values = np.where(data.known, data.values, np.nan) if data.are_numbers else data.texts()
    residues["value"] = np.asarray(values)[rows]
    named = trace.labels if trace.parts else [f"{trace.chain.chain_id}:{n}" for n in trace.labels]
    residues.index = np.array([printable(name) for name in named], dtype=object)[rows]
    table = anndata.AnnData(trace.pre_vq.astype(np.float32)[rows], obs=residues)
    table.obsm["spatial"] = trace.chain.atom37_positions[rows, 1].astype(np.float32)
    about = {"mark": MARK, "said": "\n".join(data.said), "value": data.name}
    latents = trace.pre_vq[trace.has_frame]
    axes, *_ = principal_axes(latents, min(_COMPONENTS, latents.shape[1]))
    table.obsm["X_pca"] = _placed(trace, axes)[rows]
    if len(latents) > N_NEIGHBORS:
        fitted = fit_map(latents, of="pre_vq")
        table.obsm["X_umap"] = _placed(trace, fitted.points)[rows]
        about["X_umap"] = fitted.title
    table.uns["esm_explore"] = about
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "residues.h5ad"
        table.write_h5ad(path)
        return path.read_bytes()


def _placed(trace: Trace, points: np.ndarray) -> np.ndarray:
    """Give all residues a row, NaN without a backbone frame."""
    rows = np.full((len(trace), points.shape[1]), np.nan, np.float32)
    rows[trace.has_frame] = points
    return rows
