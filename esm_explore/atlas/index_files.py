"""The index of an atlas's latents on disk: bound to its atlas, checked before it is asked."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from esm_explore.atlas.writing import INDEX_FOLDER, MANIFEST
from esm_explore.errors import AtlasError, warn

FORMAT = "esm_explore index 1"
LATENTS, ROWS = "latents.usearch", "rows.arrow"
INSTALL = 'pip install "esm_explore[atlas]"'
# Rows that are added, and that lie in a file, at a time; Ctrl-C comes through between two of them.
BATCH = 8_192
# Of those nearest by exact search, the share that has to be found.
GOOD = 0.98


def usearch_index() -> type:
    """Import usearch's index.

    Raises
    ------
    AtlasError
        If it is not installed.
    """
    try:
        from usearch.index import Index
    except ImportError as error:
        raise AtlasError(f"An index of latents needs usearch: {INSTALL}.") from error
    return Index


@dataclass(frozen=True, eq=False)
class LatentIndex:
    """An index that was opened, memory-mapped.

    Attributes
    ----------
    graph : usearch.index.Index
        Keys are rows of `rows`.
    rows : RecordBatchFileReader
        Residues with a backbone frame, in the order of the atlas, `BATCH` in each but the last.
    recall : dict of int to float
        By how many nearest are asked for: the share of those that it finds.
    """

    graph: Any
    rows: pa.ipc.RecordBatchFileReader
    recall: dict[int, float]

    def can_find(self, k: int) -> bool:
        """Tell whether it finds enough of the k nearest; else all have to be compared."""
        return any(k <= most and share >= GOOD for most, share in self.recall.items())

    def nearest(self, query: np.ndarray, k: int) -> pd.DataFrame:
        """Find the nearest residues, with their distances, nearest first.

        Parameters
        ----------
        query : ndarray, shape=(d_code,), dtype=float32
        k : int

        Returns
        -------
        DataFrame
        """
        keys = np.asarray(self.graph.search(query, k).keys).astype(np.int64)
        distance = distances_of(self.graph, keys, query)
        order = np.lexsort([keys, distance])
        keys, distance = keys[order], distance[order]
        # Batch by batch: taking from a table would copy all of it first.
        order = np.argsort(keys // BATCH, kind="stable")
        taken = []
        for chosen in np.split(order, np.flatnonzero(np.diff(keys[order] // BATCH)) + 1):
            batch = self.rows.get_batch(int(keys[chosen[0]] // BATCH))
            taken.append(batch.take(pa.array(keys[chosen] % BATCH)))
        rows = pa.Table.from_batches(taken).to_pandas()
        return rows.set_index(order).sort_index().assign(distance=distance)


def distances_of(graph: Any, keys: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Compute distances as exact search does; usearch's own are squared and rounded."""
    latents = np.asarray(graph.get(keys), np.float32)
    return np.linalg.norm(latents - query, axis=1)


def digest_of_atlas(path: Path, parts: list[Path]) -> str:
    """Tell an atlas from all others, and from what it was before.

    Parameters
    ----------
    path : Path
    parts : list of Path
        Its files of residues.

    Returns
    -------
    str
        SHA-256 of its manifest, and of the size and the footer of each part: these have the size of
        each column when compressed, and its least and largest value.
    """
    digest = hashlib.sha256((path / MANIFEST).read_bytes())
    for part in parts:
        with part.open("rb") as file:
            size = file.seek(-8, 2) + 8
            (length,) = struct.unpack("<I", file.read(4))
            file.seek(-8 - length, 2)
            digest.update(f"{part.name} {size} ".encode() + file.read(length))
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """Compute the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_index(path: Path, parts: list[Path]) -> LatentIndex | None:
    """Open the index of an atlas.

    Parameters
    ----------
    path : Path
        The atlas.
    parts : list of Path
        Its files of residues.

    Returns
    -------
    LatentIndex or None
        None where there is none, or none to trust.

    Warns
    -----
    ChainWarning
        That it is broken, of another atlas, or of what this one was before, and how it is made
        again.
    """
    folder = path / INDEX_FOLDER
    if not folder.is_dir():
        return None
    try:
        about = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        why = _why_not(folder, about, digest_of_atlas(path, parts))
        if not why:
            return _opened(folder, about)
    except AtlasError as error:
        warn(f"{folder} is not used, and all residues are compared. {error}")
        return None
    # What usearch and pyarrow raise of what they cannot read differs with their versions.
    except Exception as error:
        why = f"it is broken ({type(error).__name__}: {error})"
    warn(
        f"{folder} is not used, and all residues are compared: {why}. esm-explore atlas index "
        f"{path} makes it again."
    )
    return None


def _why_not(folder: Path, about: dict, atlas: str) -> str:
    """Say why an index is not to be used; nothing where it is."""
    if about["format"] != FORMAT:
        return f"its format is {about['format']!r}, and this esm_explore reads {FORMAT!r}"
    if about["atlas"] != atlas:
        return "it is of another atlas, or of what this one was before"
    # usearch trusts what it maps: bytes that were changed could end this process.
    for name, digest in about["files"].items():
        if file_digest(folder / name) != digest:
            return f"{name} is not as it was written"
    return ""


def _opened(folder: Path, about: dict) -> LatentIndex:
    graph = usearch_index().restore(folder / LATENTS, view=True)
    graph.expansion_search = about["expansion"]
    rows = pa.ipc.open_file(pa.memory_map(str(folder / ROWS)))
    recall = {int(k): share for k, share in about["recall"].items()}
    return LatentIndex(graph, rows, recall)
