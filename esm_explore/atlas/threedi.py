"""3Di letters of residues, where mini3di is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq


def letters_3di(part: Path) -> np.ndarray | None:
    """Give the letter of each residue with a backbone frame.

    Parameters
    ----------
    part : Path
        A file of residues; chains are encoded whole.

    Returns
    -------
    ndarray, shape=(N,), dtype="<U1"
        Empty texts where mini3di masks a residue: at ends, beside gaps. None without mini3di.

    References
    ----------
    van Kempen et al., Nature Biotechnology 42, 243 (2024); mini3di places CB itself.
    """
    try:
        import mini3di
    except ImportError:
        return None
    encoder = mini3di.Encoder()
    table = pq.ParquetFile(part).read(columns=["index", "has_frame", "backbone"])
    backbone = table["backbone"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    backbone = backbone.reshape(-1, 3, 3).astype(np.float64)
    start = np.flatnonzero(table["index"].to_numpy() == 0)
    found = [_of_chain(encoder, chain) for chain in np.split(backbone, start[1:])]
    return np.concatenate(found)[table["has_frame"].to_numpy()]


def _of_chain(encoder: Any, backbone: np.ndarray) -> np.ndarray:
    n, ca, c = (np.ascontiguousarray(backbone[:, i]) for i in range(3))
    # It compares each residue with its neighbors in the chain and in space.
    if len(ca) < 3:
        return np.full(len(ca), "")
    states = encoder.encode_atoms(ca=ca, cb=np.full_like(ca, np.nan), n=n, c=c)
    letters = np.array(list(encoder.build_sequence(states)))
    return np.where(np.ma.getmaskarray(states), "", letters)
