"""The columns of a table of residues, and what its file says of itself."""

from __future__ import annotations

import pyarrow as pa

_SCHEMA = pa.schema(
    {
        "file": pa.string(),
        "chain": pa.string(),
        "number": pa.int64(),
        "insertion_code": pa.string(),
        "name": pa.string(),
        "has_frame": pa.bool_(),
        "token": pa.int64(),
        "margin": pa.float32(),
        "encoder": pa.string(),
    }
)
