"""The rows of a chain in an atlas's table of residues."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from biotite.structure import dihedral

from esm_explore.analysis.annotations import METHOD, annotate
from esm_explore.atlas.schema import DSSP, RESIDUES
from esm_explore.chains.residues import residue_table
from esm_explore.outputs import printable
from esm_explore.parsing.model import BONDED
from esm_explore.tokens.chain_tokens import ChainTokens

_LETTERS = {"helix": "H", "strand": "E", "coil": "C"}
_PSEA = METHOD.split(",")[0]


@dataclass(frozen=True, eq=False)
class Encoded:
    """A chain's tokens, and what the rows hold beside them.

    Attributes
    ----------
    tokens : ChainTokens
    rows : ndarray, shape=(M,), dtype=int64
        Residues with a backbone frame.
    edges : ndarray, shape=(M, K), dtype=int64
        Their neighborhoods, nearest first, the residue itself first of all.
    dssp : str
        DSSP's letters, one a residue; empty where the source has none.
    """

    tokens: ChainTokens
    rows: np.ndarray
    edges: np.ndarray
    dssp: str = ""


def residue_rows(encoded: Encoded, file: str) -> pa.Table:
    """Make the rows of a chain, one a residue; `file` is where it was read from."""
    tokens, chain = encoded.tokens, encoded.tokens.chain
    length = len(tokens)
    known = annotate(chain)
    letters = [_LETTERS.get(word) for word in known["secondary_structure"]]
    phi, psi = _torsions(chain.atom37_positions[:, :3])
    columns = {
        **residue_table(chain, tokens.has_frame, tokens.tokens),
        "file": [file] * length,
        "structure": [printable(chain.id)] * length,
        "index": np.arange(length),
        "amino_acid": list(chain.sequence),
        "ss": list(encoded.dssp) or letters,
        "ss_from": [DSSP if encoded.dssp else _PSEA] * length,
        "phi": phi,
        "psi": psi,
        "burial": known["burial"],
        "margin": tokens.margin,
        "runner_up": tokens.runner_up,
        "latent": _lists(tokens.pre_vq.astype(np.float16)),
        "backbone": pa.FixedSizeListArray.from_arrays(
            pa.array(chain.atom37_positions[:, :3].astype(np.float32).ravel()), 9
        ),
        "neighbors": _neighbors(encoded),
        "encoder": [tokens.encoder_info.title] * length,
    }
    return pa.table(
        [_column(columns[field.name], field.type) for field in RESIDUES], schema=RESIDUES
    )


def _column(values: object, kind: pa.DataType) -> pa.Array:
    if isinstance(values, pa.Array):
        return values.cast(kind)
    return pa.array(values, kind, from_pandas=True)  # NaN is a number that is not known


def _lists(rows: np.ndarray) -> pa.ListArray:
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * rows.shape[1]
    return pa.ListArray.from_arrays(offsets, pa.array(rows.ravel()))


def _neighbors(encoded: Encoded) -> pa.ListArray:
    """Give each residue its neighborhood, as a list; none to those without a frame."""
    width = encoded.edges.shape[1]
    size = np.zeros(len(encoded.tokens), np.int32)
    size[encoded.rows] = width
    offsets = np.concatenate([[0], size.cumsum()]).astype(np.int32)
    values = pa.array(encoded.edges.ravel().astype(np.int32))
    return pa.ListArray.from_arrays(offsets, values)


def _torsions(backbone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute phi and psi in degrees, NaN at ends and beside gaps."""
    n, ca, c = (backbone[:, i].astype(np.float64) for i in range(3))
    phi, psi = np.full((2, len(n)), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        bonded = np.linalg.norm(n[1:] - c[:-1], axis=1) < BONDED
        phi[1:] = np.where(bonded, dihedral(c[:-1], n[1:], ca[1:], c[1:]), np.nan)
        psi[:-1] = np.where(bonded, dihedral(n[:-1], ca[:-1], c[:-1], n[1:]), np.nan)
    return np.degrees(phi), np.degrees(psi)
