"""What a file or a folder of rows says of itself: who made them, and from what."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version

import esm
import pyarrow as pa

from esm_explore.atlas.schema import FORMAT, MARK, RESIDUES, VERSION
from esm_explore.chains.residues import Numbering
from esm_explore.encoders.identity import EncoderInfo


@dataclass
class Report:
    """What became of the sources.

    Attributes
    ----------
    n_residues, n_chains : int
        Written.
    failures : list of (source, chain or "", message)
    remarks : list of str
        What reading a chain warned of.
    """

    n_residues: int = 0
    n_chains: int = 0
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


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

    def manifest(self, report: Report) -> dict:
        """Say what an atlas holds, as JSON has it."""
        return {
            "format": f"{FORMAT} {VERSION}",
            "encoder": {
                "title": self.encoder.title,
                "digest": self.encoder.digest,
                "n_codes": self.encoder.n_codes,
            },
            "numbering": self.numbering,
            "dtype": self.dtype,
            "versions": {"esm_explore": version("esm_explore"), "esm": esm.__version__},
            "counts": {"residues": report.n_residues, "chains": report.n_chains},
            "failures": [
                dict(zip(("file", "chain", "why"), row, strict=True)) for row in report.failures
            ],
            "remarks": report.remarks,
        }
