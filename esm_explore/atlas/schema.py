"""The columns of the residues table, and what a file or a folder says of itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version

import esm
import pandas as pd
import pyarrow as pa

from esm_explore.chains.residues import Numbering
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.tokens.chain_tokens import ChainTokens

VERSION = 1
FORMAT = "esm_explore atlas"
# What a table of residues is known by.
MARK = "esm_explore.schema"

RESIDUES = pa.schema(
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


def residue_rows(tokens: ChainTokens, file: str) -> pd.DataFrame:
    """Make the rows of a chain, one a residue; `file` is where it was read from."""
    return tokens.to_frame().assign(file=file, encoder=tokens.encoder_info.title)[RESIDUES.names]


def residues_table(rows: Iterable[pd.DataFrame]) -> pa.Table:
    """Put rows of chains into one table."""
    return pa.Table.from_pandas(pd.concat(rows), RESIDUES, preserve_index=False)


@dataclass(frozen=True)
class Origin:
    """What all rows of a table have in common.

    Attributes
    ----------
    encoder : EncoderInfo
    numbering : {"file", "sequential"}
        Which residue numbers the encoder saw.
    dtype : {"float32", "bfloat16"}
        Of the matrix products.
    """

    encoder: EncoderInfo
    numbering: Numbering
    dtype: str

    def schema(self) -> pa.Schema:
        """Give the residues table's columns, with what its file says of itself."""
        return RESIDUES.with_metadata(
            {
                MARK: str(VERSION),
                "esm_explore.encoder": repr(self.encoder),
                "esm_explore.digest": self.encoder.digest,
                "esm_explore.numbering": self.numbering,
                "esm_explore.dtype": self.dtype,
                "esm.version": esm.__version__,
            }
        )

    def manifest(
        self, n_residues: int, n_chains: int, failures: Iterable[tuple[str, str, str]]
    ) -> dict:
        """Say what an atlas holds, as JSON has it.

        Parameters
        ----------
        n_residues, n_chains : int
        failures : iterable of (source, chain or "", message)
            What could not be read or tokenized.

        Returns
        -------
        dict
        """
        return {
            "format": f"{FORMAT} {VERSION}",
            "encoder": {"title": self.encoder.title, "digest": self.encoder.digest},
            "numbering": self.numbering,
            "dtype": self.dtype,
            "versions": {"esm_explore": version("esm_explore"), "esm": esm.__version__},
            "counts": {"residues": n_residues, "chains": n_chains},
            "failures": [dict(zip(("file", "chain", "why"), row, strict=True)) for row in failures],
        }
