"""The columns of a table of residues, and what its file says of itself."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
import esm
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from esm.utils.structure.protein_chain import ProteinChain


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
