"""The columns of an atlas's two tables, and what a file or a folder says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version

import esm
import numpy as np
import pyarrow as pa
from biotite.structure import dihedral

from esm_explore.analysis.annotations import METHOD, annotate
from esm_explore.atlas.categories import KINDS
from esm_explore.chains.residues import Numbering, residue_table
from esm_explore.encoders.identity import EncoderInfo
from esm_explore.outputs import printable
from esm_explore.parsing.model import BONDED
from esm_explore.tokens.chain_tokens import ChainTokens

VERSION = 3
FORMAT = "esm_explore atlas"
# What a table of residues is known by.
MARK = "esm_explore.schema"

RESIDUES = pa.schema(
    {
        "file": pa.string(),  # where it was read from
        "structure": pa.string(),
        "chain": pa.string(),
        "index": pa.int32(),  # place in the chain, from 0; a chain's rows follow one another
        "number": pa.int64(),
        "insertion_code": pa.string(),
        "name": pa.string(),  # three letters
        "amino_acid": pa.string(),  # one letter
        "ss": pa.string(),  # DSSP's 8 letters, C for coil; of P-SEA H, E and C alone
        "ss_from": pa.string(),  # DSSP or P-SEA
        "phi": pa.float32(),  # degrees
        "psi": pa.float32(),
        "burial": pa.int16(),  # other CA within 10 Å
        "has_frame": pa.bool_(),
        "token": pa.int64(),
        "margin": pa.float32(),
        "runner_up": pa.int64(),  # the second nearest code
        "latent": pa.list_(pa.float16()),
        "backbone": pa.list_(pa.float32(), 9),  # N, CA and C, Å; NaN where an atom is missing
        "neighbors": pa.list_(pa.int32()),  # by index, nearest first, the residue itself among them
        "encoder": pa.string(),
    }
)
# Those that are one value each.
PLAIN = [name for name in RESIDUES.names if name not in ("latent", "backbone", "neighbors")]
_LETTERS = {"helix": "H", "strand": "E", "coil": "C"}
DSSP, PSEA = "DSSP", METHOD.split(",")[0]

_COUNTED = {"token": pa.int32(), "count": pa.int32()}
_FOLLOWING = pa.list_(
    pa.struct({**_COUNTED, "families": pa.int32(), "lift": pa.float32(), "q": pa.float16()})
)
_PLACE = {
    "structure": pa.string(),
    "chain": pa.string(),
    "number": pa.int64(),
    "insertion_code": pa.string(),
    "margin": pa.float32(),
}
EXEMPLAR = pa.struct(
    {
        **_PLACE,
        "distance": pa.float32(),  # of the latent from the mean of the code's latents
        "relative_positions": pa.list_(pa.int16()),  # residue number minus the query's
        "ca": pa.list_(pa.float16()),  # x, y, z of each node in the query's frame, Å
    }
)
NEAR = pa.struct(
    {
        "token": pa.int32(),
        "distance": pa.float16(),  # of the codes
        "divergence": pa.float16(),  # of their annotations, bits; null where too few to tell
        "exchanged": pa.float16(),  # residues of either whose runner-up is the other, a share
    }
)
CODES = pa.schema(
    {
        "token": pa.int32(),
        "count": pa.int64(),  # residues with a backbone frame
        "chains": pa.int32(),
        "families": pa.int32(),
        # From here on a family counts as one average chain, but for counts of categories.
        "share": pa.float64(),
        "share_low": pa.float64(),  # Wilson's 95 % interval
        "share_high": pa.float64(),
        "margin": pa.float32(),  # mean
        "description": pa.string(),
        # Counts a category, in the order that the manifest has.
        **{kind: pa.list_(pa.int32()) for kind in KINDS},
        # The same by family, and last how many residues a kind is known of.
        "weighted": pa.struct({kind: pa.list_(pa.float32()) for kind in KINDS}),
        # How many residues of the code there are in the family of one, on the mean.
        "cluster": pa.struct(dict.fromkeys(KINDS, pa.float32())),
        "borders": pa.list_(pa.struct(_COUNTED)),  # runner-up codes, most frequent first
        "before": _FOLLOWING,  # codes of the residue before, and of the one after
        "after": _FOLLOWING,
        "near": pa.list_(NEAR),  # in the codebook, nearest first
        "meaning": pa.int32(),  # the same number for codes that mean the same
        "exemplars": pa.list_(EXEMPLAR),  # the medoid first, each of another family
        "medoid_backbone": pa.list_(pa.float16()),  # N, CA and C of its nodes, as `ca`
        "edges": pa.list_(pa.struct(_PLACE)),  # the smallest margins, each of another family
    }
)


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
        "ss_from": [DSSP if encoded.dssp else PSEA] * length,
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
