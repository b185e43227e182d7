"""The columns of an atlas's two tables."""

from __future__ import annotations

import pyarrow as pa

from esm_explore.atlas.categories import KINDS

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
# Where secondary structure is from, unless it is P-SEA's.
DSSP = "DSSP"

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
