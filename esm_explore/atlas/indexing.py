"""An index of latents: made part by part, and measured against exact search."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from esm_explore.atlas.counting import latents_of
from esm_explore.atlas.index_files import (
    BATCH,
    FORMAT,
    GOOD,
    LATENTS,
    ROWS,
    digest_of_atlas,
    distances_of,
    file_digest,
    usearch_index,
)
from esm_explore.atlas.opening import part_files
from esm_explore.atlas.schema import PLAIN, RESIDUES
from esm_explore.atlas.writing import INDEX_FOLDER, MANIFEST
from esm_explore.errors import AtlasError
from esm_explore.outputs import put, unfinished

# Of the graph (HNSW): links of a node, and candidates that are looked at where one is added.
_LINKS, _EXPANSION_ADD = 16, 128
# Candidates that a query looks at, the fewest first.
_EXPANSIONS = (128, 256, 512, 1024)
# Recall is measured of so many nearest, for so many residues, the same each time.
_NEAREST, _SAMPLE, _SEED = (20, 100), 200, 0
# Comparing fewer residues than that takes some 0.1 s.
_LARGE = 100_000
# A graph of fewer residues is almost empty.
_SPARSE = 1_000


def make_index(path: Path, parts: list[Path], progress: bool | None) -> dict:
    """Make the index of an atlas, in the place of one that is there.

    Parameters
    ----------
    path : Path
        The atlas.
    parts : list of Path
        Its files of residues.
    progress : bool, optional
        Show residues done, their rate and the time left; by default where a terminal shows it.

    Returns
    -------
    dict
        What its manifest says.

    Raises
    ------
    AtlasError
        If usearch is not installed, or it cannot be written; what was there is left as it was.
    """
    graph = usearch_index()(
        ndim=_width(parts[0]),
        metric="l2sq",
        dtype="f16",
        connectivity=_LINKS,
        expansion_add=_EXPANSION_ADD,
    )
    try:
        atlas = digest_of_atlas(path, parts)
        with unfinished(path / INDEX_FOLDER) as folder:
            new = folder / "new"
            new.mkdir()
            with _bar(parts, progress) as bar:
                n = _fill(graph, new / ROWS, parts, bar)
                graph.save(new / LATENTS)
                expansion, recall = _measured(graph, parts, n)
                bar.set_postfix_str(f"finds {recall[min(recall)]:.1%} of {min(recall)} nearest")
            about = {
                **{"format": FORMAT, "atlas": atlas, "library": f"usearch {version('usearch')}"},
                "residues": n,
                **{"links": _LINKS, "expansion_add": _EXPANSION_ADD, "expansion": expansion},
                **{"recall": recall, "sample": min(_SAMPLE, n)},
                "files": {name: file_digest(new / name) for name in (LATENTS, ROWS)},
            }
            text = json.dumps(about, indent=1)
            (new / MANIFEST).write_text(f"{text}\n", encoding="utf-8")
            put(new, path / INDEX_FOLDER)
    # What usearch raises where it cannot write is a RuntimeError.
    except (OSError, RuntimeError) as error:
        raise AtlasError(f"{path / INDEX_FOLDER} could not be written ({error}).") from error
    return about


def index_if_large(path: Path, manifest: dict, progress: bool | None) -> str:
    """Make the index of an atlas that was built, if comparing all of it would take long.

    Parameters
    ----------
    path : Path
    manifest : dict
        Of the atlas.
    progress : bool, optional
        As in `make_index`.

    Returns
    -------
    str
        How good it is, or why there is none; empty for a small atlas.
    """
    if manifest["framed"] < _LARGE:
        return ""
    try:
        return said_of(make_index(path, part_files(path, manifest), progress))
    except AtlasError as error:
        return f"no index of latents, so that neighbors compares all: {error}"


def said_of(about: dict) -> str:
    """Say in a sentence how good an index is, from its manifest."""
    least, share = min(about["recall"].items(), key=lambda item: int(item[0]))
    said = (
        f"index of {about['residues']:,} residues: it finds {share:.1%} of the {least} nearest "
        f"(of {about['sample']} residues, against exact search)"
    )
    return said if share >= GOOD else f"{said}; too few, so that exact search is used"


def _width(part: Path) -> int:
    first = next(pq.ParquetFile(part).iter_batches(1, columns=["latent"]))
    return len(first["latent"][0])


def _framed(parts: list[Path]) -> Iterator[pa.Table]:
    """Go through the residues with a backbone frame, as many at a time, but for the last."""
    waiting: list[pa.Table] = []
    columns = [*PLAIN, "latent"]
    for part in parts:
        for batch in pq.ParquetFile(part).iter_batches(BATCH, columns=columns):
            table = pa.table(batch)
            waiting.append(table.filter(table["has_frame"]))
            if sum(map(len, waiting)) >= BATCH:
                both = pa.concat_tables(waiting)
                yield both.slice(0, BATCH)
                waiting = [both.slice(BATCH)]
    if len(last := pa.concat_tables(waiting)):
        yield last


def _bar(parts: list[Path], progress: bool | None) -> tqdm:
    total = sum(pq.read_metadata(part).num_rows for part in parts)
    hidden = None if progress is None else not progress
    return tqdm(total=total, unit="residue", desc="index", disable=hidden)


def _fill(graph: Any, file: Path, parts: list[Path], bar: tqdm) -> int:
    """Add all residues, and write what is known of them; gives how many."""
    n = 0
    schema = pa.schema([RESIDUES.field(name) for name in PLAIN])
    with pa.ipc.new_file(file, schema) as writer:
        for table in _framed(parts):
            latents = latents_of(table["latent"]).astype(np.float16)
            # What threads add beside each other to an almost empty graph may not find each other.
            threads = 1 if n < _SPARSE else 0
            graph.add(np.arange(n, n + len(latents)), latents, threads=threads)
            rows = table.select(PLAIN).combine_chunks()
            writer.write_table(rows, max_chunksize=BATCH)
            n += len(latents)
            bar.update(len(latents))
    return n


def _measured(graph: Any, parts: list[Path], n: int) -> tuple[int, dict[int, float]]:
    """Look at as many candidates as are needed; gives how many, and recall by number of nearest."""
    chosen = np.sort(np.random.default_rng(_SEED).choice(n, min(_SAMPLE, n), replace=False))
    queries = np.asarray(graph.get(chosen), np.float32)
    limits = _true_distances(queries, parts)
    for expansion in _EXPANSIONS:
        graph.expansion_search = expansion
        recall = {}
        for most, limit in limits.items():
            shares = []
            for query, farthest in zip(queries, limit, strict=True):
                found = distances_of(graph, graph.search(query, most).keys, query)
                shares.append((found <= farthest * (1 + 1e-6)).sum() / min(most, n))
            recall[most] = round(float(np.mean(shares)), 4)
        if min(recall.values()) >= GOOD:
            break
    return expansion, recall


def _true_distances(queries: np.ndarray, parts: list[Path]) -> dict[int, np.ndarray]:
    """Find how far the last of so many nearest is, by comparing with all."""
    best = np.empty((len(queries), 0), np.float32)
    for table in _framed(parts):
        latents = latents_of(table["latent"])
        # Differences rather than products: near ones have to be told apart.
        new = np.stack([np.linalg.norm(latents - query, axis=1) for query in queries])
        best = np.sort(np.concatenate([best, new], axis=1), axis=1)[:, : max(_NEAREST)]
    return {most: best[:, min(most, best.shape[1]) - 1] for most in _NEAREST}
